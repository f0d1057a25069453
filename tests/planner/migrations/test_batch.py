"""`-- migrate:batch` and `-- migrate:until` in a file: what they say, and what is refused."""

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.migration import Section
from lockgate.planner.plan.statement import Batch, Limit
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect

DIALECTS = pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB], ids=lambda d: d.name)
FILE = """\
-- migrate:up
-- migrate:batch key=id size=5000 pause=50ms throttle=running<40,oldest<10m target=2s
update users set norm = lower(email)
where id > {{lo}} and id <= {{hi}} and norm is null;
-- migrate:until not exists (select 1 from users where norm is null)
-- migrate:down
-- migrate:batch key=id
update users set norm = null where id > {{lo}} and id <= {{hi}};
"""


def read(text: str, dialect: Dialect = POSTGRESQL, **variables: str) -> Section:
    migration = read_migration("001_x.sql", text.encode(), dialect)
    return parse_sections(migration, dialect, variables).up


def batch_of(text: str, dialect: Dialect = POSTGRESQL, **variables: str) -> Batch:
    batch = read(text, dialect, **variables).batch
    assert batch is not None
    return batch


@DIALECTS
def test_a_section_in_batches_is_read(dialect: Dialect) -> None:
    section = read(FILE, dialect)
    batch = section.batch
    assert batch is not None
    assert not section.transactional
    assert (batch.key, batch.table.name, batch.size) == (("id",), "users", 5000)
    assert (batch.pause_ms, batch.target_ms) == (50, 2000)
    assert batch.throttles == (
        Limit(gauge="running", below=40),
        Limit(gauge="oldest", below=600_000),
    )
    assert batch.until == "not exists (select 1 from users where norm is null)"
    filled = batch.fill(section.statements[0].sql, "1", "9", is_first=False)
    assert "where id > 1 and id <= 9 and norm" in filled
    assert "where id >= 1 and" in batch.fill(section.statements[0].sql, "1", "9", is_first=True)


def test_names_are_read_as_the_server_reads_them() -> None:
    text = FILE.replace("key=id size", 'key="Tenant Id",USER_id table=app.Users size')
    batch = batch_of(text)
    assert batch.key == ("Tenant Id", "user_id")
    assert (batch.table.qualifier, batch.table.name) == ("app", "users")


def test_a_template_leaves_the_bounds_to_the_batches() -> None:
    text = "-- migrate:template jinja\n" + FILE.replace("lower(email)", "{{ how }}(email)")
    assert batch_of(text, how="upper").slots
    with pytest.raises(MigrationFileError, match="a variable lo"):
        batch_of(text, how="upper", lo="1")


def test_other_gauges_are_postgresqls_own() -> None:
    text = FILE.replace("oldest<10m", "lag<5s,wal<2GB")
    assert [each.gauge for each in batch_of(text).throttles] == ["running", "lag", "wal"]
    with pytest.raises(MigrationFileError, match=r"`lag<5s`: a server of mysql does not tell it"):
        read(text, MYSQL)


WRONG = {
    "key=id ": ("", 2, "names no key"),
    "size=5000": ("size=0", 2, "no number of rows"),
    "pause=50ms": ("pause=50", 2, "whole number with a unit"),
    "target=2s": ("target=2s target=3s", 2, "twice"),
    "running<40": ("running<many", 2, "no number of sessions"),
    "oldest<10m": ("load<3", 2, "is none"),
    "size=5000 ": ("sizes=5000 ", 2, "not an option"),
    "> {{lo}}": (">= {{lo}}", 4, "is after `>=`"),
    "<= {{hi}}": ("< {{hi}}", 4, "is after `<`"),
    "id > {{lo}} and ": ("", 3, "has no `{{lo}}`"),
    "> {{lo}} and id <= {{hi}}": ("between {{lo}} and {{hi}}", 4, "is after `between`"),
    "{{hi}}": ("'{{hi}}'", 4, "in a string or a comment"),
    "{{lo}}": ("{{low}}", 4, "is no bound"),
    "null;\n-- migrate:until": ("null; select 1;\n-- migrate:until", 4, "holds one statement"),
    "-- migrate:until not": ("-- migrate:until nott x", 5, "is no condition"),
    "-- migrate:until": ("-- migrate:until 1 = 1\n-- migrate:until", 6, "a second"),
    "-- migrate:batch key=id size": ("-- migrate:allow x y\n-- size", 4, "does not run in batches"),
    "update users set norm = lower(email)": ("insert into x select * from users", 2, "which table"),
}


@pytest.mark.parametrize("right", WRONG)
def test_a_mistake_is_refused_with_its_line(right: str) -> None:
    wrong, line, words = WRONG[right]
    text = FILE.replace(right, wrong, 1)
    if "size" in right and "allow" in wrong:
        text = text.replace("-- migrate:until", "--", 1)
    with pytest.raises(MigrationFileError) as refused:
        read(text)
    assert words in refused.value.what, refused.value.what
    assert (str(refused.value.path), refused.value.line) == ("001_x.sql", line)


def test_ddl_does_not_run_in_batches() -> None:
    text = FILE.replace("update users set norm = lower(email)", "create table x as select 1")
    with pytest.raises(MigrationFileError, match="cannot run in batches"):
        read(text)


@DIALECTS
def test_the_key_is_not_changed_by_the_statement(dialect: Dialect) -> None:
    with pytest.raises(MigrationFileError, match="changes id, by which"):
        read(FILE.replace("set norm =", "set id =", 1), dialect)


@DIALECTS
@pytest.mark.parametrize(
    ("walked", "written", "grows"),
    [
        ("users", "users", True),
        ("users", "Users", True),
        ("users", "public.users", True),
        ("shop.users", "shop.users", True),
        ("shop.users", "users", True),
        ("users", "archive.users", False),
        ("users", "copies", False),
    ],
)
def test_a_table_that_grows_by_its_batches_is_not_walked(
    dialect: Dialect, walked: str, written: str, grows: bool
) -> None:
    """The walk would meet the new rows, and add more for them."""
    inserting = f"insert into {written} (id, norm) select -id, email from users"
    text = FILE.replace("update users set norm = lower(email)", inserting, 1)
    text = text.replace("key=id ", f"key=id table={walked} ", 1)
    if not grows:
        assert read(text, dialect).batch
        return
    with pytest.raises(MigrationFileError, match="adds rows to users, which it walks"):
        read(text, dialect)


def test_a_bound_in_a_string_of_any_other_statement_is_text() -> None:
    section = read("-- migrate:up\ninsert into t values ('{{lo}}');\n")
    assert section.statements[0].sql == "insert into t values ('{{lo}}')"
