"""What a rehearsal's evidence means: findings of steps, warnings of the plan, and waivers."""

from typing import Any

import pytest

from lockgate.planner.database.catalogue import ObjectDifference
from lockgate.planner.database.facts import Facts, Layout, TableFacts
from lockgate.planner.document import document_digest
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.plan.plan import Change, Lock, Measured, Plan, Rehearsal
from lockgate.planner.plan.statement import Touch
from lockgate.planner.policies.blocking_ddl import BlockingDdl, judge
from lockgate.planner.review.rehearsal_findings import (
    Evidence,
    answering,
    evidence_warnings,
    step_findings,
    unforeseen,
    with_evidence,
)
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import POSTGRESQL
from tests.planner.literals import migration, parse, up_plan

PLAN = up_plan([migration("001")])
TWO = up_plan([migration("001"), migration("002")])
TABLE = Change(object="table t", change="changed", lines=("-column a: type text",))
COUNTER = Change(object="counter of table t", change="changed", lines=("-next 1", "+next 5"))
GOOD: dict[str, Any] = {"restored": True, "repeatable": True}


def seen(**fields: Any) -> Rehearsal:
    own = {"server_version": "18.1", "server_number": 180001, "there_ms": 12, "expected": {}}
    return Rehearsal.model_validate({**own, **fields})


def left(*changes: Change) -> Rehearsal:
    return seen(restored=False, differences=changes, repeatable=True)


def found(plan: Plan, evidence: Evidence) -> list[list[str]]:
    return [[one.code for one in step] for step in step_findings(plan, evidence)]


def only(plan: Plan, whole: Rehearsal) -> Finding:
    ((finding,),) = step_findings(plan, Evidence(whole))
    return finding


def test_a_good_rehearsal_finds_nothing() -> None:
    evidence = Evidence(seen(**GOOD))
    assert found(PLAN, evidence) == [[]]
    assert evidence_warnings(evidence) == ()


def test_a_way_back_that_leaves_a_difference_is_a_danger_that_names_it() -> None:
    finding = only(PLAN, left(TABLE))
    assert (finding.code, finding.severity, finding.statement) == ("not-restored", "danger", 0)
    assert finding.line == 4  # of the way back
    assert "table t (changed: -column a: type text)" in finding.message


def test_a_way_back_that_fails_is_a_danger_that_tells_why() -> None:
    finding = only(PLAN, seen(restored=False, obstacle="the way back failed: no table t"))
    assert (finding.code, finding.severity) == ("not-restored", "danger")
    assert "the way back failed: no table t" in finding.message


def test_a_counter_that_is_left_elsewhere_is_a_warning() -> None:
    assert only(PLAN, left(COUNTER)).severity == "warning"
    assert only(PLAN, left(COUNTER, TABLE)).severity == "danger"


def test_a_plan_that_does_not_run_twice_is_a_finding() -> None:
    again = only(PLAN, seen(restored=True, repeatable=False, unrepeated=(TABLE,)))
    assert (again.code, again.severity, again.line) == ("not-repeatable", "danger", 2)
    assert "table t" in again.message
    failed = seen(restored=True, repeatable=False, obstacle="after the way back the plan failed: x")
    assert "after the way back the plan failed" in only(PLAN, failed).message


def test_the_step_that_does_it_has_the_finding() -> None:
    assert found(TWO, Evidence(left(TABLE), (left(TABLE), seen(**GOOD)))) == [["not-restored"], []]


def test_what_no_single_step_shows_is_the_last_ones() -> None:
    whole = seen(restored=False, differences=(TABLE,), repeatable=False, unrepeated=(TABLE,))
    evidence = Evidence(whole, (left(TABLE), seen(**GOOD)))
    assert found(TWO, evidence) == [["not-restored"], ["not-repeatable"]]
    assert found(TWO, Evidence(whole)) == [[], ["not-restored", "not-repeatable"]]


def test_one_step_without_a_way_back_does_not_hide_that_anothers_is_wrong() -> None:
    whole = seen(obstacle="Migration 002 has no way back")
    plan = with_evidence(TWO, Evidence(whole, (left(TABLE), seen(obstacle="none"))))
    assert [[one.code for one in step.findings] for step in plan.steps] == [["not-restored"], []]
    assert plan.rehearsal is not None
    assert (plan.rehearsal.restored, plan.rehearsal.differences) == (False, (TABLE,))
    assert "002 has no way back" in plan.warnings[-1]


def test_drift_and_a_missing_way_back_are_warnings() -> None:
    view = ObjectDifference("view v", "added")
    drift, early = evidence_warnings(Evidence(seen(obstacle="no way back"), drift=[view]))
    assert "view v (added)" in drift
    assert "no way back" in early


@pytest.mark.parametrize(
    ("shown", "good"),
    [
        (GOOD, True),
        ({}, True),
        ({"restored": False}, False),
        ({"restored": True, "repeatable": False}, False),
    ],
)
def test_a_rehearsal_is_good_that_shows_nothing_bad(shown: dict[str, Any], good: bool) -> None:
    assert seen(**shown).is_good is good


def test_the_digest_covers_the_rehearsal_and_the_intent_does_not() -> None:
    plan = with_evidence(PLAN, Evidence(seen(restored=True)))
    assert plan.digest == document_digest(plan.model_dump(mode="json")) != PLAN.digest
    assert plan.intent_digest == PLAN.intent_digest
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


WAIVED = """\
-- migrate:up
create table t (id int);
-- migrate:down
-- migrate:allow {code} it is fine
drop table t;
"""


@pytest.mark.parametrize(
    ("code", "allowed"), [("not-restored", "it is fine"), ("not-repeatable", None)]
)
def test_a_waiver_anywhere_in_the_file_answers_for_the_way_back(
    code: str, allowed: str | None
) -> None:
    waivers = answering(parse(WAIVED.format(code=code)), PLAN.steps[0])
    plan = with_evidence(PLAN, Evidence(left(TABLE)), {1: waivers})
    assert [one.allowed for one in plan.steps[0].findings] == [allowed]


def test_other_waivers_of_the_other_section_answer_for_nothing_here() -> None:
    assert answering(parse(WAIVED.format(code="drops-data")), PLAN.steps[0]) == ()


def test_a_waiver_of_one_statement_stays_with_it() -> None:
    text = "-- migrate:up\n-- migrate:allow not-foreseen known\nselect 1;\n"
    waivers = answering(parse(text), PLAN.steps[0])
    assert waivers == (Waiver("not-foreseen", "known", 2, 1),)


def touching(*touches: Touch) -> Plan:
    (step,) = PLAN.steps
    statement = step.statements[0].model_copy(update={"touches": touches})
    return PLAN.model_copy(
        update={"steps": (step.model_copy(update={"statements": (statement,)}),)}
    )


def measured(lock: Lock | None = None, *rewrites: str) -> list[Measured]:
    locks = (lock,) if lock else ()
    return [Measured(step=1, statement=1, ms=1, locks=locks, rewrites=rewrites)]


SAID = Touch(table="t", lock="SHARE", blocks="writes")
SHARED = Lock(table="public.t", lock="SHARE ROW EXCLUSIVE", blocks="writes")
CLOSED = Lock(table="public.t", lock="ACCESS EXCLUSIVE", blocks="reads")
OTHER = Lock(table="public.o", lock="SHARE", blocks="writes")
QUIET = Lock(table="public.o", lock="ROW EXCLUSIVE", blocks="nothing")


@pytest.mark.parametrize("lock", [SHARED, QUIET, None])
def test_a_lock_that_blocks_no_more_than_is_said_is_fine(lock: Lock | None) -> None:
    assert list(unforeseen(touching(SAID), measured(lock))) == []


@pytest.mark.parametrize(
    ("lock", "told"),
    [
        (CLOSED, "ACCESS EXCLUSIVE on public.t, so that reads and writes wait"),
        (OTHER, "SHARE on public.o, so that writes wait"),
    ],
)
def test_a_lock_that_blocks_more_than_is_said_is_a_finding(lock: Lock, told: str) -> None:
    ((number, finding),) = unforeseen(touching(SAID), measured(lock))
    assert (number, finding.code, finding.statement) == (1, "not-foreseen", 1)
    assert (finding.severity, finding.line) == ("warning", 2)
    assert told in finding.message


def test_a_rewrite_that_is_not_said_is_a_finding() -> None:
    ((_, finding),) = unforeseen(touching(SAID), measured(None, "public.t"))
    assert "rewrites every row of public.t" in finding.message
    said = SAID.model_copy(update={"work": "rewrite"})
    assert list(unforeseen(touching(said), measured(None, "public.t"))) == []


def test_a_scan_that_is_not_said_is_a_finding_by_its_size() -> None:
    facts = Facts({"t": TableFacts("", 9_000_000, 10**9, {}, schema="public")})
    read = [Measured(step=1, statement=1, ms=1, locks=(CLOSED,), scans=("public.t",))]
    ((_, finding),) = unforeseen(touching(), read, ReviewTerms(POSTGRESQL, facts))
    assert "reads every row of public.t" in finding.message
    assert finding.severity == "danger"
    said = Touch(table="t", lock="ACCESS EXCLUSIVE", blocks="reads", work="scan")
    assert list(unforeseen(touching(said), read)) == []


def test_what_is_said_of_a_table_holds_for_its_parts() -> None:
    part = TableFacts("", 9, 9, {}, schema="public", layout=Layout("table", parents=("t",)))
    terms = ReviewTerms(POSTGRESQL, Facts({"p": part}))
    on_part = [CLOSED.model_copy(update={"table": "public.p"})]
    seen = [Measured(step=1, statement=1, ms=1, locks=on_part, rewrites=("public.p",))]
    said = Touch(table="t", lock="ACCESS EXCLUSIVE", blocks="reads", work="rewrite")
    assert list(unforeseen(touching(said), seen, terms)) == []
    assert len(list(unforeseen(touching(said), seen))) == 1


def test_what_could_not_be_seen_contradicts_nothing() -> None:
    unseen = [Measured(step=1, statement=1, ms=1)]
    assert list(unforeseen(touching(SAID), unseen)) == []


def test_a_table_of_another_schema_is_another_one() -> None:
    said = SAID.model_copy(update={"table": "billing.t", "blocks": "reads"})
    assert len(list(unforeseen(touching(said), measured(CLOSED)))) == 1


def test_what_the_plan_has_no_word_on_at_all_is_told_too() -> None:
    """As of a DO block, whose SQL is in a string."""
    ((_, finding),) = unforeseen(PLAN, measured(CLOSED, "public.t"))
    assert "public.t" in finding.message


def test_what_was_measured_is_what_the_plan_says_with_the_live_sizes() -> None:
    facts = Facts({"t": TableFacts("", 9_000_000, 10**9, {}, schema="public")})
    lock = Lock(table="public.t", lock="ACCESS EXCLUSIVE", blocks="reads")
    whole = seen(**GOOD, measured=tuple(measured(lock, "public.t")))
    plan = with_evidence(PLAN, Evidence(whole), terms=ReviewTerms(POSTGRESQL, facts))
    (touch,) = plan.steps[0].statements[0].touches
    assert (touch.lock, touch.work, touch.rows) == ("ACCESS EXCLUSIVE", "rewrite", 9_000_000)
    assert [(one.code, one.severity) for one in plan.steps[0].findings] == [
        ("not-foreseen", "danger")
    ]
    assert judge(plan, BlockingDdl(answer="deny"))
