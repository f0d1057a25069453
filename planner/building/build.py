"""Building of plans: from a comparison and a ledger to the steps and the state they leave.

But for those of a rehearsal they are not sealed yet: linters and policies have their say first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal

from lockgate.planner.building.batch_estimates import with_estimates
from lockgate.planner.building.compare import Comparison, refuse_broken_history, refuse_out_of_order
from lockgate.planner.building.enum_cuts import cut_for_enums
from lockgate.planner.building.filetexts import with_text
from lockgate.planner.building.late_steps import mark_late
from lockgate.planner.building.readings import with_readings
from lockgate.planner.building.selection import (
    Skips,
    choose_pending,
    going_back,
    latest_first,
    skip_step,
)
from lockgate.planner.building.stored_runs import (
    StoredRun,
    down_step,
    find_applied,
    skip_stored,
    stored_warnings,
)
from lockgate.planner.database.facts import Facts
from lockgate.planner.database.ledger import Ledger, state_digest
from lockgate.planner.database.server import Server
from lockgate.planner.document import UNSEALED
from lockgate.planner.errors import IrreversibleMigration
from lockgate.planner.guarantees.guarantee import WRITTEN_ALONE, Judgement, judge_outside, verdict
from lockgate.planner.guarantees.kept_sequences import warn_of_sequences
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.migration import Migration, Section
from lockgate.planner.migrations.mistakes import Mistakes
from lockgate.planner.plan.plan import Direction, Plan, Source, State, Step, Target, intend, seal
from lockgate.planner.plan.statement import Guarantee, PlannedStatement, statement_digest
from lockgate.planner.value import frozen, replace
from lockgate.planner.versions import VersionKey, is_repeatable, version_key

# Each new table holds about three locks (itself, its index, its TOAST table) in a lock table
# of max_locks_per_transaction * max_connections = 6,400 entries by default.
# https://www.postgresql.org/docs/current/runtime-config-locks.html
MANY_TABLES = 2000

NO_SKIPS = Skips()


@frozen
class Setting:
    """What a plan is made for and from, apart from the migrations themselves."""

    project: str
    environment: str
    server: Server
    source: Source
    tool_version: str
    max_age: timedelta | None = None
    transaction: Literal["plan", "step"] = "plan"
    allow_out_of_order: bool = False
    variables: Mapping[str, str] | None = None
    warnings: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    copy_limit: float | None = None
    """In bytes; None: no rows are copied."""
    fresh: bool | None = None
    """As `Plan.fresh`."""
    state_pulled_at: datetime | None = None
    """When the state was pulled that replaces the database; None: the database itself was asked."""


def build_up_plan(
    comparison: Comparison,
    ledger: Ledger,
    setting: Setting,
    *,
    to: str | None = None,
    only: Mapping[VersionKey, str] | None = None,
) -> Plan:
    """The plan that applies what is pending: up to and with version `to`, or `only` what has one
    of these versions with its checksum, and requires nothing else that is pending.

    Raises:
        BrokenHistory, OutOfOrder: the history forbids it.
        MigrationFileError: a pending file cannot be read.
        UsageError: `to` is no version of a file.
    """
    refuse_broken_history(comparison)
    chosen = choose_pending(comparison, to, only)
    if not setting.allow_out_of_order:
        refuse_out_of_order(comparison, chosen)
    steps = _up_steps(chosen, ledger, setting)
    warned = replace(setting, warnings=(*setting.warnings, *_removed(comparison)))
    return plan_steps(mark_late(steps, comparison), ledger, warned)


def build_chosen_plan(
    chosen: Iterable[Migration], direction: Direction, ledger: Ledger, setting: Setting
) -> Plan:
    """The plan that runs these migrations and no other, in this order; no history forbids it.

    For a scratch database, where a rehearsal decides what was applied.

    Raises:
        IrreversibleMigration: one to roll back has no down section.
        MigrationFileError: a file cannot be read.
    """
    if direction == "up":
        return seal(plan_steps(_up_steps(chosen, ledger, setting), ledger, setting))
    steps = [make_step(migration, direction, migration.version, setting) for migration in chosen]
    return seal(plan_steps(steps, ledger, setting))


def build_down_plan(
    comparison: Comparison,
    ledger: Ledger,
    setting: Setting,
    *,
    steps: int | None = None,
    to: str | None = None,
    skips: Skips = NO_SKIPS,
) -> Plan:
    """The plan that rolls back the last `steps` applied, or all above version `to` (0: all).

    The last applied is rolled back first; `skips` are those without a way back to pass over.

    Raises:
        BrokenHistory, StillRequired, IrreversibleMigration: the history forbids it.
        MigrationFileError: a file cannot be read.
        UsageError: `to` is not applied, `steps` is less than 1 or more than are, or what is to be
            passed over does not go or has a way back.
    """
    refuse_broken_history(comparison)
    entries = {entry.key: entry for entry in ledger.entries}
    versioned = [migration for migration in comparison.applied if not migration.repeatable]
    latest = latest_first(versioned, entries)
    going = going_back(latest, steps, to)
    planned = skips.steps(
        going,
        lambda one: make_step(one, "down", entries[one.key].version, setting),
        lambda one, reason: make_skip(one, entries[one.key].version, reason, setting),
    )
    warned = (*setting.warnings, *_repeated_later(comparison.applied, going))
    return plan_steps(planned, ledger, replace(setting, warnings=warned))


def _repeated_later(applied: Iterable[Migration], going: Sequence[Migration]) -> Iterator[str]:
    """A warning for each repeatable migration that requires what goes: it is not rolled back."""
    leaving = {migration.key for migration in going}
    for one in applied:
        required = [version for version in one.requires if version_key(version) in leaving]
        if one.repeatable and required:
            yield (
                f"{one.filename} requires {', '.join(required)}, which is rolled back. It is "
                "repeatable, so it stays, and runs again when that is applied again."
            )


def _removed(comparison: Comparison) -> Iterator[str]:
    """A warning for each repeatable migration that has run and has no file any more."""
    for entry in comparison.removed:
        yield (
            f"{entry.version} has run, and has no file any more: what it made is still there. "
            "A migration has to drop it."
        )


def _up_steps(chosen: Iterable[Migration], ledger: Ledger, setting: Setting) -> list[Step]:
    """The steps of these; every mistake in their files is reported at once."""
    entries = {entry.key: entry for entry in ledger.entries}
    mistakes, steps = Mistakes(), list[Step]()
    for migration in chosen:
        with mistakes.noting():
            step = make_step(migration, "up", migration.version, setting)
            entry = entries.get(migration.key) if migration.repeatable else None
            replaced = entry.checksum if entry else None
            steps.append(step.model_copy(update={"replaces": replaced}) if entry else step)
    mistakes.refuse()
    return steps


def build_stored_down_plan(
    runs: Iterable[StoredRun],
    ledger: Ledger,
    setting: Setting,
    *,
    steps: int | None = None,
    to: str | None = None,
    skips: Skips = NO_SKIPS,
) -> Plan:
    """`build_down_plan` without files: by the plans that the database keeps of its runs.

    Raises:
        HistoryError: no run has applied what is to go, or the history forbids it.
        InvalidPlan: a run's plan is not the one that it applied.
        UsageError: as `build_down_plan`.
    """
    entries = {entry.key: entry for entry in ledger.entries}
    versioned = [one for one in find_applied(ledger, runs) if not is_repeatable(one.version)]
    latest = latest_first(versioned, entries)
    going = going_back(latest, steps, to)
    warned = (*setting.warnings, *stored_warnings(latest, going))
    dialect = setting.server.dialect
    planned = skips.steps(going, lambda one: down_step(one, dialect), skip_stored)
    return plan_steps(planned, ledger, replace(setting, warnings=warned))


def make_step(migration: Migration, direction: Direction, version: str, setting: Setting) -> Step:
    """The step that runs a section of a migration, before its guarantees are known."""
    sections = parse_sections(migration, setting.server.dialect, setting.variables or {})
    section = sections.up if direction == "up" else sections.down
    if section is None:
        raise IrreversibleMigration(migration.version, migration.filename)
    back = sections.down if direction == "up" else None
    return compose_step(migration, direction, version, setting, (section, back))


def compose_step(
    migration: Migration,
    direction: Direction,
    version: str,
    setting: Setting,
    sections: tuple[Section, Section | None],
) -> Step:
    """The step of a section, with the one that undoes it."""
    section, rollback = sections
    step = Step(
        direction=direction,
        version=version,
        name=migration.name,
        file=section.file or migration.filename,
        checksum=migration.checksum,
        requires=migration.requires,
        contract=migration.contract,
        transaction=1 if section.transactional else None,
        statements=_planned(section),
        rollback=None if rollback is None else _planned(rollback),
        rollback_transactional=None if rollback is None else rollback.transactional,
    )
    return with_text(step, migration, setting.variables or {})


def make_skip(migration: Migration, version: str, reason: str, setting: Setting) -> Step:
    """The step of a rollback that passes over a migration without a way back."""
    step = skip_step(
        version, migration.name, migration.filename, migration.checksum, migration.requires, reason
    )
    return with_text(step, migration, setting.variables or {})


def _planned(section: Section) -> tuple[PlannedStatement, ...]:
    is_undone = section.transactional or section.batch is not None
    guarantee: Guarantee = "transactional" if is_undone else "point-of-no-return"
    return tuple(
        PlannedStatement(
            line=statement.line,
            sql=statement.sql,
            copy_data=statement.copy_data,
            guarantee=guarantee,
            reason="" if is_undone else WRITTEN_ALONE,
            batch=section.batch,
            online=section.online,
            condition=section.conditions.get(statement.line),
            digest=statement_digest(statement.sql, statement.copy_data),
        )
        for statement in section.statements
    )


def plan_steps(steps: Sequence[Step], ledger: Ledger, setting: Setting) -> Plan:
    """The plan of these steps, with what the server can undo of each."""
    server = setting.server
    judgement = _judged(with_readings(steps, server.dialect, setting.facts), setting)
    steps = tuple(with_estimates(step, setting.facts) for step in judgement.steps)
    return intend(
        Plan(
            tool_version=setting.tool_version,
            created_at=server.now,
            expires_at=None if setting.max_age is None else server.now + setting.max_age,
            project=setting.project,
            environment=setting.environment,
            source=setting.source,
            target=_target(server, ledger),
            base=State(present=ledger.present, serial=ledger.serial, digest=ledger.digest),
            result=result_state(ledger, steps),
            verdict=judgement.verdict,
            state_pulled_at=setting.state_pulled_at,
            fresh=setting.fresh,
            warnings=(*setting.warnings, *judgement.warnings, *_empty(steps)),
            steps=steps,
            intent_digest=UNSEALED,
            digest=UNSEALED,
        )
    )


def result_state(ledger: Ledger, steps: Sequence[Step]) -> State:
    """The state that these steps leave; without steps the state stays as it is."""
    rows = {entry.key: (entry.version, entry.checksum) for entry in ledger.entries}
    for step in steps:
        if step.direction == "up":
            rows[step.key] = (step.version, step.checksum)
        else:
            del rows[step.key]
    serial = ledger.serial + len(steps)
    return State(
        present=ledger.present or bool(steps),
        serial=serial,
        digest=state_digest(rows.values(), serial),
    )


def _judged(steps: Sequence[Step], setting: Setting) -> Judgement:
    """The steps with their transactions and guarantees, by what the server can undo."""
    dialect = setting.server.dialect
    if not dialect.transactional_ddl:
        from lockgate.planner.guarantees.statement_guarantees import Terms
        from lockgate.planner.guarantees.units import judge_units

        terms = Terms(dialect, setting.server.database, setting.copy_limit)
        return judge_units(steps, setting.facts, terms, setting.transaction)
    cuts = cut_for_enums(steps, dialect.version) if setting.transaction == "plan" else {}
    numbered = _number_transactions(steps, setting.transaction, cuts)
    judged = judge_outside(numbered)
    warned = (*_many_tables(judged), *warn_of_sequences(judged, setting.facts))
    return Judgement(judged, verdict(judged, tuple(cuts.values())), warned)


def _number_transactions(
    steps: Sequence[Step], mode: Literal["plan", "step"], cuts: Container[int]
) -> tuple[Step, ...]:
    """The steps with the transaction of each: consecutive ones share it in mode `plan`, but for
    those at these places, from 0."""
    numbered: list[Step] = []
    number = 0
    for place, step in enumerate(steps):
        joins = mode == "plan" and place not in cuts
        shares = joins and numbered and numbered[-1].transaction is not None
        if step.transaction is not None and not shares:
            number += 1
        own = None if step.transaction is None else number
        numbered.append(step.model_copy(update={"transaction": own}))
    return tuple(numbered)


def _target(server: Server, ledger: Ledger) -> Target:
    return Target(
        engine=server.dialect.name,
        server_version=server.version,
        server_number=server.dialect.version,
        sql_mode=server.dialect.sql_mode,
        database=server.database,
        history_table=server.history_table,
        uuid=ledger.identity.uuid if ledger.identity else None,
        evidence=dict(sorted(server.evidence.items())),
    )


def _empty(steps: Iterable[Step]) -> tuple[str, ...]:
    """A warning for each migration without a statement: often a file that was not saved."""
    return tuple(
        f"{step.file} has no statement in its up section: it is recorded, and does nothing."
        for step in steps
        if step.direction == "up" and not (step.statements or step.record)
    )


def _many_tables(steps: Sequence[Step]) -> tuple[str, ...]:
    """A warning for each transaction that would fill the server's lock table."""
    counts = Counter(
        step.transaction
        for step in steps
        if step.transaction is not None
        for statement in step.statements
        if statement.reading and statement.reading.kind == "create table"
    )
    return tuple(
        f"Transaction {number} creates {count} tables; more than about {MANY_TABLES} exhaust the "
        "server's lock table. Set `transaction: step` in the environment, or plan in parts "
        "with `--to VERSION`."
        for number, count in counts.items()
        if count > MANY_TABLES
    )
