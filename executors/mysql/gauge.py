"""Which tables a statement rewrites on MySQL and MariaDB: InnoDB gives a rebuilt one a new id.

Measures no locks: those of DDL are gone with the statement, and nothing keeps a record of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lockgate.executors.engine import Row
from lockgate.executors.events import Event, StatementFinished
from lockgate.executors.failure import ServerError
from lockgate.executors.gauge import Gauge
from lockgate.planner.building.readings import full_reading

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

# MariaDB's name is the second. Both want the right PROCESS.
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-innodb-tables-table.html
VIEWS = """
select table_name from information_schema.tables
where table_schema = 'information_schema' and table_name in ('INNODB_TABLES', 'INNODB_SYS_TABLES')
"""
IDS = """
select name, table_id from information_schema.{view} where left(name, char_length(%s)) = %s
"""
FORBIDDEN = "1227"
PARTITION = re.compile(r"#p#", re.IGNORECASE)
# https://dev.mysql.com/doc/refman/9.7/en/identifier-mapping.html
ENCODED = re.compile(r"@([0-9a-f]{4})")

Ids = dict[str, frozenset[int]]
Ask = Callable[[str, Sequence[object]], list[Row]]


class RebuildGauge(Gauge):
    """Measures the statements of one run, each by the ids before and after it."""

    def __init__(self, session: MySQLSession) -> None:
        super().__init__()
        self._session = session
        self._view = _find_view(session)
        self._ids = self._read(session.query_all)

    def hear(self, event: Event) -> None:
        super().hear(event)
        if not isinstance(event, StatementFinished) or not self._view:
            return
        before, self._ids = self._ids, self._read(self._session.observe)
        reading = full_reading(event.statement, self._session.server.dialect)
        found = () if reading.empties else rebuilt(before, self._ids)
        told = tuple(table for table in found if self._counts(table))
        rewrites = None if found and not told else told
        self.note((event.number, event.place), rewrites=rewrites)

    def _counts(self, table: str) -> bool:
        """Whether a table that was rebuilt here would be rebuilt elsewhere too."""
        if not self._session.rebuilds_empty_tables:
            return True
        database = self._session.server.database
        place = ".".join(map(self._session.quote, (database, table)))
        try:
            return bool(self._session.observe(f"select 1 from {place} limit 1"))
        except ServerError:  # a name that is encoded in a way of its own
            return False

    def _read(self, ask: Ask) -> Ids:
        """The ids of each table, which has one for each partition."""
        if not self._view:
            return {}
        ids: defaultdict[str, set[int]] = defaultdict(set)
        own = f"{self._session.server.database}/"
        for name, number in ask(IDS.format(view=self._view), (own, own)):
            table = PARTITION.split(name.partition("/")[2])[0]
            ids[ENCODED.sub(lambda code: chr(int(code[1], 16)), table)].add(number)
        return {table: frozenset(numbers) for table, numbers in ids.items()}


def rebuilt(before: Ids, after: Ids) -> tuple[str, ...]:
    """The tables that have new ids in place of old ones; those that only changed names have not.

    >>> one, two, three = frozenset({1}), frozenset({2}), frozenset({3})
    >>> rebuilt({"t": one, "u": two}, {"t": three, "v": two})
    ('t',)
    """
    there = frozenset().union(*after.values())
    known = frozenset().union(*before.values())
    return tuple(
        sorted(
            table
            for table, ids in before.items()
            if ids - there and after.get(table, frozenset()) - known
        )
    )


def _find_view(session: MySQLSession) -> str:
    """The view that tells the ids; empty where we may not read it."""
    for (view,) in session.query_all(VIEWS):
        try:
            session.query_all(IDS.format(view=view), ("/", "/"))
        except ServerError as refused:
            if refused.code != FORBIDDEN:
                raise
        else:
            return str(view)
    return ""
