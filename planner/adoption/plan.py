"""The plan that takes another tool's history over: its steps run nothing and only record."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.adoption.matching import Match, Takeover, match_history
from lockgate.planner.building.build import Setting
from lockgate.planner.building.compare import Comparison, refuse_broken_history
from lockgate.planner.building.records import plan_records, record_step
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.format import recorded_sections
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.record import Adopted, Record
from lockgate.planner.quantities import format_moment
from lockgate.planner.versions import version_key

SHOWN = 3
VERIFIED = {
    True: "Its file is the one that was applied, by the checksum that {tool} has kept.",
    None: "{tool} has kept no checksum that shows whether its file is the one that was applied.",
}


def build_adoption_plan(
    comparison: Comparison, ledger: Ledger, setting: Setting, history: Takeover
) -> Plan:
    """The plan that records what another tool has applied, with its times and people.

    Raises:
        BrokenHistory: a file that lockgate has applied was changed or is gone.
        HistoryError: as `match_history`.
    """
    refuse_broken_history(comparison)
    matches = match_history(history, comparison.files, ledger)
    steps = [_step(match, history, setting) for match in matches]
    plan = plan_records(steps, ledger, setting)
    changes = {
        "adopted": Adopted(
            tool=history.tool.name,
            qualifier=history.table.schema,
            table=history.table.name,
            versions=history.testimony.versions,
        ),
        "warnings": (
            *plan.warnings,
            *_chosen(history, matches, setting),
            *_holes(comparison, matches),
        ),
    }
    return plan.model_copy(update=changes)


def _chosen(history: Takeover, matches: Iterable[Match], setting: Setting) -> tuple[str, ...]:
    """What a baseline is taken for, which no file shows, and that its files make nothing."""
    if not history.baseline:
        return ()
    dialect, variables = setting.server.dialect, setting.variables or {}
    blank = [
        match.migration.filename
        for match in matches
        if not recorded_sections(match.migration, dialect, variables)[0].up.statements
    ]
    told = history.testimony.versions
    named = ", ".join(told[-SHOWN:]) if told else "nothing"
    before = f"{len(told) - SHOWN} more and " if len(told) > SHOWN else ""
    chosen = (
        f"By the choice of --baseline, what {history.tool.name} has applied is taken for all up to "
        f"{history.baseline}: {before}{named}."
    )
    empty = f"No statement is in {', '.join(blank)}: another database would get nothing by it."
    return (chosen, empty) if blank else (chosen,)


def _step(match: Match, history: Takeover, setting: Setting) -> Step:
    row = match.row
    name = row.version if row and version_key(row.version) != match.migration.key else ""
    record = Record(why="adopt", applied_at=row and row.at, by=row.by if row else "", row=name)
    step = record_step(match.migration, record, setting)
    findings = (_finding(match, history), *step.findings[1:])
    return step.model_copy(update={"findings": findings})


def _finding(match: Match, history: Takeover) -> Finding:
    row, tool = match.row, history.tool.name
    source = (
        "the choice of --baseline" if history.baseline and not row else f"the history of {tool}"
    )
    at = f" at {format_moment(row.at)}" if row and row.at else ""
    by = f" by {row.by}" if row and row.by else ""
    return Finding(
        code="adopted",
        severity="info",
        line=1,
        message=f"Applied{at}{by}, by {source}; recorded, and not run.",
        why=VERIFIED[match.verified or None].format(tool=tool),
    )


def _holes(comparison: Comparison, matches: Iterable[Match]) -> tuple[str, ...]:
    """A warning for what stays pending below what is taken over."""
    taken = {match.migration.key for match in matches}
    running = [file.key for file in comparison.files]
    last = max((place for place, key in enumerate(running) if key in taken), default=-1)
    pending = {migration.key for migration in comparison.pending} - taken
    holes = [file.version for file in comparison.files[: last + 1] if file.key in pending]
    if not holes:
        return ()
    return (
        f"Pending below what is applied: {', '.join(holes)}. `up` refuses these as out of order "
        "unless the environment's policy allows it.",
    )
