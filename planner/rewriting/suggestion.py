"""The word of a finding that `migrate fix` shows the safe form. Proves nothing."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.finding import Finding
from lockgate.planner.review.rules import blocks_table, lock_held, rebuilds_table
from lockgate.planner.review.section import Subject
from lockgate.planner.rewriting.rewrite import rewrite_section

CODES = frozenset(
    {blocks_table.CODE, lock_held.CODE, rebuilds_table.CODE, *blocks_table.COVERED_BY}
)


def with_suggestions(
    findings: Iterable[Finding], subject: Subject, file: str
) -> tuple[Finding, ...]:
    """The findings; those of long locks on a statement that has a safe form say how to see it."""
    found = tuple(findings)
    if subject.direction == "down" or not any(one.code in CODES for one in found):
        return found
    places = {one.place for one in rewrite_section(subject) if one.pieces or one.depends}
    return tuple(
        _suggesting(one, file) if one.code in CODES and one.statement in places else one
        for one in found
    )


def _suggesting(finding: Finding, file: str) -> Finding:
    safer = f"{finding.safer} `migrate fix {file}` shows the safe form.".lstrip()
    return finding.model_copy(update={"safer": safer})
