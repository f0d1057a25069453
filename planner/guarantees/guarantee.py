"""Guarantees where the server undoes DDL with its transaction, and the words for all of them.

Where it commits DDL by itself, `statement_guarantees` judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Step

NOT_ATOMIC = "NOT ATOMIC"
ONE_TRANSACTION = "ATOMIC (one transaction)"
COMPENSATION = "ATOMIC BY COMPENSATION (intermediate states visible to other sessions)"
WRITTEN_ALONE = "its section says `transaction:false`"
# What CONCURRENTLY leaves when it fails: applying the plan again finishes it.
CONCURRENT = {
    "build": "the index has no name by which an unfinished one could be found and dropped",
    "drop": "a DROP INDEX CONCURRENTLY that fails can leave the index invalid",
    "rebuild": "a REINDEX CONCURRENTLY that fails leaves invalid indexes",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The steps with what each statement promises, and what the whole plan does."""

    steps: tuple[Step, ...]
    verdict: str
    warnings: tuple[str, ...]


def verdict(steps: Sequence[Step]) -> str:
    """What a failure in the middle of these steps would leave behind, as a phrase."""
    if len(steps) == 1 and _is_named_build(steps[0]):
        return COMPENSATION
    for number, step in enumerate(steps, 1):
        for place, statement in enumerate(step.statements, 1):
            if statement.guarantee == "point-of-no-return":
                return cut(number, place, statement.reason)
        if number < len(steps) and not _share_transaction(step, steps[number]):
            why = "the next step is a transaction of its own"
            return cut(number, len(step.statements), why)
    return ONE_TRANSACTION


def cut(step: int, statement: int, why: str) -> str:
    """The verdict on a plan whose later failure keeps what ran up to this statement."""
    return f"{NOT_ATOMIC} after step {step} statement {statement}: {why}"


def judge_alone(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, where the only one has a single statement, by what that leaves when it fails: one
    that is a transaction by itself has its row in the journal in it."""
    if len(steps) != 1 or steps[0].transaction is not None or len(steps[0].statements) != 1:
        return tuple(steps)
    (step,), (statement,) = steps, steps[0].statements
    reading = statement.reading
    if reading is None:
        return (step,)
    if reading.commits == "never" and reading.fails_whole and not reading.unread:
        changes = {"guarantee": "transactional", "reason": ""}
    elif reading.concurrent and not _is_named_build(step):
        changes = {"reason": CONCURRENT[reading.concurrent.action]}
    else:
        return (step,)
    return (step.model_copy(update={"statements": (statement.model_copy(update=changes),)}),)


def _is_named_build(step: Step) -> bool:
    """An index that could not be built to its end is looked for by its name, and dropped."""
    found = [one.reading.concurrent for one in step.statements if one.reading]
    return [one.action for one in found if one and one.index] == ["build"] and len(found) == 1


def _share_transaction(step: Step, following: Step) -> bool:
    return step.transaction is not None and step.transaction == following.transaction
