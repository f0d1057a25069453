"""A watch over a PostgreSQL session whose statement takes long: who holds the locks that it wants,
or how far it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from lockgate.executors.events import (
    Blocked,
    BlockerEnded,
    Emit,
    OtherSession,
    StatementProgressed,
    first_words,
)
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.planner.environments.keys import Blockers

SESSION = """
select a.pid, coalesce(a.usename, ''), coalesce(host(a.client_addr), ''),
       coalesce(to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
       coalesce(a.application_name, ''), case a.state when 'active' then a.query else '' end
from pg_stat_activity a
"""
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SESSION
BLOCKERS = f"{SESSION} where a.pid = any(pg_blocking_pids(%s))"
# The server cancels autovacuum by itself, unless it is to prevent that transaction ids run out.
# https://www.postgresql.org/docs/current/routine-vacuuming.html
AUTOVACUUM = "a.backend_type = 'autovacuum worker'"
IDLE = (
    "a.state in ('idle in transaction', 'idle in transaction (aborted)') "
    "and clock_timestamp() - a.state_change >= make_interval(secs => %s)"
)
# The condition is asked again with the act: a session may have gone on since.
ENDINGS = {
    "canceled": f"select pg_cancel_backend(a.pid) from pg_stat_activity a where {AUTOVACUUM} ",
    "terminated": f"select pg_terminate_backend(a.pid) from pg_stat_activity a where {IDLE} ",
}
STILL_BLOCKS = "and a.pid = %s and a.pid = any(pg_blocking_pids(%s))"
# A table that the session has just made has no name for others, but a number.
# https://www.postgresql.org/docs/current/progress-reporting.html
PROGRESS = """
select a.query, coalesce(substring(p.relation from '^[^0-9].*'), ''), coalesce(p.phase, ''),
    p.done, nullif(p.total, 0), coalesce(p.unit, '')
from pg_stat_activity a left join (
    select pid, relid::regclass::text, phase,
        case when tuples_total > 0 then tuples_done else blocks_done end,
        case when tuples_total > 0 then tuples_total else blocks_total end,
        case when tuples_total > 0 then 'rows' else 'blocks' end
    from pg_stat_progress_create_index
    union all select pid, relid::regclass::text, phase, heap_blks_scanned, heap_blks_total, 'blocks'
    from pg_stat_progress_cluster{}
) p (pid, relation, phase, done, total, unit) on p.pid = a.pid
where a.pid = %s and a.state = 'active'
"""
COPYING = """
    union all select pid, relid::regclass::text, 'copying', tuples_processed, null, 'rows'
    from pg_stat_progress_copy"""  # since 14
FIRST, EVERY = 1.0, 5.0
"""Seconds after which a statement's progress is reported, and then between two reports."""
# How long each session has waited for a lock that another one holds, or is before it in the
# queue for; the server tells since when from version 14 on.
WAITS = """
select coalesce(extract(epoch from clock_timestamp()
    - (to_jsonb(l) ->> 'waitstart')::timestamptz), %s)::float8
from pg_locks l
where not l.granted and l.pid <> pg_backend_pid() and %s = any(pg_blocking_pids(l.pid))
"""


def read_session(row: Row) -> OtherSession:
    """A row of SESSION."""
    pid, user, host, since, program, sql = row
    return OtherSession(pid, user, host, since, program, first_words(sql or ""))


class Watch:
    """Tells who blocks a session, by a second session that is opened when there is a need."""

    def __init__(
        self,
        pid: int,
        connect: Callable[[], psycopg.Connection[Row]],
        emit: Emit,
        endings: Blockers,
    ) -> None:
        self._pid = pid
        self._endings = endings
        self._refused = set[int]()
        self._connect = connect
        self._emit = emit
        self._observer: psycopg.Connection[Row] | None = None
        self.blockers: tuple[OtherSession, ...] = ()
        self._next = FIRST

    def __call__(self, seconds: float) -> None:
        """Asks, after this many seconds of silence; tells when the answer has changed, and of what
        waits for no lock how far it is."""
        with suppress(psycopg.Error, Unreachable):  # only a view is lost
            self._observer = self._observer or self._connect()
            rows = self._observer.execute(BLOCKERS, (self._pid,)).fetchall()
            blockers = tuple(read_session(row) for row in rows)
            if blockers and blockers != self.blockers:
                self._emit(Blocked(blockers, seconds))
            self.blockers = blockers or self.blockers
            if not blockers:
                self._tell_progress(self._observer, seconds)
            for blocker in blockers:
                self._end(self._observer, blocker)

    def _tell_progress(self, observer: psycopg.Connection[Row], seconds: float) -> None:
        if seconds < self._next - EVERY:  # another statement
            self._next = FIRST
        if seconds < self._next:
            return
        self._next = seconds + EVERY
        copying = COPYING if observer.info.server_version >= 140000 else ""
        row = observer.execute(PROGRESS.format(copying).encode(), (self._pid,)).fetchone()
        if row is not None:
            sql, *progress = row
            self._emit(StatementProgressed(first_words(sql or ""), seconds, *progress))

    def _end(self, observer: psycopg.Connection[Row], blocker: OtherSession) -> None:
        """Ends a session where the environment says so; said also when the server refuses it."""
        limit = self._endings.terminate_idle_in_transaction
        wanted: dict[str, tuple[object, ...]] = {}
        if self._endings.cancel == "autovacuum":
            wanted["canceled"] = ()
        if limit is not None:
            wanted["terminated"] = (limit,)
        for way, terms in wanted.items() if blocker.pid not in self._refused else ():
            refusal = ""
            try:
                sql = (ENDINGS[way] + STILL_BLOCKS).encode()
                if observer.execute(sql, (*terms, blocker.pid, self._pid)).fetchone() != (True,):
                    continue
            except psycopg.errors.InsufficientPrivilege as error:
                self._refused.add(blocker.pid)
                refusal = str(error.diag.message_primary)
            self._emit(BlockerEnded(blocker, way, refusal))

    def close(self) -> None:
        """Ends the second session, if there is one."""
        if self._observer:
            self._observer.close()
