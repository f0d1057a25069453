"""What of each step of a plan is worth a look on a terminal: locks, findings, weak promises.

Decides nothing; a plan that has more to tell than fits one screen is cut, what matters least first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import PlannedStatement, Touch
from lockgate.planner.quantities import format_size
from lockgate.planner.value import frozen
from lockgate.views.batches import describe_batch, spell_cost
from lockgate.views.online import describe_copy
from lockgate.views.plan.review import (
    WORTH_A_LOOK,
    Place,
    Remark,
    ShownLock,
    count,
    find_locks,
    find_remarks,
    find_rows,
    spell_lock,
    spell_rows,
    statements_of,
)
from lockgate.views.plan.summary import spell_waits
from lockgate.views.terminal import say, shorten

MOST = 30
"""Lines; a plan without surprises has fewer."""
STYLES = {"danger": "bold red", "warning": "yellow", "info": "cyan", "allowed": "green"}
MINOR = ("info", "allowed", "absent")
WORKS = {"none": "", "scan": "reads", "rewrite": "rewrites"}
# Of these the table is what follows the words; of others it is one that they work on.
NAMING = frozenset(
    [
        *("alter index", "alter materialized view", "alter table", "alter view", "cluster"),
        *("drop index", "drop materialized view", "drop sequence", "drop table", "drop view"),
        *("lock table", "optimize", "refresh materialized view", "reindex index", "reindex table"),
        *("rename table", "truncate", "update", "vacuum", "vacuum full"),
    ]
)


@frozen
class Note:
    """A line about a step. `label` is a grade, or what it is about, such as `lock` or `rows`."""

    place: Place
    label: str
    text: str
    style: str = ""


def show_notes(plan: Plan) -> None:
    """The notes of each step under its file, on stdout; nothing where there are none."""
    notes = _notes(plan)
    kept = notes if len(notes) <= MOST else [note for note in notes if note.label not in MINOR]
    for number, group in groupby(kept[:MOST], lambda note: note.place.number):
        say(f"\nstep {number}, {plan.steps[number - 1].file}")
        for note in group:
            say(f"  {note.label:<8}  {note.text}", note.style)
    left = len(notes) - len(kept[:MOST])
    if left:
        say(f"\n… and {count(left, 'more note')}: `migrate show PLAN --format html` shows all.")


def _notes(plan: Plan) -> list[Note]:
    """All of them: by step, its locks first."""
    found = [
        *(_lock(lock) for lock in find_locks(plan) if _matters(lock.touch)),
        *(_finding(remark) for remark in find_remarks(plan)),
        *(
            Note(one.place, "rows", f"changed in {', '.join(one.tables)}")
            for one in find_rows(plan)
        ),
        *_absences(plan),
        *_batches(plan),
        *_costs(plan),
        *_promises(plan),
    ]
    return sorted(found, key=lambda note: note.place.number)


def _matters(touch: Touch) -> bool:
    return touch.blocks != "nothing" or touch.work != "none"


def _lock(lock: ShownLock) -> Note:
    touch = lock.touch
    is_behind_on = lock.kind == "drop index" and touch.algorithm  # as MySQL has it
    names = lock.kind in NAMING and lock.is_first and not is_behind_on
    what = f"{lock.kind.upper()} {'' if names else 'on '}{touch.table}".strip()
    taken = ", ".join(part for part in (spell_lock(touch), *_sizes(touch)) if part)
    style = "red" if touch.is_long else ""
    return Note(lock.place, "lock", f"{what}: {taken}; {spell_waits(lock)}", style)


def _sizes(touch: Touch) -> Iterator[str]:
    """How much is worked on, or how large the table is."""
    if WORKS[touch.work]:
        size = "all of it" if touch.bytes is None else format_size(touch.bytes)
        yield f"{'' if touch.certain else 'perhaps '}{WORKS[touch.work]} {size}"
    elif touch.bytes is not None:
        yield format_size(touch.bytes)
    if touch.rows is not None:
        yield f"{spell_rows(touch.rows)} rows"
    elif WORKS[touch.work]:
        yield "size unknown"


def _finding(remark: Remark) -> Note:
    finding = remark.finding
    line = f"line {finding.line}: " if finding.statement else ""
    reason = f" Allowed: {finding.allowed}" if finding.allowed is not None else ""
    _, fix, rest = finding.safer.rpartition("`migrate fix ")
    safe = f" {fix}{rest}" if fix and finding.allowed is None else ""
    text = f"{line}{finding.code}: {finding.message}{reason}{safe}"
    return Note(remark.place, remark.grade, text, STYLES[remark.grade])


def _batches(plan: Plan) -> Iterator[Note]:
    for place, statement in statements_of(plan.steps):
        if statement.batch is not None:
            yield Note(
                place, "batches", f"line {statement.line}: {describe_batch(statement.batch)}"
            )
        if statement.online is not None:
            told = describe_copy(statement.online, statement)
            yield Note(place, "copy", f"line {statement.line}: {told}")
        if statement.condition is not None:
            told = f"runs only if {statement.condition.met}"
            yield Note(place, "condition", f"line {statement.line}: {told}")


def _costs(plan: Plan) -> Iterator[Note]:
    """What steps have cost in the environment that the plan is promoted from."""
    seen = plan.promotion
    costs = {proof.version: proof.cost for proof in seen.proofs if proof.cost} if seen else {}
    for number, step in enumerate(plan.steps, 1):
        if seen and (cost := costs.get(step.version)):
            yield Note(Place(number, step), "cost", f"in {seen.environment}: {spell_cost(cost)}")


def _absences(plan: Plan) -> Iterator[Note]:
    for place, statement in statements_of(plan.steps):
        for one in statement.reading.absent if statement.reading else ():
            name = f"{one.qualifier}.{one.name}" if one.qualifier else one.name
            text = f"line {statement.line}: there is no {one.kind} {name}, so nothing is done"
            yield Note(place, "absent", text)


def _promises(plan: Plan) -> Iterator[Note]:
    for place, statement in statements_of(plan.steps):
        if statement.guarantee in WORTH_A_LOOK:
            yield Note(place, "promise", _promise(statement), "yellow")


def _promise(statement: PlannedStatement) -> str:
    reason = f": {statement.reason}" if statement.reason else ""
    return f"line {statement.line}, {shorten(statement.sql, 60)}: {statement.guarantee}{reason}"
