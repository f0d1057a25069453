"""What a program that copies a table has made beside it, and its removal.

Removes nothing before the server has no session left that works on it: what the server has begun,
it ends, whether its client is there or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.polling import poll
from lockgate.executors.programs.online_tools import TOOLS
from lockgate.planner.quoting import backquoted
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.statement import Online

TABLES = """
select table_name from information_schema.tables
where table_schema = database() and table_name in %s order by table_name
"""
TRIGGERS = """
select trigger_name from information_schema.triggers
where event_object_schema = database() and event_object_table in %s
    and left(trigger_name, char_length(%s)) = %s order by trigger_name
"""
# A user sees its own sessions without any right.
WORKING = """
select id from information_schema.processlist
where id <> connection_id() and info is not null and ({}) limit 1
"""
SILENCE = 20.0
"""Seconds for the server to end what a program that is dead had begun."""


@frozen
class Remains:
    """The tables and the triggers that a program has left."""

    tables: tuple[str, ...]
    triggers: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.tables or self.triggers)

    def __str__(self) -> str:
        kinds = (("table", self.tables), ("trigger", self.triggers))
        named = [f"the {kind}{'s' * (len(names) > 1)} {', '.join(names)}"
                 for kind, names in kinds if names]  # fmt: skip
        return " and ".join(named)


def find_remains(session: MySQLSession, online: Online) -> Remains:
    """What there is of the names that the program gives."""
    tool, table = TOOLS[online.tool], online.table.name
    names = _names(online)
    tables = session.query_all(TABLES, (names,))
    triggers = (
        session.query_all(TRIGGERS, ((table, *names), tool.triggers, tool.triggers))
        if tool.triggers
        else []
    )
    return Remains(tuple(name for (name,) in tables), tuple(name for (name,) in triggers))


def await_silence(session: MySQLSession, online: Online) -> bool:
    """Whether the server works on nothing of the program any more; waits for that."""
    names = _names(online)
    sql = WORKING.format(" or ".join(["locate(%s, info) > 0"] * len(names)))
    return poll(lambda: not session.query_all(sql, names), SILENCE, lambda waited: None)


def remove_remains(session: MySQLSession, remains: Remains) -> None:
    """Drops the triggers first: those of a table would fail without the one that they write to."""
    for name in remains.triggers:
        session.execute(f"drop trigger if exists {backquoted(name)}")
    for name in remains.tables:
        session.execute(f"drop table if exists {backquoted(name)}")


def _names(online: Online) -> tuple[str, ...]:
    return tuple(each.format(online.table.name) for each in TOOLS[online.tool].tables)
