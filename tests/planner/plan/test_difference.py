"""The difference of two plans: what a release would do otherwise than what was reviewed."""

from dataclasses import replace

import pytest

from lockgate.planner.finding import Finding
from lockgate.planner.plan.difference import PlanDifference, compare_plans
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.sql.dialect import POSTGRESQL
from tests.planner.literals import IDENTITY, SERVER, SETTING, ledger, migration, up_plan

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
REVIEWED = up_plan([ONE, TWO])
FINDING = Finding(code="drops-data", severity="danger", line=2, message="Lost.", why="Gone.")


def kinds(difference: PlanDifference) -> list[tuple[str, str]]:
    return [(change.kind, change.step.version) for change in difference.steps]


def with_finding(plan: Plan, finding: Finding) -> Plan:
    first, *rest = plan.steps
    steps = (first.model_copy(update={"findings": (finding,)}), *rest)
    return seal(plan.model_copy(update={"steps": steps}))


def test_a_plan_does_not_differ_from_itself() -> None:
    difference = compare_plans(REVIEWED, REVIEWED)
    assert difference.same_intent
    assert (difference.steps, difference.changes) == ((), ())


def test_another_database_is_another_target_and_the_same_intent() -> None:
    server = replace(
        SERVER, dialect=POSTGRESQL, database="shop_live", evidence={"database_oid": "1"}
    )
    setting = replace(SETTING, environment="production", server=server)
    other = up_plan([ONE, TWO], replace(ledger(serial=7), identity=IDENTITY), setting)
    difference = compare_plans(REVIEWED, other)
    assert difference.same_intent
    assert difference.steps == ()
    assert {change.field for change in difference.changes} >= {
        *("environment", "target.database", "target.evidence", "target.uuid"),
        *("base.serial", "result.serial"),
    }


@pytest.mark.parametrize(
    ("released", "expected"),
    [
        ([ONE, TWO, THREE], [("added", "003")]),
        ([TWO], [("removed", "001")]),
        ([ONE, THREE], [("removed", "002"), ("added", "003")]),
        ([ONE, migration("002", "create table other (id int);")], [("changed", "002")]),
    ],
)
def test_steps_are_added_removed_and_changed(
    released: list[object], expected: list[tuple[str, str]]
) -> None:
    difference = compare_plans(REVIEWED, up_plan(released))  # type: ignore[arg-type]
    assert not difference.same_intent
    assert kinds(difference) == expected


def test_a_step_that_runs_at_another_place_has_moved() -> None:
    turned = seal(REVIEWED.model_copy(update={"steps": REVIEWED.steps[::-1]}))
    difference = compare_plans(REVIEWED, turned)
    assert not difference.same_intent
    assert [kind for kind, _ in kinds(difference)] == ["moved"]


def test_the_other_direction_is_another_step() -> None:
    downwards = tuple(step.model_copy(update={"direction": "down"}) for step in REVIEWED.steps)
    difference = compare_plans(REVIEWED, seal(REVIEWED.model_copy(update={"steps": downwards})))
    assert kinds(difference) == [
        *(("removed", "001"), ("removed", "002")),
        *(("added", "001"), ("added", "002")),
    ]


def test_another_way_back_is_a_change_though_the_same_sql_runs() -> None:
    (change,) = compare_plans(
        REVIEWED, up_plan([ONE, migration("002", down="drop table t002 cascade;")])
    ).steps
    assert (change.runs_otherwise, change.returns_otherwise) == (False, True)
    assert [field.field for field in change.changes] == ["checksum"]


def test_other_units_and_promises_are_told_and_the_intent_is_the_same() -> None:
    difference = compare_plans(
        REVIEWED, up_plan([ONE, TWO], setting=replace(SETTING, transaction="step"))
    )
    assert difference.same_intent
    assert [change.field for change in difference.changes] == ["verdict"]
    assert [[field.field for field in change.changes] for change in difference.steps] == [
        ["transaction"]
    ]


def test_a_weaker_guarantee_is_told_by_its_statement() -> None:
    first, second = REVIEWED.steps
    weak = first.statements[0].model_copy(update={"guarantee": "point-of-no-return"})
    steps = (first.model_copy(update={"statements": (weak,)}), second)
    (change,) = compare_plans(REVIEWED, seal(REVIEWED.model_copy(update={"steps": steps}))).steps
    assert [(one.field, one.after) for one in change.changes] == [
        ("statement 1 guarantee", "point-of-no-return")
    ]


def test_findings_that_came_and_went_are_told() -> None:
    found = with_finding(REVIEWED, FINDING)
    waived = with_finding(REVIEWED, FINDING.model_copy(update={"allowed": "a backup is at hand"}))
    (came,) = compare_plans(REVIEWED, found).steps
    assert (came.findings_gone, came.findings_new) == ((), ("drops-data (danger)",))
    (answered,) = compare_plans(found, waived).steps
    assert answered.findings_gone == ("drops-data (danger)",)
    assert answered.findings_new == ("drops-data (allowed)",)


def test_the_same_version_with_other_zeros_is_the_same_step() -> None:
    (change,) = compare_plans(up_plan([migration("2")]), up_plan([TWO])).steps
    assert change.kind == "changed"
