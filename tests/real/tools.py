"""Other migration tools as their makers publish them, to run on a database before or beside us.

What npm and pip bring is kept outside of the checkout from run to run.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.real.fetch import npm, pip, run
from tests.servers.fetch import cached

PACKAGES = (
    "node-pg-migrate@9.0.0",
    "pg@8.23.1",
    "graphile-migrate@1.4.1",
    "drizzle-orm@0.45.4",
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
const { drizzle } = require("drizzle-orm/node-postgres");
const { migrate } = require("drizzle-orm/node-postgres/migrator");
const { Pool } = require("pg");
const pool = new Pool({ connectionString: process.argv[2] });
migrate(drizzle(pool), { migrationsFolder: process.argv[3] })
  .then(() => pool.end())
  .catch((error) => { console.error(error); process.exit(1); });
"""


def node_tools() -> Path:
    """The folder with the tools of npm, in `node_modules`."""
    return cached("migration-tools-1", _install_node_tools)


def yoyo_home() -> Path:
    """The folder with yoyo, for PYTHONPATH."""
    return cached("yoyo-9.0.0-3", lambda folder: pip("install", "--target", str(folder), *WHEELS))


def _install_node_tools(folder: Path) -> None:
    run([*npm(), "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder),
         *PACKAGES])  # fmt: skip
    (folder / "drizzle.js").write_text(DRIZZLE)


def run_tool(name: str, url: str, migrations: Path) -> None:
    """Applies a folder's migrations by the tool itself, on PostgreSQL."""
    RUNNERS[name](url, migrations)


def _dbmate(url: str, migrations: Path) -> None:
    binary = node_tools() / "node_modules/@dbmate/linux-x64/bin/dbmate"
    _run([str(binary), "--url", f"{url}?sslmode=disable", "--migrations-dir", str(migrations),
          "--no-dump-schema", "up"], migrations)  # fmt: skip


def _node_pg_migrate(url: str, migrations: Path) -> None:
    script = node_tools() / "node_modules/node-pg-migrate/bin/node-pg-migrate.js"
    _run(["node", str(script), "up", "-m", str(migrations)], migrations, {"DATABASE_URL": url})


def _graphile_migrate(url: str, migrations: Path) -> None:
    script = node_tools() / "node_modules/graphile-migrate/dist/cli.js"
    (migrations.parent / ".gmrc").write_text("{}")
    root = f"{url.rpartition('/')[0]}/postgres"  # asked for by its settings, and not used
    environ = {"DATABASE_URL": url, "SHADOW_DATABASE_URL": f"{url}_no", "ROOT_DATABASE_URL": root}
    _run(["node", str(script), "migrate"], migrations.parent, environ)


def _drizzle(url: str, migrations: Path) -> None:
    _run(["node", str(node_tools() / "drizzle.js"), url, str(migrations)], migrations)


def _yoyo(url: str, migrations: Path) -> None:
    target = url.replace("postgresql://", "postgresql+psycopg://")
    _run([sys.executable, "-m", "yoyo", "apply", "--batch", "--no-config-file", "--database",
          target, str(migrations)], migrations, {"PYTHONPATH": str(yoyo_home())})  # fmt: skip


RUNNERS = {
    "dbmate": _dbmate,
    "node-pg-migrate": _node_pg_migrate,
    "graphile-migrate": _graphile_migrate,
    "drizzle": _drizzle,
    "yoyo": _yoyo,
}


def _run(argv: list[str], folder: Path, environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **(environ or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
