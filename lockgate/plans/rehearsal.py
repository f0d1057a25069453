"""Rehearsal of a plan, and the search for drift: both replay the migrations on a scratch database.

It must not print, and must not change the environment's own database.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from lockgate import __version__
from lockgate.checkout import read_source
from lockgate.executors.engine import Engine, Traits, open_engine
from lockgate.executors.ledger.occupancy import other_tables, tables_of
from lockgate.executors.programs.installations import find_installation
from lockgate.executors.receipts import read_by
from lockgate.executors.rehearsal import Stage, find_drift, rehearse, rehearse_each
from lockgate.executors.scratch import (
    make_extensions,
    make_schemas,
    open_private_scratch,
    open_scratch,
)
from lockgate.planner.building.build import Setting, build_chosen_plan
from lockgate.planner.building.compare import compare, refuse_broken_history
from lockgate.planner.building.observation import Observation
from lockgate.planner.database.catalogue import Catalogue, ObjectDifference, differences
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.search_path import split_path
from lockgate.planner.database.server import is_of_other_series, name_series
from lockgate.planner.database.surroundings import Surroundings, is_beside
from lockgate.planner.environments.environment import resolve_rehearsal
from lockgate.planner.environments.judgement import judged
from lockgate.planner.errors import HistoryError, UsageError
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.plan.drift import (
    PUBLIC,
    made_by_migrations,
    name_objects,
    name_passed,
    show_lines,
    without_tables,
)
from lockgate.planner.plan.other_version import LEFT_OUT
from lockgate.planner.plan.plan import Direction, Plan
from lockgate.planner.plan.rehearsal import how_to_get, refuse_reaching, refuse_reaching_out
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.reaching import EXTENSIONS
from lockgate.planner.reading.server_wide import created_names, created_roles, named_words
from lockgate.planner.review.rehearsal_findings import Evidence, answering, with_evidence
from lockgate.planner.review.section import ReviewTerms
from lockgate.plans.making import Request, make_setting, plan_live
from lockgate.workspace import (
    Workspace,
    author,
    load_migrations,
    read_settled,
    run_secret_command,
)

if TYPE_CHECKING:
    from lockgate.executors.ledger.rows import LeftSchema
    from lockgate.planner.adoption.matching import Takeover


def plan_rehearsed(work: Workspace, request: Request) -> Plan:
    """`plan_live` for a request, and rehearsed where it asks for that.

    Raises:
        LockgateError: as `plan_live` and `rehearse_plan`.
    """
    ledger = read_settled(work.engine)
    plan = plan_live(work, ledger, request)
    if not request.rehearse:
        return plan
    return judged(rehearse_plan(work, ledger, plan, request), work.environment.policy)


def rehearse_plan(work: Workspace, ledger: Ledger, plan: Plan, request: Request) -> Plan:
    """The plan with what its rehearsal has shown; one without steps as it is.

    Raises:
        UsageError: it cannot be rehearsed, or not here.
        StatementFailed: it fails.
    """
    if request.from_database or request.is_recording or request.skip_irreversible:
        raise UsageError(
            "This plan cannot be rehearsed.",
            why="A rehearsal runs the migrations' files: a baseline runs none, "
            "`--from-database` opens none, and `--skip-irreversible` passes over one.",
            do="Leave `--rehearse` away.",
        )
    if not plan.steps:
        return plan
    directory = load_migrations(work.environment)
    numbers = {migration.key: migration for migration in directory.migrations}
    chosen = [numbers[step.key] for step in plan.steps]
    applied = compare(directory.migrations, ledger).applied
    evidence = _gather(work, plan.steps[0].direction, applied, chosen)
    terms = ReviewTerms(
        work.engine.server.dialect, work.engine.survey.read_facts(), work.environment.thresholds
    )
    return with_evidence(plan, evidence, _waivers(work, plan, chosen), terms)


def _gather(
    work: Workspace, direction: Direction, applied: Sequence[Migration], chosen: Sequence[Migration]
) -> Evidence:
    """The plan's rehearsal, and that of its single steps where it does not prove all of them."""
    live = work.engine.survey.read_catalogue()
    others = other_tables(work.engine.store.read_ledger())
    with open_stage(work, [*applied, *chosen]) as stage:
        stage.replay(applied)
        drift = find_drift(stage, live, work.engine.server, others).differences
        whole = rehearse(stage, direction, chosen)
    if len(chosen) == 1 or (whole.restored and whole.repeatable):
        return Evidence(whole, drift=drift)
    with open_stage(work, [*applied, *chosen]) as stage:
        stage.replay(applied)
        return Evidence(whole, rehearse_each(stage, direction, chosen), drift)


def _waivers(
    work: Workspace, plan: Plan, chosen: Sequence[Migration]
) -> dict[int, tuple[Waiver, ...]]:
    """What the files answer for, by the number of the step."""
    dialect, variables = work.engine.server.dialect, work.environment.variables
    return {
        number: answering(parse_sections(migration, dialect, variables), step)
        for number, (step, migration) in enumerate(zip(plan.steps, chosen, strict=True), 1)
    }


def read_left(work: Workspace, ledger: Ledger) -> tuple[LeftSchema | None, str]:
    """What the last run has left of the schema; None where that cannot be compared, and why."""
    left, by = work.engine.store.runs.read_left(), read_by(__version__, work.engine)
    if left is None:
        return None, "No run has noted yet what it left of the schema"
    if left.serial != ledger.serial:
        return None, f"The history has changed since run {left.run_id} noted what it left"
    if left.by != by:
        return None, f"Run {left.run_id} noted what it left by {left.by}, and this is {by}"
    return left, ""


def read_changed(work: Workspace, ledger: Ledger, left: LeftSchema) -> tuple[ObjectDifference, ...]:
    """What the database has otherwise than a run has left it; without its lines."""
    managed, others = work.engine.session.managed, other_tables(ledger)
    before, now = (
        managed.of(without_tables(Catalogue(digests), others))
        for digests in (left.digests, work.engine.survey.read_digests())
    )
    return differences(before, now)


def read_drift(work: Workspace, ledger: Ledger) -> tuple[tuple[ObjectDifference, ...], str]:
    """What the database has otherwise than its applied migrations make it; and a sentence on what
    could not be compared, empty where they were replayed on its own version.

    Raises:
        BrokenHistory: the files are not those that were applied.
        UsageError, StatementFailed: they cannot be replayed.
    """
    comparison = compare(load_migrations(work.environment).migrations, ledger)
    refuse_broken_history(comparison)
    live = work.engine.survey.read_catalogue()
    with open_stage(work, comparison.applied) as stage:
        stage.replay(comparison.applied)
        server, replayed = work.engine.server, stage.engine.server.dialect
        found = find_drift(stage, live, server, other_tables(ledger))
    told = name_passed(found.passed)
    if is_of_other_series(replayed, server.dialect):
        told += (
            f" The migrations were replayed on {name_series(replayed.name, replayed.version)}, and "
            f"the database is on {server.version}, so this was not compared: {LEFT_OUT}. "
            + how_to_get(server.dialect.name, server.dialect.version)
        )
    return found.differences, told.strip()


def compare_taken(
    work: Workspace, plan: Plan, ledger: Ledger, takeover: Takeover
) -> tuple[str, ...]:
    """What is to be known of the comparison of a schema with what the migrations make that a plan
    takes over, with those that are applied already.

    Raises:
        HistoryError: it is another schema.
    """
    directory = load_migrations(work.environment)
    taken = {step.key for step in plan.steps} | {entry.key for entry in ledger.entries}
    replayed = [migration for migration in directory.migrations if migration.key in taken]
    table = takeover.table
    own = (*tables_of(takeover.tool.name, table.schema, table.name), *other_tables(ledger))
    live = work.engine.survey.read_catalogue()
    with open_stage(work, replayed) as stage:
        stage.replay(replayed)
        drift = find_drift(stage, live, work.engine.server, own)
        statements = _statements(directory.migrations, stage.setting)
    named = _all_of(named_words(each.sql, work.engine.server.dialect) for each in statements)
    beside = [each for each in drift.differences if is_beside(each, named)]
    found = [each for each in drift.differences if each not in beside]
    if found:
        raise HistoryError(
            f"The schema is not what the migrations make that would be taken over: "
            f"{name_objects(found)}.{show_lines(found)}",
            why="They were replayed on a scratch database, and the two were compared.",
            do="See what was changed by hand, or in the files since, or was left half done"
            f"{', or name another --baseline' if takeover.baseline else ''}. What another program "
            "makes is left out by `unmanaged:` in the environment. `--no-verify` takes the history "
            "over as it is, and `migrate drift --replay` shows the differences after that.",
        )
    others = f"No migration has made {name_objects(beside)}: not taken over." if beside else ""
    return tuple(told for told in (name_passed(drift.passed), others) if told)


def read_unexpected(work: Workspace, plan: Plan) -> tuple[ObjectDifference, ...]:
    """What the database has otherwise than the rehearsal of a plan left it; without its lines.

    Raises:
        UsageError: the plan was not rehearsed.
    """
    if plan.rehearsal is None:
        raise UsageError(
            "The plan was not rehearsed, so it does not say which schema it leaves.",
            do="Plan with `--rehearse`, or leave `--expect` away.",
        )
    others = other_tables(work.engine.store.read_ledger())
    managed = work.engine.session.managed
    live = made_by_migrations(without_tables(work.engine.survey.read_catalogue(), others))
    expected = without_tables(Catalogue(plan.rehearsal.expected), others).objects
    found = Catalogue(
        {name: text for name, text in live.objects.items() if name != PUBLIC or name in expected}
    )
    return differences(managed.of(expected), Catalogue(managed.of(found)).digests())


@contextmanager
def open_stage(work: Workspace, migrations: Sequence[Migration]) -> Iterator[Stage]:
    """A scratch database for the block, where these migrations may run.

    Raises:
        UsageError: they would reach beyond it, or it cannot be made.
    """
    environment, traits = work.environment, work.engine.scratch.read_traits()
    setting = _make_setting(work)
    statements = _statements(migrations, setting)
    dialect = work.engine.server.dialect
    refuse_reaching_out(statements, dialect)
    address, key = (
        resolve_rehearsal(environment, os.environ, run_secret_command),
        uuid.uuid4().hex[:12],
    )
    if address is None:
        own_roles = _all_of(created_roles(each.sql, dialect) for each in statements)
        installation = find_installation(dialect.version // 10000, os.environ)
        scratch = open_private_scratch(environment, traits, own_roles, key, installation)
    else:
        with closing(open_engine(address, environment)) as server:
            refuse_reaching(statements, dialect, server.scratch.read_databases())
        scratch = open_scratch(address, environment, traits, key)
    with scratch as engine:
        _furnish(engine, traits, statements)
        born = made_by_migrations(engine.survey.read_catalogue())
        around = Surroundings(engine.scratch.read_traits().user, born)
        yield Stage(engine, setting, author(), time.monotonic, around)


def _furnish(engine: Engine, traits: Traits, statements: Sequence[PlannedStatement]) -> None:
    """Makes what these statements need of the live database and do not make themselves: schemas
    that they, or the search_path, name, and extensions, but none that reaches out."""
    dialect = engine.server.dialect
    made, extended = (
        _all_of(created_names(each.sql, kind, dialect) for each in statements)
        for kind in ("schema", "extension")
    )
    own = {*made, traits.history_schema}
    extensions = [
        one for one in traits.extensions
        if one.name not in {*extended, *EXTENSIONS} and one.schema not in own
    ]  # fmt: skip
    named = {
        *_all_of(named_words(each.sql, dialect) for each in statements),
        *split_path(traits.settings.get("search_path", "")),
        *(one.schema for one in extensions),
    }
    make_schemas(engine, (name for name in traits.schemas if name in named - own))
    make_extensions(engine, extensions)


def _all_of(found: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*found)


def _make_setting(work: Workspace) -> Setting:
    directory = work.environment.migrations_directory
    seen = Observation(work.engine.server, Ledger())
    return make_setting(work.environment, seen, read_source(directory, "0" * 64))


def _statements(migrations: Sequence[Migration], setting: Setting) -> list[PlannedStatement]:
    """All that may run of these migrations, in both directions."""
    unique = {migration.key: migration for migration in migrations}
    plan = build_chosen_plan(unique.values(), "up", Ledger(), setting)
    return [each for step in plan.steps for each in (*step.statements, *(step.rollback or ()))]
