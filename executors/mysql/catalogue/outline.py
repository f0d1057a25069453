"""The definitions of a MySQL or MariaDB database in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.fleet.grouping import Outline
from lockgate.planner.plan.drift import made_by_migrations

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

SIZES = """
select table_name, coalesce(table_rows, 0), coalesce(data_length, 0) + coalesce(index_length, 0)
from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'
"""


def read_outline(session: MySQLSession) -> Outline:
    """All that the session's database holds but rows, rights on all of it, and our own tables."""
    schema = session.server.database
    catalogue = made_by_migrations(session.read_catalogue())
    sizes = {
        name: (int(rows), int(size)) for name, rows, size in session.query_all(SIZES, (schema,))
    }
    return Outline(catalogue.digest, sizes)
