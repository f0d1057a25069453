"""The key of a statement in batches, as PostgreSQL has it; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.batches.key import BatchKey, KeyColumn

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.plan.statement import Batch

# By the search_path that the migration has.
FIND_TABLE = "select pg_catalog.to_regclass(%s)::pg_catalog.oid"
KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "i": "an index",
    "S": "a sequence",
}
# Types of extensions may have operators outside of pg_catalog, and their text another order. A
# domain is as what it is made of; an enum's order is its own in every way.
COLUMNS = """
with recursive made (name, number, oid, type, is_enum) as (
    select a.attname, a.attnum, t.oid, t.typbasetype, t.typtype = 'e'
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = %(table)s and a.attname = any (%(key)s) and not a.attisdropped
    union all
    select m.name, m.number, t.oid, t.typbasetype, t.typtype = 'e'
    from made m join pg_type t on t.oid = m.type where m.type <> 0
)
select a.attname::text, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
    m.is_enum or t.typnamespace = 'pg_catalog'::regnamespace
from made m join pg_type t on t.oid = m.oid
join pg_attribute a on a.attrelid = %(table)s and a.attnum = m.number
where m.type = 0 order by array_position(%(key)s, a.attname::text)
"""
TABLE = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
    c.relkind = 'r' and exists (select from pg_inherits where inhparent = c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = %s
"""
# Without the columns that INCLUDE adds.
KEYS = """
select array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1])
    with ordinality as one (number, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = one.number order by place)
from pg_index i where i.indrelid = %s and i.indisunique and i.indisvalid and i.indimmediate
    and i.indpred is null and i.indexprs is null order by i.indisprimary desc, i.indexrelid
"""


def read_key(session: PostgreSQLSession, batch: Batch) -> BatchKey | None:
    """What there is of a batch's key, by the search_path that a migration finds; None: there is no
    such table."""
    names = filter(None, (batch.table.qualifier, batch.table.name))
    with session.as_given():
        ((oid,),) = session.query_all(FIND_TABLE, (".".join(map(session.quote, names)),))
    if oid is None:
        return None
    ((table, kind, has_children),) = session.query_all(TABLE, (oid,))
    columns = session.query_all(
        COLUMNS.replace("%(table)s", str(int(oid))).replace("%(key)s", "%s::text[]"),
        (list(batch.key),) * 2,
    )
    keys = [tuple(names) for (names,) in session.query_all(KEYS, (oid,))]
    return BatchKey(
        table=table,
        columns=tuple(KeyColumn(*column) for column in columns),
        is_unique=batch.key in keys and not has_children,
        kind=KINDS.get(kind, ""),
        keys=tuple(f"({', '.join(names)})" for names in keys),
    )
