"""What lockgate does not protect from, each seen on real servers, and what does."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from lockgate.executors.postgresql.pipeline import Command
from tests.commands.running import Project, refused, succeed
from tests.commands.test_trust_apply import forge
from tests.commands.test_trust_signatures import SIGNED, Gate
from tests.executors.building import apply_up, create_tables, open_test_engine, plan_for
from tests.servers.postgres import PostgresServer


def run(server: Any, database: str, *statements: str) -> list[tuple[Any, ...]]:
    """Runs statements as the database's owner does; the rows of the last one, if it has any."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
        rows = list(cursor.fetchall()) if cursor.description else []
        connection.commit()
    return rows


# What is in the database, the migration that uses it without its name, and what runs by that.
HEAR = (
    "create table heard (what text)",
    "create function hear(what text) returns int language plpgsql as "
    "$$ begin insert into heard values (what); return 1; end $$",
)
FAMILY = (
    (
        "create table heard (what text)",
        "create function hear() returns int modifies sql data "
        "begin insert into heard values ('view'); return 1; end",
        "create table b (i int)",
        "create view c as select hear() as i",
    ),
    "insert into b select * from c;",
    ["view"],
)
UNNAMED: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
    "postgresql": (
        (
            *HEAR,
            "create table a (i int, n int default hear('default'))",
            "create table b (i int)",
            "create view c as select hear('view') as i",
            "create type word as (i int)",
            "create function plus(int, word) returns int language sql "
            "as $$ select hear('operator') $$",
            "create operator + (leftarg = int, rightarg = word, function = plus)",
            "create function as_int(word) returns int language sql as $$ select hear('cast') $$",
            "create cast (word as int) with function as_int(word)",
            "create table d (w word)",
            "insert into d values (row(1))",
            "create function lower(int) returns int language sql as $$ select hear('lower') $$",
        ),
        "insert into a (i) values (1);\ninsert into b select * from c;\n"
        "update d set w = w where 1 + w > 0;\ninsert into b select cast(w as int) from d;\n"
        "insert into b select lower(5);",
        ["cast", "default", "lower", "operator", "view"],
    ),
    "mysql": FAMILY,
    "mariadb": FAMILY,
}


def test_what_a_statement_calls_without_its_name_is_not_found(
    any_server: Any, any_database: str, any_project: Project
) -> None:
    before, sql, runs = UNNAMED[any_project.engine]
    run(any_server, any_database, *before)
    any_project.configure("policy: {opaque: deny, non_atomic: allow}\n")
    any_project.write("001_uses.sql", sql)
    succeed(any_project.migrate("up", "--fresh"))
    heard = run(any_server, any_database, "select what from heard order by what")
    assert [what for (what,) in heard] == runs


@pytest.fixture
def poor(any_server: Any, any_database: str) -> Iterator[str]:
    """A role that may make tables and triggers, and drop nothing of others'."""
    name = f"p{secrets.token_hex(4)}"
    rights = "create, alter, index, select, insert, update, delete, trigger, references"
    made = (f"create user {name}@'%'", f"grant {rights} on `{any_database}`.* to {name}@'%'")
    dropped = (f"drop user {name}@'%'",)
    if any_server.engine == "postgresql":
        made = (f"create role {name} login", f"grant create on schema public to {name}")
        dropped = (f"drop owned by {name}", f"drop role {name}")
    run(any_server, any_database, *made)
    yield name
    run(any_server, any_database, *dropped)


ASSEMBLED = {
    "postgresql": "do $$ begin execute 'drop ' || 'table kept'; end $$;",
    "mysql": "prepare p from 'drop table kept';\nexecute p;",
    "mariadb": "execute immediate concat('drop ', 'table kept');",
}


def test_sql_that_is_put_together_is_stopped_by_a_policy_or_by_the_rights_of_the_role(
    any_server: Any, any_database: str, any_project: Project, poor: str
) -> None:
    run(any_server, any_database, "create table kept (i int)")
    any_project.write("001_gone.sql", ASSEMBLED[any_project.engine])
    any_project.configure("policy: {opaque: deny, non_atomic: allow}\n")
    refused(any_project.migrate("plan", "--fresh"), 3, "Code runs that is not read")
    any_project.configure("policy: {destructive: deny, non_atomic: allow}\n")
    succeed(any_project.migrate("plan", "--fresh"))
    at = f"{any_server.engine}://{poor}@{any_server.host}:{any_server.port}/{any_database}"
    denied = any_project.migrate("apply", "plan.json", environ={"TEST_URL": at})
    refused(denied, 9 if any_project.engine == "postgresql" else 7, "kept")
    assert run(any_server, any_database, "select * from kept") == []


FAMILY_TRIGGER = (
    "create table heard (who text)",
    "create table b (i int)",
    "create definer = {poor}@'%' trigger t before insert on b for each row "
    "insert into heard values (current_user())",
)
TRIGGER = {
    "postgresql": (
        "set role {poor}",
        "create table heard (who text)",
        "create function fire() returns trigger language plpgsql as "
        "$$ begin insert into heard values (current_user); return new; end $$",
        "create table b (i int)",
        "create trigger t before insert on b for each row execute function fire()",
    ),
    "mysql": FAMILY_TRIGGER,
    "mariadb": FAMILY_TRIGGER,
}


def test_a_migration_runs_the_triggers_of_a_tables_owner(
    any_server: Any, any_database: str, any_project: Project, poor: str
) -> None:
    """PostgreSQL with the rights of who writes, MySQL and MariaDB with those of who made them."""
    made = TRIGGER[any_project.engine]
    run(any_server, any_database, *(sql.replace("{poor}", poor) for sql in made))
    any_project.write("001_b.sql", "insert into b values (1);")
    succeed(any_project.migrate("up", "--fresh"))
    who = any_server.user if any_project.engine == "postgresql" else f"{poor}@%"
    assert run(any_server, any_database, "select who from heard") == [(who,)]


def test_who_owns_the_database_can_change_its_history(
    any_server: Any, any_database: str, any_project: Project
) -> None:
    """It is believed; only a plan that was made before it is stale."""
    any_project.write_tables(2)
    succeed(any_project.migrate("up"))
    any_project.write_tables(1, first=3)
    succeed(any_project.migrate("plan"))
    run(any_server, any_database, "delete from schema_migrations where version = '002'")
    refused(any_project.migrate("apply", "plan.json"), 4, "the database is at serial 2")
    shown = succeed(any_project.migrate("status", "--json")).document["migrations"]
    states = {one["version"]: one["state"] for one in shown}
    assert states == {"001": "applied", "002": "pending", "003": "pending"}


@pytest.fixture
def roles(postgres_server: PostgresServer, any_database: str) -> Iterator[tuple[str, str]]:
    """Who owns the schema of the ledger and may make schemas, and who migrates."""
    owner, migrator = (f"{kind}{secrets.token_hex(4)}" for kind in "om")
    made = (f"create role {owner}", f"create role {migrator} login")
    rights = (
        f"grant create on database {any_database} to {owner}",
        "create table heard (who text)",
        f"grant insert on heard to {migrator}",
        f"create schema ledger authorization {owner}",
        f"grant usage, create on schema ledger, public to {migrator}",
    )
    run(postgres_server, any_database, *made, *rights)
    yield owner, migrator
    dropped = [f"drop owned by {role}; drop role {role}" for role in (owner, migrator)]
    run(postgres_server, any_database, "drop schema if exists before, ledger cascade", *dropped)


FIRE = """create function ledger.fire() returns trigger language plpgsql as
$$ begin insert into public.heard values (current_user); return new; end $$"""
REPLACE = (
    "alter schema ledger rename to before",
    "create schema ledger",
    FIRE,
    "grant usage on schema ledger to {migrator}",
    "create table ledger.lockgate_target (id int, serial bigint)",
    "insert into ledger.lockgate_target values (1, 1)",
    "create trigger t before update on ledger.lockgate_target "
    "for each row execute function ledger.fire()",
    "grant select, update on ledger.lockgate_target to {migrator}",
    "create table ledger.schema_migrations (version text, name text, checksum text, "
    "applied_at timestamptz)",
    "grant insert on ledger.schema_migrations to {migrator}",
)


@pytest.mark.parametrize("any_server", ["postgres"], indirect=True)
def test_between_our_look_and_the_next_command_a_schemas_owner_may_rename_it(
    any_server: PostgresServer, any_database: str, roles: tuple[str, str]
) -> None:
    """No lock keeps its name. Where the migrator owns the schema, nobody else can."""
    owner, migrator = roles
    terms: dict[str, Any] = {"user": migrator, "history": {"schema": "ledger"}}
    replacing = [sql.replace("{migrator}", migrator) for sql in (f"set role {owner}", *REPLACE)]
    with open_test_engine(any_server, any_database, **terms) as engine:
        apply_up(engine, create_tables(1))
        (step,) = plan_for(engine, create_tables(2)).steps
        looking = [Command("begin", None), *engine.store.guard_commands(None)]
        assert all(list(engine.session.pipelined(looking)))
        run(any_server, any_database, *replacing)
        writing = [engine.store.record_command(step, 1, None), Command("commit", None)]
        assert next(one.rows for one in list(engine.session.pipelined(writing))) == 1
    assert run(any_server, any_database, "select who from heard") == [(migrator,)]
    run(any_server, any_database, f"alter schema before owner to {migrator}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of schema"):
        run(any_server, any_database, f"set role {owner}", "alter schema before rename to gone")


@pytest.mark.usefixtures("openssh")
def test_when_a_plan_was_made_and_who_wrote_its_commit_only_a_signature_vouches_for(
    project: Project,
) -> None:
    """Without one it is made younger, and ann approves a commit of her own."""
    gate = Gate(project)
    gate.commit("ann")
    gate.plan(gate.ci)
    kept = (gate.folder / "plan.json.sig").read_text()
    document = json.loads((gate.folder / "plan.json").read_text())
    document["source"]["author"] = {"name": "Bob", "email": "bob@example.com"}

    def forge_age(age: timedelta) -> None:
        made = (datetime.now(UTC) - age).isoformat(timespec="seconds").replace("+00:00", "Z")
        for signature in gate.folder.glob("*.sig"):
            signature.unlink()
        forge(project, document, lambda plan: plan.update(created_at=made, expires_at=None))
        gate.approve(gate.ann.key)

    forge_age(timedelta(days=60))
    gate.refused(8, "max_plan_age")
    forge_age(timedelta())
    project.configure(SIGNED)
    gate.refused(3, "it bears no such signature")
    (gate.folder / "plan.json.sig").write_text(kept)
    gate.refused(8, "does not fit what it should sign")
    (gate.folder / "plan.json.sig").unlink()
    project.configure("policy: {approvals: {threshold: 1, not_author: true}}\n")
    succeed(project.migrate("apply", "plan.json"))
