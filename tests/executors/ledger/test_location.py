"""Where a ledger lies, the project finds it again, whatever the default schema is by then."""

from typing import Any

import psycopg
import pytest

from lockgate.executors.ledger.location import FoundLedger, locate
from lockgate.planner.errors import WrongTarget
from tests.executors.building import apply_up, by_hand, create_tables, open_test_engine
from tests.servers.postgres import PostgresServer

Bystander = psycopg.Connection[Any]

HERE = FoundLedger("app", "me", True, "shop", "live")
DECOY = FoundLedger("bait", "mallory", False, "shop", "live")
ANOTHER = FoundLedger("other", "me", True, "shop", "staging")


@pytest.mark.parametrize(
    ("found", "named", "schema"),
    [
        ((), None, "public"),
        ((), "app", "app"),
        ((HERE,), None, "app"),
        ((HERE, ANOTHER), None, "app"),
        ((HERE, DECOY), None, "app"),
        ((DECOY,), None, "bait"),
        ((ANOTHER,), None, "public"),
        ((ANOTHER,), "app", "app"),
        ((HERE, DECOY), "app", "app"),
    ],
)
def test_the_schema_of_the_first_run_is_used(
    found: tuple[FoundLedger, ...], named: str | None, schema: str
) -> None:
    assert locate(found, named, "public", "shop", "live") == schema


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ((HERE,), "public"),
        ((HERE, FoundLedger("public", "me", True, "shop", "live")), None),
        ((HERE, DECOY), "public"),
    ],
)
def test_another_schema_than_that_is_refused_and_both_are_named(
    found: tuple[FoundLedger, ...], named: str | None
) -> None:
    with pytest.raises(WrongTarget, match=r"app(?s:.*)public") as caught:
        locate(found, named, "public", "shop", "live")
    assert "history: {schema: app}" in caught.value.do


CHANGES = {
    "a schema of the user's name": "create schema postgres",
    "the database's search_path": "alter database {database} set search_path = app, public",
    "the role's in the database": "alter role postgres in database {database} "
    "set search_path = app, public",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_default_schema_that_has_changed_loses_no_ledger(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander, change: str
) -> None:
    first = {"001_x": f"create schema app;\n{change.format(database=postgres_database)};"}
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, first)
    with open_test_engine(postgres_server, postgres_database) as engine:
        assert engine.server.history_table == "public.schema_migrations"
        assert len(engine.store.read_ledger().entries) == 1
        assert by_hand(engine).query_one("select current_schema()") != ("public",)
        apply_up(engine, first | {"002_t": "create table t ();"})
        assert len(engine.store.read_ledger().entries) == 2


def test_the_plan_says_that_a_default_schema_will_change(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        facts = engine.survey.read_facts()
        assert (facts.default_schema, facts.schemas_before) == ("public", {"postgres"})
        by_hand(engine).execute("create schema postgres")
        facts = engine.survey.read_facts()
        assert (facts.default_schema, facts.schemas_before) == ("postgres", frozenset())


def test_a_schema_named_in_place_of_the_ledgers_is_refused(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
    bystander.execute("create schema app")
    with (
        pytest.raises(WrongTarget, match=r"public(?s:.*)`history\.schema` names app"),
        open_test_engine(postgres_server, postgres_database, history={"schema": "app"}),
    ):
        pass
    with open_test_engine(
        postgres_server, postgres_database, name="other", history={"schema": "app"}
    ) as engine:
        apply_up(engine, create_tables(1, first=2), environment="other")


def test_a_second_role_with_another_default_finds_the_ledger(
    postgres_server: PostgresServer, postgres_database: str, bystander: Bystander
) -> None:
    role = f"s{postgres_database[-8:]}"
    with open_test_engine(postgres_server, postgres_database) as engine:
        apply_up(engine, create_tables(1))
    bystander.execute(f"create role {role} login")
    bystander.execute(f"create schema {role} authorization {role}")
    bystander.execute(f"grant select on all tables in schema public to {role}")
    try:
        with open_test_engine(postgres_server, postgres_database, user=role) as engine:
            assert len(engine.store.read_ledger().entries) == 1
    finally:
        bystander.execute(f"drop owned by {role}")
        bystander.execute(f"drop role {role}")


def test_a_history_of_another_name_is_not_begun_beside_the_first(
    any_server: Any, any_database: str
) -> None:
    with open_test_engine(any_server, any_database) as engine:
        apply_up(engine, create_tables(1))
    with (
        open_test_engine(any_server, any_database, history={"table": "renamed"}) as engine,
        pytest.raises(WrongTarget, match="no history renamed"),
    ):
        engine.store.read_ledger()
