"""What a database holds that lockgate has not made: tables, and the histories of other tools.

Asks nothing: an engine lists the tables, and `planner.adoption` knows whose histories they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import Occupied
from lockgate.planner.value import frozen
from lockgate.planner.versions import version_key

SHOWN = 8
"""How many tables are named."""

TableRow = Mapping[str, Any]
"""A row of another tool's table: its values by the columns' names in lower case."""


@frozen
class FoundTable:
    """A table or a view that is not lockgate's. `columns` are in lower case; `is_default` says
    that its name alone leads to it, and `is_plain` that reading it runs no code of others."""

    schema: str
    name: str
    columns: frozenset[str]
    is_default: bool = True
    is_plain: bool = True

    def __str__(self) -> str:
        return self.name if self.is_default else f"{self.schema}.{self.name}"


@frozen
class OtherHistory:
    """The table in which another tool notes what it has applied, and what is there. With `of_code`
    its migrations are no SQL files, and none of ours is one of them."""

    tool: str
    table: str
    versions: tuple[str, ...]
    of_code: bool = False

    def __str__(self) -> str:
        if not self.versions:
            return f"{self.table} is the history of {self.tool}, with nothing applied"
        ends = dict.fromkeys(_short(one) for one in (self.versions[0], self.versions[-1]))
        return (
            f"{self.table} is the history of {self.tool}, with {len(self.versions)} applied: "
            f"{(' … ' if len(self.versions) > 2 else ', ').join(ends)}"
        )


def _short(version: str) -> str:
    """The head of a name that is a digest.

    >>> _short("001"), _short("0953d649ed7b698d38ee68e4d9fc3dc924d553d132e044b0599b540daa21e9be")
    ('001', '0953d649ed7b…')
    """
    return version if len(version) < 40 else f"{version[:12]}…"


@frozen
class Occupancy:
    """What a database holds when lockgate first comes to it; without what extensions own."""

    tables: tuple[str, ...] = ()
    histories: tuple[OtherHistory, ...] = ()

    def __str__(self) -> str:
        """How many, and the names of the first."""
        names = ", ".join(self.tables[:SHOWN]) + ", …" * (len(self.tables) > SHOWN)
        return f"{len(self.tables)} table{'s' * (len(self.tables) != 1)} ({names})"


def refuse_blind_baseline(
    found: Occupancy | None, recorded: Iterable[str], environment: str
) -> None:
    """Raises Occupied when another tool's history does not say that just these versions, which a
    baseline would record, are applied."""
    wanted = {version_key(version) for version in recorded}
    histories = found.histories if found else ()
    if all({version_key(one) for one in history.versions} == wanted for history in histories):
        return
    e = f" -e {environment}"
    of_code = any(history.of_code for history in histories)
    told = (
        f"Its migrations are code. Take it over all the same, so that it is watched: `migrate "
        f"adopt{e} --baseline VERSION -o adopt.json`. "
        if of_code
        else f"Record exactly what it says: `migrate adopt{e} -o adopt.json`. "
    )
    raise Occupied(
        "\n".join(f"{history}." for history in histories),
        why="The baseline would record other versions than that.",
        do=f"{told}If that tool is no longer in use and its table is wrong, drop the table first.",
    )


def refuse_occupied(found: Occupancy | None, ledger: Ledger, environment: str) -> None:
    """Raises Occupied when there are tables and no ledger of ours; None: not looked for."""
    if ledger.present or found is None or not found.tables:
        return
    lines = [f"The database has {found}, and no history of lockgate's."]
    lines += [f"{history}." for history in found.histories]
    e = f" -e {environment}"
    raise Occupied(
        "\n".join(lines),
        why="Without a history every migration counts as pending, and would run on tables that "
        "exist: a second time, if another tool has run it.",
        do="Say where these tables come from:\n"
        f"{_taking_over(found, e)}"
        f"  they have nothing to do with these migrations: migrate plan{e} --fresh "
        f"(or migrate up{e} --fresh)",
    )


def _taking_over(found: Occupancy, e: str) -> str:
    """How another tool's history is taken over, a line each for a tool of files and one of code.
    Where there is one, a baseline that says otherwise is refused."""
    files = f"  another tool made them:         migrate adopt{e} -o adopt.json\n"
    if not found.histories:
        return f"{files}  these migrations, up to one:    migrate plan{e} --baseline VERSION\n"
    of_code = [history.tool for history in found.histories if history.of_code]
    if not of_code:
        return files
    code = (
        f"  the code of {' and '.join(of_code)} made them:  migrate adopt{e} --baseline VERSION -o "
        "adopt.json\n"
        "    (VERSION: the last SQL migration whose work is in the database. The first may be the "
        "schema\n"
        f"    as it is: a line `-- migrate:up`, and below it what `migrate dump{e}` prints)\n"
    )
    return code if len(of_code) == len(found.histories) else files + code
