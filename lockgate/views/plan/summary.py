"""A review in short: the facts that decide, and what many places have in common, said once.

Prints nothing and knows no markup: the HTML view lays it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from lockgate.planner.decision import Answer, Decision
from lockgate.planner.finding import Finding
from lockgate.planner.plan.plan import Plan, Source, Step
from lockgate.planner.plan.statement import PlannedStatement, Touch
from lockgate.planner.quantities import format_size
from lockgate.planner.review.losses import goes_nowhere
from lockgate.planner.review.schema_changes import RIGHTS
from lockgate.planner.review.taken_along import not_brought_back
from lockgate.planner.value import frozen
from lockgate.views.plan.review import (
    WORTH_A_LOOK,
    Place,
    Remark,
    Review,
    ReviewPart,
    ShownLock,
    ShownLoss,
    count,
    spell_lock,
    spell_rows,
)

ORDER = ("poor", "fair", "good", "")
"""Of the facts: the worst first."""
ANSWERED: dict[Answer, tuple[str, str]] = {
    "deny": ("poor", "Denied by policy"),
    "require-approval": ("fair", "Needs approval by policy"),
    "warn": ("fair", "Warned by policy"),
    "allow": ("", "Allowed by policy"),
}
WORKS = {"none": "", "scan": "reads all rows", "rewrite": "rewrites all rows"}
CALM = "Nothing found that loses data or makes other sessions wait for long"
QUIET = "Nothing found that takes data away or makes other sessions wait for long"
COMPARED = "The schema was compared with what these migrations make, and is the same"
LONGEST_FIRST = "Those that keep others waiting for work on all rows come first."
KEPT = "A lock is kept until its transaction ends, however short its statement is."
CLOSED = {"writes": "closed for writes", "reads": "closed for reads and writes"}
BLOCKS = {"writes": "writes wait", "reads": "reads and writes wait"}
MEANINGS = {"compensated": "undone by a statement of its own"}
"""Guarantees that a reviewer may meet here first."""
T = TypeVar("T")


@frozen
class Fact:
    """Something that decides, graded `poor`, `fair`, `good` or not; `anchor` tells more, or ''."""

    grade: str
    head: str
    more: str = ""
    anchor: str = ""

    def __str__(self) -> str:
        return f"{self.head}: {self.more}" if self.more else self.head


@frozen
class Topic:
    """Findings that differ only in place and message; `number` counts from 1."""

    number: int
    remarks: tuple[Remark, ...]

    @property
    def grade(self) -> str:
        """That of its findings."""
        return self.remarks[0].grade

    @property
    def finding(self) -> Finding:
        """The first, for what all have in common."""
        return self.remarks[0].finding

    @property
    def subject(self) -> Hashable:
        """What its findings have in common."""
        return subject(self.remarks[0])

    @property
    def messages(self) -> list[tuple[str, list[Remark]]]:
        """Each message once, with the findings that say it."""
        told = _gather(self.remarks, lambda remark: remark.finding.message)
        return [(same[0].finding.message, same) for same in told]


def find_facts(review: Review) -> list[Fact]:
    """The verdict, and what else decides whether the plan may run, the worst first."""
    facts = [
        *map(_decision, review.plan.decisions),
        *_dangers(review.remarks),
        *find_worst(review),
        *(one for one in _longest(review) if not one.grade),
        _verdict(review),
    ]
    return sorted(facts, key=lambda fact: ORDER.index(fact.grade))


def _verdict(review: Review) -> Fact:
    is_in_parts = len(review.parts) > 1 and not review.grade
    more = "a failure undoes its own unit and keeps those before it" if is_in_parts else ""
    return Fact(review.grade, review.plan.verdict, more, "atomicity" if review.parts else "")


def find_worst(review: Review) -> list[Fact]:
    """What users of the database notice of the plan: losses, and the table that is closed longest
    for work on all of its rows; or that nothing of the kind was found."""
    longest = list(_longest(review, _elsewhere(review.plan)))
    held = () if any(fact.grade for fact in longest) else _held(review.remarks)
    told = [*_losses(review.losses), *_taken(review.plan), *longest, *held, *_rights(review)]
    changed = list(_overwritten(review))
    found = [fact for fact in (*told, *changed) if fact.grade]
    return found or [*_calm(review, is_changed=bool(changed)), *changed]


def find_topics(remarks: Iterable[Remark]) -> list[Topic]:
    """The findings by what they are about, in the order of the first of each."""
    told = _gather(remarks, subject)
    return [Topic(number, tuple(same)) for number, same in enumerate(told, 1)]


def subject(remark: Remark) -> Hashable:
    """What a finding is about, wherever it is."""
    finding = remark.finding
    said = (finding.why, finding.safer, finding.allowed)
    return remark.grade, finding.tool, finding.code, said


def gather_locks(locks: Iterable[ShownLock]) -> list[tuple[ShownLock, list[Place]]]:
    """Each table and lock once, with the statements that take it, in the order of the first."""
    told = _gather(locks, lambda lock: (lock.touch, spell_effects(lock), lock.is_view))
    return [(same[0], [lock.place for lock in same]) for same in told]


def gather_losses(losses: Iterable[ShownLoss]) -> list[tuple[tuple[str, ...], list[Place]]]:
    """What is lost, each once, with the statements that take it."""
    told = _gather(losses, lambda loss: loss.lost)
    return [(same[0].lost, [loss.place for loss in same]) for same in told]


def count_guarantees(part: ReviewPart) -> Counter[str]:
    """How many statements of a unit have which guarantee."""
    return Counter(statement.guarantee for _, statement in part.statements)


def find_usual(part: ReviewPart) -> str:
    """The guarantee of most statements of a unit; empty where it is worth a look at each."""
    found = count_guarantees(part)
    guarantee, number = next(iter(found.most_common(1)), ("", 0))
    is_usual = number * 2 > found.total() and guarantee not in WORTH_A_LOOK
    return guarantee if is_usual else ""


def is_mixed(part: ReviewPart) -> bool:
    """Whether its statements have more guarantees than one."""
    return len(count_guarantees(part)) > 1


def is_unusual(statement: PlannedStatement, usual: str) -> bool:
    """Whether the statement's guarantee says more than that of its unit."""
    return bool(statement.reason) or statement.guarantee != usual


def spell_effects(lock: ShownLock) -> str:
    """What the statement does to the table's rows, who waits meanwhile, and for how long.

    >>> touch = Touch(table="t", lock="SHARE", blocks="writes", work="scan", certain=False)
    >>> spell_effects(ShownLock(Place(1, None), touch))
    'perhaps reads all rows, writes wait'
    """
    touch = lock.touch
    told = ", ".join(filter(None, (WORKS[touch.work], spell_waits(lock))))
    return f"perhaps {told}" if touch.work != "none" and not touch.certain else told


def spell_waits(lock: ShownLock) -> str:
    """Who waits for a lock, and for how long."""
    touch = lock.touch
    if lock.under:
        return f"{lock.under} is held"
    if touch.blocks == "nothing":
        return "nothing waits"
    is_brief = not touch.is_long and (lock.is_brief or not lock.is_kept)
    how_long = [*["for a moment"] * is_brief, *["until COMMIT"] * lock.is_kept]
    return f"{BLOCKS[touch.blocks]} {', '.join(how_long)}".rstrip()


def spell_guarantees(guarantees: Mapping[str, int]) -> str:
    """How many statements have which guarantee, with what it means.

    >>> spell_guarantees({"transactional": 3, "compensated": 1})
    '3 transactional, 1 compensated (undone by a statement of its own)'
    """
    return ", ".join(
        f"{number} {name}" + (f" ({MEANINGS[name]})" if name in MEANINGS else "")
        for name, number in guarantees.items()
    )


def spell_way_back(plan: Plan, step: Step) -> str:
    """What the way back of a step does not do, as a clause; empty: nothing is missing."""
    lost = [noun for one in step.statements for noun in one.loses]
    if dialect := plan.target.dialect:
        lost += [str(taken) for one in step.statements
                 for taken in not_brought_back(one, step.rollback or (), dialect)]  # fmt: skip
    told = ["does nothing"] if goes_nowhere(plan, step) else []
    if step.rollback and lost:
        told.append(f"does not bring back {', '.join(lost[:3])}" + (" …" if lost[3:] else ""))
    return " and ".join(told)


def spell_size(size: int | None) -> str:
    """An estimated size.

    >>> spell_size(310 << 20), spell_size(None)
    ('~310MB', 'unknown')
    """
    return "unknown" if size is None else f"~{format_size(size)}"


def _gather(items: Iterable[T], key: Callable[[T], Hashable]) -> Iterable[list[T]]:
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found.values()


def _decision(decision: Decision) -> Fact:
    grade, head = ANSWERED[decision.answer]
    return Fact(grade, f"{head} {decision.policy}", decision.reason)


def _dangers(remarks: Iterable[Remark]) -> Iterable[Fact]:
    codes = [remark.finding.code for remark in remarks if remark.grade == "danger"]
    if codes:
        yield Fact("poor", count(len(codes), "danger"), ", ".join(dict.fromkeys(codes)), "danger")


def _losses(losses: tuple[ShownLoss, ...]) -> Iterable[Fact]:
    lost = list(dict.fromkeys(noun for loss in losses for noun in loss.lost))
    if lost:
        yield Fact("poor", "Data is lost", _some(lost), "losses")


def _taken(plan: Plan) -> Iterable[Fact]:
    """What goes with what is dropped, and has a name of its own, such as a view."""
    statements = (one for step in plan.steps for one in step.statements)
    whole = [f"{taken.kind} {taken.name}" for one in statements for taken in one.takes
             if not taken.table]  # fmt: skip
    if whole:
        yield Fact(
            "poor", "Goes with what is dropped", _some(list(dict.fromkeys(whole))), "changes"
        )


def _rights(review: Review) -> Iterable[Fact]:
    """What a plan gives to others, or takes from them."""
    told = [line[2:] for one in review.changes if one.object == RIGHTS for line in one.lines]
    if told:
        yield Fact("fair", "Rights change", "; ".join(told[:3]) + "; …" * (len(told) > 3),
                   "changes")  # fmt: skip


def _overwritten(review: Review) -> Iterable[Fact]:
    """The tables that were there before and of which every row is changed, then the others."""
    whole = {name: True for one in review.rows if one.whole for name in one.tables}
    changed = {name: True for one in review.rows for name in one.tables if name not in whole}
    for grade, head, names in (("fair", "Every row is", whole), ("", "Rows are", changed)):
        if names:
            more = "their old values are overwritten"
            yield Fact(grade, f"{head} changed in {_some(list(names))}", more)


def _calm(review: Review, *, is_changed: bool) -> Iterable[Fact]:
    """That nothing was found, where that is so and something runs; and of what is taken over, that
    the database is what its files make."""
    if review.plan.adopted and review.plan.adopted.compared:
        yield Fact("good", COMPARED)
    graded = any(remark.grade in ("danger", "warning") for remark in review.remarks)
    if review.statements and not graded and review.grade != "poor":
        yield Fact("good", QUIET if is_changed else CALM)


def _held(remarks: Iterable[Remark]) -> Iterable[Fact]:
    """The first long work of a transaction that keeps a table closed since an earlier statement."""
    for one in remarks:
        if one.finding.code == "lock-held" and one.grade in ("danger", "warning"):
            grade = "poor" if one.grade == "danger" else "fair"
            yield Fact(grade, one.finding.message.rstrip("."), one.finding.why, "findings")
            return


def _some(names: Sequence[str]) -> str:
    """As many names as a sentence takes."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _longest(review: Review, elsewhere: str = "") -> Iterable[Fact]:
    """Of the lock that others wait for longest, if one makes them wait."""
    is_brief = all(one.finding.code != "lock-held" for one in review.remarks)
    for lock in (lock for lock in review.locks if lock.touch.blocks != "nothing"):
        touch = lock.touch
        severe, verb = ("poor", "is") if touch.certain else ("fair", "may be")
        told = [_amount(touch), WORKS[touch.work], spell_lock(touch)]
        head = f"{touch.table} {verb} {CLOSED[touch.blocks]} {_how_long(lock)}"
        if is_brief and not touch.is_long:
            head = f"{touch.table} is locked for a moment"
            told.insert(0, f"{BLOCKS[touch.blocks]} {_how_long(lock)}")
        yield Fact(
            severe if touch.is_long else "",
            head,
            ", ".join(filter(None, [*told, elsewhere if touch.is_long else ""])),
            "locks",
        )
        return


def _elsewhere(plan: Plan) -> str:
    """How long the runs took whose receipts the plan carries, as a clause; empty: none. That of a
    fleet says nothing of one database."""
    if plan.promotion is None or not plan.promotion.receipts:
        return ""
    from lockgate.planner.fleet.receipt import FleetReceipt, parse_any_receipt

    carried = [one.text.encode() for one in plan.promotion.receipts]
    runs = [parse_any_receipt(text, "The receipt in the plan") for text in carried]
    if any(isinstance(run, FleetReceipt) for run in runs):
        return ""
    took = sum(((run.finished_at - run.started_at).total_seconds() for run in runs), 0.0)
    seconds = f"{took:,.0f} s" if took >= 10 else f"{took:.1f} s"
    return f"all of it took {seconds} on {plan.promotion.environment}"


def spell_commit(source: Source) -> str:
    """What a commit says and who wrote it, to follow its number; empty: not known."""
    subject = f"“{source.subject}”" if source.subject else ""
    author = f"by {source.author.name}" if source.author else ""
    return " ".join(filter(None, (subject, author)))


def _how_long(lock: ShownLock) -> str:
    """From when until when others wait for a lock."""
    if lock.is_kept:
        return f"from {lock.since or lock.place} until its transaction ends"
    return f"during {lock.place}"


def _amount(touch: Touch) -> str:
    """About how much there is in the table."""
    size = "" if touch.bytes is None else f"about {format_size(touch.bytes)}"
    rows = "" if touch.rows is None else f"{spell_rows(touch.rows)} rows"
    return ", ".join(filter(None, (size, rows)))
