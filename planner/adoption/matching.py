"""Which migrations another tool's history names, and why it cannot be taken over.

Decides nothing of a plan, and opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lockgate.planner.adoption.tool import AppliedThere, MigrationTool, Testimony
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.database.recording import rolled_back
from lockgate.planner.errors import HistoryError, UsageError
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key

SHOWN = 10
WAY_IN_OF_CODE = (
    "write what they have made into a migration (`migrate dump` prints the schema as it is), and "
    "name the last one whose work is in the database: `migrate adopt --baseline VERSION`."
)


@frozen
class Takeover:
    """A tool, its table, and what that says. With `baseline`, the migrations up to that version
    are what the tool has made, whatever its rows are called."""

    tool: MigrationTool
    table: FoundTable
    testimony: Testimony
    baseline: str | None = None


@frozen
class Match:
    """A migration that is applied by another tool's history; `row` is None where it has none.
    `verified` says whether its file is the one that was applied; None: nothing shows it."""

    migration: Migration
    row: AppliedThere | None
    verified: bool | None


def match_history(
    history: Takeover, files: Sequence[Migration], ledger: Ledger
) -> tuple[Match, ...]:
    """The migrations that the other tool has applied and our history does not have, in running
    order. One that was taken over before, and rolled back here since, is still named by its old
    row: that is nothing new.

    Raises:
        HistoryError: the tool has left something half done, a file is gone, or was changed.
        UsageError: no migration has the version of the baseline.
    """
    if history.baseline and version_key(history.baseline) not in {file.key for file in files}:
        raise UsageError(
            f"No migration has version {history.baseline}.",
            do="See `migrate status` for the versions.",
        )
    _refuse_troubles(history)
    rows = {_key_of(row, files, history.tool): row for row in history.testimony.applied}
    known = {entry.key for entry in ledger.entries}
    applied = [file for file in files if file.key in rows]
    taken = [
        _matched(file, rows.get(file.key), history.tool, applied)
        for file in files
        if file.key in rows or file.key in _implied(history, files)
    ]
    if history.baseline is None:
        _refuse_missing(history, rows, files, known)
    _refuse_changed(history, taken)
    gone = {} if history.baseline else rolled_back(ledger)
    return tuple(
        match
        for match in taken
        if (key := match.migration.key) not in known
        and not (key in gone and gone[key].at == (match.row and match.row.at))
    )


def rows_there(
    history: Takeover, files: Sequence[Migration]
) -> Mapping[VersionKey, AppliedThere | None]:
    """What the other tool calls applied, with its row of each; None: it has no row of its own."""
    rows = {_key_of(row, files, history.tool): row for row in history.testimony.applied}
    return dict.fromkeys(_implied(history, files)) | rows


def _matched(
    file: Migration, row: AppliedThere | None, tool: MigrationTool, applied: Sequence[Migration]
) -> Match:
    return Match(file, row, tool.verify(file, row, applied) if row else None)


def _key_of(row: AppliedThere, files: Sequence[Migration], tool: MigrationTool) -> VersionKey:
    """The key of the migration that a row is of: by its version, else as its tool knows it."""
    keys = {file.key for file in files}
    for version in (row.version, f"R__{row.version}"):
        if version_key(version) in keys:
            return version_key(version)
    named = [file.key for file in files if tool.is_of(file, row)]
    return named[0] if len(named) == 1 else version_key(row.version)


def _implied(history: Takeover, files: Sequence[Migration]) -> set[VersionKey]:
    """Those up to a version of which the tool keeps no row each, or that somebody has named."""
    last = history.baseline or history.testimony.up_to
    if not last:
        return set()
    running = [file.key for file in files]
    if history.baseline:
        return set(running[: running.index(version_key(last)) + 1])
    return {key for key in running if key <= version_key(last)}


def _refuse_troubles(history: Takeover) -> None:
    if history.testimony.troubles:
        raise HistoryError(
            "\n".join(history.testimony.troubles),
            why=f"What {history.tool.name} has left half done is neither applied nor pending.",
            do="Then run `migrate adopt` again.",
        )


def _refuse_missing(
    history: Takeover,
    rows: Mapping[VersionKey, AppliedThere],
    files: Sequence[Migration],
    known: set[VersionKey],
) -> None:
    """Raises HistoryError when no file is what the tool's table names as applied."""
    keys = {file.key for file in files}
    missing = [row.version for key, row in rows.items() if key not in keys | known]
    last = history.testimony.up_to
    if last and history.tool.single_row and version_key(last) not in keys | known:
        missing.append(last)
    if not missing:
        return
    shown = ", ".join(missing[:SHOWN]) + ", …" * (len(missing) > SHOWN)
    raise HistoryError(
        f"{history.tool.name} has applied what no file of the migrations directory is: {shown}.",
        why="What these have made could not be told from what is pending.",
        do=f"Its migrations are code: {WAY_IN_OF_CODE}"
        if not history.tool.reads_all
        else "Where these are SQL files, restore them (git checkout), or name their folder in the "
        "environment: `migrations: {directory: DIR, format: auto}`. "
        f"{history.tool.left_out}Otherwise {WAY_IN_OF_CODE}",
    )


def _refuse_changed(history: Takeover, taken: Iterable[Match]) -> None:
    changed = [match.migration.filename for match in taken if match.verified is False]
    if changed:
        renoting = f" ({history.tool.renoting})" if history.tool.renoting else " in its table"
        raise HistoryError(
            f"Changed since {history.tool.name} has applied them, by its checksums: "
            f"{', '.join(changed[:SHOWN])}{', …' * (len(changed) > SHOWN)}.",
            why="The database has what the files said then.",
            do="Restore the files as they were applied (git log), or, where the change does not "
            f"matter, have {history.tool.name} note the new checksums{renoting}. Then run "
            "`migrate adopt` again.",
        )
