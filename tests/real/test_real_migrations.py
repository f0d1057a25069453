"""Migration sets that nobody here wrote come out of lockgate as out of the server's own client."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgast
import pytest

from lockgate.executors.ledger.tables import OWN_NAMES
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from lockgate.planner.sql.statements import split_statements
from tests.commands.client import BASE
from tests.commands.forked import Forked
from tests.real.convert import RealMigration, write_migrations
from tests.real.fetch import fetch_graphile_worker, fetch_procrastinate, fetch_roundcube
from tests.real.graphile_worker import read_graphile_worker
from tests.real.procrastinate import read_procrastinate
from tests.real.roundcube import read_roundcube_mysql, read_roundcube_postgres

READERS: dict[str, Callable[[], list[RealMigration]]] = {
    "procrastinate": lambda: read_procrastinate(fetch_procrastinate()),
    "graphile-worker": lambda: read_graphile_worker(fetch_graphile_worker()),
    "roundcube-postgres": lambda: read_roundcube_postgres(fetch_roundcube()),
    "roundcube-mysql": lambda: read_roundcube_mysql(fetch_roundcube()),
}
POSTGRES_SETS = ("procrastinate", "graphile-worker", "roundcube-postgres")
ROUNDCUBES = (
    ("roundcube-postgres", "postgres", "postgres.initial.sql"),
    ("roundcube-mysql", "mysql", "mysql.initial.sql"),
    ("roundcube-mysql", "mariadb", "mysql.initial.sql"),
)
CASES = [
    *((name, "postgres") for name in POSTGRES_SETS),
    ("roundcube-mysql", "mysql"),
    ("roundcube-mysql", "mariadb"),
]
DIALECTS: dict[str, Dialect] = {one.name: one for one in (POSTGRESQL, MYSQL, MARIADB)}

ENVIRONMENT = """\
engine: {engine}
database: {{url_env: TEST_URL}}
migrations: migrations
policy: {{non_atomic: allow}}
"""

OBJECT = re.compile(r"^(?=--\n-- |-- [A-Z ]+ `)", re.MULTILINE)
"""Where a dump goes on to the next object: pg_dump's way, and that of our MySQL dump."""

OURS = re.compile(rf"--\n?.*\b(?:schema_migrations|{'|'.join(OWN_NAMES.values())})")
"""The heading of an object of lockgate's own, its keys and rows included."""

STORAGE = re.compile(r"^SET default_table\w+ = .*\n+", re.MULTILINE)
"""pg_dump writes these before its first table, whosever that is."""

OUTER = re.compile(r"^(?:\s|--[^\n]*\n|/\*.*?\*/)+|(?:\s|--[^\n]*$|/\*[^*]*\*/)+\Z", re.DOTALL)
"""White space and comments around a statement."""

COLUMNS = """\
select table_name, column_name, is_nullable from information_schema.columns
where table_schema = %s order by table_name, column_name"""


@dataclass(frozen=True)
class Workbench:
    """A server and the databases of one test on it."""

    server: Any
    databases: list[str]

    def new_database(self) -> str:
        """The name of a fresh database, dropped when the test ends."""
        self.databases.append(self.server.new_database())
        return self.databases[-1]

    def objects(self, database: str) -> str:
        """The dump of all that is not lockgate's own, without the database's name."""
        dump = STORAGE.sub("", self.server.dump(database)).replace(database, "<database>")
        return "".join(part for part in OBJECT.split(dump) if not OURS.match(part))

    def columns(self, database: str) -> list[tuple[str, str, str]]:
        """Table, column and whether it may be null, for all columns in order of name."""
        schema = "public" if self.server.engine == "postgresql" else database
        with self.server.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(COLUMNS, (schema,))
            return list(cursor.fetchall())

    def run_natively(self, database: str, sql: str, transactional: bool) -> None:
        """Gives SQL to the server's own client; where DDL has transactions, in one."""
        argv = self.server.client_argv(database)
        if transactional and DIALECTS[self.server.engine].transactional_ddl:
            argv = [*argv, "--single-transaction"]
        done = subprocess.run(argv, input=sql, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{sql}"


@pytest.fixture
def bench(request: pytest.FixtureRequest, engine: str) -> Iterator[Workbench]:
    server = request.getfixturevalue(f"{engine}_server")
    bench = Workbench(server, [])
    yield bench
    for database in bench.databases:
        server.drop_database(database)


@pytest.fixture
def migrations(set_name: str) -> list[RealMigration]:
    return READERS[set_name]()


@pytest.fixture
def native(bench: Workbench, migrations: list[RealMigration]) -> str:
    """The database that the server's own client makes of the set."""
    database = bench.new_database()
    for migration in migrations:
        bench.run_natively(database, migration.up, migration.transactional)
    return database


@pytest.fixture
def project(bench: Workbench, migrations: list[RealMigration], tmp_path: Path) -> Path:
    """A folder with the set as lockgate's files, and an environment `dev`."""
    write_migrations(migrations, tmp_path / "migrations")
    (tmp_path / "environments").mkdir()
    environment = ENVIRONMENT.format(engine=bench.server.engine)
    (tmp_path / "environments" / "dev.yaml").write_text(environment)
    return tmp_path


def migrate(project: Path, url: str, *arguments: str) -> None:
    """Runs lockgate's command line as a user does, in the project's folder."""
    process = Forked(
        [*arguments, "-e", "dev"], cwd=project, env={**BASE, "TEST_URL": url},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    out, _ = process.communicate()
    assert process.returncode == 0, f"exit {process.returncode}\n{out}"


@pytest.mark.parametrize(("set_name", "engine"), CASES)
def test_up_down_and_up_again_make_what_the_native_client_makes(
    bench: Workbench, native: str, project: Path
) -> None:
    expected = bench.objects(native)
    database = bench.new_database()
    nothing = bench.objects(database)
    url = bench.server.url(database)
    migrate(project, url, "up")
    assert bench.objects(database) == expected
    migrate(project, url, "down", "--to", "0")
    assert bench.objects(database) == nothing
    migrate(project, url, "up")
    assert bench.objects(database) == expected


@pytest.mark.parametrize(("set_name", "engine"), CASES)
def test_the_converted_downs_leave_nothing_behind(
    bench: Workbench, native: str, migrations: list[RealMigration]
) -> None:
    assert bench.objects(native) != bench.objects(fresh := bench.new_database())
    for migration in reversed(migrations):
        bench.run_natively(native, migration.down, transactional=True)
    assert bench.objects(native) == bench.objects(fresh)


@pytest.mark.parametrize(("set_name", "engine"), CASES)
def test_our_statements_one_by_one_make_what_the_native_client_makes(
    bench: Workbench, native: str, migrations: list[RealMigration]
) -> None:
    database = bench.new_database()
    dialect = DIALECTS[bench.server.engine]
    with bench.server.connect(database) as connection, connection.cursor() as cursor:
        for statement in (one for each in migrations for one in statements_of(each, dialect)):
            cursor.execute(statement)
    assert bench.objects(database) == bench.objects(native)


def statements_of(migration: RealMigration, dialect: Dialect) -> list[str]:
    """What to send to the server, one by one, for a migration's up section."""
    statements = [statement.sql for statement in split_statements(migration.up, dialect)]
    return ["begin", *statements, "commit"] if migration.transactional else statements


@pytest.mark.parametrize("set_name", POSTGRES_SETS)
def test_our_split_is_that_of_postgres_own_parser(migrations: list[RealMigration]) -> None:
    for migration in migrations:
        ours = [statement.sql for statement in split_statements(migration.text, POSTGRESQL)]
        theirs = postgast.split(migration.text)
        assert [OUTER.sub("", sql) for sql in ours] == [OUTER.sub("", sql) for sql in theirs]


@pytest.mark.parametrize(("set_name", "engine", "newest"), ROUNDCUBES)
def test_the_upgrades_of_roundcube_arrive_at_its_own_newest_schema(
    bench: Workbench, native: str, newest: str
) -> None:
    """Proves the base that we wrote, since the package holds no schema of release 0.1.

    Names of constraints and the order of columns differ between the two in the original too.
    """
    database = bench.new_database()
    schema = (fetch_roundcube() / newest).read_text(encoding="utf-8")
    bench.run_natively(database, schema, transactional=True)
    assert bench.columns(native) == bench.columns(database)
