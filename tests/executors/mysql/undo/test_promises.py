"""What is promised of statements whose traces no undoing finds: functions behind views, sequences,
statistics of columns. Live servers decide; the literals stand in tests/planner.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.planner.errors import StatementFailed
from lockgate.planner.guarantees.guarantee import COMPENSATION
from tests.executors.building import apply_plan, open_test_engine, plan_for
from tests.executors.rows import ask, execute

SETUP = (
    "create table boom (v int)",
    "insert into boom values (1), (1)",
    "create table t (a int, b int)",
    "insert into t values (1, 1), (2, 2)",
    "create table lg (id int primary key auto_increment, w varchar(9))",
    "create function fw() returns int begin insert into lg (w) values ('f'); return 1; end",
    "create view vv as select fw() as x",
    "create view `Over` as select x from vv",
    "create view plain as select a, abs(b) as fw from t",
    "create view shadow as select 'fw(1)' as `vv()`",
)
REFUSED = "alter table boom add unique (v)"
BEHIND_VIEWS = {
    "rows": ("create table n (i int)", "insert into n select x from vv", "create table k (i int)"),
    "a query": ("select * from vv",),
    "a view over it": ("select * from `Over`",),
    "a variable": ("set @a = (select x from vv)",),
    "a new view": ("create view w as select fw() as x", "select * from w"),
    "a new view over it": ("create view w as select x from vv", "select * from w"),
    "a new table": ("create table k as select * from vv",),
}
SEQUENCES = {
    "rows by their default": (
        "create table n (id int default nextval(sq) primary key, x int)",
        "insert into n (x) values (1)",
    ),
    "rows of an old table": ("insert into numbered (x) values (1)",),
    "rows of a query": ("create table n (i int)", "insert into n select next value for sq"),
    "a query": ("select nextval(sq)",),
    "other letters": ("select NextVal(`sq`)",),
    "do": ("do nextval(sq)",),
    "a standard query": ("select next value for sq",),
    "a view": ("select * from next_one",),
    "a new column": ("alter table t add column z int default nextval(sq)",),
}
STATISTICS = {
    "mysql": (
        "analyze table t drop histogram on a",
        "analyze table t update histogram on b with 4 buckets",
    ),
    "mariadb": ("analyze table t persistent for columns (b) indexes ()",),
}
HARMLESS = {
    "plain views": ("create table n (i int)", "insert into n select fw from plain",
                    "insert into n select a from plain", "select * from shadow"),
    "views of functions": ("create or replace view vv as select fw() + 1 as x", "drop view plain"),
    "estimates": ("analyze table t", "create table n (i int)"),
}  # fmt: skip


@pytest.fixture
def engine(family_server: Any, family_database: str) -> Iterator[Any]:
    execute(family_server, family_database, *SETUP)
    with open_test_engine(family_server, family_database) as opened:
        yield opened


@pytest.fixture
def mariadb_engine(mariadb_server: Any) -> Iterator[Any]:
    """A session on a MariaDB database with a sequence."""
    database = mariadb_server.new_database()
    execute(
        mariadb_server,
        database,
        *SETUP,
        "create sequence sq start with 5",
        "create table numbered (id int default nextval(sq) primary key, x int)",
        "create view next_one as select nextval(sq) as n",
    )
    with open_test_engine(mariadb_server, database) as opened:
        yield opened
    mariadb_server.drop_database(database)


def plan_of(engine: Any, *statements: str) -> Any:
    return plan_for(engine, {"001_case": ";\n".join(statements)})


def assert_not_promised(engine: Any, statements: Sequence[str], why: str) -> None:
    verdict = plan_of(engine, *statements, REFUSED).verdict
    assert verdict.startswith("NOT ATOMIC after 001_case.sql:")
    assert why in verdict


@pytest.mark.parametrize("case", BEHIND_VIEWS)
def test_a_function_that_a_view_hides_is_seen(engine: Any, case: str) -> None:
    assert_not_promised(engine, BEHIND_VIEWS[case], "through a view it calls the function fw")


@pytest.mark.parametrize("sql", ["insert into n select FW()", "insert into n select `Fw`() as X"])
def test_a_function_is_seen_in_any_letter_case(engine: Any, sql: str) -> None:
    """https://dev.mysql.com/doc/refman/9.7/en/identifier-case-sensitivity.html"""
    assert_not_promised(engine, ("create table n (i int)", sql, "drop view plain"), "function")


@pytest.mark.parametrize("case", SEQUENCES)
def test_a_sequence_that_moves_is_seen(mariadb_engine: Any, case: str) -> None:
    assert_not_promised(mariadb_engine, SEQUENCES[case], "it moves the sequence ")


def test_a_sequence_of_the_plan_goes_with_it(mariadb_engine: Any) -> None:
    statements = (
        "create sequence sm",
        "create table made (id int default nextval(sm) primary key, x int)",
        "insert into made (x) values (1)",
        "delete from numbered",
    )
    assert plan_of(mariadb_engine, *statements).verdict == COMPENSATION
    before = read_catalogue(mariadb_engine.session).objects
    with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
        apply_plan(mariadb_engine, plan_of(mariadb_engine, *statements[:-1], REFUSED))
    assert read_catalogue(mariadb_engine.session).objects == before


@pytest.mark.parametrize(
    "sql",
    ["drop primary key, add primary key (at)", "modify AT timestamp not null"],
)
def test_null_in_a_timestamp_is_not_promised(
    mariadb_engine: Any, mariadb_server: Any, sql: str
) -> None:
    """MariaDB puts the time of now in its place, in strict mode too."""
    made = "create table stamps (id int primary key, at timestamp null)"
    execute(mariadb_server, mariadb_engine.server.database, made)
    why = "NULL becomes another value" if "key" in sql else "turns NULL into another value"
    assert_not_promised(mariadb_engine, (f"alter table stamps {sql}",), why)


def test_statistics_of_columns_are_not_promised(engine: Any) -> None:
    for sql in STATISTICS[engine.server.dialect.name]:
        assert_not_promised(engine, (sql,), "it changes statistics of columns")


@pytest.mark.parametrize("case", HARMLESS)
def test_what_writes_nothing_unseen_is_undone(family_server: Any, engine: Any, case: str) -> None:
    plan = plan_of(engine, *HARMLESS[case], REFUSED)
    assert plan.verdict == COMPENSATION
    before = read_catalogue(engine.session).objects
    with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
        apply_plan(engine, plan)
    assert read_catalogue(engine.session).objects == before
    assert ask(family_server, engine.server.database, "select * from lg") == []


@pytest.mark.parametrize(
    "sql",
    ["insert into n select x from vv", "select * from vv", "select fw()", "select fw() from vv"],
)
def test_what_a_view_or_function_hides_is_rolled_back_with_rows_at_the_end(
    family_server: Any, engine: Any, sql: str
) -> None:
    plan = plan_of(engine, "create table n (i int)", sql, "insert into boom select 'x'")
    assert plan.verdict == COMPENSATION
    database, shown = engine.server.database, "show create table lg"
    before = ask(family_server, database, shown)
    with pytest.raises(StatementFailed, match="All that this plan had done was undone"):
        apply_plan(engine, plan)
    assert ask(family_server, database, "select * from lg") == []
    assert ask(family_server, database, shown) == before
