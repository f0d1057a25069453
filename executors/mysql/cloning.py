"""A copy of a whole database on the same server: its objects by SHOW CREATE, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.quoting import backquoted

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

TABLES = """
select table_name, table_type from information_schema.tables where table_schema = %s order by 1
"""
STORED_COLUMNS = """
select column_name from information_schema.columns
where table_schema = %s and table_name = %s and generation_expression = '' or
table_schema = %s and table_name = %s and generation_expression is null
order by ordinal_position
"""
STORED_CODE = {
    "TRIGGER": "select trigger_name from information_schema.triggers where trigger_schema = %s "
    "order by event_object_table, action_timing, event_manipulation, action_order",
    "PROCEDURE": "select routine_name from information_schema.routines "
    "where routine_schema = %s and routine_type = 'PROCEDURE'",
    "FUNCTION": "select routine_name from information_schema.routines "
    "where routine_schema = %s and routine_type = 'FUNCTION'",
    "EVENT": "select event_name from information_schema.events where event_schema = %s",
}
BASE = ("BASE TABLE", "SYSTEM VERSIONED")


def clone_database(session: MySQLSession, source: str, target: str) -> None:
    """Copies all of `source` into the empty database `target`.

    Objects that name their own database, as views do, name the new one.
    """
    kinds: dict[str, str] = dict(session.query_all(TABLES, (source,)))
    tables = [name for name, kind in kinds.items() if kind in BASE]
    views = [name for name, kind in kinds.items() if kind == "VIEW"]
    session.execute("set session foreign_key_checks = 0")
    session.execute(f"use {backquoted(target)}")
    for name in kinds:
        if kinds[name] == "SEQUENCE":
            session.execute(_definition(session, "SEQUENCE", source, target, name))
    for name in tables:
        session.execute(_definition(session, "TABLE", source, target, name))
    for name in tables:
        _copy_rows(session, source, name)
    for kind, query in STORED_CODE.items():
        if kind == "TRIGGER":
            _make_views(session, [_definition(session, "VIEW", source, target, v) for v in views])
        for (name,) in session.query_all(query, (source,)):
            session.execute(_definition(session, kind, source, target, name))
    session.execute("set session foreign_key_checks = default")
    session.execute(f"use {backquoted(session.server.database)}")


def _copy_rows(session: MySQLSession, source: str, table: str) -> None:
    place = f"{backquoted(source)}.{backquoted(table)}"
    found = session.query_all(STORED_COLUMNS, (source, table) * 2)
    columns = ", ".join(backquoted(name) for (name,) in found)
    session.execute(f"insert into {backquoted(table)} ({columns}) select {columns} from {place}")


def _make_views(session: MySQLSession, definitions: list[str]) -> None:
    """A view may be made of others: each round makes those whose own are there."""
    while definitions:
        refused: list[str] = []
        for sql in definitions:
            try:
                session.execute(sql)
            except ServerError:
                refused.append(sql)
        if len(refused) == len(definitions):  # a view that is broken in the source too
            return
        definitions = refused


def _definition(session: MySQLSession, kind: str, source: str, target: str, name: str) -> str:
    row = session.query_one(f"show create {kind} {backquoted(source)}.{backquoted(name)}")
    assert row is not None
    text = next(_statements(row))
    return text.replace(f"{backquoted(source)}.", f"{backquoted(target)}.")


def _statements(row: tuple[object, ...]) -> Iterator[str]:
    """SHOW CREATE has its statement in another column for each kind."""
    return (value for value in row if isinstance(value, str) and value.startswith("CREATE "))
