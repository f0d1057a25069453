"""How a database of MySQL or MariaDB, its server and a session's rights are: what `migrate doctor`
asks.

What a server does not have, or does not show to this user, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.database.health import (
    LET_READ,
    Access,
    Followers,
    Lacking,
    Storage,
    Trouble,
)
from lockgate.planner.errors import Unreachable
from lockgate.planner.quoting import quoted_account

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.mysql.session import MySQLSession

WHO = """
select current_user(), (select host from information_schema.processlist
    where id = connection_id()), current_role()
"""
ENCRYPTION = "show session status like 'Ssl_version'"
# `GRANT SELECT, INSERT ON `shop\\_%`.* TO …`; the rights of single tables are not looked at.
GRANT = re.compile(r"GRANT (.+?) ON (?:\*|`((?:[^`]|``)*)`)\.\* TO ")
READING = ("SELECT", "SHOW VIEW")
# For migrations of every kind, and for what undoes them.
WRITING = (
    "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES",
    "CREATE VIEW", "TRIGGER", "EVENT", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE",
)  # fmt: skip
UNDOING = ("SELECT", "INSERT", "CREATE", "DROP", "ALTER")
WATCHING = ("PROCESS",)
# https://dev.mysql.com/doc/refman/9.7/en/stored-programs-logging.html
TRUSTED = "select @@global.log_bin = 0 or @@global.log_bin_trust_function_creators"
SIZES = """
select coalesce(sum(data_length + index_length), 0) from information_schema.tables
where table_schema = %s
"""
LARGEST = """
select table_name, coalesce(data_length, 0) + coalesce(index_length, 0)
from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'
order by 2 desc, 1 limit 1
"""
LOGS = "show binary logs"
TEMPORARY = "select coalesce(sum(size), 0) from information_schema.innodb_session_temp_tablespaces"
# https://mariadb.com/kb/en/information-schema-disks-table/
DISKS = "select path, available * 1024 from information_schema.disks"
REPLICAS = ("show replicas", "show replica hosts")
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-replication-group-members-table.html
MEMBERS = """
select concat(member_host, ':', member_port), member_state
from performance_schema.replication_group_members where member_id <> ''
"""
GALERA = "show global status where variable_name in ('wsrep_ready', 'wsrep_cluster_status')"
HEALTHY = {"wsrep_ready": "ON", "wsrep_cluster_status": "Primary"}


NO_ACCOUNT = "1141"
KEEPS_USERS = "NO_AUTO_CREATE_USER"


def read_access(session: MySQLSession) -> Access:
    """How the session reaches its database, and which rights its user lacks; those of the roles
    that are active count too."""
    ((user, host, roles),) = session.query_all(WHO)
    name, _, origin = user.rpartition("@")
    grants = _grants(session, roles)
    ((_, encryption),) = session.query_all(ENCRYPTION)
    local = str(host or "").partition(":")[0] in ("localhost", "127.0.0.1", "::1")
    lacking = tuple(_lacking(session, grants, f"'{name}'@'{origin}'"))
    makes = "CREATE" in _held(grants, "lockgate_rehearsal")
    return Access(user, encryption, local, lacking, makes_databases=makes)


def _lacking(session: MySQLSession, grants: list[Row], grantee: str) -> Iterator[Lacking]:
    database = session.server.database
    held, whole = _held(grants, database), f"{session.quote(database)}.*"
    yield from _missing("status and plan", READING, held, whole, grantee)
    yield from _missing("apply", WRITING, held, whole, grantee)
    waiting = _held(grants, f"{database}_lockgate_00000000")
    place = f"{session.quote(_as_pattern(f'{database}_lockgate_') + '%')}.*"
    yield from _missing("undo a plan that drops or copies", UNDOING, waiting, place, grantee)
    yield from _for_readers(session)
    everywhere = _held(grants, "")
    for lack in _missing("see who holds a lock", WATCHING, everywhere, "*.*", grantee):
        yield Lacking(lack.task, lack.what, lack.cure, needed=False)
    ((trusted,),) = session.query_all(TRUSTED)
    if not trusted and "SUPER" not in everywhere:
        yield Lacking("apply CREATE FUNCTION and CREATE TRIGGER", "SUPER, while there is a binlog",
                      "set global log_bin_trust_function_creators = 1", needed=False)  # fmt: skip


def _for_readers(session: MySQLSession) -> Iterator[Lacking]:
    """The readers of lockgate's tables that are not there, as far as the user may know."""
    if session.grants_make_users:
        ((mode,),) = session.query_all("select @@session.sql_mode")
        if KEEPS_USERS not in mode:
            return
    for account in map(quoted_account, session.readers):
        try:
            session.query_all(f"show grants for {account}")
        except ServerError as refused:
            if refused.code == NO_ACCOUNT:
                cure = f"create user {account} account lock"
                yield Lacking(LET_READ, f"the user {account}", cure, absent=True)


def _missing(
    task: str, rights: Sequence[str], held: set[str], place: str, grantee: str
) -> Iterator[Lacking]:
    missing = [each for each in rights if each not in held and "ALL PRIVILEGES" not in held]
    if missing:
        grant = f"grant {', '.join(missing).lower()} on {place} to {grantee}"
        yield Lacking(task, f"{', '.join(missing)} on {place}", grant)


def _grants(session: MySQLSession, roles: str | None) -> list[Row]:
    """Of each grant its rights, and as a pattern the database that it is for; empty for all."""
    # MariaDB counts the rights of an active role by itself, and MySQL when it is named.
    using = f" for current_user() using {roles}" if roles and roles.startswith("`") else ""
    told = [str(row[0]) for row in session.query_all(f"show grants{using}")]
    found = (GRANT.match(text) for text in told)
    return [(match[1], (match[2] or "").replace("``", "`")) for match in found if match]


def _held(grants: list[Row], database: str) -> set[str]:
    """The rights on all of a database; without one, those on all databases."""
    return {
        right.strip()
        for rights, pattern in grants
        if not pattern or (database and _covers(pattern, database))
        for right in rights.split(",")
    }


def _covers(pattern: str, database: str) -> bool:
    r"""Whether a grant on this pattern is for a database.

    >>> _covers(r"shop\_%", "shop_test"), _covers(r"shop\_%", "shops"), _covers("sho_", "shop")
    (True, False, True)
    """
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    spelled = "".join(signs.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(spelled, database, re.DOTALL) is not None


def _as_pattern(name: str) -> str:
    return re.sub(r"([_%\\])", r"\\\1", name)


def read_storage(session: MySQLSession) -> Storage:
    """What the server tells of its disk; MariaDB tells what is free where it has the plugin."""
    database = session.server.database
    ((size,),) = session.query_all(SIZES, (database,))
    largest = session.query_one(LARGEST, (database,))
    logs, temporary = _if_told(session, LOGS), _if_told(session, TEMPORARY)
    return Storage(
        int(size),
        (str(largest[0]), int(largest[1])) if largest else None,
        None if logs is None else sum(int(row[1]) for row in logs),
        None if temporary is None else int(temporary[0][0]),
        {str(place): int(left) for place, left in _if_told(session, DISKS) or ()},
    )


def read_followers(session: MySQLSession) -> Followers:
    """The replicas of the server, and the members of its group or cluster that are ill."""
    troubles = [
        Trouble(f"the member {name} of the group is {state}", "Mend it before a release.")
        for name, state in _if_told(session, MEMBERS) or ()
        if state != "ONLINE"
    ]
    troubles += [
        Trouble(f"{name} is {value}: this node does not take part in its cluster",
                "Mend it, or name another node in the environment.")
        for name, value in _if_told(session, GALERA) or ()
        if session.cluster and value != HEALTHY[name]
    ]  # fmt: skip
    told = (_if_told(session, sql) for sql in REPLICAS)
    rows = next((found for found in told if found is not None), None)
    if rows is None:
        return Followers(troubles=tuple(troubles))
    names = {f"{host or 'server'} {number}": None for number, host, *_ in rows}
    return Followers(names, tuple(troubles))


def _if_told(session: MySQLSession, sql: str) -> list[Row] | None:
    """Rows; None where the server does not have them, or not for this user."""
    with suppress(ServerError, Unreachable):
        return session.query_all(sql)
    return None
