"""Advisory locks of PostgreSQL, as pg_locks shows them: the migration lock and those of sections.

https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lockgate.executors.events import LockHolder, first_words
from lockgate.executors.failure import ServerError
from lockgate.executors.lock import MigrationLock, lost_lock
from lockgate.executors.postgresql.blockers import SESSION
from lockgate.executors.postgresql.pipeline import Command, as_texts, numbered
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.postgresql.session import PostgreSQLSession

LOCKS = """
locktype = 'advisory' and granted and objsubid = 1
and database = (select oid from pg_database where datname = current_database())
"""
OWN_LOCK = f"""
select 1 from pg_locks where {LOCKS} and pid = pg_backend_pid()
and classid = %s::bigint::oid and objid = %s::bigint::oid
"""
# All that a section has locked by hand, as often as it has, but for the migration lock.
UNLOCK = """case
    when objsubid = 1 and mode = 'ExclusiveLock' then pg_advisory_unlock(whole)
    when objsubid = 1 then pg_advisory_unlock_shared(whole)
    when mode = 'ExclusiveLock' then pg_advisory_unlock(high, low)
    else pg_advisory_unlock_shared(high, low) end
"""
FREE_OTHERS = f"""
select sum(times) from pg_locks, lateral (
    select classid::bigint << 32 | objid::bigint as whole,
           classid::bigint::bit(32)::int as high, objid::bigint::bit(32)::int as low) keys,
lateral (
    with recursive freed (was_held) as (
        select {UNLOCK} union all select {UNLOCK} from freed where was_held)
    select count(*) as times from freed) freeing
where locktype = 'advisory' and granted and pid = pg_backend_pid()
and not (objsubid = 1 and classid = $1::bigint::oid and objid = $2::bigint::oid)
"""
# Also a transaction that was prepared: it keeps its locks without a session, that of its id too.
# No other than a member of the ledger's owner is a migrator.
# https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
HOLDER = f"""
with holder (pid, role, host, since, program, sql, ending) as (
    select *, format('select pg_terminate_backend(%%s)', pid) from ({SESSION}) own
    where pid in (select pid from pg_locks where {LOCKS}
        and classid = %s::bigint::oid and objid = %s::bigint::oid)
    union all select 0, owner::text, '',
        to_char(prepared at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '', '',
        case when gid ~ '^[ -~]+$' then format('rollback prepared %%L', gid) else '' end
    from pg_prepared_xacts where database = current_database()
        and transaction in (select own.transactionid from pg_locks own join pg_locks held
            using (virtualtransaction) where own.pid is null and held.locktype = 'advisory'
            and held.classid = %s::bigint::oid and held.objid = %s::bigint::oid)
)
select pid, role, host, since, program, sql,
    (select pg_has_role(r.oid, c.relowner, 'member')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_roles r on r.rolname = role
        where n.nspname = %s and c.relname = 'lockgate_runs'),
    ending
from holder order by pid desc
"""


def lock_key(history_table: str) -> int:
    """The advisory lock's key: 64 bits of a hash, as PostgreSQL's signed bigint."""
    digest = hashlib.sha256(f"lockgate:{history_table}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def halves(key: int) -> tuple[int, int]:
    """A bigint key as pg_locks shows it: classid and objid, both unsigned."""
    return (key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF


class PostgreSQLLock(MigrationLock):
    """The migration lock: an advisory lock of the session."""

    def __init__(self, session: PostgreSQLSession, wait: float) -> None:
        super().__init__(wait)
        self._session = session

    @cached_property
    def _number(self) -> int:
        return lock_key(self._session.server.history_table)

    @property
    def key(self) -> tuple[int, int]:
        """The lock as pg_locks shows it."""
        return halves(self._number)

    def take(self) -> bool:
        """Whether the lock was had, without waiting; it counts how often."""
        sql = "select pg_try_advisory_lock(%s)"
        return self._session.query_one(sql, (self._number,)) == (True,)

    def release(self) -> None:
        if self._session.is_open:
            with suppress(Unreachable, ServerError):  # the lock ends with the session
                self._session.execute("select pg_advisory_unlock(%s)", (self._number,))

    def holder(self) -> LockHolder | None:
        asked = (*self.key, *self.key, self._session.history_schema)
        row = self._session.query_one(HOLDER, asked)
        return read_holder(row) if row else None

    def prove(self) -> None:
        if self._session.transact([self.proof_command(None)])[0].rows != 1:
            raise lost_lock()

    def retake(self) -> bool:
        if not self._session.is_open:
            self._session.reopen()
        self._session.end_idle(self.key)
        return self.take()

    def proof_command(self, tag: Any) -> Command[Any]:
        """Finds one row while this session holds the migration lock."""
        return Command(numbered(OWN_LOCK), tag, as_texts(self.key))

    def unlock_command(self, tag: Any) -> Command[Any]:
        """Frees the advisory locks of sections; takes long where the server has many locks."""
        return Command(FREE_OTHERS, tag, as_texts(self.key))


def read_holder(row: Row) -> LockHolder:
    """A row of HOLDER."""
    pid, user, host, since, program, sql, is_migrator, ending = row
    return LockHolder(pid, user, host, since, program, first_words(sql), is_migrator, ending)
