"""Plans that MySQL and MariaDB commit statement by statement, and that end whole or undone.

What was before is compared past the executor: its definitions, rows and counters.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
import pytest

from lockgate.executors.events import StatementFinished, Undoing
from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.planner.errors import StalePlan, StatementFailed, Unresolved
from tests.executors.building import (
    Recorder,
    apply_plan,
    failure_of,
    open_test_engine,
    plan_for,
)
from tests.executors.mysql.undo.cases import COMPENSATED, COPIED, DEFERRED, REFUSED, SETUP
from tests.executors.mysql.undo.copying import LIMIT, open_copying_engine
from tests.executors.rows import ask, execute
from tests.proxy import Direction, Proxy


@pytest.fixture
def database(family_server: Any, family_database: str) -> str:
    """A database with an object of each kind."""
    execute(family_server, family_database, *SETUP)
    return family_database


@pytest.fixture
def engine(family_server: Any, database: str) -> Iterator[Any]:
    """A session that may copy rows."""
    with open_copying_engine(family_server, database) as opened:
        yield opened


def state(server: Any, engine: Any) -> tuple[Any, list[str]]:
    """The definitions of a database; and of each table the rows and the counter."""
    dump = server.dump(engine.server.database)
    parts = re.split(r"^-- (?=[A-Z]+ `)", dump, flags=re.MULTILINE)
    own = [part for part in parts if not re.match("TABLE `(lockgate_|schema_mig)", part)]
    facts = re.findall(r"^TABLE `.*`$|^-- row .*$|AUTO_INCREMENT=\d+", "\n".join(own), re.M)
    return read_catalogue(engine.session).objects, facts


def plan_of(engine: Any, statements: Sequence[str]) -> Any:
    return plan_for(engine, {"001_case": ";\n".join(statements)}, copy_limit=LIMIT)


def guarantees(plan: Any) -> set[str]:
    return {statement.guarantee for step in plan.steps for statement in step.statements}


def leftovers(server: Any, engine: Any) -> list[Any]:
    """What a run may leave behind: its graveyard, and rows of the journal."""
    schemas = f"show databases like '{engine.server.database}_lockgate%'"
    return ask(server, None, schemas) + ask(
        server, engine.server.database, "select step, statement from lockgate_journal"
    )


def assert_undone(server: Any, engine: Any, statements: Sequence[str], *expected: str) -> None:
    """Runs statements and one that is refused: all is as it was, twice."""
    before = state(server, engine)
    plan = plan_of(engine, (*statements, REFUSED))
    assert guarantees(plan) <= {*expected, "transactional", "implied", "compensated"}
    assert guarantees(plan) >= set(expected)
    for _ in range(2):
        with pytest.raises(StatementFailed, match=r"\(1062\)"):
            apply_plan(engine, plan)
        assert state(server, engine) == before
        assert leftovers(server, engine) == []
        assert engine.store.runs.read_runs(1)[0].status == "ROLLED_BACK"
    assert engine.store.read_ledger().unresolved == ()


@pytest.mark.parametrize("case", COMPENSATED)
def test_definitions_are_as_they_were_after_a_failure(
    family_server: Any, engine: Any, case: str
) -> None:
    assert_undone(family_server, engine, COMPENSATED[case], "compensated")


@pytest.mark.parametrize("case", DEFERRED)
def test_dropped_tables_are_there_again_after_a_failure(
    family_server: Any, engine: Any, case: str
) -> None:
    assert_undone(family_server, engine, DEFERRED[case], "deferred")


@pytest.mark.parametrize("case", COPIED)
def test_copied_rows_are_there_again_after_a_failure(
    family_server: Any, engine: Any, case: str
) -> None:
    assert_undone(family_server, engine, COPIED[case], "compensated-by-copy")


@pytest.mark.parametrize("case", [*DEFERRED.values(), *COPIED.values()], ids=[*DEFERRED, *COPIED])
def test_nothing_is_left_of_the_graveyard_after_a_success(
    family_server: Any, engine: Any, case: Sequence[str]
) -> None:
    apply_plan(engine, plan_of(engine, case))
    assert leftovers(family_server, engine) == []
    assert engine.store.runs.read_runs(1)[0].status == "CLEANED"
    assert engine.store.read_ledger().serial == 1


def refusal(server: Any, database: str, sql: str) -> int:
    """The code with which the server itself refuses a statement."""
    with pytest.raises(pymysql.Error) as raised:
        execute(server, database, sql)
    return int(raised.value.args[0])


@pytest.mark.parametrize(
    "sql",
    [
        "drop table orders",
        "drop table users, logs",
        "drop table if exists users",
        "drop table missing",
        "drop table logs, missing",
    ],
)
def test_dropping_a_table_is_refused_as_the_server_would(
    family_server: Any, engine: Any, sql: str
) -> None:
    before = state(family_server, engine)
    plan = plan_of(engine, ("create table made (id int)", sql))
    assert "deferred" in guarantees(plan)
    with pytest.raises(StatementFailed) as raised:
        apply_plan(engine, plan)
    assert state(family_server, engine) == before
    assert leftovers(family_server, engine) == []
    code = refusal(family_server, engine.server.database, sql)
    assert failure_of(raised.value).error.code == str(code)


def test_a_dropped_table_does_not_hold_what_it_referred_to(family_server: Any, engine: Any) -> None:
    last_order = "delete from orders where id = 2"
    statements = ("drop table legacy", "delete from parts where id = 2", last_order, REFUSED)
    before = state(family_server, engine)
    with pytest.raises(StatementFailed, match="1062"):
        apply_plan(engine, plan_of(engine, statements))
    assert state(family_server, engine) == before
    apply_plan(engine, plan_of(engine, statements[:-1]))
    assert ask(family_server, engine.server.database, "select id from orders") == [(1,)]


def test_a_table_that_another_session_has_changed_is_shown_and_stays(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    plan = plan_of(engine, ("alter table users add column age int", REFUSED))

    def meddle(event: Any) -> None:
        if isinstance(event, StatementFinished):
            execute(family_server, database, "create table foreign_one (id int)")

    with pytest.raises(Unresolved, match="table foreign_one: added"):
        apply_plan(engine, plan, emit=meddle)
    assert engine.store.runs.read_runs(1)[0].status == "STUCK"
    with pytest.raises(Unresolved, match="table foreign_one: added"):
        apply_plan(engine, plan)
    with pytest.raises(Unresolved, match="stopped half-way"):
        apply_plan(engine, plan_of(engine, ("select 1",)))
    execute(family_server, database, "drop table foreign_one")
    with pytest.raises(StatementFailed, match="1062"):
        apply_plan(engine, plan)
    assert engine.store.read_ledger().unresolved == ()


def test_a_trigger_made_after_planning_makes_the_plan_stale(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    plan = plan_of(engine, ("delete from people", "create table made (id int)"))
    execute(
        family_server,
        database,
        "create trigger gp after delete on people for each row call tidy()",
    )
    before = state(family_server, engine)
    with pytest.raises(StalePlan, match=r"001_case.sql:2: .*now it is `point-of-no-return`"):
        apply_plan(engine, plan)
    assert state(family_server, engine) == before
    assert engine.store.read_ledger().unresolved == ()


def test_copies_that_the_environment_no_longer_allows_make_the_plan_stale(
    family_server: Any, engine: Any
) -> None:
    plan = plan_of(engine, COPIED["rows in the middle"])
    with (
        open_test_engine(family_server, engine.server.database, copies={"limit": None}) as other,
        pytest.raises(StalePlan, match="`compensated-by-copy`, and now it is"),
    ):
        apply_plan(other, plan)


class Killed(BaseException):
    """What ends a run at once: nothing of it is caught."""


def test_a_plan_that_died_behind_its_point_of_no_return_is_rolled_forward(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    statements = ("create table made (id int)", "alter table people drop column name")
    plan = plan_for(engine, {"001_case": ";\n".join(statements), "002_none": "select 1"})
    assert "point-of-no-return" in guarantees(plan)

    def die(event: Any) -> None:
        if isinstance(event, StatementFinished) and event.place == 2:
            raise Killed

    with open_test_engine(family_server, database) as doomed, pytest.raises(Killed):
        apply_plan(doomed, plan, emit=die)
    assert engine.store.read_ledger().unresolved == (plan.digest,)
    emit = Recorder()
    apply_plan(engine, plan, emit=emit)
    assert emit.of(Undoing) == []
    assert [entry.version for entry in engine.store.read_ledger().entries] == ["001", "002"]
    assert engine.store.read_ledger().unresolved == ()
    assert ask(family_server, database, "show columns from people like 'name'") == []


def test_a_plan_that_died_before_its_point_of_no_return_is_undone_first(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    statements = ("create table made (id int)", "alter table users drop column email")
    plan = plan_for(engine, {"001_case": ";\n".join(statements)})
    assert "point-of-no-return" in guarantees(plan)

    def die(event: Any) -> None:
        if isinstance(event, StatementFinished):
            raise Killed

    with open_test_engine(family_server, database) as doomed, pytest.raises(Killed):
        apply_plan(doomed, plan, emit=die)
    execute(family_server, database, "insert into users (name) values ('counted')")
    emit = Recorder()
    apply_plan(engine, plan, emit=emit)
    assert [event.statements for event in emit.of(Undoing)] == [1]
    assert engine.store.read_ledger().serial == 1
    assert len(ask(family_server, database, "select id from users")) == 3


def test_a_counter_that_moved_does_not_make_a_last_statement_done(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    plan = plan_for(engine, {"001_case": "alter table users drop column email"})
    message = b"\x03alter table users drop"
    other = "insert into users (name) values ('counted')"
    with (
        lost_before(family_server, database, message, meanwhile=other) as doomed,
        pytest.raises(StatementFailed, match="All that this plan had done was undone"),
    ):
        apply_plan(doomed, plan)
    assert engine.store.read_ledger().entries == ()
    apply_plan(engine, plan)
    assert ask(family_server, database, "show columns from users like 'email'") == []


@pytest.fixture
def hasty(family_server: Any, database: str) -> Iterator[Any]:
    """As `engine`, and it waits for no lock longer than a second."""
    hurry = {"timeouts": {"lock": "1s"}, "retries": {"lock": 1}}
    with open_copying_engine(family_server, database, **hurry) as opened:
        yield opened


def test_a_deadlock_in_trailing_rows_undoes_everything(family_server: Any, hasty: Any) -> None:
    engine, database = hasty, hasty.server.database
    before = state(family_server, engine)
    plan = plan_of(
        engine,
        (
            "create table made (id int)",
            "update people set name = 'mine' where id = 1",
            "update logs set b = 'mine' where a = 1",
        ),
    )
    threads: list[threading.Thread] = []
    with family_server.connect(database) as rival:
        rival.query("begin")
        rival.query("update logs set b = 'theirs' where a = 1")
        # The server gives up the lighter transaction, which so is ours.
        rival.query("insert into wall values (1), (2), (3)")

        def collide(event: Any) -> None:
            if isinstance(event, StatementFinished) and event.place == 2:
                thread = threading.Thread(
                    target=rival.query, args=("update people set name = 'theirs' where id = 1",)
                )
                thread.start()
                threads.append(thread)

        with pytest.raises(StatementFailed, match=r"\((1213|1205)\)"):
            apply_plan(engine, plan, emit=collide)
        threads[0].join()
        rival.query("rollback")
    assert state(family_server, engine) == before
    assert leftovers(family_server, engine) == []


def test_a_section_that_turns_autocommit_off_still_has_its_copies(
    family_server: Any, engine: Any
) -> None:
    before = state(family_server, engine)
    plan = plan_of(
        engine, ("set autocommit = 0", "truncate table people", "create table m (a int)")
    )
    message = b"\x03truncate table people"
    with (
        lost_before(family_server, engine.server.database, message) as doomed,
        pytest.raises(StatementFailed, match="2013"),
    ):
        apply_plan(doomed, plan)
    assert state(family_server, engine) == before


@contextmanager
def lost_before(
    server: Any, database: str, message: bytes, *, meanwhile: str = "do 0"
) -> Iterator[Any]:
    """A session whose connection is cut before a message, when another one has run a statement."""

    def cut(direction: Direction, data: bytes) -> bool:
        found = direction == "client" and data[4:].startswith(message)
        if found:
            execute(server, database, meanwhile)
        return found

    with (
        Proxy(server.host, server.port, server.engine) as proxy,
        open_copying_engine(server, database, port=proxy.port) as doomed,
    ):
        fired = proxy.cut_when(cut)
        yield doomed
        assert fired.is_set()
