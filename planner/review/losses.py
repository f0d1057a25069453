"""What is lost with a plan: data that no rollback which comes later brings back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockgate.planner.plan.plan import Plan
from lockgate.planner.value import frozen

NAMED = 5


@frozen
class Loss:
    """What one statement takes, as nouns: `the table users`. Step and statement count from 1."""

    step: int
    statement: int
    lost: tuple[str, ...]


def find_losses(plan: Plan) -> tuple[Loss, ...]:
    """The losses in the order in which they come, as the plan's statements carry them; what the
    plan itself has made is none."""
    return tuple(
        Loss(number, place, statement.loses)
        for number, step in enumerate(plan.steps, 1)
        for place, statement in enumerate(step.statements, 1)
        if statement.loses
    )


def name_losses(losses: Sequence[Loss]) -> str:
    """What is lost, as many as a sentence takes.

    >>> name_losses([Loss(1, 1, ("the table t",)), Loss(2, 1, ("the column a",))])
    'the table t (step 1 statement 1), the column a (step 2 statement 1)'
    """
    named = [f"{' and '.join(_unique(one.lost))} (step {one.step} statement {one.statement})"
             for one in losses[:NAMED]]  # fmt: skip
    more = [f"and {len(losses) - NAMED} more"] if len(losses) > NAMED else []
    return ", ".join([*named, *more])


def _unique(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)
