"""What a run of batches on PostgreSQL looks at before the next one; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.plan.statement import Limit

# Each says null where the role may not see it: a value that is not known holds the run up.
# Of a replica that has all, the server tells no lag; of one that is catching up for the first time
# none is known, but how far it is behind is.
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
SEES_ALL = "pg_has_role(current_user, 'pg_read_all_stats', 'member')"
GAUGES = {
    "lag": f"""
        select case when {SEES_ALL} then coalesce(max(case
            when replay_lsn >= pg_current_wal_lsn() then 0
            else extract(epoch from coalesce(replay_lag, write_lag, now() - backend_start)) * 1000
            end), 0) end
        from pg_stat_replication where application_name <> 'pg_basebackup'
    """,
    "running": f"""
        select case when {SEES_ALL} then count(*) filter (where state = 'active') end
        from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
    """,
    "oldest": f"""
        select case when {SEES_ALL} then
            coalesce(extract(epoch from clock_timestamp() - min(xact_start)) * 1000, 0) end
        from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
            and datname = current_database()
    """,
    "wal": """
        select count(*) filter (where name ~ '\\.ready$')
            * pg_size_bytes(current_setting('wal_segment_size'))
        from pg_ls_archive_statusdir()
    """,
}
"""In the units of a limit: milliseconds, sessions, milliseconds, bytes."""
DENIED = "42501"


def read_gauge(session: PostgreSQLSession, throttle: Limit) -> float | None:
    """A gauge; None: this role may not see it."""
    try:
        ((value,),) = session.look(GAUGES[throttle.gauge])
    except ServerError as refused:
        if refused.code != DENIED:
            raise
        session.roll_back()
        return None
    return None if value is None else float(value)
