"""Tables in the place of the ledger's that are not lockgate's own: refused, and nothing runs."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from lockgate.executors.engine import Run
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import NOTE_RUN
from lockgate.executors.ledger.tables import ALWAYS_MADE, HISTORY_COLUMNS, TableFault, Tables
from lockgate.executors.states import RunStatus
from lockgate.planner.errors import HistoryError, LockgateError, StatementFailed
from tests.executors.building import (
    AUTHOR,
    apply_plan,
    apply_up,
    by_hand,
    create_tables,
    new_identity,
    open_test_engine,
    plan_for,
)
from tests.servers.postgres import PostgresServer

Bystander = psycopg.Connection[Any]

NOTE = (
    "create table seen (who text)",
    "create function note() returns trigger language plpgsql as "
    "$$ begin insert into seen values (current_user); return new; end $$",
    "create function word() returns text language sql immutable as $$ select 'x' $$",
)
TRIGGER = "create trigger t before insert on lockgate_runs for each row execute function note()"
# What is done to a ledger that exists, and the words that name it; the cure in SQL, if it is one.
POSTGRESQL = {
    "trigger": (TRIGGER, "trigger t", "drop trigger t on public.lockgate_runs"),
    "rule": ("create rule r as on delete to schema_migrations do instead nothing", "rule r",
             "drop rule r on public.schema_migrations"),
    "row security": ("alter table lockgate_target enable row level security",
                     "row level security",
                     "alter table public.lockgate_target disable row level security"),
    "default": ("alter table lockgate_runs alter error set default word()",
                "calls function public.word()", ""),
    "check": ("alter table lockgate_journal add check (outcome <> word())",
              "calls function public.word()", ""),
    "index": ("create index i on schema_migrations ((name || word()))",
              "calls function public.word()", ""),
    "generated": ("alter table lockgate_runs add more text generated always as (word()) stored",
                  "calls function public.word()", ""),
    "child": ("create table more () inherits (schema_migrations)", "inheritance with public.more",
              "alter table public.more no inherit public.schema_migrations"),
    "foreign key": ("create table more (version varchar(255) references schema_migrations "
                    "on delete cascade)", "foreign key more_version_fkey",
                    "alter table public.more drop constraint more_version_fkey"),
    "type": ("create domain word as text; alter table lockgate_runs add more word",
             "column more of the type public.word", ""),
    "unlogged": ("alter table lockgate_journal set unlogged", "is not logged",
                 "alter table public.lockgate_journal set logged"),
    "owner": ("create role {role}; alter table lockgate_runs owner to {role}",
              "belongs to the role {role}",
              "alter table public.lockgate_runs owner to postgres; drop role {role}"),
}  # fmt: skip
FAMILY = {
    "trigger": ("create trigger t before insert on lockgate_runs for each row set @a = 1",
                "trigger t", "drop trigger t"),
    "engine": ("alter table lockgate_journal engine = MyISAM", "kept by MyISAM",
               "alter table lockgate_journal engine = InnoDB"),
    "foreign key": ("create table more (version varchar(255) collate utf8mb4_bin, constraint fk "
                    "foreign key (version) references schema_migrations (version) "
                    "on delete cascade) engine = InnoDB default charset = utf8mb4",
                    "foreign key fk", "alter table more drop foreign key fk"),
}  # fmt: skip


def run(server: Any, database: str, *statements: str) -> None:
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
        if server.engine != "postgresql":
            connection.commit()
    finally:
        connection.close()


def refuse_and_cure(server: Any, database: str, words: str, cure: str) -> None:
    """A ledger is refused, the message has the cure, and after that it is taken again."""
    with open_test_engine(server, database) as engine:
        for reading in (engine.store.read_ledger, lambda: engine.store.runs.read_runs(9)):
            with pytest.raises(HistoryError) as caught:
                reading()
            assert words in caught.value.what
        with pytest.raises(HistoryError):
            apply_up(engine, create_tables(2))
    first, _, rest = cure.partition("; ")
    if cure:
        assert f"`{first}`" in caught.value.do
        run(server, database, first, *filter(None, [rest]))
        with open_test_engine(server, database) as engine:
            apply_up(engine, create_tables(2))


@pytest.mark.parametrize("kind", POSTGRESQL)
def test_what_others_have_put_on_the_ledger_is_refused(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, kind: str
) -> None:
    spoiling, words, cure = (
        text.format(role=f"r{postgres_database[-8:]}") for text in POSTGRESQL[kind]
    )
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
    for sql in (*NOTE, *spoiling.split("; ")):
        bystander.execute(sql)
    refuse_and_cure(postgres_server, postgres_database, words, cure)
    assert bystander.execute("select * from seen").fetchall() == []


@pytest.mark.parametrize("kind", FAMILY)
def test_what_others_have_put_on_the_ledger_of_the_family_is_refused(
    family_server: Any, family_database: str, kind: str
) -> None:
    spoiling, words, cure = FAMILY[kind]
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, create_tables(1))
    run(family_server, family_database, spoiling)
    refuse_and_cure(family_server, family_database, words, cure)


# A view of that name and these columns, and what the environment says of the history.
VIEWS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "runs": ("lockgate_runs", ("version",), {}),
    "target": ("lockgate_target", ("version",), {}),
    "the history's columns": ("schema_migrations", HISTORY_COLUMNS, {}),
    "a history that is named": ("schema_migrations", ("version",), {"table": "schema_migrations"}),
    "the spare history": ("lockgate_migrations", ("version",), {}),
}


def create_unreadable_view(server: Any, database: str, name: str, columns: Iterable[str]) -> None:
    """A view from which every select fails, on each engine."""
    listed = ", ".join(f"(select 1 union select 2) as {column}" for column in columns)
    run(server, database, f"create view {name} as select {listed}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_a_tables_place_is_refused(any_server: Any, any_database: str, view: str) -> None:
    name, columns, history = VIEWS[view]
    create_unreadable_view(any_server, any_database, name, columns)
    with open_test_engine(any_server, any_database, history=history) as engine:
        with pytest.raises(HistoryError, match=f"{name} is no ordinary table"):
            apply_up(engine, create_tables(1))
        with pytest.raises(HistoryError, match=f"{name} is no ordinary table"):
            engine.store.read_ledger()


def test_a_view_of_the_usual_name_is_left_to_its_owner_and_never_read(
    any_server: Any, any_database: str
) -> None:
    create_unreadable_view(any_server, any_database, "schema_migrations", ["version"])
    with open_test_engine(any_server, any_database) as engine:
        assert engine.server.history_table.endswith(".lockgate_migrations")
        apply_up(engine, create_tables(1))
    with open_test_engine(any_server, any_database) as engine:
        apply_up(engine, create_tables(2))
        assert len(engine.store.read_ledger().entries) == 2
        with pytest.raises(ServerError, match=r"more than (one|1) row"):
            by_hand(engine).query_all("select * from schema_migrations")


@pytest.fixture
def poor(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> Iterator[str]:
    """A role that may make tables in the schema, and is no member of another."""
    role = f"p{postgres_database[-8:]}"
    bystander.execute(f"create role {role} login")
    bystander.execute(f"grant create on schema public to {role}")
    yield role
    bystander.execute(f"drop owned by {role}")
    bystander.execute(f"drop role {role}")


def test_a_table_made_beforehand_by_who_may_make_tables_is_refused(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, poor: str
) -> None:
    bystander.execute(f"set role {poor}")
    for sql in NOTE:
        bystander.execute(sql)
    bystander.execute("create table lockgate_runs (id int)")
    bystander.execute(TRIGGER)
    bystander.execute("reset role")
    with (
        open_test_engine(postgres_server, postgres_database) as engine,
        pytest.raises(HistoryError, match=f"belongs to the role {poor}(?s:.*)trigger t"),
    ):
        apply_up(engine, create_tables(1))
    assert bystander.execute("select * from seen").fetchall() == []


LEDGER = ("schema_migrations", *ALWAYS_MADE)
HEAR = (
    "create function hear(text) returns text language plpgsql as "
    "$$ begin insert into public.seen values (current_user); return 'x'; end $$"
)
# What is put in the place of lockgate_runs, or on it, after we have looked.
REPLACED = {
    "trigger": tuple(
        f"create trigger {order} {order} insert or update or delete on {table} "
        "execute function note()" for table in LEDGER for order in ("before", "after")
    ),
    "other table": (
        "alter table lockgate_runs rename to before",
        "create table lockgate_runs (like before including all)",
        TRIGGER,
    ),
    "default": (HEAR, "alter table lockgate_runs alter error set default hear('')"),
    "check": (HEAR, "alter table lockgate_runs add check (hear(id) = 'x') not valid"),
    "index": ("create index on lockgate_runs ((error || word()))",),
    "child": ("create table more () inherits (lockgate_runs)",),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPLACED)
@pytest.mark.parametrize("outside", ["", " transaction:false"])
def test_what_is_put_on_the_ledger_after_we_have_looked_is_not_run(
    postgres_server: PostgresServer,
    postgres_database: str,
    bystander: Bystander,
    kind: str,
    outside: str,
) -> None:
    migrations = create_tables(1) | {"002_x": f"-- migrate:up{outside}\ncreate table x ();\n"}
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        plan = plan_for(engine, migrations)
        for sql in (*NOTE, *REPLACED[kind]):
            bystander.execute(sql)
        with pytest.raises(StatementFailed, match="not the one that lockgate has looked at"):
            apply_plan(engine, plan)
    assert bystander.execute("select * from seen").fetchall() == []
    assert bystander.execute("select to_regclass('x')").fetchall() == [(None,)]


@pytest.mark.parametrize("kind", REPLACED)
def test_no_write_to_the_ledger_runs_what_was_put_on_it_since(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, kind: str
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        store, identity = engine.store, new_identity(engine)
        (last,) = store.runs.read_runs(1)
        (step,) = (plan := plan_for(engine, create_tables(2))).steps
        run = Run(last.id, plan, "somebody", "1.2.3")
        for sql in (*NOTE, *REPLACED[kind]):
            bystander.execute(sql)
        writes: list[Callable[[], object]] = [
            lambda: store.ensure_tables(identity),
            lambda: store.begin_run(run, identity),
            lambda: store.resume_run(run),
            lambda: store.finish_run(last.id, RunStatus.STOPPED),
            lambda: store.write((NOTE_RUN, ("x", last.id))),
            lambda: store.keep_receipt(last.id, "{}"),
            lambda: store.keep_digests(last.id, "x", engine.survey),
            lambda: store.settle_run(last.id, "x"),
            lambda: store.rebind(identity, identity, AUTHOR),
            lambda: store.record_migration(step, 1),
        ]
        for write in writes:
            with pytest.raises(ServerError, match="not the one that lockgate has looked at"):
                write()
    assert bystander.execute("select * from seen").fetchall() == []


def test_what_is_put_on_the_ledger_while_we_run_is_not_run(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    """A migration's own statement does it, in the place of another who is as quick."""
    journal = TRIGGER.replace("lockgate_runs", "lockgate_journal").replace("insert", "update")
    statements = ";\n".join([*NOTE, journal, "create table x ()"])
    migrations = create_tables(1) | {"002_x": f"-- migrate:up transaction:false\n{statements};\n"}
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        with pytest.raises(LockgateError, match="not the one that lockgate has looked at"):
            apply_up(engine, migrations)
    assert bystander.execute("select to_regclass('seen')").fetchone() != (None,)
    assert bystander.execute("select * from seen").fetchall() == []


WAITING = "select from pg_locks where not granted and relation = 'gate.t'::regclass"


@pytest.mark.parametrize("outside", ["", " transaction:false"])
def test_a_schema_that_is_put_in_the_place_of_the_ledgers_while_we_run_is_not_written(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, outside: str
) -> None:
    """The owner of a schema renames it while a statement runs, which no lock of ours forbids."""
    sql = f"-- migrate:up{outside}\ninsert into gate.t values (1);\n"
    bystander.execute("create schema gate")
    for statement in ("create table gate.t (a int)", *NOTE[:2]):
        named = statement.replace("seen", "gate.seen").replace("note()", "gate.note()")
        bystander.execute(named)
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        plan = plan_for(engine, create_tables(1) | {"002_x": sql})
        with ThreadPoolExecutor(1) as pool:
            with bystander.transaction():
                bystander.execute("lock table gate.t in exclusive mode")
                applying = pool.submit(apply_plan, engine, plan)
                while not bystander.execute(WAITING).fetchall():
                    assert not applying.done()
                bystander.execute("alter schema public rename to before")
                bystander.execute("create schema public")
                for table in LEDGER:
                    bystander.execute(
                        f"create table public.{table} (like before.{table} including all)"
                    )
                    bystander.execute(f"insert into public.{table} table before.{table}")
                    bystander.execute(
                        f"create trigger t before insert or update or delete on public.{table} "
                        "execute function gate.note()"
                    )
            with pytest.raises(LockgateError, match="not the one that lockgate has looked at"):
                applying.result()
    assert bystander.execute("select * from gate.seen").fetchall() == []


def test_temporary_tables_of_a_migration_stand_in_for_none_of_the_ledgers(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    made = "".join(f"create temp table {one} (like public.{one});\n" for one in LEDGER)
    made += "create temp table pg_class (a int); create temp table pg_trigger (a int);\n"
    made += (
        "create function pg_temp.to_regclass(text) returns regclass language sql "
        "as 'select 1::regclass';\n"
    )
    more = create_tables(1) | {
        "002_x": f"-- migrate:up\n{made}",
        "003_y": f"-- migrate:up transaction:false\n{made}",
        "004_z": "-- migrate:up\ncreate table z ();\n",
    }
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
        apply_up(engine, more)
    recorded = bystander.execute("select version from schema_migrations order by 1").fetchall()
    assert recorded == [("001",), ("002",), ("003",), ("004",)]
    assert bystander.execute("select to_regclass('public.z')").fetchone() == ("z",)
    states = bystander.execute("select distinct status from lockgate_runs").fetchall()
    assert states == [("COMMITTED",)]


def test_a_role_takes_the_tables_of_a_role_that_it_is_a_member_of(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, poor: str
) -> None:
    with open_test_engine(postgres_server, postgres_database, user=poor) as engine:
        apply_up(engine, create_tables(1))
    member = f"m{postgres_database[-8:]}"
    bystander.execute(f"create role {member} login in role {poor}")
    try:
        with open_test_engine(postgres_server, postgres_database, user=member) as engine:
            apply_up(engine, create_tables(2))
            assert len(engine.store.read_ledger().entries) == 2
    finally:
        bystander.execute(f"drop owned by {member}")
        bystander.execute(f"drop role {member}")


@pytest.mark.parametrize("rights", ["select", "select, insert, update, delete"])
def test_row_security_hides_nothing_from_a_role_with_rights(
    postgres_server: PostgresServer,
    postgres_database: str,
    bystander: Bystander,
    poor: str,
    rights: str,
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
    bystander.execute(f"grant {rights} on all tables in schema public to {poor}")
    bystander.execute("alter table schema_migrations enable row level security")
    with (
        open_test_engine(postgres_server, postgres_database, user=poor) as engine,
        pytest.raises(HistoryError, match="row level security"),
    ):
        engine.store.read_ledger()


def test_a_role_that_may_only_read_reads_the_ledger_of_another(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, poor: str
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
    bystander.execute(f"grant select on all tables in schema public to {poor}")
    with open_test_engine(postgres_server, postgres_database, user=poor) as engine:
        assert len(engine.store.read_ledger().entries) == 1


def test_each_fault_is_named_with_its_cure() -> None:
    tables = Tables((), frozenset(), (TableFault("a.b", "has the rule r", "`drop rule r on a.b`"),))
    with pytest.raises(HistoryError, match=r"- a\.b has the rule r") as caught:
        tables.refuse_foreign("schema_migrations")
    assert "`drop rule r on a.b`" in caught.value.do
