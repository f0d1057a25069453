"""The proof that rows are those from before: of copies when they are made and put back, and of
tables whose definition was changed and undone.

Copies are compared in the transaction that writes them, so that what others write does not count.
Between a definition and its undoing others may write; digests distinguish that from a bad undoing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.table.definition import read_table
from lockgate.executors.mysql.table.references import orphans
from lockgate.executors.mysql.undo.images import take_image
from lockgate.executors.mysql.undo.intents import count_orphans, read_digest
from lockgate.executors.polling import poll
from lockgate.executors.states import Outcome
from lockgate.planner.database.catalogue import ROWS_OF_KEY, ROWS_OF_TABLE, ObjectDifference
from lockgate.planner.quoting import backquoted
from lockgate.planner.reading.reading import Object

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.executors.mysql.undo.images import Query
    from lockgate.executors.mysql.undo.intents import Copy, Intent, Reference, RowDigests

NOT_AS_COPIED = (
    "1644"  # a condition that no server has: https://dev.mysql.com/doc/refman/9.7/en/signal.html
)

UNCOPIED = "The copy of the rows of '{}' is not like them"
UNRETURNED = "The rows of '{}' that were put back are not those that were copied"
LOCKED = "set transaction isolation level repeatable read"
"""Before a transaction that compares what it has written: so it locks the rows that it reads, and
the gaps between them. https://dev.mysql.com/doc/refman/9.7/en/innodb-locks-set.html
"""
WATCHED = 5.0  # seconds in which others are seen to write to a table, if they do it all the time


class RowProof:
    """The rows of the tables that a unit has redefined, compared with those before."""

    def __init__(self, query: Query, database: str) -> None:
        self._query = query
        self._database = database
        self.differences: list[ObjectDifference] = []
        self._written: dict[str, None] = {}

    @property
    def written(self) -> tuple[str, ...]:
        """The tables with other rows than before, in which other sessions have written since, or
        of which that cannot be told."""
        return tuple(self._written)

    def is_quiet(self, intent: Intent, outcome: Outcome) -> bool:
        """Whether a statement is still to be undone, and the rows are as it left them."""
        if not intent.rows or outcome != Outcome.DONE:
            return intent.rows is not None and intent.rows.differ
        name = dict(intent.renames).get(intent.rows.table, intent.rows.table)
        return self._digest(name) == intent.rows.after

    def find_other(self, rows: RowDigests | None, *, quiet: bool) -> RowDigests | None:
        """What to note of a statement that was undone, when its table has other rows than before,
        and no other session was seen to write there; None: there is nothing to note."""
        if rows is None or (found := self._digest(rows.table)) == rows.before:
            return None
        if not quiet or poll(lambda: self._digest(rows.table) != found, WATCHED, lambda _: None):
            self._written[rows.table] = None
            return None
        name = f"{ROWS_OF_TABLE} {rows.table}"
        self.differences.append(ObjectDifference(name, "changed"))
        return rows.model_copy(update={"differ": True})

    def find_orphans(self, references: Iterable[Reference]) -> None:
        """Notes the foreign keys, of those that are there again, by which more rows than before
        have no parent. The server has not asked when the keys were made or the rows put back."""
        for one in references:
            found = count_orphans(self._query, self._database, one.table, one.name)
            if found is None or found <= one.orphans:
                continue
            create = take_image(self._query, self._database, Object("table", one.table)).create
            asked = f"select child.* from {orphans(read_table(create), one.name)}"
            told = f"{found} without a parent, {one.orphans} before: {asked}"
            name = f"{ROWS_OF_KEY} {one.name} of {one.table}"
            self.differences.append(ObjectDifference(name, "changed", (told,)))

    def _digest(self, table: str) -> str:
        return read_digest(self._query, self._database, table)


def refuse_unlike_copy(session: MySQLSession, place: str, copy: Copy, what: str) -> None:
    """Raises ServerError when a table has other rows than its copy at a place, or other values of
    the columns that are copied; `what` says so, with a place for the table's name."""
    if (_has_other_values if copy.columns else _has_other_rows)(session, place, copy):
        raise ServerError(NOT_AS_COPIED, what.format(copy.table))


def _has_other_rows(session: MySQLSession, place: str, copy: Copy) -> bool:
    sums = session.query_all(f"checksum table {backquoted(copy.table)}, {place}")
    return len({found for _, found in sums}) > 1


def _has_other_values(session: MySQLSession, place: str, copy: Copy) -> bool:
    """Of rows that are in both."""
    matched = " and ".join(f"kept.{backquoted(c)} = copied.{backquoted(c)}" for c in copy.key)
    differs = " or ".join(
        f"not cast(kept.{name} as binary) <=> cast(copied.{name} as binary)"
        for name in map(backquoted, copy.columns)
    )
    sql = (
        f"select 1 from {backquoted(copy.table)} kept join {place} copied on {matched} "
        f"where {differs} limit 1"
    )
    with suppress(ServerError):  # of a type that has no bytes to compare
        return bool(session.query_one(sql))
    return False
