"""PostgreSQL: the engine that `executors.engine` opens; nothing of it is loaded before.

batches/          Batches on PostgreSQL
blockers.py       A watch over a PostgreSQL session whose statement takes long
catalogue/        All that a PostgreSQL database holds but rows, as queries and as values
connection.py     Connections to PostgreSQL
engine.py         PostgreSQL: the engine, of its parts; knows no SQL itself
facts.py          The facts of the relations of a PostgreSQL database, by which a plan is reviewed
gauge.py          What a statement locks, reads and rewrites on PostgreSQL
layouts.py        How the relations of a PostgreSQL database hang together
ledger.py         The SQL of the ledger's tables that is PostgreSQL's own
lock.py           Advisory locks of PostgreSQL, as pg_locks shows them
own_settings.py   The settings under which lockgate's own statements run on PostgreSQL
pipeline.py       Statements in flight
pooler.py         Poolers between us and PostgreSQL
private_roles.py  The roles of a private server that a rehearsal runs on
scratch.py        Scratch databases on PostgreSQL, and the state of sequences; runs no migration
session.py        A session on PostgreSQL: its statements in flight, and how a section leaves it
store.py          The ledger and its fence, the serial, on PostgreSQL
units/            Running of a plan's units on PostgreSQL
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment


def connect(address: DatabaseAddress, environment: Environment) -> PostgreSQL:
    """A session on the database.

    Raises:
        Unreachable: no connection.
        UsageError: the connection goes through a pooler that shares sessions.
    """
    from lockgate.executors.postgresql.engine import PostgreSQL

    return PostgreSQL(address, environment)
