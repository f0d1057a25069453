"""Inspection of a plan: what a reviewer should know of its steps, and which tables it works on.

Reads no file and runs no linter: the caller brings the migrations and what an outer linter found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockgate.planner.building.readings import with_readings
from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.migration import Migration, Section
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.plan.plan import Direction, Plan, Step
from lockgate.planner.plan.statement import PlannedStatement, TakenAlong, Touch
from lockgate.planner.reading.reader import ImpactReader
from lockgate.planner.reading.reading import Hold, Object
from lockgate.planner.reading.sizes import find_sized
from lockgate.planner.review.lint import lint, unknown_waivers
from lockgate.planner.review.section import Reviewed, ReviewTerms, Subject, follow, read_alone
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import DelimiterLeft, says_more
from lockgate.planner.value import frozen


@frozen
class SectionSource:
    """What a section's file says besides its statements; empty where no file is at hand."""

    waivers: tuple[Waiver, ...] = ()
    delimiter_left: DelimiterLeft | None = None


def read_section_source(section: Section) -> SectionSource:
    """The origin of a section."""
    return SectionSource(section.waivers, section.delimiter_left)


def read_origins(
    plan: Plan, migrations: Iterable[Migration], dialect: Dialect, variables: Mapping[str, str]
) -> tuple[SectionSource, ...]:
    """The origin of each step, by the migrations with which the plan was made."""
    known = {migration.key: migration for migration in migrations}
    return tuple(
        _find_origin(known.get(step.key), step.direction, dialect, variables) for step in plan.steps
    )


def without_files(plan: Plan) -> tuple[SectionSource, ...]:
    """An empty origin for each step."""
    return (SectionSource(),) * len(plan.steps)


def read_subjects(
    plan: Plan, terms: ReviewTerms, origins: Sequence[SectionSource]
) -> tuple[Subject, ...]:
    """The section that each step runs; what the steps before it make is new to it, and what they
    have locked in its transaction is so still."""
    reader = ImpactReader(terms.dialect, terms.facts)
    sections = [
        read_alone(
            step.statements,
            step.direction,
            step.transaction is not None,
            terms,
            origin.delimiter_left,
            reader,
        )
        for step, origin in zip(plan.steps, origins, strict=True)
    ]
    units = [(step.transaction, step.file) for step in plan.steps]
    return follow([(one, *unit) for one, unit in zip(sections, units, strict=True)])


def inspect(
    plan: Plan,
    subjects: Sequence[Subject],
    origins: Sequence[SectionSource],
    outer: Sequence[Sequence[Finding]],
) -> Plan:
    """The plan with findings and touches, not sealed again; findings that it has stay first.

    Of each step come its section, its origin, and an outer linter's findings.
    """
    inspected = zip(plan.steps, subjects, origins, outer, strict=True)
    steps = tuple(_inspect(*each) for each in inspected)
    named = zip(plan.steps, origins, strict=True)
    warned = (warning for step, origin in named for warning in _odd(step, origin))
    return plan.model_copy(update={"steps": steps, "warnings": (*plan.warnings, *warned)})


def completed(plan: Plan) -> Plan:
    """A plan of format 1.0 with what its statements do, as this lockgate reads it; any other as it
    is. Its digest stays that of its file."""
    dialect = plan.target.dialect
    if dialect is None or all(one.reading for step in plan.steps for one in step.statements):
        return plan
    return with_losses(
        plan.model_copy(update={"steps": with_readings(plan.steps, dialect)}), dialect
    )


def with_losses(plan: Plan, dialect: Dialect) -> Plan:
    """The plan with what its statements lose whatever tables there are, not sealed again."""
    subjects = read_subjects(plan, ReviewTerms(dialect), without_files(plan))
    steps = (
        step.model_copy(update={"statements": _losing(step, subject)})
        for step, subject in zip(plan.steps, subjects, strict=True)
    )
    return plan.model_copy(update={"steps": tuple(steps)})


def _losing(step: Step, subject: Subject) -> tuple[PlannedStatement, ...]:
    return tuple(
        planned.model_copy(update={"loses": subject.lost_by(reviewed)})
        for planned, reviewed in zip(step.statements, subject.statements, strict=True)
    )


def _find_origin(
    migration: Migration | None,
    direction: Direction,
    dialect: Dialect,
    variables: Mapping[str, str],
) -> SectionSource:
    if migration is None or not (migration.template or says_more(migration.text)):
        return SectionSource()
    sections = parse_sections(migration, dialect, variables)
    section = sections.up if direction == "up" else sections.down
    return read_section_source(section) if section else SectionSource()


def _odd(step: Step, origin: SectionSource) -> Iterator[str]:
    """A warning for each waiver that names no rule: it is no reason to stop a rollback."""
    for waiver in unknown_waivers(origin.waivers):
        yield f"{step.file}:{waiver.line}: `allow {waiver.code}` names no rule and waives nothing."


def _inspect(step: Step, subject: Subject, origin: SectionSource, outer: Sequence[Finding]) -> Step:
    unknown = unknown_waivers(origin.waivers)
    waivers = [waiver for waiver in origin.waivers if waiver not in unknown]
    statements = tuple(
        _touching(planned, reviewed, subject)
        for planned, reviewed in zip(step.statements, subject.statements, strict=True)
    )
    findings = (*step.findings, *lint(subject, waivers, outer))
    return step.model_copy(update={"statements": statements, "findings": findings})


def _touching(planned: PlannedStatement, reviewed: Reviewed, subject: Subject) -> PlannedStatement:
    """The statement with what it loses, the tables that others use too, and the code that it sets
    off; what the plan makes itself is neither of the first."""
    touches = (
        _touch(hold, subject.terms.facts)
        for hold in reviewed.impact.holds
        if not subject.is_new(hold.on, reviewed)
    )
    taken = (TakenAlong(kind=one.kind, name=one.name, table=one.table)
             for one in subject.taken_by(reviewed))  # fmt: skip
    told = {"touches": tuple(dict.fromkeys(touches)), "loses": subject.lost_by(reviewed),
            "takes": tuple(taken), "fires": reviewed.impact.fires}  # fmt: skip
    return planned.model_copy(update=told)


def _touch(hold: Hold, facts: Facts) -> Touch:
    known = find_sized(hold.on, facts)
    return Touch(
        table=_spell(hold.on),
        lock="" if hold.lock == "NONE" else hold.lock,
        algorithm=hold.algorithm,
        blocks=hold.blocks,
        work=hold.work,
        certain=hold.certain,
        rows=known.rows if known else None,
        bytes=known.size if known else None,
    )


def _spell(table: Object) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name
