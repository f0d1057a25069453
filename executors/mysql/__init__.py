"""MySQL: the engine that `executors.engine` opens; nothing of it is loaded before.

batches/       Batches on MySQL and MariaDB
catalogue/     All that a database of MySQL or MariaDB holds but rows, as queries and as values
cloning.py     A copy of a whole database on the same server
condition.py   Whether the condition of a statement is met
connection.py  Opening of sessions on MySQL and MariaDB, and their errors as ours
encryption.py  TLS of the connections to MySQL and MariaDB
engine.py      MySQL: the engine, of its parts; knows no SQL itself
facts.py       The facts of the tables of a MySQL or MariaDB database, by which a plan is judged
gauge.py       Which tables a statement rewrites on MySQL and MariaDB
ledger.py      The SQL of the ledger's tables that is MySQL's and MariaDB's own
limits.py      What MySQL and MariaDB are not given
lock.py        The migration lock on MySQL, which is two
nodes/         One database on several servers of MySQL and MariaDB
online/        Copies of tables by programs of others, and what these leave when they die
proof.py       Connections to MySQL and MariaDB that prove that they know the password
scratch.py     Scratch databases on MySQL and MariaDB, and the state of counters; runs no migration
session.py     The two sessions of an executor on MySQL; knows neither ledger nor plan
store.py       The ledger and its fence, the serial, on MySQL; runs nothing of a plan, as `units` do
syntax.py      Whether the statements of a plan are SQL at all: PREPARE tells on MySQL and MariaDB
table/         A table of MySQL or MariaDB by its SHOW CREATE TABLE text
undo/          Units that are undone by compensation on MySQL and MariaDB
units/         Running of a plan's steps on MySQL and MariaDB; `undo` runs what is undone as a whole
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> MySQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the server is a MariaDB.
    """
    from lockgate.executors.mysql.engine import MySQL

    return MySQL(address, environment)
