"""State files: what was known of a database comes back as it was, and only untouched."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from lockgate.planner.building.observation import Observation
from lockgate.planner.building.statefile import (
    STATE,
    DatabaseState,
    note_state,
    read_state,
    write_state,
)
from lockgate.planner.database.facts import ColumnFacts, Facts, ForeignKey, TableFacts
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.document import document_digest, document_schema, render_document
from lockgate.planner.errors import MalformedPlan, WrongTarget
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import SERVER, ledger, migration

NAMES = frozenset("zyxwvu")
EACH = Mentions(NAMES, NAMES, NAMES, NAMES)
TABLE = TableFacts(
    "InnoDB",
    2**50,
    2**50,
    {"a": ColumnFacts("int", True)},
    primary_key=("a",),
    triggers=("t1",),
    sequences=NAMES,
    triggered=EACH,
)
FACTS = Facts(
    {"u": TABLE, "a.t": TABLE},
    views=frozenset("zyx"),
    functions=frozenset("cba"),
    mentions={"z": EACH, "y": Mentions()},
    code={"f": EACH, "e": Mentions()},
    foreign_keys=(ForeignKey("u", "t", "u_t", ("a",), on_delete=True),),
    strict=True,
    broken_views=frozenset("yx"),
)


def seen(dialect: Dialect = POSTGRESQL, found: Ledger | None = None) -> Observation:
    """A database with a table, two views and whatever was applied to it."""
    server = replace(SERVER, dialect=dialect)
    return Observation(server, found or Ledger(), FACTS, {"table u": "1f"})


def noted(observation: Observation) -> DatabaseState:
    return note_state(observation, project="shop", environment="dev", tool_version="1")


@pytest.mark.parametrize(
    "dialect",
    [
        POSTGRESQL,
        MYSQL.with_server(90704, "ANSI_QUOTES"),
        MYSQL.with_server(90704, "NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES"),
    ],
)
def test_what_was_known_comes_back_as_it_was(dialect: Dialect, tmp_path: Path) -> None:
    observation = seen(dialect, ledger([migration(1)]))
    write_state(noted(observation), tmp_path / "state.json")
    state = read_state(tmp_path / "state.json")
    back = state.observed(project="shop", environment="dev")
    assert back == replace(observation, pulled_at=observation.server.now)


def test_its_sets_stand_in_order_so_that_equal_states_are_equal_bytes() -> None:
    facts = json.loads(render_document(noted(seen())))["facts"]
    assert (facts["views"], facts["functions"]) == (["x", "y", "z"], ["a", "b", "c"])
    assert facts["broken_views"] == ["x", "y"]
    assert list(facts["tables"]) == ["a.t", "u"]
    assert facts["tables"]["u"]["sequences"] == sorted(NAMES)
    assert list(facts["mentions"]) == ["y", "z"]
    assert facts["mentions"]["z"] == dict.fromkeys(
        ("names", "calls", "sequences", "writes"), sorted(NAMES)
    )
    assert facts["tables"]["u"]["triggered"] == facts["code"]["f"] == facts["mentions"]["z"]


@pytest.mark.parametrize(("project", "environment"), [("shop", "staging"), ("other", "dev")])
def test_the_state_of_another_environment_is_none_of_ours(project: str, environment: str) -> None:
    with pytest.raises(WrongTarget, match="pulled from environment dev of project shop"):
        noted(seen()).observed(project=project, environment=environment)


def test_states_fit_their_schema() -> None:
    jsonschema.validate(json.loads(render_document(noted(seen()))), document_schema(STATE))


@pytest.mark.parametrize("place", ["facts", "identity", "server", ""])
def test_a_state_with_an_unknown_key_is_refused(tmp_path: Path, place: str) -> None:
    document = noted(seen(found=ledger([migration(1)]))).model_dump(mode="json")
    (document[place] if place else document)["strict<<"] = True
    document["digest"] = document_digest(document)
    (tmp_path / "state.json").write_text(json.dumps(document))
    with pytest.raises(MalformedPlan, match="strict<<"):
        read_state(tmp_path / "state.json")
