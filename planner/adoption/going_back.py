"""Whether the other tool may go on with a database: it must know what lockgate has run meanwhile.

Asks no database, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.matching import Takeover, rows_there
from lockgate.planner.adoption.noting import Lines, Noting
from lockgate.planner.building.selection import latest_first
from lockgate.planner.database.recording import (
    AdoptedTable,
    entered,
    recorded_keys,
    renamed,
    rolled_back,
)
from lockgate.planner.errors import HistoryError
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.adoption.tool import AppliedThere, MigrationTool
    from lockgate.planner.database.ledger import Entry, Ledger
    from lockgate.planner.migrations.migration import Migration
    from lockgate.planner.sql.dialect import Dialect
    from lockgate.planner.versions import VersionKey


@frozen
class Return:
    """A tool that is to go on: its table as it was taken over, what that says now, and the
    migrations in running order. `goes_back` says whether one has a way back."""

    adopted: AdoptedTable
    history: Takeover
    files: Sequence[Migration]
    dialect: Dialect
    goes_back: Callable[[Migration], bool]

    @property
    def tool(self) -> MigrationTool:
        """The tool."""
        return self.history.tool

    @property
    def is_matched(self) -> bool:
        """Whether its migrations are ours: none is where they are code."""
        return self.tool.reads_all or bool(self.find_there())

    def find_there(self) -> Mapping[VersionKey, AppliedThere | None]:
        """Which of the migrations the tool calls applied, with its row of each."""
        keys = {file.key for file in self.files}
        found = rows_there(self.history, self.files)
        return {key: row for key, row in found.items() if key in keys}


def refuse_return(ledger: Ledger, tools: Sequence[Return]) -> None:
    """Raises HistoryError when a tool does not know of what lockgate has applied or rolled back."""
    known = set(recorded_keys(ledger))
    for back in tools:
        known |= back.find_there().keys() if back.is_matched else entered(ledger).keys()
        gone = _find_rolled_back(back, ledger)
        if gone:
            raise _would_miss(gone, back)
    ran = [entry for entry in ledger.entries if entry.key not in known]
    if ran:
        raise _does_not_know(ran, ledger, tools)


def _find_rolled_back(back: Return, ledger: Ledger) -> list[Migration]:
    """What a tool calls applied, and lockgate has rolled back. One of code does so as long as its
    table says what it said when that was recorded."""
    gone = set(rolled_back(ledger))
    if back.is_matched:
        gone &= back.find_there().keys()
    elif not any(
        one.adopted and one.adopted.versions == back.history.testimony.versions
        for one in ledger.recordings
        if gone & {step.key for step in one.steps}
    ):
        return []
    return [file for file in back.files if file.key in gone]


def _would_miss(gone: Sequence[Migration], back: Return) -> HistoryError:
    tool, there = back.tool, back.find_there()
    left = [file for file in back.files if file.key in there and file not in gone]
    lines = _lines(tool.forget, back, gone, left) if back.is_matched else [_unmarking(back)]
    return HistoryError(
        f"lockgate has rolled back {_versions(gone)} since, which {tool.name} calls applied.",
        why="It would never run them again.",
        do=f"Apply them again with `migrate up --to {gone[-1].version}`; or have {tool.name} note "
        "that they are rolled back, as below. Then `migrate adopt --undo`.\n" + "\n".join(lines),
    )


def _unmarking(back: Return) -> str:
    table = back.history.table
    noting = Noting(table, back.dialect, (), {}, None)
    return f"  {back.tool.unmarking.format(table=noting.place)}"


def _does_not_know(ran: Sequence[Entry], ledger: Ledger, tools: Sequence[Return]) -> HistoryError:
    names = " and ".join(back.tool.name for back in tools) or "the other tool"
    versions = ", ".join(entry.version for entry in ran)
    what = f"lockgate has applied {versions} since, which {names} does not know."
    why = "It would run them a second time."
    if not tools:
        do = "The table of the other tool is gone, or is another one: restore it."
        return HistoryError(what, why=why, do=do)
    back = tools[-1]
    keys = {entry.key for entry in ran}
    found = [file for file in back.files if file.key in keys]
    down = ""
    if _are_last(found, back.files, ledger) and all(map(back.goes_back, found)):
        down = f"Roll them back with `migrate down --steps {len(found)}`. Or, if they are to stay, "
    if back.is_matched:
        there = {*back.find_there(), *(file.key for file in found)}
        left = [file for file in back.files if file.key in there]
        do = f"have {names} note that they are applied, as below. Then `migrate adopt --undo`."
        lines = _lines(back.tool.note, back, found, left)
        return HistoryError(what, why=why, do="\n".join([_sentence(down, do), *lines]))
    forget = " ".join(f"--forget {entry.version}" for entry in ran)
    do = (
        f"take them out of our history (`migrate plan {forget} -o forget.json`, `migrate apply "
        "forget.json`), and `migrate adopt --undo`. Then write migrations of "
        f"{back.tool.name} that make the same, and call them applied: "
        f"{back.tool.marking.format(table=back.adopted.table)}."
    )
    why = f"No migration of {back.tool.name} makes them."
    return HistoryError(what, why=why, do=_sentence(down, do))


def _sentence(begun: str, rest: str) -> str:
    return begun + rest if begun else rest[0].upper() + rest[1:]


def _are_last(found: Sequence[Migration], files: Sequence[Migration], ledger: Ledger) -> bool:
    """Whether these are all that `migrate down` would roll back first."""
    entries = {entry.key: entry for entry in ledger.entries}
    latest = latest_first([file for file in files if file.key in entries], entries)
    return {file.key for file in latest[: len(found)]} == {file.key for file in found}


def _lines(
    of_tool: Lines, back: Return, found: Sequence[Migration], left: Sequence[Migration]
) -> list[str]:
    """What notes these in the tool's table; `left` are those that it calls applied after that. A
    command needs the name that the table had."""
    if not found:
        return []
    adopted, table = back.adopted, back.history.table
    rows = {key: row for key, row in back.find_there().items() if row}
    last = max(left, key=back.files.index, default=None)
    noting = Noting(table, back.dialect, tuple(found), rows, last, tuple(back.files))
    lines = list(of_tool(noting))
    if table.name == renamed(adopted.table) and not all(line.endswith(";") for line in lines):
        lines.insert(0, noting.rename(adopted.table))
    return [f"  {line}" for line in lines]


def _versions(found: Iterable[Migration]) -> str:
    return ", ".join(file.version for file in found)
