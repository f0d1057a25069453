"""Guarantees where the server undoes DDL with its transaction, and the words for all of them.

Where it commits DDL by itself, `promises` judges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Step

NOT_ATOMIC = "NOT ATOMIC"
ONE_TRANSACTION = "ATOMIC (one transaction)"
COMPENSATION = "ATOMIC BY COMPENSATION (intermediate states visible to other sessions)"
WRITTEN_ALONE = "its section says `transaction:false`"
# An index that could not be built to its end is looked for, and built again or dropped.
ONE_INDEX = re.compile(r"(?:create\s+(?:unique\s+)?|drop\s+)index\s+concurrently\b", re.IGNORECASE)


def verdict(steps: Sequence[Step]) -> str:
    """What a failure in the middle of these steps would leave behind, as a phrase."""
    if len(steps) == 1 and _is_one_index(steps[0]):
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


def _is_one_index(step: Step) -> bool:
    return len(step.statements) == 1 and ONE_INDEX.match(step.statements[0].sql) is not None


def _share_transaction(step: Step, following: Step) -> bool:
    return step.transaction is not None and step.transaction == following.transaction
