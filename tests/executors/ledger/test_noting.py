"""What other tools are to note of migrations: the SQL on their tables, as they make these.

The tools that can be run here follow it in `tests/real/test_adoption.py`.
"""

from typing import Any

import pytest

from lockgate.planner.adoption.noting import Noting
from lockgate.planner.adoption.recognition import known_tools
from lockgate.planner.adoption.tool import AppliedThere, MigrationTool
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.migrations.migration import Migration, SourceFile
from lockgate.planner.sql.dialect import DIALECTS

TOOLS = {tool.name: tool for tool in known_tools()}
NUMBER = {
    "postgresql": "serial",
    "mysql": "bigint auto_increment",
    "mariadb": "bigint auto_increment",
}
BYTES = {"postgresql": "bytea", "mysql": "blob", "mariadb": "blob"}
TABLES = {
    "dbmate": "schema_migrations (version varchar(128) primary key)",
    "Rails": "schema_migrations (version varchar(255) primary key)",
    "goose": "goose_db_version (id {number} primary key, version_id bigint not null, is_applied "
    "boolean not null, tstamp timestamp not null default current_timestamp)",
    "Flyway": "flyway_schema_history (installed_rank int primary key, version varchar(50), "
    "description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null, "
    "checksum int, installed_by varchar(100) not null, installed_on timestamp not null default "
    "current_timestamp, execution_time int not null, success boolean not null)",
    "Liquibase": "{upper} (id varchar(255) not null, author varchar(255) not null, filename "
    "varchar(255) not null, dateexecuted timestamp not null, orderexecuted int not null, exectype "
    "varchar(10) not null, md5sum varchar(35), description varchar(255), comments varchar(255), "
    "tag varchar(255), liquibase varchar(20))",
    "sqlx": "_sqlx_migrations (version bigint primary key, description text not null, installed_on "
    "timestamp not null default current_timestamp, success boolean not null, checksum {bytes} not "
    "null, execution_time bigint not null)",
    "refinery": "refinery_schema_history (version int primary key, name varchar(255), applied_on "
    "varchar(255), checksum varchar(255))",
    "Drizzle": "__drizzle_migrations (id {number} primary key, hash text not null, created_at "
    "bigint)",
    "node-pg-migrate": "pgmigrations (id {number} primary key, name varchar(255) not null, run_on "
    "timestamp not null)",
    "sql-migrate": "gorp_migrations (id varchar(255) primary key, applied_at timestamp null)",
    "knex": "knex_migrations (id {number} primary key, name varchar(255), batch int, "
    "migration_time timestamp null)",
}
PLACES = {
    "Flyway": "more/V{n}__it's_more.sql",
    "refinery": "V{n}__it_is.sql",
    "Liquibase": "a.sql",
}


def migrations_of(tool: str) -> list[Migration]:
    """Two migrations, as the tool's format reads them."""
    found = []
    for n in (1, 2):
        version = f"a.sql::{n}::ann" if tool == "Liquibase" else f"2024010{n}"
        name = PLACES.get(tool, "{n}_it's_more.sql").format(n=version)
        stem = name.rpartition("/")[2].removesuffix(".sql")
        title = stem.partition("__" if "__" in stem else "_")[2]
        text = f"-- it's\ncreate table t{n} (id int);\n"
        files = [SourceFile(name, text, "up")]
        files += [SourceFile("j", f"17000000000{n}\n", "header")] if tool == "Drizzle" else []
        found.append(Migration(version, title, name, "", (), tuple(files)))
    return found


@pytest.mark.parametrize("name", TABLES)
def test_what_a_tool_is_to_note_is_what_it_says_then(
    name: str, any_server: Any, any_database: str
) -> None:
    tool, engine = TOOLS[name], any_server.engine
    if name == "node-pg-migrate" and engine != "postgresql":
        return
    upper = "databasechangelog" if engine == "postgresql" else "DATABASECHANGELOG"
    made = TABLES[name].format(number=NUMBER[engine], bytes=BYTES[engine], upper=upper)
    first, second = migrations_of(name)
    table = FoundTable("x", made.partition(" ")[0], frozenset())
    with any_server.connect(any_database) as connection, connection.cursor() as cursor:
        cursor.execute(f"create table {made}")

        def told() -> Any:
            columns = ", ".join(sorted(tool.columns))
            cursor.execute(f"select {columns} from {table.name}")
            rows = cursor.fetchall()
            return tool.read([dict(zip(sorted(tool.columns), row, strict=True)) for row in rows])

        def follow(lines: Any) -> None:
            for line in lines:
                cursor.execute(line.replace("%", "%%") if engine == "postgresql" else line)

        if tool.single_row:
            follow([f"insert into {table.name} values (20240102, false)"])
        for chosen in () if tool.single_row else (first, second):
            follow(tool.note(Noting(table, DIALECTS[engine], (chosen,), {}, chosen)))
        testimony = told()
        assert not testimony.troubles
        rows = dict(zip([first.key, second.key], testimony.applied, strict=False))
        for migration, row in zip((first, second), testimony.applied, strict=False):
            assert row.version == migration.version or tool.is_of(migration, row)
            if name != "Liquibase":
                assert tool.verify(migration, row, ()) is not False
        if name in ("sqlx", "Flyway", "refinery", "Drizzle"):
            assert tool.verify(second, testimony.applied[1], ()) is True
        assert len(testimony.versions) == 2
        follow(tool.forget(Noting(table, DIALECTS[engine], (second,), rows, first)))
        assert told().versions == testimony.versions[:1]


def noting(tool: MigrationTool, *, last: bool = True) -> Noting:
    """A note on two migrations, of which the tool has rows by other names."""
    chosen = tuple(migrations_of(tool.name))
    return Noting(
        FoundTable("app", "a-b", frozenset(), is_default=False),
        DIALECTS["postgresql"], chosen,
        {one.key: AppliedThere(f"v{one.version}", f"n{one.version}") for one in chosen},
        chosen[1] if last else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("golang-migrate", ["migrate -path DIR -database URL force 20240102   (the program of "
                            "golang-migrate)"]),
        ("Prisma", ["prisma migrate resolve --applied 20240101_it's_more.sql",
                    "prisma migrate resolve --applied 20240102_it's_more.sql"]),
        ("Sqitch", ["sqitch deploy --log-only --to-change 20240102 TARGET"]),
        ("Atlas", ["atlas migrate hash --dir file://DIR",
                   "atlas migrate set 20240102 --url URL --dir file://DIR"]),
        ("Supabase", ["supabase migration repair --db-url URL --status applied 20240101",
                      "supabase migration repair --db-url URL --status applied 20240102"]),
        ("yoyo", ["yoyo mark --batch --database URL --match '^20240101$' DIR",
                  "yoyo mark --batch --database URL --match '^20240102$' DIR"]),
        ("dbmate", ["insert into app.\"a-b\" (version) values ('20240101');",
                    "insert into app.\"a-b\" (version) values ('20240102');"]),
    ],
)  # fmt: skip
def test_a_tool_with_a_command_for_it_takes_that(name: str, lines: list[str]) -> None:
    assert list(TOOLS[name].note(noting(TOOLS[name]))) == lines


@pytest.mark.parametrize(
    ("name", "last", "first_line"),
    [
        ("golang-migrate", False, "migrate -path DIR -database URL force -- -1 "),
        ("Sqitch", True, "sqitch revert -y --log-only --to-change 20240102 TARGET"),
        ("Sqitch", False, "sqitch revert -y --log-only TARGET"),
        ("Atlas", False, "delete from app.\"a-b\" where version = 'v20240101';"),
        ("Prisma", True, "delete from app.\"a-b\" where migration_name = 'n20240101';"),
        ("Supabase", True, "supabase migration repair --db-url URL --status reverted v20240101"),
        ("yoyo", True, "yoyo unmark --batch --database URL --match '^v20240102$' DIR"),
        ("graphile-migrate", True, "delete from app.\"a-b\" where filename = 'n20240102';"),
    ],
)
def test_what_is_rolled_back_is_named_as_the_tool_names_it(
    name: str, last: bool, first_line: str
) -> None:
    assert next(iter(TOOLS[name].forget(noting(TOOLS[name], last=last)))).startswith(first_line)


@pytest.mark.parametrize("tool", known_tools(), ids=lambda tool: tool.name)
def test_each_tool_says_how_it_is_made_to_know(tool: MigrationTool) -> None:
    assert tool.reads_all or (tool.marking and tool.unmarking)
    assert not tool.reads_all or tool.note(noting(tool))
