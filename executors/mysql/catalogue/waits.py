"""Which sessions wait for what a session of ours holds, and how far that one is, on MySQL and
MariaDB.

Each query takes the id of our session. Those for waits answer with the seconds since when each of
the others is at its statement, which the servers count whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lockgate.executors.engine import Look
from lockgate.executors.events import StatementProgressed, first_words
from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-metadata-locks-table.html
DEFINITIONS = """
select t.processlist_time + 0.5 from performance_schema.metadata_locks w
join performance_schema.threads t on t.thread_id = w.owner_thread_id
where w.object_type = 'TABLE' and w.lock_status = 'PENDING' and exists (
    select 1 from performance_schema.metadata_locks held
    join performance_schema.threads o on o.thread_id = held.owner_thread_id
    where held.object_type = 'TABLE' and held.object_schema = w.object_schema
        and held.object_name = w.object_name and held.owner_thread_id <> w.owner_thread_id
        and o.processlist_id = %s)
"""
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-data-lock-waits-table.html
ROWS = """
select max(t.processlist_time) + 0.5 from performance_schema.data_lock_waits w
join performance_schema.threads t on t.thread_id = w.requesting_thread_id
join performance_schema.threads o on o.thread_id = w.blocking_thread_id
where o.processlist_id = %s group by t.thread_id
"""
# Where the holder of a definition is not known: those of this database that wait for one.
STATES = """
select time + 0.5 from information_schema.processlist
where db = database() and id <> %s and state like 'Waiting for table%% lock'
"""
# https://mariadb.com/kb/en/information-schema-innodb_lock_waits-table/
TRANSACTIONS = """
select max(p.time) + 0.5 from information_schema.innodb_lock_waits w
join information_schema.innodb_trx waiting on waiting.trx_id = w.requesting_trx_id
join information_schema.innodb_trx ours on ours.trx_id = w.blocking_trx_id
join information_schema.processlist p on p.id = waiting.trx_mysql_thread_id
where ours.trx_mysql_thread_id = %s group by p.id
"""
# The server counts stages where the consumer events_stages_current is on.
# https://dev.mysql.com/doc/refman/9.7/en/monitor-alter-table-performance-schema.html
STAGES = """
select t.processlist_info, t.processlist_time,
    coalesce(substring_index(s.event_name, '/', -1), t.processlist_state),
    s.work_completed, s.work_estimated, 'units'
from performance_schema.threads t
left join performance_schema.events_stages_current s
    on s.thread_id = t.thread_id and s.work_estimated > 0
where t.processlist_id = %s and t.processlist_command = 'Query'
"""
STATE = """
select info, time, state, null, null, '' from information_schema.processlist
where id = %s and command = 'Query'
"""
# https://mariadb.com/kb/en/progress-reporting/
PERCENT = """
select info, time_ms / 1000, case when max_stage > 1
    then concat(state, ', stage ', stage, ' of ', max_stage) else state end,
    if(progress > 0, round(progress), null), if(progress > 0, 100, null), '%%'
from information_schema.processlist where id = %s and command = 'Query'
"""
INSTEAD = {DEFINITIONS: STATES, STAGES: STATE}
"""Of a query that the server refuses."""


class Onlooker:
    """Asks by a second session, and no more what this user may not see. The last of the queries is
    that for the progress."""

    def __init__(
        self, query: Callable[..., list[Row]], pid: Callable[[], int], names: tuple[str, ...]
    ) -> None:
        self._query = query
        self._pid = pid
        *self._waits, self._progress = (globals()[name] for name in names)

    def look(self) -> Look:
        """What is seen now."""
        waiting = [float(row[0]) for sql in tuple(self._waits) for row in self._ask(sql)]
        return Look(waiting, self._read_progress())

    def _read_progress(self) -> StatementProgressed | None:
        try:
            rows = self._query(self._progress, (self._pid(),))
        except ServerError:
            self._progress = INSTEAD.get(self._progress, STATE)
            return None
        for sql, seconds, phase, done, total, unit in rows:
            return StatementProgressed(
                first_words(sql or ""), float(seconds), phase=phase or "", unit=unit,
                done=None if done is None else int(done),
                total=None if total is None else int(total),
            )  # fmt: skip
        return None

    def _ask(self, sql: str) -> list[Row]:
        """None where the role may not see them."""
        try:
            return self._query(sql, (self._pid(),))
        except ServerError:
            place = self._waits.index(sql)
            self._waits[place : place + 1] = [INSTEAD[sql]] if sql in INSTEAD else []
            return []
