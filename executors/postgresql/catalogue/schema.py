"""What one schema among many holds, and its part of what `relations` and `objects` tell.

It is found by what depends on the schema, of which there is an index: to read all of pg_class for
each schema of a fleet takes longer with each, as it has none by schemas.
https://www.postgresql.org/docs/current/catalog-pg-depend.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.planner.quoting import spelled_out

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

MARK = re.compile(r"/\* of (\w+) within (\w+) ([\w.]+) \*/")
"""The catalog of what a query tells, and the one by which it knows the schema of that."""
# Nothing of it is found by a search_path.
HELD = """
array(select held.objid from pg_catalog.pg_depend held
    join pg_catalog.pg_namespace home on home.oid operator(pg_catalog.=) held.refobjid
    where held.refclassid operator(pg_catalog.=)
            'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid
        and held.classid operator(pg_catalog.=)
            'pg_catalog.{}'::pg_catalog.regclass::pg_catalog.oid
        and home.nspname operator(pg_catalog.=) any (array[{}]::pg_catalog.name[]))
"""
# An index, and the columns of a composite type, are where the table or the type is.
RELATIONS = """
{tables} operator(pg_catalog.||) array(select part.indexrelid from pg_catalog.pg_index part
    where part.indrelid operator(pg_catalog.=) any ({tables}))
operator(pg_catalog.||) array(select part.typrelid from pg_catalog.pg_type part
    where part.typrelid operator(pg_catalog.<>) 0::pg_catalog.oid
        and part.oid operator(pg_catalog.=) any ({types}))
"""
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


def held_by(schemas: Iterable[str], catalog: str) -> str:
    """SQL: an array of the numbers of what some schemas hold of a catalog."""
    return HELD.format(catalog, ", ".join(map(spelled_out, schemas))).strip()


def relations_of(schemas: Iterable[str]) -> str:
    """SQL: an array of the numbers of all relations of some schemas, their indexes too."""
    tables, types = (held_by(schemas, catalog) for catalog in ("pg_class", "pg_type"))
    return RELATIONS.format(tables=tables, types=types).strip()


def keep_to_schema(session: PostgreSQLSession, queries: Iterable[str]) -> Iterator[str]:
    """Those of the queries that tell something of the session's own schema, and of that alone."""
    kinds = {kind for (kind,) in session.query_all(KINDS, (session.schema,))} | {"pg_namespace"}
    for query in queries:
        found = MARK.search(query)
        if found and found[1] in kinds:
            yield MARK.sub(_within(found, session.schema or ""), query)


def _within(found: re.Match[str], schema: str) -> str:
    _, catalog, oid = found.groups()
    if catalog == "pg_namespace":
        return f"and n.nspname = {spelled_out(schema)}"
    own = relations_of([schema]) if catalog == "pg_class" else held_by([schema], catalog)
    return f"and {oid} = any ({own})"
