"""Whether the condition of a statement is met, by what the database holds right before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.quoting import double_quoted

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.plan.statement import Condition

# Asked as the section finds names, in its transaction: so nothing else is left to its search_path.
TABLE = "operator(pg_catalog.=) pg_catalog.to_regclass(%s)::pg_catalog.oid"
NAME = "operator(pg_catalog.=) %s::pg_catalog.name"
FIND = {
    "column": f"""
select from pg_catalog.pg_attribute
where attrelid {TABLE} and attname {NAME} and attnum operator(pg_catalog.>) 0 and not attisdropped
""",
    "index": f"""
select from pg_catalog.pg_index i join pg_catalog.pg_class c
    on c.oid operator(pg_catalog.=) i.indexrelid
where i.indrelid {TABLE} and c.relname {NAME}
""",
    "constraint": f"select from pg_catalog.pg_constraint where conrelid {TABLE} and conname {NAME}",
}


def is_met(session: PostgreSQLSession, condition: Condition) -> bool:
    """Whether the statement is to run."""
    one = condition.table
    path = ".".join(map(double_quoted, filter(None, (one.qualifier, one.name))))
    found = session.query_all(FIND[condition.part.kind], (path, condition.part.name))
    return bool(found) == condition.exists
