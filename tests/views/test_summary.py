"""What decides on a plan, and what its places have in common, as values."""

from lockgate.planner.plan.plan import Plan
from lockgate.views.plan.review import review
from lockgate.views.plan.summary import (
    Fact,
    find_facts,
    find_topics,
    find_usual,
    gather_locks,
    is_unusual,
)
from tests.views.plans import (
    ITEMS,
    LOSES,
    OLD,
    compensated_plan,
    decorated,
    empty_plan,
    long_plan,
    small_plan,
)

LOST_TOO = LOSES.model_copy(update={"message": "What is lost: the table old.", "statement": 2})
WAIVED = LOSES.model_copy(update={"allowed": "nobody reads it"})


def _guaranteed(*guarantees: str) -> Plan:
    """A plan of one step whose statements have these guarantees."""
    plan = small_plan()
    (step,) = plan.steps
    statements = tuple(
        step.statements[0].model_copy(update={"guarantee": guarantee}) for guarantee in guarantees
    )
    step = step.model_copy(update={"statements": statements})
    return plan.model_copy(update={"steps": (step,)})


def test_the_worst_fact_comes_first_and_a_brief_lock_last() -> None:
    assert [fact.grade for fact in find_facts(review(long_plan(30)))] == ["poor", "good", ""]


def test_a_lock_that_is_only_perhaps_long_is_fair() -> None:
    assert find_facts(review(compensated_plan()))[-1] == Fact(
        "fair",
        "perhaps items is closed for writes during step 1 statement 3",
        "rewrites all rows, ALGORITHM=COPY, LOCK=SHARED",
        "locks",
    )


def test_of_a_plan_that_does_nothing_the_verdict_alone_is_told() -> None:
    plan = empty_plan()
    assert find_facts(review(plan)) == [Fact("good", plan.verdict)]


def test_findings_with_the_same_advice_are_one_topic_of_several_messages() -> None:
    plan = decorated(long_plan(3), {1: (LOSES, LOST_TOO), 2: (LOSES,), 3: (WAIVED,)}, {})
    danger, allowed = find_topics(review(plan).remarks)
    assert (danger.number, danger.grade, allowed.grade) == (1, "danger", "allowed")
    told = {message: [one.place.number for one in same] for message, same in danger.messages}
    assert told == {LOSES.message: [1, 2], LOST_TOO.message: [1]}


def test_only_equal_locks_of_a_table_are_gathered() -> None:
    larger = OLD.model_copy(update={"rows": 20})
    plan = decorated(long_plan(3), {}, {(1, 1): (OLD, ITEMS), (2, 1): (larger,), (3, 2): (OLD,)})
    gathered = {
        touch: [str(one) for one in places] for touch, places in gather_locks(review(plan).locks)
    }
    assert gathered == {
        ITEMS: ["step 1 statement 1"],
        OLD: ["step 1 statement 1", "step 3 statement 2"],
        larger: ["step 2 statement 1"],
    }


def test_the_usual_guarantee_is_that_of_most_statements() -> None:
    plan = _guaranteed("compensated", "compensated", "deferred")
    (part,) = review(plan).parts
    usual = find_usual(part)
    assert usual == "compensated"
    shown = [is_unusual(one, usual) for one in plan.steps[0].statements]
    assert shown == [False, False, True]


def test_a_point_of_no_return_is_never_usual() -> None:
    (part,) = review(_guaranteed("point-of-no-return", "point-of-no-return")).parts
    assert find_usual(part) == ""


def test_a_reason_is_told_even_for_the_usual_guarantee() -> None:
    (statement,) = _guaranteed("transactional").steps[0].statements
    assert is_unusual(statement.model_copy(update={"reason": "why"}), "transactional")
