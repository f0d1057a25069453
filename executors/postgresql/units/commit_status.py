"""What PostgreSQL tells of a transaction whose commit was lost: its id and how it has ended.

Decides nothing: `commit_outcome` reads the ledger first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from lockgate.executors.postgresql.lock import LOCKS

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

# A name that is reported to the client with what is asked before the commit, so that the id is
# known when the connection is lost, without a question of its own; it ends with the transaction.
# https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC
SIGN = "lockgate commits "
SHOW_TRANSACTION = f"select set_config('application_name', '{SIGN}' || pg_current_xact_id(), true)"

# The same run of the server, to the second, as that which greeted us.
SAME_SERVER = "date_trunc('second', pg_postmaster_start_time()) <= %s"

# A server that crashed may give the id of a transaction that it has forgotten to another one.
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
READ_OUTCOME = f"select pg_xact_status(%s::text::xid8) where {SAME_SERVER}"
OUTCOMES = {"committed": True, "aborted": False}

# A lost session that waits for its client keeps its lock until the server sees that we have left.
# One that works is let be: that may be the commit. A server that was started again gives the same
# process ids to others. https://www.postgresql.org/docs/current/monitoring-stats.html
END_IDLE = f"""
select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l on l.pid = a.pid
where {LOCKS} and a.pid = %s and a.wait_event = 'ClientRead' and {SAME_SERVER}
and classid = %s::bigint::oid and objid = %s::bigint::oid
"""


def shown_transaction(connection: psycopg.Connection[Row]) -> str:
    """The id of the transaction that SHOW_TRANSACTION showed last; empty when it has ended.

    Asks libpq, which remembers it after the connection is lost.
    """
    name = connection.info.parameter_status("application_name") or ""
    return name.removeprefix(SIGN) if name.startswith(SIGN) else ""
