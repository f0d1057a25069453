"""The graveyard: a schema where dropped tables wait for the commit point, and copies of rows lie.

Another schema, since in their own the names of their constraints would stay taken. It is made
when there is something to bury, and goes with the last table in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.table.definition import Table, read_table
from lockgate.executors.mysql.undo.images import read_triggers
from lockgate.planner.quoting import backquoted

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

LONGEST_NAME = 64
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
UNKNOWN_TABLE, DENIED = "1051", "1044"

RIGHTS = (
    "What the plan drops or copies waits in the schema {0}. Let the role make it: "
    "GRANT SELECT, INSERT, CREATE, DROP, ALTER ON `{1}`.* TO …"
)
COUNT = """
select (select count(*) from information_schema.schemata where schema_name = %s),
(select count(*) from information_schema.tables where table_schema = %s and table_name <> %s)
"""
PROBED = "lockgate_probe"
PROBE = (
    "drop table if exists {0}",
    "create table {0} (x int)",
    "insert into {0} values (1)",
    "select x from {0}",
    "alter table {0} comment 'probe'",
    "drop table {0}",
)
BASE_TABLE = """
select 1 from information_schema.tables
where table_schema = %s and table_name = %s and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
"""
CHILDREN = """
select constraint_name, table_name from information_schema.key_column_usage
where referenced_table_schema = %s and referenced_table_name = %s
and not (table_schema = %s and table_name = %s) and table_schema <> %s
"""

QUALIFIED = re.compile(r"(?:`(?:[^`]|``)*`)\.`")


class Graveyard:
    """The graveyard of one history table; anyone who holds the migration lock may use it."""

    def __init__(self, session: MySQLSession) -> None:
        self._session = session
        self.database = session.server.database
        # Not shared by two histories of one database: the last one out removes the schema.
        digest = hashlib.sha256(session.server.history_table.encode()).hexdigest()[:8]
        self.name = f"{self.database[: LONGEST_NAME - 18]}_lockgate_{digest}"

    def __str__(self) -> str:
        return self.name

    def open(self) -> None:
        """Makes the schema, and sees that the role may do in it all that undoing needs.

        Raises:
            ServerError: it may not; says which rights it needs.
        """
        try:
            self._session.execute(f"create database if not exists {backquoted(self.name)}")
            for sql in PROBE:
                self._session.execute(sql.format(self.place(PROBED)))
        except ServerError as error:
            raise ServerError(
                error.code,
                error.message,
                hint=RIGHTS.format(self.name, self.name.replace("_", "\\_")),
            ) from error

    def place(self, grave: str) -> str:
        """The quote, qualified name of a table in the graveyard."""
        return f"{backquoted(self.name)}.{backquoted(grave)}"

    def has(self, grave: str) -> bool:
        """Whether a table lies in the graveyard."""
        return self._is_table(self.name, grave)

    def refuse_drop(self, tables: Iterable[str], *, if_exists: bool) -> None:
        """Raises the ServerError with which the server would refuse DROP TABLE."""
        going = tuple(tables)
        there = [table for table in going if self._is_table(self.database, table)]
        for table in going:
            if not if_exists and table not in there:
                raise ServerError(UNKNOWN_TABLE, f"Unknown table '{self.database}.{table}'")
        for table in there:
            asked = (self.database, table, self.database, table, self.name)
            for constraint, child in self._session.query_all(CHILDREN, asked):
                if child not in going:
                    raise ServerError(
                        self._session.parent_code,
                        f"Cannot drop table '{table}' referenced by a foreign key constraint "
                        f"'{constraint}' on table '{child}'.",
                    )

    def bury(self, table: str, grave: str) -> None:
        """Takes a table out of the database, with its rows; its triggers are lost.

        Its own foreign keys go too: its rows must not hold those of others any more. A crash
        in between leaves a state from which burying goes on.
        """
        for trigger in read_triggers(self._session.query_all, self.database, table):
            self._session.execute(f"drop trigger {self._own(trigger)}")
        if self._is_table(self.database, table):
            self._session.execute(f"rename table {self._own(table)} to {self.place(grave)}")
        if self.has(grave):
            self._drop_foreign_keys(grave)

    def exhume(self, grave: str, table: str, create: str) -> None:
        """Brings a table back under its foreign keys; `create` is what it was.

        The rest of what it was is not restored here.
        """
        if not self.has(grave):
            return
        present = {
            generated_for(table, name, grave) for name in self.definition(grave).foreign_keys
        }
        keys = read_table(create).foreign_keys.items()
        missing = {name: text for name, text in keys if name not in present}
        if missing:
            texts = (self._seen_from_here(text, table, grave) for text in missing.values())
            clauses = ", ".join(f"add {text}" for text in texts)
            self._session.execute(f"alter table {self.place(grave)} {clauses}")
        self._session.execute(f"rename table {self.place(grave)} to {self._own(table)}")

    def definition(self, grave: str) -> Table:
        """What a table in the graveyard is made of."""
        (row,) = self._session.observe(f"show create table {self.place(grave)}")
        return read_table(str(row[1]))

    def sweep(self, graves: Iterable[str]) -> None:
        """Removes tables for good, and the graveyard when it is empty."""
        self._session.execute("set session foreign_key_checks = 0")
        for grave in graves:
            self._session.execute(f"drop table if exists {self.place(grave)}")
        self.close()

    def close(self) -> None:
        """Removes the graveyard when nothing lies in it."""
        if self._session.query_one(COUNT, (self.name, self.name, PROBED)) == (1, 0):
            try:
                self._session.execute(f"drop database {backquoted(self.name)}")
            except ServerError as error:
                if error.code != DENIED:
                    raise  # else it stays, empty: a role that may only make it was refused here

    def _drop_foreign_keys(self, grave: str) -> None:
        keys = self.definition(grave).foreign_keys
        if keys:
            clauses = ", ".join(f"drop foreign key {backquoted(name)}" for name in keys)
            self._session.execute(f"alter table {self.place(grave)} {clauses}")

    def _seen_from_here(self, constraint: str, table: str, grave: str) -> str:
        """A foreign key whose parent is named as the graveyard sees it."""
        head, mark, parent = constraint.partition(" REFERENCES ")
        if parent.startswith(f"{backquoted(table)} "):  # itself
            return f"{head}{mark}{backquoted(grave)}{parent.removeprefix(backquoted(table))}"
        if QUALIFIED.match(parent):
            return constraint
        return f"{head}{mark}{backquoted(self.database)}.{parent}"

    def _own(self, name: str) -> str:
        return f"{backquoted(self.database)}.{backquoted(name)}"

    def _is_table(self, schema: str, table: str) -> bool:
        return self._session.query_one(BASE_TABLE, (schema, table)) is not None


def generated_for(table: str, name: str, grave: str) -> str:
    """The name that a foreign key in a grave has in the table's own place: one that the server
    has generated follows the table's name.

    https://dev.mysql.com/doc/refman/9.7/en/create-table-foreign-keys.html

    >>> generated_for("invoices", "1f_1_1_0_ibfk_1", "1f_1_1_0")
    'invoices_ibfk_1'
    """
    generated = f"{grave}_ibfk_"
    return f"{table}_ibfk_{name.removeprefix(generated)}" if name.startswith(generated) else name
