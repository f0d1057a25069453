"""What a statement outside of a transaction leaves when a fault ends it in its midst.

Another session holds a lock, or a snapshot, for which the statement waits at one of its stages;
then it is cancelled, or its session is killed. Knows nothing of what lockgate says of it.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.oracle.measure import OURS
from tests.servers.process import wait_until

MODES = ("access share", "row exclusive", "share", "access exclusive")
FAULTS = ("pg_cancel_backend", "pg_terminate_backend")
STATE = f"""
select 'relation', c.oid::int8, c.relname::text, c.relfilenode::text {OURS}
union all select 'index', indexrelid::int8, indexrelid::regclass::text,
    concat_ws(' ', indisvalid, indisready, indislive, indisclustered)
from pg_index where indexrelid >= 16384
union all select 'part', inhrelid::int8, inhparent::regclass::text, inhdetachpending::text
from pg_inherits
union all select 'constraint', oid::int8, conname::text, convalidated::text
from pg_constraint where oid >= 16384
union all select 'database', oid::int8, datname::text, datconnlimit::text
from pg_database where datname like 'new\\_%%'
union all select 'rows', count(*), '', '' from lonely
"""
NAMED = f"""
select c.oid::int8 {OURS} and c.relkind in ('r', 'p', 'm', 'i', 'I')
    and %s ~ ('\\m' || c.relname || '\\M')
"""
# What belongs to a relation, and what it belongs to, that can be locked.
AROUND = """
with recursive around as (
    select unnest(%s::int8[]) as oid
    union select other from around cross join lateral (
        select inhrelid::int8 as other from pg_inherits where inhparent = oid
        union all select indrelid::int8 from pg_index where indexrelid = oid
    ) found
)
select oid::regclass::text from around join pg_class c using (oid) where relkind in ('r', 'p')
order by 1
"""
WAITS = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
State = frozenset[tuple[Any, ...]]


@dataclass(frozen=True)
class Failure:
    """How a statement failed; `code` is empty for one that came to its end."""

    code: str = ""
    left: tuple[tuple[Any, ...], ...] = ()
    """What there is since then that was not before, or is otherwise."""
    gone: tuple[tuple[Any, ...], ...] = ()
    invalid: tuple[str, ...] = ()
    """The names of indexes that it left and no query can use."""


class Breaker:
    """Runs statements on databases of a server, and breaks them off."""

    def __init__(self, server: Any, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)

    def break_off(self, database: str, sql: str) -> Failure:
        """What is left of a statement that was ended while it waited."""
        connect = partial(self._server.connect, database)
        with connect() as watcher:
            before = _state(watcher)
            with (
                self._blocking(watcher, connect, sql),
                connect() as runner,
                ThreadPoolExecutor() as pool,
            ):
                runner.execute("set client_min_messages = error")
                pid = runner.info.backend_pid
                running = pool.submit(_run, runner, sql)
                wait_until(lambda: running.done() or _waits(watcher, pid), "it waits or has ended")
                self._end(watcher, pid, running)
                code = running.result()
            after = _state(watcher)
        if not code:
            return Failure()
        invalid = (name for what, _, name, state in after - before
                   if what == "index" and state.startswith("f"))  # fmt: skip
        return Failure(
            code,
            left=tuple(after - before),
            gone=tuple(before - after),
            invalid=tuple(invalid),
        )

    def _end(self, watcher: Any, pid: int, running: "Future[str]") -> None:
        """Ends it, unless it has ended; one that takes no notice yet is ended again."""
        fault = self._random.choice(FAULTS)

        def is_ended() -> bool:
            if not running.done():
                watcher.execute(f"select {fault}(%s)".encode(), (pid,))
            return running.done()

        wait_until(is_ended, "it has ended")

    @contextmanager
    def _blocking(self, watcher: Any, connect: Callable[[], Any], sql: str) -> Iterator[None]:
        named = [oid for (oid,) in watcher.execute(NAMED, (sql,)).fetchall()]
        around = [name for (name,) in watcher.execute(AROUND, (named,)).fetchall()]
        with connect() as blocker, blocker.transaction(force_rollback=True):
            blocker.execute("set transaction isolation level repeatable read")
            blocker.execute("select 1")
            if around:
                table, mode = self._random.choice(around), self._random.choice(MODES)
                blocker.execute(f"lock table only {table} in {mode} mode".encode())
            yield


def _run(connection: Any, sql: str) -> str:
    """The server's code where it failed; empty where it came to its end."""
    try:
        connection.execute(sql.encode())
    except psycopg.Error as error:
        return error.sqlstate or "connection lost"
    return ""


def _waits(connection: Any, pid: int) -> bool:
    return bool(connection.execute(WAITS, (pid,)).fetchone()[0])


def _state(connection: Any) -> State:
    return frozenset(tuple(row) for row in connection.execute(STATE).fetchall())


class Copies:
    """Databases that are like one, of which each that was changed is made again."""

    def __init__(self, server: Any, template: str) -> None:
        self._server, self._template = server, template
        self.name = ""

    def renew(self) -> str:
        """The name of another copy, in place of the one before."""
        self.drop()
        self.name = f"{self._template}_copy"
        create = SQL("create database {} template {} strategy file_copy")
        with self._server.connect("postgres") as connection:
            connection.execute(create.format(*map(Identifier, (self.name, self._template))))
        return self.name

    def drop(self) -> None:
        if self.name:
            self._server.drop_database(self.name)


@contextmanager
def open_copies(server: Any, schema: str) -> Iterator[Copies]:
    """Copies of a database that a script makes."""
    name = server.new_database()
    copies = Copies(server, name)
    try:
        with server.connect(name) as connection:
            connection.execute(schema)
        yield copies
    finally:
        copies.drop()
        server.drop_database(name)
