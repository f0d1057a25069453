"""Statements that the server refuses in the midst of what undoes them: all is as it was before,
and nothing is left of what was made to undo them by."""

from typing import Any

import pytest

from lockgate.executors.events import Event, StatementFinished
from lockgate.planner.errors import StatementFailed
from tests.commands.blocking import read_table
from tests.executors.building import apply_plan, plan_for
from tests.executors.mysql.undo.copying import LIMIT, copying_engine
from tests.executors.rows import ask

SETUP = (
    "create table parent (id int primary key)",
    "create table child (id int primary key, parent_id int, n int, "
    "foreign key (parent_id) references parent (id))",
    "create trigger counts before insert on child for each row set new.n = 1",
    "create table held (id int primary key, n int)",
    "insert into parent values (1), (2)",
    "insert into child values (1, 1, 5), (2, 2, 5)",
    "insert into held values (1, 2), (2, 2)",
)
LOOKS = (
    *("show create table parent", "show create table child", "show create table held"),
    *("show create trigger counts", "select * from child", "select * from held"),
)
LATER = "create table later (id int)"
REFUSED = {
    "a list of which the second is in use": ("drop table child, held", LATER),
    "rows that are copied and not unique": ("update held set id = 1", LATER),
    "a swap of which one is in use": (
        "rename table child to spare, held to child, spare to held",
        LATER,
    ),
    "a column that is copied, of a table in use": ("alter table held drop column n", LATER),
}


engine = copying_engine(*SETUP, timeouts={"lock": "1s"}, retries={"lock": 0})


def seen(server: Any, database: str) -> list[Any]:
    """Definitions and rows, without the moment at which a trigger was made."""
    return [[row[:4] for row in ask(server, database, look)] for look in LOOKS]


def assert_clean(server: Any, engine: Any) -> None:
    database = engine.server.database
    assert ask(server, None, f"show databases like '{database}_lockgate%'") == []
    assert ask(server, database, "select step, statement from lockgate_journal") == []
    assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"


@pytest.mark.parametrize("case", REFUSED)
def test_a_statement_that_is_refused_itself_leaves_nothing(
    family_server: Any, engine: Any, case: str
) -> None:
    database = engine.server.database
    before = seen(family_server, database)
    plan = plan_for(engine, {"001_case": ";\n".join(REFUSED[case])}, copy_limit=LIMIT)
    with read_table(family_server, database, "held"), pytest.raises(StatementFailed):
        apply_plan(engine, plan)
    assert seen(family_server, database) == before
    assert_clean(family_server, engine)
    if "unique" not in case:
        apply_plan(engine, plan)
        assert len(ask(family_server, database, "show tables like 'later'")) == 1


def test_what_a_section_has_set_does_not_hide_a_buried_table(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    sql = f"set sql_quote_show_create = 0;\ndrop table child;\n{LATER}"
    apply_plan(engine, plan_for(engine, {"001_case": sql}))
    assert ask(family_server, None, f"show databases like '{database}_lockgate%'") == []
    assert ask(family_server, database, "show tables like 'child'") == []


def test_a_fault_that_is_none_of_the_servers_leaves_nothing_half_done(
    family_server: Any, engine: Any
) -> None:
    before = seen(family_server, engine.server.database)
    plan = plan_for(engine, {"001_case": f"drop table child;\n{LATER}"})

    def fail_behind_the_first(event: Event) -> None:
        if isinstance(event, StatementFinished):
            raise ValueError("anyone who listens has failed")

    with pytest.raises(ValueError, match="anyone who listens"):
        apply_plan(engine, plan, emit=fail_behind_the_first)
    assert seen(family_server, engine.server.database) == before
    assert_clean(family_server, engine)
    assert apply_plan(engine, plan).outcome == "applied"
