"""Code that others put on the ledger's tables after they were looked at: none of it runs."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from threading import Thread
from typing import Any

import pymysql
import pytest

from lockgate.executors.engine import Run
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import NOTE_RUN
from lockgate.executors.ledger.tables import ALWAYS_MADE, OWN_NAMES
from lockgate.executors.mysql.ledger import NOT_ALONE
from lockgate.executors.states import RunStatus
from lockgate.planner.errors import HistoryError, LockgateError
from tests.executors.building import (
    AUTHOR,
    apply_plan,
    apply_up,
    create_tables,
    new_identity,
    open_test_engine,
    plan_for,
)
from tests.executors.dying import make_one_table
from tests.servers.process import wait_until

LEDGER = ("schema_migrations", *ALWAYS_MADE)
LEDGER_AND_BATCHES = ("schema_migrations", *OWN_NAMES.values())
# A rollback leaves what is in a table of MyISAM; and the clock is what a soak goes by.
SEEN = "create table seen (who varchar(100)) engine = MyISAM"
BODY = "for each row begin insert into seen values (user()); set timestamp = 1000000000; end"
VIEW = (
    "create function note() returns int sql security invoker modifies sql data "
    "begin insert into seen values (user()); return 1; end",
    "rename table lockgate_runs to before_runs",
    "create sql security invoker view lockgate_runs as select * from before_runs where note() = 1",
)
REFUSED = "not the one that lockgate has looked at"


class Other:
    """Another user's session, who may do anything in the ledger's database."""

    def __init__(self, server: Any, database: str) -> None:
        self.connection = server.connect(database)
        self.run("set session lock_wait_timeout = 5")

    def run(self, *statements: str) -> tuple[Any, ...]:
        """The rows of the last statement."""
        with self.connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            rows = tuple(cursor.fetchall())
        self.connection.commit()
        return rows

    def put_triggers(self, *tables: str) -> None:
        """A trigger on each table for each of its changes."""
        for table in tables:
            for change in ("insert", "update", "delete"):
                self.run(f"create trigger {change}_{table} before {change} on {table} {BODY}")

    @property
    def seen(self) -> tuple[Any, ...]:
        """As whom code of ours has run."""
        return self.run("select * from seen")


@pytest.fixture
def other(family_server: Any, family_database: str) -> Iterator[Other]:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, create_tables(1))
    one = Other(family_server, family_database)
    one.run(SEEN)
    yield one
    one.connection.close()


@pytest.mark.parametrize("kind", ["trigger", "view"])
def test_no_write_to_the_ledger_runs_what_was_put_on_it_since(
    family_server: Any, family_database: str, other: Other, kind: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        store, identity = engine.store, new_identity(engine)
        (last,) = store.runs.read_runs(1)
        other.run("update lockgate_runs set status = 'stuck'")
        (step,) = (plan := plan_for(engine, create_tables(2))).steps
        run = Run(last.id, plan, "somebody", "1.2.3")
        engine.session.open_guard()
        if kind == "trigger":
            other.put_triggers(*LEDGER)
        else:
            other.run(*VIEW)
        writes: list[Callable[[], object]] = [
            lambda: store.ensure_tables(identity),
            lambda: store.begin_run(run, identity),
            lambda: store.resume_run(run),
            lambda: store.finish_run(last.id, RunStatus.STOPPED),
            lambda: store.write((NOTE_RUN, ("x", last.id))),
            lambda: store.keep_receipt(last.id, "{}"),
            lambda: store.keep_digests(last.id, "x", engine.survey),
            lambda: store.rebind(identity, identity, AUTHOR),
            lambda: store.record_migration(step, 1),
            store.close_tables,
            lambda: store.execute_aside(
                "update {runs} set error = %s where {ledger.alone}", ("x",)
            ),
        ]
        for write in writes:
            with pytest.raises(ServerError, match=REFUSED):
                write()
        if kind == "trigger":  # it reads the run first
            with pytest.raises(ServerError, match=REFUSED):
                store.settle_run(last.id, "x")
    assert other.seen == ()


def test_no_view_in_a_tables_place_is_read(
    family_server: Any, family_database: str, other: Other
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        store, runs = engine.store, engine.store.runs
        (last,) = runs.read_runs(1)
        plan = plan_for(engine, create_tables(2))
        other.run(*VIEW)
        reads: list[Callable[[], object]] = [
            store.read_ledger,
            lambda: runs.read_runs(1),
            lambda: runs.read_run(last.id),
            lambda: runs.read_status(last.id),
            lambda: runs.read_plan(last.id),
            lambda: runs.read_finished(plan),
            lambda: runs.has_run(plan),
            lambda: runs.read_journal(plan.digest),
            runs.read_applied_plans,
        ]
        for read in reads:
            with pytest.raises(ServerError, match=REFUSED):
                read()
    assert other.seen == ()


@pytest.mark.parametrize("table", LEDGER)
def test_a_trigger_on_any_ledger_table_stops_a_run_before_it_begins(
    family_server: Any, family_database: str, other: Other, table: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        plan = plan_for(engine, create_tables(2))
        other.put_triggers(table)
        with pytest.raises(LockgateError, match=REFUSED):
            apply_plan(engine, plan)
        assert other.run("show tables like 't2'") == ()
        with pytest.raises(HistoryError, match=f"{table} has the trigger"):
            open_again(family_server, family_database)
    assert other.seen == ()


def open_again(server: Any, database: str) -> None:
    with open_test_engine(server, database) as engine:
        engine.store.read_ledger()


# Each writes to the ledger in ways of its own.
SECTIONS = {
    "rows": "insert into kept values (2, 2);\n",
    "structure": "create table t2 (a int);\ninsert into t2 values (2);\n"
    "alter table kept add c int;\n",
    "pieces": "-- migrate:up transaction:false\ninsert into kept values (2, 2);\n"
    "create table t2 (a int);\ninsert into kept values (12, 2);\n",
    "batches": "-- migrate:up\n-- migrate:batch key=a size=1\n"
    "update kept set b = 1 where a > {{lo}} and a <= {{hi}};\n",
    "fails": "create table t2 (a int);\nalter table kept add c int;\nalter table kept drop d;\n",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_what_a_session_puts_on_the_ledger_in_the_middle_of_a_run_is_not_run(
    family_server: Any, family_database: str, other: Other, section: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        other.run(
            "create table kept (a int primary key, b int)", "insert into kept (a) values (1), (7)"
        )
        plan = plan_for(engine, create_tables(1) | {"002_x": SECTIONS[section]})
        intruder = Intruder(engine.session, other)
        engine.session.run_on = intruder.run_on
        with pytest.raises(LockgateError) if section == "fails" else nullcontext():
            apply_plan(engine, plan)
    assert other.seen == ()
    assert intruder.refused >= 3


class Intruder:
    """Puts a trigger on each ledger table before each write to one, wherever it is let.

    A write that is refused for it is the first of its transaction, and runs once more without it.
    """

    WRITES = re.compile(
        r"(insert|update|delete)(?: into| from)? `\w+`\.`(\w+)`|select 1 from dual w"
    )
    HELD = (
        "select 1 from performance_schema.metadata_locks where lock_duration = 'TRANSACTION' "
        "and object_schema = database() and object_name like '%\\_%' limit 1"
    )

    def __init__(self, session: Any, other: Other) -> None:
        self._run, self._other = session.run_on, other
        ((version,),) = other.run("select version()")
        self._is_mariadb = "MariaDB" in version
        self._open: set[Any] = set()
        self._put: list[str] = []
        self.refused = 0

    def run_on(self, connection: Any, sql: str, parameters: Sequence[object] = ()) -> Any:
        """As the session's own."""
        if written := self.WRITES.match(sql):
            self._put_triggers(*written.groups())
        if sql in {"begin", "start transaction"}:
            self._open.add(connection)
        elif sql in {"commit", "rollback"}:
            self._open.discard(connection)
        try:
            return self._run(connection, sql, parameters)
        except ServerError as refused:
            if refused.code not in NOT_ALONE:
                raise
        self.refused += 1
        if connection in self._open:
            self._run(connection, "rollback")
            self._run(connection, "begin")
        self._drop_triggers(wait=10)
        return self._run(connection, sql, parameters)

    def _put_triggers(self, change: str | None, written: str | None) -> None:
        if not self._is_mariadb and self._other.run(self.HELD):
            return
        changes = [("insert", table) for table in LEDGER_AND_BATCHES]
        changes += [(change, written)] * (change in {"update", "delete"})
        with suppress(pymysql.Error):
            self._drop_triggers(wait=0)  # of MySQL it is a second
        for change, table in changes:
            name = f"{change}_{table}"
            with suppress(pymysql.Error):  # the table is held, or not made yet
                self._other.run(f"create trigger {name} before {change} on {table} {BODY}")
                self._put.append(name)

    def _drop_triggers(self, *, wait: int) -> None:
        self._other.run(f"set session lock_wait_timeout = {wait}")
        while self._put:
            self._other.run(f"drop trigger {self._put[-1]}")
            self._put.pop()


def test_a_run_goes_on_while_a_trigger_waits(
    family_server: Any, family_database: str, other: Other
) -> None:
    """CREATE TRIGGER queues until our transaction ends; what we write in it does not queue."""
    with open_test_engine(family_server, family_database) as engine:
        (step,) = plan_for(engine, create_tables(2)).steps
        waiting = Thread(target=other.put_triggers, args=LEDGER[:1])
        with engine.session.transaction():
            engine.store.close_tables()
            waiting.start()
            wait_for_queue(family_server, family_database)
            engine.store.move_history([step], 1)
        waiting.join()
    assert other.seen == ()
    assert other.run("select count(*) from schema_migrations") == ((2,),)


def wait_for_queue(server: Any, database: str) -> None:
    watcher = Other(server, database)
    sql = (
        "select 1 from information_schema.processlist where state like '%metadata lock' "
        "and info like 'create trigger%'"
    )
    wait_until(lambda: bool(watcher.run(sql)), "CREATE TRIGGER waits")
    watcher.connection.close()


def test_a_trigger_runs_with_the_rights_of_its_maker(
    family_server: Any, family_database: str
) -> None:
    admin = Other(family_server, family_database)
    with weak_user(family_server, family_database, admin, "all") as weak, weak.cursor() as cursor:
        cursor.execute("create table t (id int)")
        cursor.execute("create table noted (who varchar(100))")
        cursor.execute("create trigger w before insert on t for each row "
                       "insert into noted values (current_user())")  # fmt: skip
        admin.run("insert into t values (1)")
        ((who,),) = admin.run("select who from noted")
    assert who.startswith("weak_one@")
    admin.connection.close()


def test_without_the_right_trigger_mysql_shows_none_and_mariadb_all(
    family_server: Any, family_database: str
) -> None:
    admin = Other(family_server, family_database)
    trigger = "create trigger w before insert on t for each row set @a = 1"
    admin.run("create table t (id int)", trigger)
    counting = "select count(*) from information_schema.triggers where trigger_name = 'w' and "
    counting += "trigger_schema = database()"
    rights = "select, insert"
    with weak_user(family_server, family_database, admin, rights) as weak, weak.cursor() as cursor:
        cursor.execute(counting)
        seen = 0 if family_server.engine == "mysql" else 1
        assert cursor.fetchall() == ((seen,),)
    assert admin.run(counting) == ((1,),)
    admin.connection.close()


@contextmanager
def weak_user(server: Any, database: str, admin: Other, rights: str) -> Iterator[Any]:
    """A session of a user who has these rights on the database alone."""
    grant = f"grant {rights} on `{database}`.* to weak_one"
    admin.run("create user weak_one identified by 'pw'", grant)
    connection = pymysql.connect(host=server.host, port=server.port, user="weak_one",
                                 password="pw", database=database, autocommit=True)  # fmt: skip
    yield connection
    connection.close()
    admin.run("drop user weak_one")


def test_all_of_a_unit_enters_the_history_in_two_statements(
    family_server: Any, family_database: str, other: Other
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        steps = plan_for(engine, create_tables(40)).steps
        asked = "show session status like 'Questions'"
        with engine.session.transaction():
            ((_, before),) = engine.session.query_all(asked)
            engine.store.move_history(steps, 1)
            ((_, after),) = engine.session.query_all(asked)
        ledger = engine.store.read_ledger()
    assert int(after) - int(before) <= 3  # with the question itself
    assert (ledger.serial, len(ledger.entries)) == (40, 40)


def test_a_ledger_in_the_making_is_none_yet(family_server: Any, family_database: str) -> None:
    while not make_one_table(family_server, family_database):
        with open_test_engine(family_server, family_database) as engine:
            assert engine.store.read_ledger().identity is None
    with open_test_engine(family_server, family_database) as engine:
        assert engine.store.read_ledger().identity
