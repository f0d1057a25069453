"""The word of a finding that `migrate fix` shows the safe form, where it looks for one. Proves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.migrations.migration import OWN, Migration
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.review.rules import blocks_table, lock_held, rebuilds_table, unguarded_alter
from lockgate.planner.review.section import Reviewed, Subject
from lockgate.planner.rewriting.rewrite import rewrite_section

GUARDED = frozenset({rebuilds_table.CODE, unguarded_alter.CODE})
CODES = frozenset({blocks_table.CODE, lock_held.CODE, *GUARDED, *blocks_table.COVERED_BY})


def rewrites(migration: Migration, *, has_ways: bool) -> bool:
    """Whether a safe form is looked for; `has_ways` says that its statements run by conditions, or
    one by a program's copy."""
    is_file = migration.format == OWN and not migration.template and not migration.repeatable
    return is_file and not has_ways


def with_suggestions(
    findings: Iterable[Finding], subject: Subject, file: str, needs: str = ""
) -> tuple[Finding, ...]:
    """The findings; those of long locks on a statement that has a safe form say how to see it, and
    what that `needs`."""
    found = tuple(findings)
    if subject.direction == "down" or not any(one.code in CODES for one in found):
        return found
    codes = dict(_codes(subject))
    return tuple(
        _suggesting(one, file, needs) if one.code in codes.get(one.statement, ()) else one
        for one in found
    )


def _codes(subject: Subject) -> Iterator[tuple[int, frozenset[str]]]:
    """The findings that a statement's safe form is a cure for, by its place."""
    for one in rewrite_section(subject):
        if one.offers and _is_closed(subject.statements[one.place - 1]):
            continue
        if one.pieces or one.depends or one.offers:
            for place in range(one.place, one.place + one.covers):
                yield place, GUARDED if one.offers else CODES


def _is_closed(statement: Reviewed) -> bool:
    """Whether no server does it while others write."""
    return any(hold.is_long and hold.certain for hold in statement.impact.holds)


def with_suggestions_of_plan(
    plan: Plan, subjects: Iterable[Subject], migrations: Iterable[Migration], needs: str
) -> Plan:
    """The plan whose findings, too, say how to see the safe form; not sealed again."""
    known = {one.filename: one for one in migrations}

    def looked_at(step: Step) -> bool:
        ways = any(one.online or one.condition for one in step.statements)
        found = known.get(step.file)
        return found is not None and rewrites(found, has_ways=ways)

    steps = (
        step.model_copy(
            update={"findings": with_suggestions(step.findings, subject, step.file, needs)}
        )
        if looked_at(step)
        else step
        for step, subject in zip(plan.steps, subjects, strict=True)
    )
    return plan.model_copy(update={"steps": tuple(steps)})


def _suggesting(finding: Finding, file: str, needs: str) -> Finding:
    safer = f"{finding.safer} `migrate fix {file}` shows the safe form{needs}.".lstrip()
    return finding.model_copy(update={"safer": safer})
