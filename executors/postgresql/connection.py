"""Connections to PostgreSQL: opened, asked who they lead to, and ended on the server too.

Knows neither plans nor tables of lockgate; `postgresql` does.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Conninfo

from lockgate.executors.engine import Row
from lockgate.executors.failure import ServerError
from lockgate.executors.polling import poll
from lockgate.executors.postgresql.own_settings import ENTER_LOCALLY
from lockgate.executors.postgresql.pipeline import (
    FATAL,
    HeardConnection,
    from_driver,
    lost_connection,
)
from lockgate.planner.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress

# Where no handler listens to psycopg's logger, Python prints what it says, a user and a host in it.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# Asked under the server's own search_path, so that nothing may be found by it.
GIVEN = """
select coalesce(%s, pg_catalog.current_schema()::pg_catalog.text),
       pg_catalog.to_regnamespace(pg_catalog.quote_ident(
           coalesce(%s, pg_catalog.current_schema()::pg_catalog.text))) is null,
       pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('standard_conforming_strings')
"""
FACTS = """
select current_setting('server_version'), current_setting('server_version_num')::int,
       current_database()::text, extract(epoch from clock_timestamp())::float8, pg_backend_pid(),
       pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool,
       (select oid::text from pg_database where datname = current_database()),
       array(select n.nspname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relname = 'lockgate_target' and c.relkind = 'r' and n.nspname !~ '^pg_'
           {within} order by 1),
       (select coalesce(json_agg(json_build_array(n.nspname, c.relname, a.attname)), '[]')
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where c.relname in ('schema_migrations', 'lockgate_migrations') {within}),
"""
# Asked for beforehand: joined, each schema of a fleet would be looked at for each ledger.
IN_SCHEMA = "and c.relnamespace = (select oid from pg_namespace where nspname = %s)"
SYSTEM = "(select system_identifier::text from pg_control_system())"
FORBIDDEN = "42501"
# Older than the asking session, so that it is not another one with the same process id.
ENDING = """
select pg_cancel_backend(pid) from pg_stat_activity where pid = %s and backend_start <
    (select backend_start from pg_stat_activity where pid = pg_backend_pid())
"""
# A pooler hands a session that we have left to others; what those run must not be cancelled.
RETAKEN = """
select 1 from pg_stat_activity where pid = %s and application_name = %s and state <> 'idle'
"""
END_WAIT = 10.0  # seconds for the server to end a session of ours that we have cancelled

# The address has these itself, and a replication connection answers none of what lockgate asks.
# `sslkeylogfile` would write to any file.
NOT_TAKEN = frozenset(
    {"host", "port", "user", "password", "dbname", "replication", "sslkeylogfile"}
)
UNPROVEN = "authentication method requirement"
VERIFY = (
    "The password is sent to this host only as a proof of it (SCRAM), or when the host has proved "
    "who it is: `options: {sslmode: verify-full, sslrootcert: system}`. Or put all of the address "
    "into one secret, with `url_env`."
)
SCHEMAS = frozenset({"schema", "currentSchema"})  # Prisma's, and JDBC's
SETTINGS_SAID = frozenset(
    {"search_path", "statement_timeout", "lock_timeout", "role", "timezone", "TimeZone"}
)
# https://www.prisma.io/docs/orm/overview/databases/postgresql
OF_OTHER_CLIENTS = {
    **dict.fromkeys(
        ("connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size"),
        "it is for Prisma's pool of connections, and lockgate has none",
    ),
    "pgbouncer": "where the address leads through a pooler, say `pooler: session` in the "
    "environment, or name the server itself",
}
TEXTS = ("text", "varchar", "bpchar", "name", '"char"', 705)  # the last is that of a literal
OTHER_BYTE = re.compile("[\udc80-\udcff]")
KEYWORDS = "https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS"

Connection = HeardConnection


def open_connection(address: DatabaseAddress, program: str, seconds: float) -> Connection:
    """A connection in autocommit mode and in UTF-8, had within so many seconds, unless the
    address has a `connect_timeout` of its own.

    Raises:
        Unreachable: no connection.
        UsageError: the address has an option that is not taken.
    """
    options = connection_options(address.renewed(), program, seconds)
    connection = _connect(options)
    if connection.info.parameter_status("server_encoding") != "SQL_ASCII":
        return connection
    connection.close()
    connection = _connect(options | {"client_encoding": "SQL_ASCII"})
    for kind in TEXTS:
        connection.adapters.register_loader(kind, _AnyText)
    for kind in ("json", "jsonb"):
        connection.adapters.register_loader(kind, _AnyJson)
    return connection


def _connect(options: dict[str, Any]) -> Connection:
    try:
        # DEALLOCATE ALL between sections would confuse psycopg
        return HeardConnection.connect(autocommit=True, prepare_threshold=None, **options)
    except psycopg.Error as error:
        raise Unreachable(
            f"No connection to the database: {str(error).strip()}",
            do=VERIFY
            if UNPROVEN in str(error)
            else "Check the server and the connection in the environment's file.",
        ) from None


def connection_options(address: DatabaseAddress, program: str, seconds: float) -> dict[str, Any]:
    """What libpq needs to connect, the password too.

    Raises:
        UsageError: the address has an option that is not taken.
    """
    return {
        "application_name": program,
        "connect_timeout": max(1, round(seconds)),
        **read_options(address.options),
        **guard_options(address),
        "host": address.socket or address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password.get_secret_value() if address.password else None,
        "dbname": address.database,
        "client_encoding": "UTF8",
    }


def guard_options(address: DatabaseAddress) -> dict[str, str]:
    """Options of libpq under which the password is not sent in clear text, nor as an MD5 hash, to
    a server that has not proved who it is; SCRAM has both sides prove that they know it.

    https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNECT-REQUIRE-AUTH
    """
    if not address.is_guarded or address.options.get("sslmode") == "verify-full":
        return {}
    known = {option.keyword for option in Conninfo.get_defaults()}
    if b"require_auth" in known:
        # Without a password of ours libpq takes PGPASSWORD, or one of a file.
        return {"require_auth": "scram-sha-256" if address.password else "!password,!md5"}
    raise UsageError(
        "This libpq cannot refuse to send a password in clear text.",
        why="The environment's file names the host, and its password is from another place.",
        do=f"Use libpq 16 or later: `pip install 'psycopg[binary]'`. {VERIFY}",
    )


def read_options(options: Mapping[str, str]) -> dict[str, str]:
    """The address's options that are left to libpq, by its own names.

    Raises:
        UsageError: libpq knows none of that name, or lockgate could not work under it.
    """
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - NOT_TAKEN
    if unknown := options.keys() - known:
        raise UsageError(
            f"The connection has the option {min(unknown)}, which is not taken.",
            do=_instead(min(unknown), options[min(unknown)]),
        )
    left = dict(options)
    if left.pop("client_encoding", "UTF8").upper() not in ("UTF8", "UTF-8"):
        raise UsageError(
            "The connection's option client_encoding is not UTF8.",
            why="Migrations are sent in UTF-8, so their text would be stored wrong.",
            do="Leave it away: the server converts to the database's own encoding.",
        )
    return left


def _instead(name: str, value: str) -> str:
    """How to say what an option of other clients means, that libpq does not know. The value of one
    that is not known here is not shown: it may be a secret."""
    if name in OF_OTHER_CLIENTS:
        return f"Leave it away: {OF_OTHER_CLIENTS[name]}."
    setting = "search_path" if name in SCHEMAS else name
    shown = quote(value, safe="") if setting in SETTINGS_SAID else "…"
    given = f"`options=-c%20{setting}%3D{shown}` in the URL"
    if name in SCHEMAS:
        return (
            f"Say it as `history: {{schema: {value}}}` in the environment, and for the migrations' "
            f"own tables as {given}."
        )
    return (
        f"A setting of the server is given as {given}; lockgate's own limits are `timeouts:` in "
        f"the environment. All other options are those of libpq: {KEYWORDS}"
    )


def read_bytes(data: Buffer, mark: str = "\\") -> str:
    """The text of a database whose encoding is SQL_ASCII: the server knows no more of it than its
    bytes, and refuses to send as UTF-8 what is none. It is read as UTF-8; other bytes are written
    out, so that nothing in a migration, which is UTF-8, is taken to mean it.

    >>> print(read_bytes(b"caf\\xc3\\xa9, caf\\xe9"))
    café, caf\\xe9
    """
    text = bytes(data).decode("utf-8", "surrogateescape")
    return OTHER_BYTE.sub(lambda found: f"{mark}x{ord(found[0]) - 0xDC00:02x}", text)


class _AnyText(Loader):
    def load(self, data: Buffer) -> str:
        return read_bytes(data)


class _AnyJson(Loader):
    def load(self, data: Buffer) -> Any:
        return json.loads(read_bytes(data, "\\\\"))


def read_greeting(
    connection: Connection,
    schema: str | None,
    settings: str,
    values: tuple[str | None, ...],
    only: str | None = None,
) -> Row:
    """What GIVEN, FACTS and SYSTEM ask, and the session set up, in one flight. With `only`, no
    ledgers are looked for but in that schema: others have theirs in the same database.

    `settings` may leave the session as it is, so the facts are asked under settings that end with
    their transaction. Who may not read the system identifier does without: asking whether he may
    is no help, since the server checks the right before it looks at the condition.
    """
    for system in (SYSTEM, "null"):
        try:
            with translated(), connection.pipeline():
                given = connection.execute(GIVEN.encode(), (schema, schema))
                connection.execute(settings.encode(), values)
                within = "" if only is None else IN_SCHEMA
                names = None if only is None else (only, only)
                connection.execute("begin")
                connection.execute(ENTER_LOCALLY)
                facts = connection.execute((FACTS.format(within=within) + system).encode(), names)
                connection.execute("commit")
        except ServerError as refused:
            connection.execute("rollback")
            if refused.code != FORBIDDEN or system != SYSTEM:
                raise
        else:
            break
    *row, conforming = given.fetchall()[0]
    refuse_escapes(conforming)
    return (*row, *facts.fetchall()[0])


def query_read_only(connection: Connection, sql: str) -> list[dict[str, Any]]:
    """The rows of one query, by their columns, in a transaction that is rolled back. A batch takes
    no second statement, which could end the transaction."""
    with translated(), connection.pipeline():
        connection.execute("begin read only")
        cursor = connection.execute(sql.encode())
        connection.execute("rollback")
    with translated():
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def refuse_escapes(conforming: str) -> None:
    """Raises UsageError when the server takes a backslash in a plain string for an escape."""
    if conforming != "on":
        raise UsageError(
            "The server has standard_conforming_strings off for this connection.",
            why="It would cut a migration's text where the plan does not, so what was reviewed "
            "need not be what runs.",
            do="Set it on: `alter role … set standard_conforming_strings = on`, or for the "
            "database. A string that needs a backslash's escapes is written E'…'.",
        )


def await_end(pid: int, connect: Callable[[], Connection], pooled: str | None = None) -> None:
    """Returns when the server has ended a session that we have left; cancels what it runs.

    `pooled` is the program's name of one that belongs to a pooler, which takes it back instead.

    Raises:
        Unreachable: the server cannot be asked, or it does not end the session.
    """
    query, values = (RETAKEN, (pid, pooled)) if pooled else (ENDING, (pid,))
    with translated(), connect() as observer:
        if not poll(
            lambda: observer.execute(query, values).fetchone() is None,
            END_WAIT,
            lambda waited: None,
        ):
            raise Unreachable(
                f"The server still runs the session {pid} that was cancelled.",
                do=f"See pg_stat_activity; `select pg_terminate_backend({pid})` ends it.",
            )


@contextmanager
def translated(connection: Connection | None = None) -> Iterator[None]:
    """psycopg's errors as ours; of a lost connection by the server's last words to it."""
    try:
        yield
    except psycopg.Error as error:
        code, severity = error.sqlstate, error.diag.severity_nonlocalized
        if code is None or code.startswith(("08", "57P")) or severity in FATAL:
            raise lost_connection(connection, error) from error
        raise from_driver(error) from error
