"""What decides on a plan, and what its places have in common, as values."""

from dataclasses import replace

import pytest

from lockgate.planner.building.promotion import with_promotion
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import TakenAlong
from lockgate.planner.reading.reading import Blocked
from lockgate.planner.sql.dialect import MYSQL
from lockgate.views.plan.review import review
from lockgate.views.plan.summary import (
    CALM,
    QUIET,
    Fact,
    find_facts,
    find_topics,
    find_usual,
    find_worst,
    gather_locks,
    is_unusual,
    spell_effects,
    spell_way_back,
)
from tests.planner.building.test_promotion import ONE, by_receipts, ran
from tests.planner.literals import up_plan
from tests.views.plans import (
    ITEMS,
    LOSES,
    OLD,
    PRODUCTION,
    USERS,
    compensated_plan,
    decorated,
    empty_plan,
    long_plan,
    small_plan,
    written,
)

LOST_TOO = LOSES.model_copy(update={"message": "What is lost: the table old.", "statement": 2})
MOVES = "with gone as (delete from old where id < 5 returning *) insert into new select * from gone"
BOTH = "alter table old add b int; update old set b = 1;"
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
    facts = find_facts(review(compensated_plan()))
    assert facts[-1] == Fact("fair", "Rights change", "grant all on t to u", "changes")
    assert facts[-2] == Fact(
        "fair",
        "items may be closed for writes during step 1 statement 3",
        "rewrites all rows, ALGORITHM=COPY, LOCK=SHARED",
        "locks",
    )


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("delete from old where id < 5", "Data is lost: rows of old (it has ~10)"),
        (MOVES, "Data is lost: rows of old (it has ~10)"),
        ("update old set a = 1 where id < 5", f"{QUIET}. Rows are changed in old (it has"),
        ("update old set a = 1", "Every row is changed in old (it has ~10 rows): their old"),
        ("update none set a = 1", f"{QUIET}. Rows are changed in none (it has ~0 rows)"),
        ("with gone as (update old set a = 1 returning *) update parts set a = 2 where id < 5",
         "Every row is changed in old (it has ~10 rows): their old"),
        ("insert into old values (1) on conflict (id) do update set a = 1",
         f"{QUIET}. Rows are changed in old (it has"),
        ("insert into old values (1)", CALM),
        ("create table old (id int); update old set a = 1 where id < 5", CALM),
        ("create table x.old (id int); update old set a = 1", "Every row is changed in old"),
        ("create table if not exists old (id int); update old set a = 1", "Every row is changed"),
        ("create table if not exists fresh (id int); update fresh set a = 1", CALM),
        ("set search_path = x; create table old (id int); reset search_path; update old set a = 1",
         "Every row is changed in old"),
        ("create table b (id int); alter table b rename to old; update old set a = 1", CALM),
        ("create temporary table old (id int); update old set a = 1", CALM),
    ],
)  # fmt: skip
def test_rows_that_go_or_change_are_named_before_all_is_called_well(sql: str, told: str) -> None:
    plan = up_plan([written("001_rows.sql", f"{sql};")], setting=PRODUCTION)
    places = range(1, len(plan.steps[0].statements) + 1)
    quiet = OLD.model_copy(update={"lock": "ROW EXCLUSIVE", "blocks": "nothing"})
    follower = quiet.model_copy(update={"table": "public.parts"})
    new = quiet.model_copy(update={"table": "public.new"})
    none = quiet.model_copy(update={"table": "none", "rows": 0})
    touched = (quiet, new, follower) if sql == MOVES else (quiet, follower, none)
    touched = () if told == CALM else touched
    touches = {(1, place): touched for place in places}
    told_first = find_worst(review(decorated(plan, {}, touches)))
    assert ". ".join(map(str, told_first)).startswith(told)


@pytest.mark.parametrize("verb", ["replace into", "load data local infile 'f' replace into table"])
def test_rows_that_are_replaced_are_overwritten(verb: str) -> None:
    rest = "values (1)" if verb == "replace into" else ""
    setting = replace(PRODUCTION, server=replace(PRODUCTION.server, dialect=MYSQL, version="9.7.4"))
    plan = up_plan([written("001_rows.sql", f"{verb} old {rest};")], setting=setting)
    overwritten = Fact("", "Rows are changed in old", "their old values are overwritten")
    assert find_worst(review(plan))[-1] == overwritten


def test_long_work_under_a_lock_of_an_earlier_statement_is_named() -> None:
    held = LOSES.model_copy(
        update={"code": "lock-held", "message": "UPDATE works on a.", "why": "W."}
    )
    assert find_worst(review(decorated(small_plan(), {1: (held,)}, {}))) == [
        Fact("poor", "UPDATE works on a", "W.", "findings")
    ]


def test_a_receipt_says_how_long_the_run_took_elsewhere() -> None:
    plan = with_promotion(up_plan([ONE]), by_receipts(ran([ONE])))
    (fact,) = find_worst(review(decorated(plan, {}, {(1, 1): (USERS,)})))
    assert fact.grade == "good"
    closed = USERS.model_copy(update={"work": "rewrite"})
    (fact,) = find_worst(review(decorated(plan, {}, {(1, 1): (closed,)})))
    assert str(fact).endswith("ACCESS EXCLUSIVE, all of it took 3,600 s on staging")


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
        lock.touch: [str(one) for one in places]
        for lock, places in gather_locks(review(plan).locks)
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


def test_a_weaker_lock_says_which_one_is_held_above_it() -> None:
    plan = up_plan([written("001_a.sql", BOTH)], setting=PRODUCTION)
    weak = OLD.model_copy(update={"lock": "ROW EXCLUSIVE", "blocks": "nothing"})
    strong = OLD.model_copy(update={"lock": "ACCESS EXCLUSIVE", "blocks": "reads"})
    found = review(decorated(plan, {}, {(1, 1): (strong,), (1, 2): (weak,)})).locks
    assert [spell_effects(one) for one in found] == [
        "reads and writes wait for a moment, until COMMIT",
        "ACCESS EXCLUSIVE is held",
    ]


@pytest.mark.parametrize(("first", "begins"), [("reads", 1), ("writes", 2), ("nothing", 2)])
def test_a_table_is_closed_from_the_first_statement_that_keeps_others_waiting(
    first: Blocked, begins: int
) -> None:
    quick = USERS.model_copy(update={"blocks": first, "work": "none"})
    slow = USERS.model_copy(update={"blocks": "reads", "work": "rewrite"})
    plan = up_plan([written("001_a.sql", BOTH)], setting=PRODUCTION)
    found = review(decorated(plan, {}, {(1, 1): (quick,), (1, 2): (slow,)}))
    (closed,) = [one.head for one in find_worst(found) if "closed" in one.head]
    assert f"closed for reads and writes from step 1 statement {begins} until" in closed


def test_a_view_has_no_size_and_a_unit_of_its_own_has_a_number() -> None:
    files = [
        written("001_a.sql", "create view old as select 1;"),
        written("002_b.sql", "vacuum old;", options="transaction:false"),
    ]
    found = review(decorated(up_plan(files, setting=PRODUCTION), {}, {(1, 1): (OLD,)}))
    assert [one.is_view for one in found.locks] == [True]
    assert found.units == ("1", "2, no transaction")


@pytest.mark.parametrize(
    ("down", "told"),
    [
        ("select 1;", "does nothing and does not bring back rows of old"),
        ("insert into old values (1);", "does not bring back rows of old"),
    ],
)
def test_of_a_way_back_it_is_said_what_it_does_not_do(down: str, told: str) -> None:
    file = written("001_a.sql", "delete from old where id < 5;", down=down)
    plan = up_plan([file], setting=PRODUCTION)
    assert spell_way_back(plan, plan.steps[0]) == told


def test_a_view_that_goes_with_what_is_dropped_is_poor() -> None:
    plan = up_plan([written("001_code.sql", "alter table users drop column code cascade;")])
    (step,) = plan.steps
    (statement,) = step.statements
    taken = (
        TakenAlong(kind="view", name="mail_list"),
        TakenAlong(kind="index", name="by_code", table="users"),
    )
    changed = statement.model_copy(update={"takes": taken})
    changed_step = step.model_copy(update={"statements": (changed,)})
    worst = find_worst(review(plan.model_copy(update={"steps": (changed_step,)})))
    assert Fact("poor", "Goes with what is dropped", "view mail_list", "changes") in worst
