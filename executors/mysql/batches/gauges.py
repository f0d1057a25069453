"""What a run of batches on MySQL and MariaDB looks at before the next one; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.statement import Limit

# Without the one that asks. https://dev.mysql.com/doc/refman/9.7/en/server-status-variables.html
RUNNING = "show global status like 'Threads_running'"
# Begun by the clock of the server's own time zone, whatever that of the session is.
OLDEST = """
select coalesce(max(timestampdiff(microsecond, trx_started,
    convert_tz(utc_timestamp(6), '+00:00', 'SYSTEM'))) / 1000, 0)
from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id()
"""
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
DENIED = "1227"


def read_gauge(session: MySQLSession, throttle: Limit) -> float | None:
    """A gauge, in the unit of its limit; None: this user may not see it."""
    if throttle.gauge == "running":
        ((_, running),) = session.query_all(RUNNING)
        return float(max(int(running) - 1, 0))
    try:
        ((age,),) = session.query_all(OLDEST)
    except ServerError as refused:
        if refused.code != DENIED:
            raise
        return None
    return float(age)
