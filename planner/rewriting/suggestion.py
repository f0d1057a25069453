"""The word of a finding that `migrate fix` shows the safe form. Proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.plan.plan import Plan
from lockgate.planner.review.rules import blocks_table, lock_held, rebuilds_table, unguarded_alter
from lockgate.planner.review.section import Subject
from lockgate.planner.rewriting.rewrite import rewrite_section

GUARDED = frozenset({rebuilds_table.CODE, unguarded_alter.CODE})
CODES = frozenset({blocks_table.CODE, lock_held.CODE, *GUARDED, *blocks_table.COVERED_BY})


def with_suggestions(
    findings: Iterable[Finding], subject: Subject, file: str
) -> tuple[Finding, ...]:
    """The findings; those of long locks on a statement that has a safe form say how to see it."""
    found = tuple(findings)
    if subject.direction == "down" or not any(one.code in CODES for one in found):
        return found
    codes = dict(_codes(subject))
    return tuple(
        _suggesting(one, file) if one.code in codes.get(one.statement, ()) else one for one in found
    )


def _codes(subject: Subject) -> Iterator[tuple[int, frozenset[str]]]:
    """The findings that a statement's safe form is a cure for, by its place."""
    for one in rewrite_section(subject):
        if one.pieces or one.depends or one.offers:
            for place in range(one.place, one.place + one.covers):
                yield place, GUARDED if one.offers else CODES


def with_suggestions_of_plan(plan: Plan, subjects: Iterable[Subject]) -> Plan:
    """The plan whose findings, too, say how to see the safe form; not sealed again."""
    steps = (
        step.model_copy(update={"findings": with_suggestions(step.findings, subject, step.file)})
        for step, subject in zip(plan.steps, subjects, strict=True)
    )
    return plan.model_copy(update={"steps": tuple(steps)})


def _suggesting(finding: Finding, file: str) -> Finding:
    safer = f"{finding.safer} `migrate fix {file}` shows the safe form.".lstrip()
    return finding.model_copy(update={"safer": safer})
