"""Indexes that PostgreSQL builds or drops CONCURRENTLY, in several transactions of its own.

A build that fails, or whose session dies, leaves an INVALID index: it costs every write and
serves no read, and IF NOT EXISTS takes it for a good one.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from lockgate.planner.plan.statement import Concurrent, Named
from lockgate.planner.quoting import double_quoted
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

# Asked as the section finds names, so that nothing else may be found by its search_path.
LOCATE = "select pg_catalog.to_regclass(%s)::pg_catalog.oid"
# The index is made in its table's schema, whatever the search_path is.
# A partitioned table's index is invalid until each partition has one: that is no failed build.
FIND = """
select i.indisvalid, format('%%I.%%I', n.nspname, c.relname), t.relkind,
    format('%%I.%%I', n.nspname, t.relname)
from pg_class t join pg_namespace n on n.oid = t.relnamespace
join pg_class c on c.relnamespace = n.oid and c.relkind = 'i'
join pg_index i on i.indexrelid = c.oid
where t.oid = %s and c.relname = %s::name
"""
# Each build holds such a lock to its end; no reader or writer waits for it.
AWAIT = "lock table only {} in share update exclusive mode"
EXISTS = "select pg_catalog.to_regclass(%s) is not null"

# An index that failed REINDEX … CONCURRENTLY has left, by the names that the server gives it:
# https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
INVALID = """
select format('the invalid index %%1$I.%%2$I (`drop index concurrently %%1$I.%%2$I` removes it)',
    n.nspname, c.relname)
from pg_index i join pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
join pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and (not %s or c.relname ~ '_cc(new|old)[0-9]*$')
"""

IndexState = Literal["valid", "invalid", "absent"]


class Asked(Protocol):
    """What is asked of the session that runs the statements."""

    def query_one(self, sql: str, parameters: tuple[object, ...]) -> Row | None: ...

    def look(self, sql: str, parameters: tuple[object, ...]) -> list[Row]: ...


@frozen
class Removal:
    """What drops an invalid index, and what waits until no session builds it: it is invalid until
    then, too. Nothing waits so for the index of a materialized view."""

    drop: str
    wait: str


@frozen
class ConcurrentBuild:
    """A named index under CREATE INDEX CONCURRENTLY, and the oid of its table, if that exists."""

    index: str
    table: int | None

    def state(self, session: Asked) -> IndexState:
        """Whether the index is there and of use."""
        rows = session.look(FIND, (self.table, self.index))
        return "absent" if not rows else "valid" if rows[0][0] else "invalid"

    def removal(self, session: Asked) -> Removal | None:
        """What takes away the invalid index that a failed build has left, so that the next one
        is a real one; None when there is none.

        A crash in it leaves the invalid index, for the next attempt to take away.
        """
        rows = session.look(FIND, (self.table, self.index))
        if not rows or rows[0][0]:
            return None
        _, index, kind, table = rows[0]
        wait = AWAIT.format(table) if kind == "r" else ""
        return Removal(f"drop index concurrently {index}", wait)


def find_build(found: Concurrent | None, session: Asked) -> ConcurrentBuild | None:
    """The build that a statement is, as the session resolves its table's name.

    None for other statements, and for an index to which the server is to give a name.
    """
    if found is None or found.action != "build" or found.index is None or found.table is None:
        return None
    row = session.query_one(LOCATE, (quoted(found.table),))
    return ConcurrentBuild(found.index.name, row[0] if row else None)


def invalid_indexes(found: Concurrent | None, session: Asked) -> set[str]:
    """The indexes that such a statement, or one like it, has left invalid; each as a noun with how
    to remove it. A whole schema or database that is rebuilt is no `found`."""
    rebuilds = found is None or found.action == "rebuild"
    return {left for (left,) in session.look(INVALID, (rebuilds,))}


def happened(found: Concurrent | None, session: Asked) -> bool | None:
    """Whether a statement that was begun, and has ended, took effect; None: not known.

    The session must find names as the statement did: its section may have set a search_path.
    For a build False also means an invalid index: it is to be built again.
    """
    build = find_build(found, session)
    if build:
        return build.state(session) == "valid"
    if found and found.action == "drop" and found.index:
        row = session.query_one(EXISTS, (quoted(found.index),))
        return not (row and row[0])
    return None


def quoted(one: Named) -> str:
    """A name as `to_regclass` takes it.

    >>> quoted(Named(kind="table", name="T", qualifier="s"))
    '"s"."T"'
    """
    parts = [part for part in (one.qualifier, one.name) if part]
    return ".".join(map(double_quoted, parts))
