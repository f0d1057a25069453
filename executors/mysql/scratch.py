"""Scratch databases on MySQL and MariaDB, and the state of counters; runs no migration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.executors.engine import Traits
from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.cloning import clone_database
from lockgate.planner.database.catalogue import (
    COUNTER_OF_TABLE,
    STATE_OF_SEQUENCE,
    Catalogue,
    Detail,
    assemble,
)

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

CHARACTER_SET, COLLATION = "character_set", "collation"
TRAITS = """
select current_user(), default_character_set_name, default_collation_name
from information_schema.schemata where schema_name = database()
"""
DATABASES = """
select schema_name from information_schema.schemata
where schema_name not in ('information_schema', 'performance_schema')
"""
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
GRAVEYARD_STEM = 46
"""How much of a database's name its graveyards begin with: see `undo.graveyard`."""
WITH_GRAVEYARDS = """
select schema_name from information_schema.schemata
where schema_name = %s
or left(schema_name, char_length(schema_name) - 18) = %s
and right(schema_name, 18) regexp '^_lockgate_[0-9a-f]{8}$'
"""
OF_DATABASE = """
select schema_name from information_schema.schemata where left(schema_name, char_length(%s)) = %s
"""


class MySQLScratch:
    """Scratch databases on a server of MySQL or MariaDB; implements `executors.engine.Scratch`."""

    anchor = "information_schema"

    def __init__(self, session: MySQLSession) -> None:
        self._session = session

    def read_counters(self) -> Catalogue:
        """The next AUTO_INCREMENT of each table, and the next value of each MariaDB sequence."""
        (cached,) = self._session.query_all("show variables like %s", (COUNTED,)) or (None,)
        if cached:
            self._session.execute(f"set session {COUNTED} = 0")
        details = [
            Detail(f"{COUNTER_OF_TABLE} {table}", "", {"next": value})
            for table, value in self._session.query_all(COUNTERS)
        ]
        for (name,) in self._session.query_all(SEQUENCES):
            ((value,),) = self._session.query_all(
                f"select next_not_cached_value from {self._session.quote(name)}"
            )
            details.append(Detail(f"{STATE_OF_SEQUENCE} {name}", "", {"next": value}))
        return assemble(details)

    def read_traits(self) -> Traits:
        """The account, and how text is kept. The ledger lies in the scratch database itself: a
        schema of its own would be another database."""
        ((user, character_set, collation),) = self._session.query_all(TRAITS)
        settings = {CHARACTER_SET: character_set, COLLATION: collation}
        return Traits(user, (), None, settings)

    def read_databases(self) -> frozenset[str]:
        """Every database that the account can see."""
        return frozenset(name for (name,) in self._session.query_all(DATABASES))

    def create_database(self, name: str, traits: Traits) -> None:
        """A database that keeps text as the other does."""
        text = traits.settings
        self._session.execute(
            f"create database {self._session.quote(name)} character set {text[CHARACTER_SET]} "
            f"collate {text[COLLATION]}"
        )

    def clone_database(self, source: str, name: str, traits: Traits) -> None:
        """By its definitions and its rows: the server has no copy of a whole database."""
        self.create_database(name, traits)
        clone_database(self._session, source, name)

    def recreate_database(self, name: str, traits: Traits) -> None:
        """The rights on it stay, and go for what is of the same name then."""
        self._end_sessions(name)
        stem = name[:GRAVEYARD_STEM]
        for (schema,) in self._session.query_all(WITH_GRAVEYARDS, (name, stem)):
            self._session.execute(f"drop database if exists {self._session.quote(schema)}")
        self.create_database(name, traits)

    def drop_database(self, name: str) -> None:
        """Drops it with its graveyard, whose name begins like its own, and with the rights on it.

        A session of ours that was lost in the middle may still hold a table.
        """
        self._end_sessions(name)
        self._revoke(name)
        for (schema,) in self._session.query_all(OF_DATABASE, (name, name)):
            self._session.execute(f"drop database if exists {self._session.quote(schema)}")

    def _end_sessions(self, name: str) -> None:
        for (pid,) in self._session.query_all(SESSIONS, (name,)):
            self._kill(pid)

    def _kill(self, pid: int) -> None:
        """Ends a session, unless it has just ended by itself."""
        try:
            self._session.execute(f"kill {pid}")
        except ServerError as refused:
            if refused.code != NO_SUCH_SESSION:
                raise

    def _revoke(self, name: str) -> None:
        own = self._session.quote(name)
        for grantee, table in self._session.query_all(GRANTED, (name, name)):
            place = f"{own}.{self._session.quote(table)}"
            self._session.execute(f"revoke all privileges on {place} from {grantee}")
        escaped = re.sub(r"([_%])", r"\\\1", name)
        for (grantee,) in self._session.query_all(GRANTED_WHOLLY, (name, escaped)):
            self._session.execute(f"revoke all privileges on {own}.* from {grantee}")
