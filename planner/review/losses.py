"""What is lost with a plan: data that no rollback which comes later brings back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lockgate.planner.plan.plan import Plan
from lockgate.planner.review.inspection import read_subjects, without_files
from lockgate.planner.review.section import ReviewTerms

NAMED = 5


@dataclass(frozen=True, slots=True)
class Loss:
    """What one statement takes, as nouns: `the table users`. Step and statement count from 1."""

    step: int
    statement: int
    lost: tuple[str, ...]


def find_losses(plan: Plan) -> tuple[Loss, ...]:
    """The losses in the order in which they come; what the plan itself has made is none.

    None are known of an engine that only a later lockgate has.
    """
    dialect = plan.target.dialect
    return tuple(_losses(plan, ReviewTerms(dialect))) if dialect else ()


def name_losses(losses: Sequence[Loss]) -> str:
    """What is lost, as many as a sentence takes.

    >>> name_losses([Loss(1, 1, ("the table t",)), Loss(2, 1, ("the column a",))])
    'the table t (step 1 statement 1), the column a (step 2 statement 1)'
    """
    named = [f"{' and '.join(_unique(one.lost))} (step {one.step} statement {one.statement})"
             for one in losses[:NAMED]]  # fmt: skip
    more = [f"and {len(losses) - NAMED} more"] if len(losses) > NAMED else []
    return ", ".join([*named, *more])


def _losses(plan: Plan, terms: ReviewTerms) -> Iterator[Loss]:
    subjects = read_subjects(plan, terms, without_files(plan))
    for number, subject in enumerate(subjects, 1):
        for statement in subject.statements:
            if lost := subject.lost_by(statement):
                yield Loss(number, statement.place, lost)


def _unique(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)
