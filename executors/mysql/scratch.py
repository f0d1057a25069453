"""Scratch databases on MySQL and MariaDB, and the state of counters; runs no migration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.executors.engine import Traits
from lockgate.executors.failure import ServerError
from lockgate.planner.database.catalogue import (
    COUNTER_OF_TABLE,
    STATE_OF_SEQUENCE,
    Catalogue,
    Detail,
    assemble,
)
from lockgate.planner.plan.rehearsal import Reach

if TYPE_CHECKING:
    from lockgate.executors.mysql.store import MySQLSession

CHARACTER_SET, COLLATION = "character_set", "collation"
TRAITS = """
select current_user(), default_character_set_name, default_collation_name
from information_schema.schemata where schema_name = database()
"""
DATABASES = """
select schema_name from information_schema.schemata
where schema_name not in ('information_schema', 'performance_schema')
"""
# A schema is a database, and any statement can name another one; accounts are the server's.
SHARED = re.compile(
    r"(?:\A|;|\bbegin|\bthen|\belse|\bdo)\s*(?:"
    r"(?:create|alter|drop|rename)\s+(?:or\s+replace\s+)?"
    r"(?:user|role|database|schema|server|(?:undo\s+)?tablespace|logfile|instance)\b|"
    r"(?:grant|revoke)\s+(?:(?![^;]*\son\s)|[^;]*\son\s+\*\.\*)|"
    r"set\s+(?:global|persist|persist_only|password|default\s+role|@@global|@@persist)\b|"
    r"(?:install|uninstall|flush|reset|kill|shutdown|purge|change)\b)",
    re.IGNORECASE,
)
COUNTED = "information_schema_stats_expiry"  # MySQL's tables.auto_increment is a day old without
COUNTERS = """
select table_name, auto_increment from information_schema.tables
where table_schema = database() and auto_increment is not null
"""
SEQUENCES = """
select table_name from information_schema.tables
where table_schema = database() and table_type = 'SEQUENCE'
"""
SESSIONS = "select id from information_schema.processlist where db = %s"
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
NO_SUCH_SESSION = "1094"
# Dropping a database leaves the rights on its tables behind.
# https://dev.mysql.com/doc/refman/9.7/en/drop-database.html
GRANTED = """
select distinct grantee, table_name from information_schema.table_privileges
where table_schema = %s
union select distinct grantee, table_name from information_schema.column_privileges
where table_schema = %s
"""
GRANTED_WHOLLY = """
select distinct grantee from information_schema.schema_privileges where table_schema in (%s, %s)
"""
OF_DATABASE = """
select schema_name from information_schema.schemata where left(schema_name, char_length(%s)) = %s
"""


def read_counters(session: MySQLSession) -> Catalogue:
    """The next AUTO_INCREMENT of each table, and the next value of each of MariaDB's sequences."""
    (cached,) = session.query_all("show variables like %s", (COUNTED,)) or (None,)
    if cached:
        session.execute(f"set session {COUNTED} = 0")
    details = [
        Detail(f"{COUNTER_OF_TABLE} {table}", "", {"next": value})
        for table, value in session.query_all(COUNTERS)
    ]
    for (name,) in session.query_all(SEQUENCES):
        ((value,),) = session.query_all(f"select next_not_cached_value from {session.quote(name)}")
        details.append(Detail(f"{STATE_OF_SEQUENCE} {name}", "", {"next": value}))
    return assemble(details)


def read_traits(session: MySQLSession) -> Traits:
    """The account, and how text is kept. The ledger lies in the scratch database itself: a schema
    of its own would be another database."""
    ((user, character_set, collation),) = session.query_all(TRAITS)
    settings = {CHARACTER_SET: character_set, COLLATION: collation}
    return Traits(user, (), None, settings)


def read_reach(session: MySQLSession) -> Reach:
    """Every database that the account can see."""
    return Reach(frozenset(name for (name,) in session.query_all(DATABASES)), SHARED)


def create_database(session: MySQLSession, name: str, traits: Traits) -> None:
    """A database that keeps text as the other does."""
    text = traits.settings
    session.execute(
        f"create database {session.quote(name)} character set {text[CHARACTER_SET]} "
        f"collate {text[COLLATION]}"
    )


def drop_database(session: MySQLSession, name: str) -> None:
    """Drops it with its graveyard, whose name begins like its own, and with the rights on it.

    A session of ours that was lost in the middle may still hold a table.
    """
    for (pid,) in session.query_all(SESSIONS, (name,)):
        _kill(session, pid)
    _revoke(session, name)
    for (schema,) in session.query_all(OF_DATABASE, (name, name)):
        session.execute(f"drop database if exists {session.quote(schema)}")


def _kill(session: MySQLSession, pid: int) -> None:
    """Ends a session, unless it has just ended by itself."""
    try:
        session.execute(f"kill {pid}")
    except ServerError as refused:
        if refused.code != NO_SUCH_SESSION:
            raise


def _revoke(session: MySQLSession, name: str) -> None:
    own = session.quote(name)
    for grantee, table in session.query_all(GRANTED, (name, name)):
        place = f"{own}.{session.quote(table)}"
        session.execute(f"revoke all privileges on {place} from {grantee}")
    escaped = re.sub(r"([_%])", r"\\\1", name)
    for (grantee,) in session.query_all(GRANTED_WHOLLY, (name, escaped)):
        session.execute(f"revoke all privileges on {own}.* from {grantee}")
