"""Rollback steps from the plans that the database keeps of its runs, for when files are gone.

Reads no file, and believes no plan whose digests do not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.planner.building.filetexts import with_text_of
from lockgate.planner.building.selection import skip_step
from lockgate.planner.errors import AlteredPlan, HistoryError, IrreversibleMigration, MalformedPlan
from lockgate.planner.finding import Finding
from lockgate.planner.guarantees.guarantee import WRITTEN_ALONE
from lockgate.planner.plan.plan import Plan, Source, Step
from lockgate.planner.plan.planfile import parse_plan
from lockgate.planner.quantities import short_digest
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, titled

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Entry, Ledger
    from lockgate.planner.sql.dialect import Dialect

FROM_DATABASE = (
    "The SQL comes from the database, which keeps the plans that were applied; no file was read."
)


@frozen
class StoredRun:
    """A row of lockgate_runs with its plan as it is there. `started_at` has the UTC zone.

    `whole` says that all of the plan is kept, and `undone` that nothing of it is.
    """

    id: str
    plan_digest: str
    started_at: datetime
    text: str
    whole: bool
    undone: bool


@frozen
class AppliedMigration:
    """An applied migration as the database alone knows it.

    `step` is the one that applied it, in the plan with this digest; None when no run here has.
    """

    entry: Entry
    step: Step | None = None
    plan_digest: str = ""

    @property
    def version(self) -> str:
        return self.entry.version

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return self.entry.key

    @property
    def requires(self) -> tuple[str, ...]:
        """The versions that it requires; none are known when no run has applied it."""
        return self.step.requires if self.step else ()


def find_applied(ledger: Ledger, runs: Iterable[StoredRun]) -> tuple[AppliedMigration, ...]:
    """Every migration of the history, in the order in which the runs have recorded them.

    Those that no run has recorded come first.

    Raises:
        InvalidPlan: a run's plan is not the one that it applied.
    """
    entries = {entry.key: entry for entry in ledger.entries}
    kept = [
        (age, applied)
        for run in runs
        if not run.undone
        for age, applied in _applied_by(run, entries)
        if age[0] <= ledger.serial  # a run that was cut off did not get further
    ]
    newest = {applied.key: (age, applied) for age, applied in sorted(kept, key=_age)}
    recorded = sorted(newest.values(), key=_age)
    unknown = (AppliedMigration(entry) for entry in ledger.entries if entry.key not in newest)
    return (*unknown, *(applied for _, applied in recorded))


def down_step(applied: AppliedMigration, dialect: Dialect) -> Step:
    """The step that rolls a migration back, by the down section that its plan has kept.

    Raises:
        HistoryError: no run has applied it.
        IrreversibleMigration: its plan has no down section.
    """
    entry, step = applied.entry, applied.step
    if step is None:
        raise _unknown(entry)
    if step.rollback is None:
        raise IrreversibleMigration(entry.version, step.file)
    going = Step(
        direction="down",
        version=entry.version,
        name=step.name,
        file=step.file,
        checksum=entry.checksum,
        requires=step.requires,
        transaction=1 if _in_transaction(step, dialect) else None,
        findings=(_provenance(applied, step.rollback[0].line if step.rollback else 1),),
        statements=step.rollback,
        rollback=None,
    )
    return with_text_of(going, step)


def skip_stored(applied: AppliedMigration, reason: str) -> Step:
    """The step that passes over a migration whose plan has no down section."""
    entry, step = applied.entry, applied.step
    assert step is not None, "what no run has applied is not known to have no way back"
    going = skip_step(entry.version, step.name, step.file, entry.checksum, step.requires, reason)
    return with_text_of(going, step)


def _provenance(applied: AppliedMigration, line: int) -> Finding:
    return Finding(
        code="from-database",
        severity="info",
        line=line,
        message="Its SQL was kept with plan "
        f"{short_digest(applied.plan_digest)}, which applied it.",
        why="No migration file was read: what runs is its down section as it was then.",
    )


def stored_source(ledger: Ledger) -> Source:
    """The source of a plan without files: the digest is that of a directory with these alone."""
    lines = sorted(f"{e.checksum}  {e.version}_{e.name}.sql\n" for e in ledger.entries)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Source(commit=None, dirty=None, digest=digest)


def stored_warnings(
    latest: Sequence[AppliedMigration], going: Sequence[AppliedMigration]
) -> tuple[str, ...]:
    """What a reviewer should know of a rollback without files; `latest` are all, latest first."""
    if not going:
        return ()
    leaving = {applied.key for applied in going}
    earliest = max(place for place, one in enumerate(latest) if one.key in leaving)
    unknown = [
        one.version for one in latest[:earliest] if one.step is None and one.key not in leaving
    ]
    if not unknown:
        return (FROM_DATABASE,)
    return FROM_DATABASE, (
        f"Applied later, and staying: {', '.join(unknown)}. No run here has applied them, so the "
        "database does not know whether they require what goes."
    )


Age = tuple[int, bool, datetime]


def _age(aged: tuple[Age, AppliedMigration]) -> Age:
    return aged[0]


def _applied_by(
    run: StoredRun, entries: Mapping[VersionKey, Entry]
) -> Iterator[tuple[Age, AppliedMigration]]:
    """The steps of a run that the history still has, each with a measure of its age.

    A step moves the serial on by one, and the serial never falls, whatever the clock does: so it
    tells when the step was recorded.
    """
    plan = _read_plan(run)
    for serial, step in enumerate(plan.steps, plan.base.serial + 1):
        entry = entries.get(step.key)
        if entry and step.direction == "up" and step.checksum == entry.checksum:
            yield (
                (serial, run.whole, run.started_at),
                AppliedMigration(entry, step, plan.digest),
            )


def _read_plan(run: StoredRun) -> Plan:
    """The plan of a run.

    Raises:
        InvalidPlan: it is not the plan that the run applied, or of an unknown format.
    """
    try:
        plan = parse_plan(run.text.encode(), f"The plan of run {run.id}")
    except (AlteredPlan, MalformedPlan) as error:
        error.do = _way_out(run)
        raise
    if plan.digest != run.plan_digest:
        raise AlteredPlan(
            f"The plan of run {run.id} is another than the run applied: its digest is "
            f"{short_digest(plan.digest)}, and the run's was {short_digest(run.plan_digest)}.",
            why="Its SQL is not what was reviewed.",
            do=_way_out(run),
        )
    return plan


def _way_out(run: StoredRun) -> str:
    return (
        f"Find out who has written to lockgate_runs since {run.started_at:%Y-%m-%d}. "
        "Where the files are at hand, plan the rollback without `--from-database`."
    )


def _in_transaction(step: Step, dialect: Dialect) -> bool:
    """Whether the down section may share a transaction: not when it says `transaction:false`.

    Plans of the time before that was kept tell it by the reason of each statement, and earlier
    ones by the guarantee, where the server can roll back all else.
    """
    if step.rollback_transactional is not None:
        return step.rollback_transactional
    return not any(
        statement.reason == WRITTEN_ALONE
        or (dialect.transactional_ddl and statement.guarantee == "point-of-no-return")
        for statement in step.rollback or ()
    )


def _unknown(entry: Entry) -> HistoryError:
    return HistoryError(
        f"Migration {titled(entry.version, entry.name)} cannot be rolled back from the database: "
        f"no run here has applied it with the checksum {short_digest(entry.checksum)}.",
        why="It was recorded in another way, so its SQL is not kept here.",
        do="Plan the rollback without `--from-database`, from the file with that checksum.",
    )
