"""The other tool after its history was taken over: nothing may change there unseen."""

from __future__ import annotations

from collections.abc import Collection

from lockgate.planner.adoption.recognition import known_tools
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.recording import AdoptedTable, renamed
from lockgate.planner.errors import HistoryError
from lockgate.planner.versions import VersionKey, version_key

CODE_WENT_ON = (
    "Write what it has made into a migration, where none of ours makes that, and take out of our "
    "history what it has undone (`migrate plan --forget VERSION`). Say then up to which migration "
    "the database has it: `migrate adopt --baseline VERSION`. And stop using the other tool here."
)


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


def find_moved(
    adopted: AdoptedTable, now: tuple[str, ...], ledger: Ledger
) -> tuple[list[str], list[str]]:
    """What the other tool has applied since, as it calls that, and our versions of what it has
    rolled back; without what our history has as well."""
    ours = {entry.key: entry.version for entry in ledger.entries}
    named = {entry.checksum: entry.key for entry in ledger.entries}  # some name rows by these
    named |= {step.row: step.key for run in ledger.recordings for step in run.steps if step.row}

    def key_of(one: str) -> VersionKey:
        return named.get(one) or version_key(one)

    before = {key_of(version) for version in adopted.versions}
    present = {key_of(version) for version in now}
    came = [one for one in now if key_of(one) not in before | ours.keys()]
    if _is_code(adopted.tool):  # none of ours is called as its migrations are
        return came, [one for one in adopted.versions if one not in now]
    went = [ours[key] for key in map(key_of, adopted.versions) if key in ours.keys() - present]
    return came, went


def refuse_moved(adopted: AdoptedTable, now: tuple[str, ...], ledger: Ledger) -> None:
    """Raises HistoryError when the other tool has applied or rolled back something since, which
    our history does not have as well."""
    came, went = find_moved(adopted, now, ledger)
    if not (came or went):
        return
    raise HistoryError(
        f"{adopted.tool} has {_gone_on(adopted.tool, came, went)} since lockgate took over its "
        "history.",
        why="Two tools at one database do not know of each other: one would run what the other "
        "has.",
        do=CODE_WENT_ON if _is_code(adopted.tool) else _taking_over(came, went),
    )


def _gone_on(tool: str, came: list[str], went: list[str]) -> str:
    if came and went and _is_code(tool):  # Alembic names only where it is, forward or back
        return f"gone from {', '.join(went)} to {', '.join(came)}"
    done = {"applied": came, "rolled back": went}
    return " and ".join(f"{how} {', '.join(names)}" for how, names in done.items() if names)


def _taking_over(came: list[str], went: list[str]) -> str:
    """How what a tool has done since is taken over."""
    if not went:
        return "Take that over too, with `migrate adopt`, and stop using the other tool here."
    forget = " ".join(f"--forget {one}" for one in went)
    what = "what is gone" if came else "them" if len(went) > 1 else "it"
    how = f"Take {what} out of our history too: `migrate plan {forget}`."
    more = " Take over what came, with `migrate adopt`." if came else ""
    return f"{how}{more} Then stop using the other tool here."


def _is_code(tool_name: str) -> bool:
    return any(tool.name == tool_name and not tool.reads_all for tool in known_tools())
