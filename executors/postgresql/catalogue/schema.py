"""The catalogue of one schema among many: of what `relations` and `objects` tell, what it holds.

It is found by what depends on the schema, of which there is an index: of many schemas each takes no
longer than the only one. https://www.postgresql.org/docs/current/catalog-pg-depend.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.planner.quoting import spelled_out

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

MARK = re.compile(r"/\* of (\w+) within (\w+) ([\w.]+) \*/")
"""The catalog of what a query tells, and by which of another it is told what schema it is in."""
HELD = """
select d.objid from pg_depend d where d.classid = '{}'::regclass
    and d.refclassid = 'pg_namespace'::regclass
    and d.refobjid = (select oid from pg_namespace where nspname = {})
"""
TYPES = "union all select typrelid from pg_type where typrelid <> 0 and oid in"
# To plan a question takes longer than to find that there is nothing to tell.
KINDS = """
with held as (
    select classid, objid from pg_depend where refclassid = 'pg_namespace'::regclass
        and refobjid = (select oid from pg_namespace where nspname = %s)
), relation as (
    select c.* from held join pg_class c on c.oid = objid where classid = 'pg_class'::regclass
)
select distinct classid::regclass::text from held
union select 'pg_class' from held where classid = 'pg_type'::regclass
union select 'pg_sequence' from relation where relkind = 'S'
union select 'pg_rewrite' from relation join pg_rewrite on ev_class = relation.oid
    where rulename <> '_RETURN'
union select 'pg_trigger' from relation where relhastriggers
union select 'pg_policy' from relation join pg_policy on polrelid = relation.oid
"""


def keep_to_schema(session: PostgreSQLSession, queries: Iterable[str]) -> Iterator[str]:
    """Those of the queries that tell something of the session's own schema, and of that alone."""
    kinds = {kind for (kind,) in session.query_all(KINDS, (session.schema,))} | {"pg_namespace"}
    for query in queries:
        found = MARK.search(query)
        if found and found[1] in kinds:
            yield MARK.sub(_within(found, spelled_out(session.schema or "")), query)


def _within(found: re.Match[str], schema: str) -> str:
    _, catalog, oid = found.groups()
    if catalog == "pg_namespace":
        return f"and n.nspname = {schema}"
    of_types = f"{TYPES} ({HELD.format('pg_type', schema)})" * (catalog == "pg_class")
    return f"and {oid} in ({HELD.format(catalog, schema)} {of_types})"
