"""The proof that rows which were put back are those of their copy.

Asked in their transaction, so that what others write does not count.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.quoting import backquoted

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.executors.mysql.undo.intents import Copy

NOT_AS_COPIED = (
    "1644"  # a condition that no server has: https://dev.mysql.com/doc/refman/9.7/en/signal.html
)


def refuse_other_rows(session: MySQLSession, place: str, copy: Copy) -> None:
    """Raises ServerError when a table has other rows than its copy, which is like it."""
    sums = session.query_all(f"checksum table {backquoted(copy.table)}, {place}")
    if len({found for _, found in sums}) > 1:
        raise _differing(copy)


def refuse_other_values(session: MySQLSession, place: str, copy: Copy) -> None:
    """Raises ServerError when a row has other values than its copy."""
    matched = " and ".join(f"kept.{backquoted(c)} = copied.{backquoted(c)}" for c in copy.key)
    differs = " or ".join(
        f"not cast(kept.{name} as binary) <=> cast(copied.{name} as binary)"
        for name in map(backquoted, copy.columns)
    )
    sql = (
        f"select 1 from {backquoted(copy.table)} kept join {place} copied on {matched} "
        f"where {differs} limit 1"
    )
    found = None
    with suppress(ServerError):  # of a type that has no bytes to compare
        found = session.query_one(sql)
    if found:
        raise _differing(copy)


def _differing(copy: Copy) -> ServerError:
    what = f"The rows of '{copy.table}' that were put back are not those that were copied"
    return ServerError(NOT_AS_COPIED, what)
