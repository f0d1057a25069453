"""The migration lock on MySQL, which is two: one of the guard's and one of the working session's.

Knows no ledger and no plan: `store` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pymysql

from lockgate.executors.events import LockHolder, first_words
from lockgate.executors.failure import ServerError
from lockgate.executors.lock import MigrationLock, lost_lock
from lockgate.executors.mysql.nodes.cluster import Claim
from lockgate.executors.polling import poll
from lockgate.planner.errors import Interrupted, LockgateError, Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.events import Emit
    from lockgate.executors.mysql.session import MySQLSession

Query = Callable[[str, tuple[object, ...]], "list[Row]"]

OWN_LOCK = "is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s"
# The right PROCESS shows sessions of others.
SESSION = """
select user, host, date_format(utc_timestamp() - interval time second, '%%Y-%%m-%%dT%%TZ'),
       coalesce(info, '')
from information_schema.processlist where id = %s
"""
# By the bytes of the name: MySQL prints a condition on a derived table and reads it again, which
# fails for a quote in it under NO_BACKSLASH_ESCAPES.
# What the server shows of a user's rights, at any host of its name: all users have a row in
# user_privileges, at least USAGE, and who may not read the grants of others sees none of it.
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-user-privileges-table.html
RIGHTS = """
select max(kind = 'user' and grantee <> 'PUBLIC'), max(privilege_type = 'INSERT') from (
    select 'user' as kind, privilege_type, grantee from information_schema.user_privileges
    union all select 'schema', privilege_type, grantee
    from information_schema.schema_privileges where %s like table_schema
    union all select 'table', privilege_type, grantee from information_schema.table_privileges
    where table_schema = %s and table_name = 'lockgate_runs'
) as given where grantee = 'PUBLIC' or left(hex(grantee), char_length(%s)) = %s
"""
# Rights that come by a role are not followed. MySQL has them in one of these, MariaDB in the other.
ROLES = (
    "select 1 from mysql.role_edges where to_user = %s "
    "union all select 1 from dual where @@global.mandatory_roles <> ''",
    "select 1 from mysql.roles_mapping where user = %s",
)
END_WAIT = 10.0  # seconds for the server to end a session of ours


class MySQLLock(MigrationLock):
    """Both halves of the lock."""

    def __init__(self, session: MySQLSession, wait: float) -> None:
        super().__init__(wait)
        self._session = session

    @contextmanager
    def hold(self, wait: float, emit: Emit) -> Iterator[None]:
        """As every lock; of a cluster without a ledger, which cannot be claimed yet, another node
        may have been faster: then what this one has seen is half of the other's work.

        Raises:
            Locked: also then.
        """
        with super().hold(wait, emit):
            try:
                yield
            except LockgateError as error:
                if not isinstance(error, Interrupted) and self._is_beaten():
                    raise lost_lock() from error
                raise

    def take(self) -> bool:
        if self._session.guard is None:
            self._session.open_guard()
        own = self._take(self._session.guard, "guard") and self._take(self._session.work, "work")
        return own and (self.claim is None or self.claim.take())

    def _is_beaten(self) -> bool:
        """Whether another node has claimed the cluster; false where that cannot be asked."""
        with suppress(ServerError, Unreachable, pymysql.Error):
            return bool(self.claim and not self.claim.is_held())
        return False

    @property
    def claim(self) -> Claim | None:
        """By what the nodes of a cluster keep each other out; None where there is no cluster."""
        cluster = self._session.cluster
        return Claim(self._session, cluster) if cluster else None

    def release(self) -> None:
        if self._session.guard is None:
            return
        if self.claim:
            self.claim.release()
        with suppress(Unreachable, ServerError, pymysql.Error):
            if self._session.work.open:
                self._session.execute("select release_lock(%s)", (self._lock_name("work"),))
        with suppress(Unreachable, ServerError, pymysql.Error):
            self._session.run_on(
                self._session.guard, "select release_lock(%s)", (self._lock_name("guard"),)
            )
        with suppress(pymysql.Error):
            self._session.guard.close()
        self._session.guard = None

    def holder(self) -> LockHolder | None:
        if self.claim and (elsewhere := self.claim.holder()):
            return elsewhere
        for part in ("work", "guard"):
            (holder,) = self._session.query_one(
                "select is_used_lock(%s)", (self._lock_name(part),)
            ) or (0,)
            if holder and holder != self._own_guard():
                schema = self._session.history_schema
                return read_holder(self._session.query_all, int(holder), schema)
        return None

    def prove(self) -> None:
        try:
            self.refuse_lost()
        except Interrupted:
            self.end_session()
            raise

    def refuse_lost(self) -> None:
        """Raises Locked when one of the two locks is not ours any more."""
        (own,) = self._session.query_one(f"select {OWN_LOCK}", self.proof()) or (0,)
        if own != 1 or (self.claim and not self.claim.is_held()):
            raise lost_lock()

    def proof(self) -> tuple[object, ...]:
        """The parameters of OWN_LOCK."""
        return self._lock_name("work"), self._lock_name("guard"), self._own_guard()

    def guard_proof(self) -> tuple[object, ...]:
        """The parameters of OWN_LOCK where the guard asks."""
        return self._lock_name("guard"), self._lock_name("work"), self._session.work.thread_id()

    def renew(self) -> None:
        """Replaces the session that runs the SQL by a new one, under the same guard.

        Raises:
            Locked: the lock could not be taken on the new session.
        """
        with suppress(pymysql.Error):
            self._session.work.close()
        self._succeed(self._session.work.thread_id(), self._session.connect())

    def end_session(self) -> None:
        """Ends what runs, on the server too, so that its transaction is rolled back.

        A server that was started again gives the same ids to others, so only who holds our
        work lock is killed.

        Raises:
            Unreachable: the server cannot be asked, or it does not end the session.
            Locked: the lock could not be taken on the new session.
        """
        with suppress(pymysql.Error):
            self._session.work.close()
        pid, successor = self._session.work.thread_id(), self._session.connect()
        if self._holds_work(successor, pid):
            with suppress(ServerError):  # 1094: it has ended by itself
                self._session.run_on(successor, f"kill {pid}")
        self._succeed(pid, successor)

    def retake(self) -> bool:
        if not self._session.work.open:
            self._session.reopen()
        try:
            guarded = self._take(self._session.guard, "guard")
        except Unreachable:  # it was lost too, and what a restarted server has is not ours
            self._session.open_guard()
            self._session.left = 0
            guarded = self._take(self._session.guard, "guard")
        if (
            guarded
            and self._session.left
            and self._holds_work(self._session.work, self._session.left)
        ):
            with suppress(ServerError):  # 1094: it has ended by itself
                self._session.run_on(self._session.work, f"kill {self._session.left}")
        own = guarded and self._take(self._session.work, "work")
        return own and (self.claim is None or self.claim.take())

    def _succeed(self, pid: int, successor: Any) -> None:
        """Gives the work lock from a session that ends to its successor.

        A session rolls back before its locks go, so the next holder of the lock sees the end state.
        """
        self._session.work, self._session.stateful = successor, False

        def had() -> bool:
            with suppress(ServerError):  # a limit of the statement's time is one of GET_LOCK's
                return self._take(successor, "work", 1)
            return False

        self._heal_guard()
        if not poll(had, END_WAIT, lambda waited: None):
            raise self._still_there(pid) if self._holds_work(successor, pid) else lost_lock()

    def _heal_guard(self) -> None:
        """Opens the guard's session again, if a signal came while it was asked.

        Raises:
            Locked: somebody else has its lock now.
        """
        if self._session.guard is None or self._session.guard.open:
            return
        self._session.open_guard()
        if not poll(
            lambda: self._take(self._session.guard, "guard"), END_WAIT, lambda waited: None
        ):
            raise lost_lock()

    def _holds_work(self, connection: Any, pid: int) -> bool:
        sql = "select is_used_lock(%s)"
        return bool(
            self._session.run_on(connection, sql, (self._lock_name("work"),))[1] == [(pid,)]
        )

    def _still_there(self, pid: int) -> Unreachable:
        return Unreachable(
            f"The server still runs the session {pid} of this run.",
            do="See `show processlist`; it ends when its statement does.",
        )

    def _take(self, connection: Any, part: str, wait: int = 0) -> bool:
        # GET_LOCK counts: a lock that is ours already is not to be taken again.
        name = self._lock_name(part)
        sql = "select coalesce(is_used_lock(%s) = connection_id(), 0) or get_lock(%s, %s) = 1"
        return bool(self._session.run_on(connection, sql, (name, name, wait))[1][0][0])

    def _own_guard(self) -> int:
        return self._session.guard.thread_id() if self._session.guard else 0

    def _lock_name(self, part: str) -> str:
        # Names are server-wide, at most 64 characters, and MariaDB tells x from X.
        # https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
        digest = hashlib.sha256(
            f"lockgate:{self._session.server.history_table}".encode()
        ).hexdigest()
        return f"lockgate_{part}_{digest[:40]}"


def read_holder(query: Query, pid: int, schema: str) -> LockHolder:
    """The session with this id, as the server shows it."""
    rows = query(SESSION, (pid,))
    user, host, since, sql = rows[0] if rows else ("another user", "", "", "")
    is_migrator = _is_migrator(query, user, schema) if rows else None
    return LockHolder(
        pid, user, host, since or "", "", first_words(sql), is_migrator, f"kill {pid}"
    )


def _is_migrator(query: Query, user: str, schema: str) -> bool | None:
    grantee = f"'{user}'@".encode().hex().upper()
    ((shown, may_write),) = query(RIGHTS, (schema, schema, grantee, grantee))
    if may_write:
        return True
    return False if shown and not _may_have_roles(query, user) else None


def _may_have_roles(query: Query, user: str) -> bool:
    """Whether a user has a role, or the server does not say."""
    for sql in ROLES:
        with suppress(ServerError):
            return bool(query(sql, (user,)))
    return True
