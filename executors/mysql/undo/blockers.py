"""Who holds the locks on MySQL and MariaDB for which a statement has waited in vain.

Asked by the guard's session after the wait has ended, and for people alone: nothing is decided by
it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.events import OtherSession, first_words
from lockgate.executors.failure import ServerError
from lockgate.executors.polling import blocked_by

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.reading.reading import Reading

# A deadlock, a lock that others kept, and a row that is not as the transaction first saw it.
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
LOST_TO_OTHERS = frozenset({"1213", "1205", "1020"})
WAITED = "1205"

SESSIONS = """
select distinct p.id, p.user, p.host,
       date_format(utc_timestamp() - interval p.time second, '%%Y-%%m-%%dT%%TZ'), '',
       coalesce(p.info, '')
from information_schema.processlist p join ({held}) held on held.id = p.id
where p.id not in (%s, connection_id())
"""
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-data-locks-table.html
ROWS = """
select t.processlist_id as id from performance_schema.data_locks l
join performance_schema.threads t on t.thread_id = l.thread_id
where l.lock_type = 'RECORD' and l.lock_status = 'GRANTED'
    and l.object_schema = %s and l.object_name in %s
"""
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-metadata-locks-table.html
DEFINITIONS = """
select t.processlist_id as id from performance_schema.metadata_locks l
join performance_schema.threads t on t.thread_id = l.owner_thread_id
where l.object_type = 'TABLE' and l.lock_status = 'GRANTED'
    and l.object_schema = %s and l.object_name in %s
"""
# A plugin that MariaDB has, and does not load by itself: https://mariadb.com/kb/en/metadata-lock-info-plugin/
PLUGIN = """
select thread_id as id from information_schema.metadata_lock_info
where table_schema = %s and table_name in %s
"""
OPEN = """
select t.trx_mysql_thread_id as id from information_schema.innodb_trx t
join information_schema.processlist o on o.id = t.trx_mysql_thread_id where o.db = %s
"""


def explain_wait(engine: MySQL, error: ServerError, reading: Reading | None) -> ServerError:
    """An error with the sessions that kept its statement waiting, and how to end them; the error
    itself where it is another one, or none is seen."""
    if error.code != WAITED or reading is None:
        return error
    found = _find_holders(engine.session, reading)
    detail = blocked_by(found)
    if not found:
        found = _ask(engine.session, OPEN, engine.server.database)
        named = "; ".join(map(str, found))
        detail = f"Who holds the lock is not shown. Open transactions of this database: {named}"
    if not found:
        return error
    ending = " ".join(f"KILL {one.pid};" for one in found)
    hint = f"To end what blocks: {ending}"
    return ServerError(error.code, error.message, detail=detail, hint=hint, line=error.line)


def _find_holders(session: MySQLSession, reading: Reading) -> list[OtherSession]:
    """Those who hold locks on what a statement names, of the first list that shows any."""
    targets = (*reading.objects, *reading.tables_written, *(new for _, new in reading.renames))
    names = sorted({one.name for one in targets})
    lists = ((ROWS,) if reading.is_rows_only else ()) + (DEFINITIONS, PLUGIN)
    for held in lists if names else ():
        if found := _ask(session, held, session.server.database, names):
            return found
    return []


def _ask(session: MySQLSession, held: str, *values: object) -> list[OtherSession]:
    """The sessions of one list; none where the server has no such list, or does not show it."""
    with suppress(ServerError):
        rows = session.observe(SESSIONS.format(held=held), (*values, session.work.thread_id()))
        return [
            OtherSession(int(pid), user, host, since, program, first_words(sql))
            for pid, user, host, since, program, sql in rows
        ]
    return []
