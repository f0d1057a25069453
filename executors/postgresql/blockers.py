"""A watch over a PostgreSQL session that waits: who holds the locks that it wants."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from lockgate.executors.events import Blocked, Emit, OtherSession, first_words
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

SESSION = """
select a.pid, coalesce(a.usename, ''), coalesce(host(a.client_addr), ''),
       coalesce(to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
       coalesce(a.application_name, ''), case a.state when 'active' then a.query else '' end
from pg_stat_activity a
"""
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SESSION
BLOCKERS = f"{SESSION} where a.pid = any(pg_blocking_pids(%s))"


def read_session(row: Row) -> OtherSession:
    """A row of SESSION."""
    pid, user, host, since, program, sql = row
    return OtherSession(pid, user, host, since, program, first_words(sql or ""))


class Watch:
    """Tells who blocks a session, by a second session that is opened when there is a need."""

    def __init__(
        self, pid: int, connect: Callable[[], psycopg.Connection[Row]], emit: Emit
    ) -> None:
        self._pid = pid
        self._connect = connect
        self._emit = emit
        self._observer: psycopg.Connection[Row] | None = None
        self.blockers: tuple[OtherSession, ...] = ()

    def __call__(self, seconds: float) -> None:
        """Asks, after this many seconds of silence; tells when the answer has changed."""
        with suppress(psycopg.Error, Unreachable):  # only a view is lost
            self._observer = self._observer or self._connect()
            rows = self._observer.execute(BLOCKERS, (self._pid,)).fetchall()
            blockers = tuple(read_session(row) for row in rows)
            if blockers and blockers != self.blockers:
                self._emit(Blocked(blockers, seconds))
            self.blockers = blockers or self.blockers

    def close(self) -> None:
        """Ends the second session, if there is one."""
        if self._observer:
            self._observer.close()
