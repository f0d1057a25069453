"""The views of information_schema on MySQL and MariaDB, one plain query each, as rows by name.

It must not join them: each view is a join already, and a join with CHECK_CONSTRAINTS takes
quadratic time on MySQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

ViewRow = Mapping[str, Any]
ViewRows = Mapping[str, Sequence[ViewRow]]

AVAILABLE = """
select table_name, column_name from information_schema.columns
where table_schema = 'information_schema' and table_name in ({views})
"""
PART_OF = {"KEY_COLUMN_USAGE": "REFERENTIAL_CONSTRAINTS"}
"""Of which earlier view's rows a view tells more: where there are none, it is not asked."""


def read_views(session: MySQLSession, sources: Mapping[str, str]) -> ViewRows:
    """The rows of some views about the session's own database, by view, with what the server
    has of the columns that `sources` name for each; the first of them is the schema's name, by
    which MariaDB opens the tables of this database alone.

    A view that the server does not have has no rows. Under an open snapshot MySQL's dictionary
    does not change: the session must be in no transaction.
    """
    offered = _read_offered(session, sources)
    found: dict[str, list[ViewRow]] = {}
    for view in sources:
        needed = found.get(PART_OF.get(view, ""), True)
        found[view] = _read(session, view, offered[view]) if needed else []
    return found


def plain_mode(session: MySQLSession) -> AbstractContextManager[None]:
    """The block under a sql_mode without ANSI_QUOTES, which says how names are printed."""
    return under_mode(session, "")


@contextmanager
def under_mode(session: MySQLSession, mode: str) -> Iterator[None]:
    """The block under a sql_mode of our own."""
    (before,) = session.query_one("select @@session.sql_mode") or ("",)
    session.execute("set session sql_mode = %s", (mode,))
    try:
        yield
    finally:
        if session.is_open:
            session.execute("set session sql_mode = %s", (before,))


def _read_offered(session: MySQLSession, sources: Mapping[str, str]) -> dict[str, list[str]]:
    views = ", ".join(f"'{view}'" for view in sources)
    rows = session.query_all(AVAILABLE.format(views=views))
    offered = {(view, column.lower()) for view, column in rows}
    return {
        view: [column for column in columns.split() if (view, column) in offered]
        for view, columns in sources.items()
    }


def _read(session: MySQLSession, view: str, columns: Sequence[str]) -> list[ViewRow]:
    if not columns:
        return []
    sql = f"select {', '.join(columns)} from information_schema.{view} where {columns[0]} = %s"
    rows = session.query_all(sql, (session.server.database,))
    return [dict(zip(columns, row, strict=True)) for row in rows]
