"""Indexes that PostgreSQL builds or drops CONCURRENTLY, in several transactions of its own.

A build that fails, or whose session dies, leaves an INVALID index: it costs every write and
serves no read, and IF NOT EXISTS takes it for a good one.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

NAME = r'(?:"(?:[^"]|"")+"|[^\s"().,;]+)'
QUALIFIED = rf"{NAME}(?:\s*\.\s*{NAME})?"
BUILD = re.compile(
    rf"create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?"
    rf"(?!on\s)(?P<index>{NAME})\s+on\s+(?:only\s+)?(?P<table>{QUALIFIED})",
    re.IGNORECASE,
)
DROP = re.compile(
    rf"drop\s+index\s+concurrently\s+(?:if\s+exists\s+)?(?P<index>{QUALIFIED})"
    r"(?:\s+(?:cascade|restrict))?\s*",
    re.IGNORECASE,
)
# Asked as the section finds names, so that nothing else may be found by its search_path.
LOCATE = "select pg_catalog.to_regclass(%s)::pg_catalog.oid"
# The index is made in its table's schema, whatever the search_path is. A name is cut off as the
# server does it: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
FIND = """
select i.indisvalid, format('%%I.%%I', n.nspname, c.relname)
from pg_class t join pg_namespace n on n.oid = t.relnamespace
join pg_class c on c.relnamespace = n.oid join pg_index i on i.indexrelid = c.oid
where t.oid = %s and c.relname = any(parse_ident(%s)::name[])
"""
EXISTS = "select pg_catalog.to_regclass(%s) is not null"

IndexState = Literal["valid", "invalid", "absent"]


class Asked(Protocol):
    """What is asked of the session that runs the statements."""

    def query_one(self, sql: str, parameters: tuple[object, ...]) -> Row | None: ...

    def look(self, sql: str, parameters: tuple[object, ...]) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class ConcurrentBuild:
    """A named index under CREATE INDEX CONCURRENTLY, and the oid of its table, if that exists."""

    index: str
    table: int | None

    def state(self, session: Asked) -> IndexState:
        """Whether the index is there and of use."""
        rows = session.look(FIND, (self.table, self.index))
        return "absent" if not rows else "valid" if rows[0][0] else "invalid"

    def removal(self, session: Asked) -> str | None:
        """What takes away the invalid index that a failed build has left, so that the next one
        is a real one; None when there is none.

        A crash in it leaves the invalid index, for the next attempt to take away.
        """
        rows = session.look(FIND, (self.table, self.index))
        return f"drop index concurrently {rows[0][1]}" if rows and not rows[0][0] else None


def find_build(sql: str, session: Asked) -> ConcurrentBuild | None:
    """The build that a statement is, as the session resolves its table's name.

    None for other statements, and for an index to which the server is to give a name.
    """
    match = BUILD.match(sql)
    if match is None:
        return None
    row = session.query_one(LOCATE, (match["table"],))
    return ConcurrentBuild(match["index"], row[0] if row else None)


def can_tell(sql: str) -> bool:
    """Whether `happened` knows an answer for such a statement."""
    return bool(BUILD.match(sql) or DROP.fullmatch(sql))


def happened(sql: str, session: Asked) -> bool | None:
    """Whether a statement that was begun, and has ended, took effect; None: cannot be told.

    The session must find names as the statement did: its section may have set a search_path.
    For a build False also stands for an invalid index: it is to be built again.
    """
    build = find_build(sql, session)
    if build:
        return build.state(session) == "valid"
    dropping = DROP.fullmatch(sql)
    if dropping:
        row = session.query_one(EXISTS, (dropping["index"],))
        return not (row and row[0])
    return None
