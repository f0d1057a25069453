"""A fleet on a test server: some databases, or schemas of one, and the project that is for them."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.commands.running import Project, Result, succeed

FILES = ("001_users", "002_orders", "003_items")


class Fleet:
    """Targets on a server, and the environment `live` whose fleet they are; `names` are theirs.

    On PostgreSQL they are schemas of one database, unless `as_databases`.
    """

    def __init__(self, folder: Path, server: Any, names: Sequence[str], *, as_databases: bool):
        self.server = server
        self.as_databases = as_databases
        self.prefix = f"f{secrets.token_hex(4)}_"
        self.names = [self.prefix + name for name in names]
        self.home = server.new_database()
        self.project = Project(folder, server.url(self.home))
        for name in self.names:
            self.create(name)
        self.configure()
        for number, name in enumerate(FILES, 1):
            self.write(number, name)

    def close(self) -> None:
        self.project.close()
        for database in [self.home, *(self.names if self.as_databases else [])]:
            self.server.drop_database(database)

    def configure(self, fleet: str = "", more: str = "") -> None:
        """Writes environments/live.yaml: keys of its fleet, one a line, and more keys."""
        way = "databases" if self.as_databases else "schemas"
        lines = [f'targets: {{{way}: "{self.prefix}%"}}', *fleet.strip().splitlines()]
        kept = "".join(f"  {line}\n" for line in lines)
        self.project.write_environment(
            "live",
            f"engine: {self.project.engine}\ndatabase: {{url_env: TEST_URL}}\nfleet:\n{kept}{more}",
        )

    def write(self, number: int, name: str, more: str = "") -> None:
        """Writes a migration that makes a table of its name."""
        table = name.partition("_")[2]
        self.project.write(
            f"{name}.sql",
            f"create table {table} (id int primary key, text varchar(20));\n{more}",
            f"drop table {table};",
        )

    def create(self, name: str) -> None:
        """Makes one more target."""
        kind = "database" if self.as_databases else "schema"
        self.run(self.home, f"create {kind} {self.quote(name)}")

    def quote(self, name: str) -> str:
        mark = '"' if self.project.engine == "postgresql" else "`"
        return mark + name.replace(mark, mark * 2) + mark

    def run(self, target: str, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement that somebody else runs in a target, or in the home database."""
        database = target if self.as_databases or target == self.home else self.home
        with closing(self.server.connect(database)) as connection:
            cursor = connection.cursor()
            if database != target:
                cursor.execute(f"set search_path = {self.quote(target)}")
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def applied(self, target: str) -> list[str]:
        """The versions that the target's own history has."""
        rows = self.run(target, "select version from schema_migrations order by version")
        return [version for (version,) in rows]

    def migrate(self, *arguments: str, **context: Any) -> Result:
        return self.project.migrate(*arguments, **context)

    def plan(self, *options: str) -> dict[str, Any]:
        """The plan of `migrate plan -e live`, as its file holds it."""
        document = succeed(self.migrate("plan", "-e", "live", "--json", *options)).document
        assert isinstance(document, dict)
        return document

    def up(self, *options: str) -> Result:
        """Plans and applies."""
        self.plan(*options)
        return succeed(self.migrate("apply", "plan.json"))

    def states(self) -> dict[str, str]:
        """Each target's state by `migrate status`, by its name without the prefix."""
        shown = succeed(self.migrate("status", "-e", "live", "--json")).document
        return {one["name"].removeprefix(self.prefix): one["state"] for one in shown["targets"]}


@contextmanager
def opened(
    folder: Path, server: Any, names: Sequence[str], *, as_databases: bool = False
) -> Iterator[Fleet]:
    """A fleet for the block; on MySQL and MariaDB always of databases."""
    apart = as_databases or server.engine != "postgresql"
    fleet = Fleet(folder, server, names, as_databases=apart)
    try:
        yield fleet
    finally:
        fleet.close()
