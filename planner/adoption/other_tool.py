"""The other tool after its history was taken over: nothing may change there unseen."""

from __future__ import annotations

from collections.abc import Collection

from lockgate.planner.adoption.recognition import known_tools
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.recording import AdoptedTable, renamed
from lockgate.planner.errors import HistoryError
from lockgate.planner.versions import VersionKey, version_key


def refuse_made_again(adopted: AdoptedTable, tables: Collection[tuple[str, str]]) -> None:
    """Raises HistoryError when a tool has made its table again, by schema and name, after that was
    renamed: it was run, and has found no history."""
    if (adopted.schema, adopted.table) in tables:
        raise HistoryError(
            f"{adopted.tool} has made its table {adopted.table} again since that was renamed to "
            f"{renamed(adopted.table)}.",
            why=f"{adopted.tool} was run here, and has begun with its first migration.",
            do=f"See what it has done (`migrate drift`), and drop {adopted.table}. Then stop using "
            "the other tool here.",
        )


def refuse_moved(adopted: AdoptedTable, now: tuple[str, ...], ledger: Ledger) -> None:
    """Raises HistoryError when the other tool has applied or rolled back something since, which
    our history does not have as well."""
    ours = {entry.key: entry.version for entry in ledger.entries}
    named = {entry.checksum: entry.key for entry in ledger.entries}  # some name rows by these
    named |= {step.row: step.key for run in ledger.recordings for step in run.steps if step.row}

    def key_of(one: str) -> VersionKey:
        return named.get(one) or version_key(one)

    before = {key_of(version) for version in adopted.versions}
    present = {key_of(version) for version in now}
    came = [one for one in now if key_of(one) not in before | ours.keys()]
    went = [ours[key] for key in map(key_of, adopted.versions) if key in ours.keys() - present]
    why = "Two tools at one database do not know of each other: one would run what the other has."
    if came:
        raise HistoryError(
            f"{adopted.tool} has applied {', '.join(came)} since lockgate took over its history.",
            why=why,
            do=_taking_over(adopted.tool),
        )
    if went:
        raise HistoryError(
            f"{adopted.tool} has rolled back {', '.join(went)} since lockgate took over its "
            "history.",
            why=why,
            do=f"Take {'them' if len(went) > 1 else 'it'} out of our history too: `migrate plan "
            f"{' '.join(f'--forget {one}' for one in went)}`. Then stop using the other tool here.",
        )


def _taking_over(tool_name: str) -> str:
    """How what a tool has done since is taken over."""
    is_code = any(tool.name == tool_name and not tool.reads_all for tool in known_tools())
    how = (
        "Write what it has made into a migration, and say that the database has that: `migrate "
        "adopt --baseline VERSION`. Then stop"
        if is_code
        else "Take that over too, with `migrate adopt`, and stop"
    )
    return f"{how} using the other tool here."
