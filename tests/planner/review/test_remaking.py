"""A plan made again from its own text: an honest one is the same, and no other is."""

from dataclasses import replace
from typing import Any

import pytest

from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import ContradictedPlan, LockgateError, StalePlan, WrongTarget
from lockgate.planner.plan.plan import Plan
from lockgate.planner.review.remaking import Source, refuse_unlike, remake
from lockgate.planner.review.rereading import bind
from lockgate.planner.sql.dialect import DIALECTS, MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import SERVER, SETTING, migration, up_plan

ENGINES = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
FILES = (migration(1), migration(2, "create table u (id int); drop table t;", requires="1"))


def made(dialect: Dialect) -> tuple[Plan, Source]:
    """A plan for an empty database, and what it was made from."""
    setting = replace(SETTING, server=replace(SERVER, dialect=dialect), fresh=False)
    plan = up_plan(FILES, setting=setting)
    return plan, Source(bind(plan, dialect, {}), Ledger(), (), setting)


@ENGINES
def test_an_honest_plan_is_made_again(dialect: Dialect) -> None:
    plan, source = made(dialect)
    assert remake(plan, source).verdict == plan.verdict
    refuse_unlike(plan, source)


STEP_TWICE = made(POSTGRESQL)[0].steps[:1] * 2
STATE = made(POSTGRESQL)[0].result


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"project": "other"}, WrongTarget),
        ({"steps": STEP_TWICE}, ContradictedPlan),
        ({"steps": ()}, ContradictedPlan),
        ({"result": STATE.model_copy(update={"serial": 7})}, ContradictedPlan),
        ({"base": STATE}, ContradictedPlan),
        ({"fresh": None}, ContradictedPlan),
        ({"verdict": "ATOMIC (by a miracle)"}, ContradictedPlan),
    ],
)
def test_another_is_refused(changes: dict[str, Any], error: type[LockgateError]) -> None:
    plan, source = made(POSTGRESQL)
    with pytest.raises(error):
        refuse_unlike(plan.model_copy(update=changes), source)


@ENGINES
def test_a_step_of_another_transaction_is_refused(dialect: Dialect) -> None:
    plan, source = made(dialect)
    second = plan.steps[1].model_copy(update={"transaction": 9})
    with pytest.raises(LockgateError, match="`transaction`"):
        refuse_unlike(plan.model_copy(update={"steps": (plan.steps[0], second)}), source)


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL], ids=["postgresql", "mysql"])
def test_a_minor_version_of_the_server_may_be_another_and_a_release_not(dialect: Dialect) -> None:
    plan, source = made(dialect)

    def on(version: int) -> Plan:
        target = plan.target.model_copy(update={"server_number": version})
        return plan.model_copy(update={"target": target})

    refuse_unlike(on(dialect.version + 1), source)
    with pytest.raises(StalePlan, match="version"):
        refuse_unlike(on(dialect.version + 10_000), source)


def test_the_words_of_another_lockgate_are_not_compared_and_its_steps_are() -> None:
    plan, source = made(POSTGRESQL)
    other = plan.model_copy(update={"tool_version": "0.0.1", "verdict": "ATOMIC IN PARTS (2)"})
    refuse_unlike(other, source)
    with pytest.raises(ContradictedPlan):
        refuse_unlike(plan.model_copy(update={"verdict": "ATOMIC IN PARTS (2)"}), source)
    apart = [step.model_copy(update={"transaction": n}) for n, step in enumerate(plan.steps, 1)]
    with pytest.raises(ContradictedPlan, match="transaction"):
        refuse_unlike(other.model_copy(update={"steps": tuple(apart)}), source)
