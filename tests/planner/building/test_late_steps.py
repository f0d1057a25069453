"""What is out of order, by the files and again by the ledger alone."""

from dataclasses import replace

import pytest

from lockgate.planner.building.late_steps import with_lateness
from lockgate.planner.finding import LATE
from lockgate.planner.plan.plan import Plan
from tests.planner.literals import SETTING, ledger, migration, up_plan

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
LAST = migration("004", requires="003")
BEFORE = migration("001", requires="003")
ANY = replace(SETTING, allow_out_of_order=True)


def late(plan: Plan) -> list[str]:
    return [one.version for one in plan.steps if LATE in {each.code for each in one.findings}]


def silent(plan: Plan) -> Plan:
    """The plan after somebody has left its findings out."""
    steps = tuple(step.model_copy(update={"findings": ()}) for step in plan.steps)
    return plan.model_copy(update={"steps": steps})


@pytest.mark.parametrize(
    ("files", "applied", "expected"),
    [
        ([ONE, TWO, THREE], [], []),
        ([ONE, TWO, THREE], [ONE], []),
        ([ONE, TWO, THREE], [TWO], ["001"]),
        ([ONE, TWO, THREE], [THREE], ["001", "002"]),
        ([ONE, TWO, THREE, LAST], [ONE, THREE], ["002"]),
        ([BEFORE, TWO, THREE], [TWO, THREE], []),
        ([BEFORE, TWO, THREE], [THREE], ["002"]),
    ],
)
def test_the_ledger_and_the_plan_say_what_the_files_say(
    files: list,
    applied: list,
    expected: list[str],  # type: ignore[type-arg]
) -> None:
    plan = up_plan(files, ledger(applied), ANY)
    assert late(plan) == expected
    again = with_lateness(silent(plan), files, ledger(applied))
    assert late(again) == expected
    assert [step.findings for step in again.steps if step.version in expected] == [
        step.findings[:1] for step in plan.steps if step.version in expected
    ]


def test_what_a_plan_says_of_its_order_does_not_count() -> None:
    plan = up_plan([ONE, TWO], ledger([TWO]), ANY)
    assert late(plan) == ["001"]
    assert late(with_lateness(plan, [ONE], ledger())) == []


def test_applied_migrations_are_taken_in_the_order_of_versions() -> None:
    """The files would say that nothing is late: what 003 requires, only they know."""
    files = [migration("002", requires="003"), migration("003", requires="004"), migration("004")]
    applied = ledger([files[2], files[1]])
    plan = up_plan(files, applied, ANY)
    assert (late(plan), late(with_lateness(plan, files[:1], applied))) == ([], ["002"])


def test_a_rollback_is_never_late() -> None:
    plan = up_plan([ONE, TWO], ledger([TWO]), ANY)
    step = plan.steps[0].model_copy(update={"direction": "down"})
    down = silent(plan.model_copy(update={"steps": (step,)}))
    assert late(with_lateness(down, [ONE], ledger([ONE, TWO]))) == []
