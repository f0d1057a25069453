"""Guarantees where the server undoes DDL with its transaction, and the words for all of them.

Where it commits DDL by itself, `statement_guarantees` judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Step
    from lockgate.planner.plan.statement import PlannedStatement

NOT_ATOMIC = "NOT ATOMIC"
IN_PARTS = "ATOMIC IN PARTS"
ONE_TRANSACTION = "ATOMIC (one transaction)"
COMPENSATION = "ATOMIC BY COMPENSATION (intermediate states visible to other sessions)"
WRITTEN_ALONE = "its section says `transaction:false`"
MAY_COMMIT = "it may commit on its way, and fail with a part of its work kept"
BUILT = "its index is dropped when the build fails"
# What CONCURRENTLY leaves when it fails: applying the plan again finishes it.
CONCURRENT = {
    "build": "the index has no name by which an unfinished one could be found and dropped",
    "drop": "a DROP INDEX CONCURRENTLY that fails can leave the index invalid",
    "rebuild": "a REINDEX CONCURRENTLY that fails leaves invalid indexes",
}


@frozen
class Judgement:
    """The steps with what each statement promises, and what the whole plan does."""

    steps: tuple[Step, ...]
    verdict: str
    warnings: tuple[str, ...]


@frozen
class Cause:
    """A statement after which a failure keeps a part of its unit, and as a clause why."""

    file: str
    line: int
    why: str


@frozen
class Part:
    """A unit of a plan: `is_plain` if one transaction undoes it, `causes` where nothing does.

    `end` tells as a clause why no further step joins it; empty where the files ask for that.
    `batches` is the place of a statement in batches, each of them a unit; empty: there is none.
    """

    is_plain: bool
    causes: tuple[Cause, ...] = ()
    end: str = ""
    batches: str = ""


def sum_up(parts: Sequence[Part]) -> str:
    """The verdict on a plan of these units: what a failure in the middle leaves, as a phrase."""
    causes = [cause for part in parts for cause in part.causes]
    if causes:
        return f"{NOT_ATOMIC} {_spell(causes)}"
    batches = [part.batches for part in parts if part.batches]
    if len(parts) > 1 or batches:
        ends = dict.fromkeys(part.end for part in parts if part.end)
        why = f": {'; '.join(ends)}" if ends else ""
        units = len(parts) - len(batches)
        named = [f"{units} unit{'s' * (units != 1)}"] * bool(units)
        named += [f"the batches of {', '.join(batches)}"] * bool(batches)
        return f"{IN_PARTS} ({' and '.join(named)}, each all or nothing){why}"
    return ONE_TRANSACTION if all(part.is_plain for part in parts) else COMPENSATION


def rank(verdict: str) -> int:
    """How much a verdict promises: the more, the higher."""
    if verdict.startswith(NOT_ATOMIC):
        return 0
    return 1 if verdict.startswith(IN_PARTS) else 2


def verdict(steps: Sequence[Step], cuts: Iterable[str] = ()) -> str:
    """What a failure in the middle of these steps leaves, by the guarantees of `judge_outside`;
    `cuts` say why steps do not share a transaction, where that was not asked for."""
    parts: list[Part] = []
    for place, step in enumerate(steps):
        if place and _share_transaction(steps[place - 1], step):
            continue
        plain = all(one.guarantee == "transactional" for one in step.statements)
        parts.append(Part(plain, tuple(_causes(step)), batches=place_of_batches(step)))
    parts[:1] = [replace(part, end="; ".join(cuts)) for part in parts[:1]]
    return sum_up(parts)


def place_of_batches(step: Step) -> str:
    """Where the statement is that runs in batches; empty: there is none."""
    return next((f"{step.file}:{one.line}" for one in step.statements if one.batch), "")


def judge_outside(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps; of those outside of a transaction, each statement with what its failure leaves.

    The only statement of a section is undone as a whole if it is a transaction by itself, which
    has its row in the journal in it, or an index that can be found and dropped. What does nothing
    has no row there.
    """
    return tuple(step if step.transaction is not None else _judge(step) for step in steps)


def _judge(step: Step) -> Step:
    is_alone = sum(not one.is_idle for one in step.statements) == 1
    judged = tuple(
        one.model_copy(
            update=_promise(one) if is_alone or one.is_idle or not _is_whole(one) else {}
        )
        for one in step.statements
    )
    return step.model_copy(update={"statements": judged})


def _promise(statement: PlannedStatement) -> dict[str, str]:
    reading = statement.reading
    if reading is None:
        return {}
    if reading.is_idle:
        return {"guarantee": "transactional", "reason": ""}
    if reading.commits == "never" and reading.fails_whole and not reading.unread:
        return {"guarantee": "transactional", "reason": ""}
    if reading.concurrent is None:
        return {"reason": MAY_COMMIT} if reading.commits == "may" else {}
    if _is_torn(statement):
        return {"reason": CONCURRENT[reading.concurrent.action]}
    return {"guarantee": "compensated", "reason": BUILT}


def _is_torn(statement: PlannedStatement) -> bool:
    """Whether it works on an index concurrently, and can leave a part of that when it fails: of
    what is built, an unfinished one is looked for by its name, and dropped."""
    found = statement.reading.concurrent if statement.reading else None
    return found is not None and (found.action != "build" or not found.index)


def _causes(step: Step) -> Iterator[Cause]:
    """Its statements that are kept though the step fails; the last is kept with the step, if it
    is all or nothing."""
    for place, one in enumerate(step.statements, 1):
        is_last = 1 < place == len(step.statements)
        if one.guarantee == "point-of-no-return" and not (is_last and _is_whole(one)):
            yield Cause(step.file, one.line, one.reason)


def _is_whole(statement: PlannedStatement) -> bool:
    return "guarantee" in _promise(statement)


def _share_transaction(step: Step, following: Step) -> bool:
    return step.transaction is not None and step.transaction == following.transaction


def _spell(causes: Sequence[Cause]) -> str:
    """All causes with their places, each reason once.

    >>> _spell([Cause("1.sql", 2, "it vanishes"), Cause("1.sql", 3, "it vanishes")])
    'after 1.sql:2, 3: it vanishes'
    """
    reasons = dict.fromkeys(cause.why for cause in causes)
    return "; ".join(
        f"after {_spell_places([one for one in causes if one.why == why])}: {why}"
        for why in reasons
    )


def _spell_places(causes: Iterable[Cause]) -> str:
    files = groupby(causes, key=lambda cause: cause.file)
    return ", ".join(
        f"{file}:{', '.join(str(cause.line) for cause in found)}" for file, found in files
    )
