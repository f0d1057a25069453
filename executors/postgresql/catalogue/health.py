"""How a PostgreSQL database, its server and a session's rights are: what `migrate doctor` asks.

Takes no lock on a table: sizes are those of the last VACUUM or ANALYZE.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import OURS
from lockgate.planner.database.health import (
    LET_READ,
    Access,
    Followers,
    Lacking,
    Storage,
    Trouble,
)
from lockgate.planner.quantities import format_size

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.postgresql.session import PostgreSQLSession

ACCESS = """
select current_user::text, coalesce((select version from pg_stat_ssl
    where pid = pg_backend_pid() and ssl), ''), inet_client_addr() is null
    or inet_client_addr() <<= any (array['127.0.0.0/8', '::1/128']::cidr[]),
    (select rolcreatedb or rolsuper from pg_roles where rolname = current_user),
    pg_has_role('pg_monitor', 'usage'), pg_has_role('pg_signal_backend', 'usage')
"""
# A role that may not create in the schema can run no plan.
MAY_CREATE = """
select coalesce(has_schema_privilege(to_regnamespace(quote_ident(%s)), 'create'),
    has_database_privilege(current_database(), 'create')),
    coalesce(has_schema_privilege(to_regnamespace(quote_ident(%s)), 'usage'), true),
    has_database_privilege(current_database(), 'create')
"""
# One that does not own a table cannot alter it.
OF_OTHERS = """
select rolname::text, count(*), rolsuper, string_agg(
    format('alter table %%I.%%I owner to %%I', nspname, relname, current_user),
    '; ' order by relname) filter (where relkind <> 'S')
from pg_class join pg_roles on pg_roles.oid = relowner
join pg_namespace on pg_namespace.oid = relnamespace
where relnamespace = to_regnamespace(quote_ident(%s)) and relkind in ('r', 'p', 'v', 'm', 'S')
    and not pg_has_role(relowner, 'usage') and relname <> all (%s) group by 1, 3 order by 1
"""
LEDGER = """
select relname::text, has_table_privilege(oid, 'select'),
    has_table_privilege(oid, 'insert') and has_table_privilege(oid, 'update')
    and has_table_privilege(oid, 'delete')
from pg_class where relnamespace = to_regnamespace(quote_ident(%s)) and relkind = 'r'
    and relname = any (%s) order by 1
"""
THERE = "select exists (select from pg_roles where rolname = %s)"
# Whether a role may use a schema, which is not made yet perhaps, and whether ours may let it.
MAY_USE = """
select coalesce(has_schema_privilege(%s, to_regnamespace(quote_ident(%s)), 'usage'), false),
    coalesce(has_schema_privilege(to_regnamespace(quote_ident(%s)), 'usage with grant option'),
    true)
"""
UNREAD = """
select relname::text from pg_class where not has_table_privilege(%s, oid, 'select')
    and relnamespace = to_regnamespace(quote_ident(%s)) and relkind = 'r' and relname = any (%s)
order by 1
"""
SIZE = "select pg_database_size(current_database())"
LARGEST = """
select c.oid::regclass::text, sum(p.relpages)::int8 * current_setting('block_size')::int8
from pg_class c
join lateral (
    select c.relpages union all select t.relpages from pg_class t where t.oid = c.reltoastrelid
    union all select i.relpages from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indrelid = c.oid
) p on true
where c.relkind in ('r', 'm') and c.oid >= 16384  -- none of the server's own
group by c.oid order by 2 desc, 1 limit 1
"""
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE
LOG = "select coalesce(sum(size), 0)::int8 from pg_ls_waldir()"
TEMPORARY = "select coalesce(sum(size), 0)::int8 from pg_ls_tmpdir()"
ARCHIVE = """
select last_failed_wal from pg_stat_archiver
where last_failed_time > coalesce(last_archived_time, '-infinity')
    and current_setting('archive_mode') <> 'off'
"""
FOLLOWERS = """
select case application_name when '' then coalesce(host(client_addr), 'a socket')
    else application_name end || ', pid ' || pid, extract(epoch from replay_lag)::float8
from pg_stat_replication order by 1
"""
SLOTS = """
select slot_name::text, active, coalesce(wal_status, ''), coalesce(pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
    restart_lsn), 0)::int8
from pg_replication_slots order by 1
"""
# https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
WITHOUT_STANDBY = """
select current_setting('synchronous_standby_names') from pg_stat_replication
where sync_state in ('sync', 'quorum')
having count(*) = 0 and current_setting('synchronous_standby_names') <> ''
    and current_setting('synchronous_commit') not in ('off', 'local')
"""


def read_access(session: PostgreSQLSession) -> Access:
    """How the session reaches its database, and which rights its role lacks."""
    (row,) = session.query_all(ACCESS)
    user, encryption, local, makes_databases, monitors, signals = row
    lacking = [*_reading(session, user), *_writing(session, user), *_for_readers(session)]
    role = session.quote(user)
    if not monitors:
        lacking.append(
            Lacking("see who holds a lock, what replicas lag, how large the log is",
                    "the role pg_monitor", f"grant pg_monitor to {role}", needed=False)
        )  # fmt: skip
    if not signals:
        lacking.append(
            Lacking("blockers", "the role pg_signal_backend",
                    f"grant pg_signal_backend to {role}", needed=False)
        )  # fmt: skip
    return Access(user, encryption, local, tuple(lacking), makes_databases, session.is_pooled)


def _reading(session: PostgreSQLSession, user: str) -> Iterator[Lacking]:
    """What reading of the ledger lacks."""
    schema = session.history_schema
    role, name = session.quote(user), session.quote(schema)
    ((_, may_use, _),) = session.query_all(MAY_CREATE, (schema, schema))
    task = "status and plan"
    if not may_use:
        yield Lacking(task, f"USAGE on the schema {schema}",
                      f"grant usage on schema {name} to {role}")  # fmt: skip
    if closed := [table for table, reads, _ in _ledger(session) if not reads]:
        yield Lacking(task, f"SELECT on {', '.join(closed)}",
                      f"grant select on {_listed(session, closed)} to {role}")  # fmt: skip


def _writing(session: PostgreSQLSession, user: str) -> Iterator[Lacking]:
    """What a run lacks."""
    schema = session.history_schema
    role, name = session.quote(user), session.quote(schema)
    ((may_create, _, may_extend),) = session.query_all(MAY_CREATE, (schema, schema))
    if not may_create:
        yield Lacking("apply", f"CREATE on the schema {schema}",
                      f"grant usage, create on schema {name} to {role}")  # fmt: skip
    if closed := [table for table, _, writes in _ledger(session) if not writes]:
        rights = "select, insert, update, delete"
        yield Lacking("apply", f"INSERT, UPDATE and DELETE on {', '.join(closed)}",
                      f"grant {rights} on {_listed(session, closed)} to {role}")  # fmt: skip
    for owner, count, may_all, taking in session.query_all(OF_OTHERS, (schema, _names(session))):
        grant = f"grant {session.quote(owner)} to {role}"
        yield Lacking("apply", f"ownership of {count} relations of {owner} in {schema}",
                      (taking or "") if may_all else grant)  # fmt: skip
    if not may_extend:
        database = session.server.database
        yield Lacking("apply CREATE SCHEMA and CREATE EXTENSION",
                      f"CREATE on the database {database}",
                      f"grant create on database {session.quote(database)} to {role}",
                      needed=False)  # fmt: skip


def _for_readers(session: PostgreSQLSession) -> Iterator[Lacking]:
    """What the readers of lockgate's tables lack: that they are there, and may read."""
    schema = session.history_schema
    for name in session.readers:
        role, place = session.quote(name), session.quote(schema)
        ((there,),) = session.query_all(THERE, (name,))
        if not there:
            yield Lacking(LET_READ, f"the role {name}", f"create role {role}", absent=True)
            continue
        ((uses, may_give),) = session.query_all(MAY_USE, (name, schema, schema))
        told = [one for (one,) in session.query_all(UNREAD, (name, schema, _names(session)))]
        if not uses and (told or not may_give):
            yield Lacking(LET_READ, f"USAGE on the schema {schema} for {name}",
                          f"grant usage on schema {place} to {role}")  # fmt: skip
        if told:
            yield Lacking(LET_READ, f"SELECT on {', '.join(told)} for {name}",
                          f"grant select on {_listed(session, told)} to {role}")  # fmt: skip


def _names(session: PostgreSQLSession) -> list[str]:
    return [session.history_name, *OURS]


def _ledger(session: PostgreSQLSession) -> list[Row]:
    """Each of lockgate's tables, and whether the role reads and writes it."""
    return session.query_all(LEDGER, (session.history_schema, _names(session)))


def _listed(session: PostgreSQLSession, tables: list[str]) -> str:
    schema = session.quote(session.history_schema)
    return ", ".join(f"{schema}.{session.quote(table)}" for table in tables)


def read_storage(session: PostgreSQLSession) -> Storage:
    """What the server tells of its disk; no SQL tells how much of it is free."""
    ((size,),) = session.query_all(SIZE)
    largest = session.query_one(LARGEST)
    troubles = [
        Trouble(f"the archiving of the log fails, at {segment}: all of it is kept",
                "Mend archive_command, or the server's disk fills.")
        for (segment,) in session.query_all(ARCHIVE)
    ]  # fmt: skip
    log, temporary = _if_allowed(session, LOG), _if_allowed(session, TEMPORARY)
    table = (largest[0], int(largest[1])) if largest else None
    return Storage(size, table, log, temporary, troubles=tuple(troubles))


def _if_allowed(session: PostgreSQLSession, sql: str) -> int | None:
    with suppress(ServerError):
        ((size,),) = session.query_all(sql)
        return int(size)
    return None


def read_followers(session: PostgreSQLSession) -> Followers:
    """The standbys of the server, and what its slots keep."""
    ((*_, sees_them, _),) = session.query_all(ACCESS)
    troubles = [*_idle_slots(session)]
    if not sees_them:
        return Followers(troubles=tuple(troubles))
    for (names,) in session.query_all(WITHOUT_STANDBY):
        troubles.append(
            Trouble(f"each COMMIT waits for a standby of synchronous_standby_names ({names}), and "
                    "none is connected", "Start the standby, or empty synchronous_standby_names.")
        )  # fmt: skip
    return Followers(dict(session.query_all(FOLLOWERS)), tuple(troubles))


def _idle_slots(session: PostgreSQLSession) -> Iterator[Trouble]:
    for name, active, status, kept in session.query_all(SLOTS):
        literal = "'" + name.replace("'", "''") + "'"
        drop = f"select pg_drop_replication_slot({literal});"
        if status == "lost":
            yield Trouble(f"the slot {name} is lost: its reader cannot go on", drop)
        elif not active:
            yield Trouble(f"no reader of the slot {name} is connected, and the log is kept for it: "
                          f"{format_size(kept)}", f"Start its reader, or: {drop}")  # fmt: skip
