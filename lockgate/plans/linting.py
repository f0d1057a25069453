"""Linting of migration files and of plans: asks the linters, and joins what they say.

It must not ask a database: a plan is judged by facts that are given, and files by themselves.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lockgate.planner.building.observation import Observation
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.keys import Database
from lockgate.planner.errors import MigrationFileError, UsageError
from lockgate.planner.finding import Finding, Located, locate_finding
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.migration import Migration, Section
from lockgate.planner.plan.plan import Direction, Plan
from lockgate.planner.reading.reader import ImpactReader
from lockgate.planner.review.inspection import (
    SectionSource,
    inspect,
    read_origins,
    read_section_source,
    read_subjects,
)
from lockgate.planner.review.lint import lint
from lockgate.planner.review.section import ReviewTerms, Subject, read_subject, written_in
from lockgate.planner.sql.dialect import DIALECTS
from lockgate.planner.value import frozen
from lockgate.planner.versions import is_numbered, version_key
from lockgate.workspace import load_migrations

OUTER = {"postgresql": "lockgate.executors.programs.squawk"}
"""The outer linter of an engine: a module that is imported when it is needed."""
UNREACHED = (
    "squawk could not be run, so only lockgate's own rules were applied to the SQL. "
    "`migrate lint` says why."
)


@frozen
class _Source:
    """A section as its file has it."""

    subject: Subject
    origin: SectionSource
    file: str
    lines: Sequence[str]
    needs: str | None
    """What `migrate fix` needs to show its safe form; None: it looks for none."""


def lint_environment(environment: Environment, first: str | None) -> tuple[Located, ...]:
    """The findings of all files, or of those from a version on, in the order in which they run.

    Raises:
        MigrationFileError: a file cannot be read, or a waiver is wrong.
        UsageError: `first` is no version; or an outer linter cannot be run.
    """
    terms = ReviewTerms(DIALECTS[environment.engine])
    chosen = _chosen(load_migrations(environment).migrations, first)
    reader = ImpactReader(terms.dialect, terms.facts)
    sources = [one for each in chosen for one in _sources(each, environment, terms, reader)]
    outer = lint_outside(environment.engine, [source.subject for source in sources])
    folder = Path(os.path.relpath(environment.migrations_directory))
    return tuple(
        _located((folder / source.file).as_posix(), source, finding)
        for source, others in zip(sources, outer, strict=True)
        for finding in _findings(source, others)
    )


def _located(path: str, source: _Source, finding: Finding) -> Located:
    """The finding in its file."""
    subject = source.subject
    at = subject.statements[finding.statement - 1]
    return locate_finding(path, subject.direction, finding, at.sql, at.line, source.lines)


def lint_outside(engine: str, subjects: Sequence[Subject]) -> tuple[tuple[Finding, ...], ...]:
    """What the engine's outer linter finds in each section; nothing where there is none."""
    if engine not in OUTER:
        return ((),) * len(subjects)
    linter = importlib.import_module(OUTER[engine])
    found: tuple[tuple[Finding, ...], ...] = linter.lint_sections(subjects)
    return found


def lint_inside(engine: str, subjects: Sequence[Subject]) -> tuple[tuple[Finding, ...], ...]:
    """As `lint_outside` where there is no such linter: lockgate's own rules are enough."""
    return ((),) * len(subjects)


def inspect_plan(
    plan: Plan,
    environment: Environment,
    seen: Observation,
    migrations: Iterable[Migration],
    lint_more: Callable[[str, Sequence[Subject]], tuple[tuple[Finding, ...], ...]] = lint_outside,
) -> Plan:
    """The plan with what linters and facts say of it, not yet sealed again; `migrations` are those
    that it was made from.

    Where an outer linter cannot be run, the plan warns of it.
    """
    dialect = seen.server.dialect
    origins = read_origins(plan, migrations, dialect, environment.variables)
    subjects = read_subjects(
        plan, ReviewTerms(dialect, seen.facts, environment.thresholds), origins
    )
    try:
        outer = lint_more(dialect.name, subjects)
    except UsageError:
        outer = ((),) * len(subjects)
        plan = plan.model_copy(update={"warnings": (*plan.warnings, UNREACHED)})
    found = inspect(plan, subjects, origins, outer)
    return _suggesting(found, subjects, migrations, environment)


def _suggesting(
    plan: Plan,
    subjects: Sequence[Subject],
    migrations: Iterable[Migration],
    environment: Environment,
) -> Plan:
    """The plan whose findings name the command that shows a safe form, where there is one."""
    if not any(step.findings for step in plan.steps if step.direction == "up"):
        return plan
    from lockgate.planner.rewriting.suggestion import with_suggestions_of_plan

    return with_suggestions_of_plan(plan, subjects, migrations, _fix_needs(environment))


def _fix_needs(environment: Environment) -> str:
    """What `migrate fix` needs that is not there, as the end of a sentence; empty: nothing."""
    is_there = environment.engine == "postgresql" or isinstance(environment.rehearsal, Database)
    return "" if is_there else ", on the server that `rehearsal:` in the environment is to name"


def _chosen(migrations: Sequence[Migration], first: str | None) -> list[Migration]:
    if first is None:
        return list(migrations)
    if is_numbered(first):
        return [migration for migration in migrations if migration.key >= version_key(first)]
    versions = [migration.version for migration in migrations]
    if first not in versions:
        raise UsageError(
            f"{first} is no version.", do="Give the number that a file's name begins with."
        )
    return list(migrations[versions.index(first) :])


def _sources(
    migration: Migration, environment: Environment, terms: ReviewTerms, reader: ImpactReader
) -> Iterator[_Source]:
    """Its sections; what `reader` has read are the up sections before it, which may prove what a
    later one needs not look for."""
    from lockgate.planner.rewriting.suggestion import rewrites

    sections = parse_sections(migration, terms.dialect, environment.variables)
    directions: tuple[tuple[Direction, Section | None], ...] = (
        ("up", sections.up),
        ("down", sections.down),
    )
    for direction, section in directions:
        if section is not None and section.statements:
            parts = [one for one in migration.files if one.name == section.file]
            text = "\n" * (parts[0].line - 1) + "".join(one.text for one in parts)
            ways = bool(section.online or section.conditions)
            needs = _fix_needs(environment) if rewrites(migration, has_ways=ways) else None
            known = reader if direction == "up" else None
            yield _source(direction, section, terms, known, text, needs)


def _source(
    direction: Direction,
    section: Section,
    terms: ReviewTerms,
    reader: ImpactReader | None,
    text: str,
    needs: str | None,
) -> _Source:
    origin = read_section_source(section)
    subject = read_subject(
        written_in(section),
        direction,
        section.transactional,
        terms,
        origin.delimiter_left,
        reader,
    )
    return _Source(subject, origin, section.file, text.split("\n"), needs)


def _findings(source: _Source, outer: Sequence[Finding]) -> tuple[Finding, ...]:
    from lockgate.planner.rewriting.suggestion import with_suggestions

    try:
        found = lint(source.subject, source.origin.waivers, outer)
        if source.needs is None:
            return found
        return with_suggestions(found, source.subject, source.file, source.needs)
    except MigrationFileError as error:
        error.path = error.path or Path(source.file)
        raise
