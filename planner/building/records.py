"""Plans that run nothing and only change the history: what is in the database is recorded as
applied, and what is recorded wrongly is taken out.

Looks into no database: what it holds, its author says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockgate.planner.building.build import Setting, compose_step, plan_steps
from lockgate.planner.building.compare import Comparison, refuse_broken_history
from lockgate.planner.building.filetexts import without_statements
from lockgate.planner.building.selection import choose_pending
from lockgate.planner.database.ledger import Entry, Ledger
from lockgate.planner.errors import UsageError
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.format import recorded_sections
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.record import Record
from lockgate.planner.value import replace
from lockgate.planner.versions import VersionKey, version_key

RECORDED = Finding.model_construct(
    code="recorded",
    severity="info",
    line=1,
    message="Recorded as applied, and none of its SQL is run.",
    why="The database is taken to have what it makes already; nothing checks that.",
)
SEE = "See `migrate status` for the versions."


def build_baseline_plan(comparison: Comparison, ledger: Ledger, setting: Setting, to: str) -> Plan:
    """The plan that records what is pending up to `to` as applied, and runs none of its SQL.

    For a database that had the tables before it had lockgate.

    Raises:
        BrokenHistory: an applied file was changed or is gone.
        UsageError: `to` is no version of a file.
    """
    refuse_broken_history(comparison)
    chosen = choose_pending(comparison, to, None)
    record = Record(why="baseline")
    steps = [record_step(each, record, setting) for each in chosen]
    return plan_records(steps, ledger, setting)


def build_record_plan(
    comparison: Comparison, ledger: Ledger, setting: Setting, versions: Iterable[str]
) -> Plan:
    """The plan that records these pending versions as applied, and no other.

    Raises:
        UsageError: one of them is not pending, or requires what is neither applied nor recorded.
    """
    wanted = {version_key(version): version for version in versions}
    chosen = [each for each in comparison.pending if each.key in wanted]
    _refuse_absent(
        wanted, {each.key for each in chosen}, "is not pending, so it cannot be recorded"
    )
    _refuse_unmet(chosen, {entry.key for entry in ledger.entries})
    record = Record(why="record")
    steps = [record_step(each, record, setting) for each in chosen]
    return plan_records(steps, ledger, setting)


def build_forget_plan(ledger: Ledger, setting: Setting, versions: Iterable[str]) -> Plan:
    """The plan that takes these versions out of the history, and runs nothing: they are pending
    after it. The last of them goes first.

    Raises:
        UsageError: one of them is not in the history.
    """
    wanted = {version_key(version): version for version in versions}
    going = [entry for entry in ledger.entries if entry.key in wanted]
    found = {entry.key for entry in going}
    _refuse_absent(wanted, found, "is not in the history, so it cannot be taken out")
    steps = [forget_step(entry) for entry in reversed(going)]
    return plan_records(steps, ledger, setting)


def plan_records(steps: Sequence[Step], ledger: Ledger, setting: Setting) -> Plan:
    """The plan of steps that run nothing: one transaction, whatever the environment says."""
    return plan_steps(steps, ledger, replace(setting, transaction="plan"))


def record_step(migration: Migration, record: Record, setting: Setting) -> Step:
    """The step that enters a migration in the history; its way back stays in the plan."""
    dialect, variables = setting.server.dialect, setting.variables or {}
    sections, trouble = recorded_sections(migration, dialect, variables)
    both = (sections.up, sections.down)
    step = without_statements(compose_step(migration, "up", migration.version, setting, both))
    finding = RECORDED.model_copy(update={"code": "baseline"} if record.why == "baseline" else {})
    findings = (finding, _unread(trouble)) if trouble else (finding,)
    return step.model_copy(update={"findings": findings, "transaction": 1, "record": record})


def _unread(trouble: str) -> Finding:
    return Finding(
        code="no-way-back",
        severity="warning",
        line=1,
        message=f"Its way back cannot run, and is not kept: {trouble}.",
        why="It was not asked for until now. A rollback past it stops there.",
    )


def forget_step(entry: Entry) -> Step:
    """The step that takes an entry out of the history, and runs nothing."""
    finding = Finding(
        code="forgotten",
        severity="warning",
        line=1,
        message="Taken out of the history, and nothing is run: it is pending after that.",
        why="What it has made stays in the database; if it is applied again, it runs on that.",
    )
    return Step(
        direction="down",
        version=entry.version,
        name=entry.name,
        file=entry.name,
        checksum=entry.checksum,
        requires=(),
        transaction=1,
        findings=(finding,),
        statements=(),
        rollback=None,
        record=Record(why="forget"),
    )


def _refuse_absent(wanted: dict[VersionKey, str], found: set[VersionKey], problem: str) -> None:
    lacking = [version for key, version in wanted.items() if key not in found]
    if lacking:
        raise UsageError(f"Version {lacking[0]} {problem}.", do=SEE)


def _refuse_unmet(chosen: Sequence[Migration], applied: set[VersionKey]) -> None:
    present = set(applied)
    for migration in chosen:
        for version in migration.requires:
            if version_key(version) not in present:
                raise UsageError(
                    f"Version {migration.version} requires {version}, which is not applied.",
                    do=f"Record it too, with `--record {version}`, or apply it first.",
                )
        present.add(migration.key)
