"""The graveyard: what a crash leaves in the middle of a burial comes back as it was."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.mysql.undo.graveyard import Graveyard
from lockgate.executors.resolve import mark
from lockgate.planner.errors import Unresolved
from tests.executors.building import Recorder, apply_plan, open_test_engine, plan_for
from tests.executors.mysql.undo.test_foreign_changes import on_first_statement
from tests.executors.rows import ask, execute

CREATE = (
    "create table orders (id int primary key)",
    "create table invoices (id int primary key, order_id int, parent int, "
    "foreign key (order_id) references orders (id), "
    "constraint own_name foreign key (order_id) references orders (id), "
    "foreign key (parent) references invoices (id))",
)
SHOW = "show create table invoices"


@pytest.fixture
def engine(family_server: Any, family_database: str) -> Iterator[Any]:
    with open_test_engine(family_server, family_database) as opened:
        yield opened


def test_a_table_that_was_only_taken_away_keeps_the_generated_names_of_its_foreign_keys(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    for sql in CREATE:
        execute(family_server, database, sql)
    before = ask(family_server, database, SHOW)
    graveyard = Graveyard(engine.session)
    grave = "1f2e3d4c_1_1_0"
    with engine.lock.hold(0.0, Recorder()):
        graveyard.open()
        execute(family_server, database, f"rename table invoices to {graveyard.place(grave)}")
        graveyard.exhume(grave, "invoices", before[0][1])
        assert ask(family_server, database, SHOW) == before
        graveyard.close()


def test_what_lies_there_is_named_when_a_person_says_that_the_run_is_over(
    family_server: Any, family_database: str, engine: Any
) -> None:
    made = (
        "create table p (id int primary key, v int)",
        "create table c (id int primary key, pid int, foreign key (pid) references p (id))",
        "insert into p values (1, 10)",
        "insert into c values (7, 1)",
    )
    execute(family_server, family_database, *made)
    text = "drop table c;\nalter table p drop column v;\ncreate table fails (a int, a int)"
    plan = plan_for(engine, {"001_a": text}, copy_limit=10_000_000)
    gone = on_first_statement(lambda: execute(family_server, family_database, "delete from p"))
    with pytest.raises(Unresolved, match="without a parent"):
        apply_plan(engine, plan, emit=gone)
    execute(family_server, family_database, "drop table c")
    with engine.lock.hold(0.0, Recorder()):
        half = mark(
            engine, engine.store.read_ledger(), "001", applied=False, reason="r", emit=Recorder()
        )
    told, *listed, remove, last = half.left
    graveyard = Graveyard(engine.session)
    assert told == f"What the run had put aside is still in the schema {graveyard.name}:"
    assert ["a copy of v of p as it was" in line for line in listed] == [True]
    for line in listed:
        ask(family_server, None, line.partition(": ")[2])
    execute(family_server, None, remove.partition(": ")[2], last.partition(": ")[2])
    schemas = ask(family_server, None, "show schemas")
    assert (graveyard.name,) not in schemas


def test_a_dropped_table_is_named_with_the_rows_that_it_has(
    family_server: Any, family_database: str, engine: Any
) -> None:
    made = ("create table p (id int primary key, v int)", "insert into p values (1, 10)")
    execute(family_server, family_database, *made)
    text = "drop table p;\ncreate table fails (a int, a int)"
    plan = plan_for(engine, {"001_a": text})
    where = family_server, family_database
    taken = on_first_statement(lambda: execute(*where, "create table p (i int)"))
    with pytest.raises(Unresolved):
        apply_plan(engine, plan, emit=taken)
    with engine.lock.hold(0.0, Recorder()):
        half = mark(
            engine, engine.store.read_ledger(), "001", applied=False, reason="r", emit=Recorder()
        )
    line = half.left[1]
    assert "the table p, which the plan has dropped" in line
    assert ask(family_server, None, line.partition(": ")[2]) == [(1, 10)]
    execute(family_server, None, half.left[2].partition(": ")[2], half.left[3].partition(": ")[2])
