"""The check of deferred constraints at the end of a migration that others follow in a transaction.

As SQL that runs under the migration's own settings; decides nothing of when it runs.
"""

from __future__ import annotations

from functools import cache

from lockgate.executors.postgresql.catalogue.schema import held_by
from lockgate.planner.fleet.place import SHARED

# Each migration is checked at its end, as if it were alone, and the next finds the constraints in
# the modes that they were made with. ALL would be for those too that are made later, and nothing
# takes it back, so they are named: but those whose name others of another mode have as well.
# Under the migration's own settings, by which nothing here may be found.
# https://www.postgresql.org/docs/current/sql-set-constraints.html
SET = "set constraints "
# A session that keeps to a schema, as one of a fleet's, looks at that and the shared one alone.
CHECK_DEFERRED = """
do language plpgsql $$ declare
    named pg_catalog.text;
    deferred pg_catalog.text;
begin
    select pg_catalog.string_agg(c.name, ', '),
        pg_catalog.string_agg(c.name, ', ') filter (where c.deferred) into named, deferred
    from (select pg_catalog.format('%I.%I', n.nspname, c.conname) as name,
            pg_catalog.bool_or(c.condeferred) as deferred
        from (select distinct c.conname, c.connamespace from pg_catalog.pg_constraint c
            where c.condeferrable {within}) own
        join pg_catalog.pg_constraint c on c.conname operator(pg_catalog.=) own.conname
            and c.connamespace operator(pg_catalog.=) own.connamespace
        join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.connamespace
        where c.conparentid operator(pg_catalog.=) 0::pg_catalog.oid
            and pg_catalog.has_schema_privilege(n.oid, 'usage')
        group by n.nspname, c.conname
        having pg_catalog.bool_and(c.condeferrable)
            and (pg_catalog.bool_and(c.condeferred) or not pg_catalog.bool_or(c.condeferred))) c;
    if named is not null then
        execute pg_catalog.format('{set}%s immediate', named);
    end if;
    if deferred is not null then
        execute pg_catalog.format('{set}%s deferred', deferred);
    end if;
end $$
"""


@cache
def check_deferred(schema: str | None) -> str:
    """What checks the constraints that are deferred: all, or those of a schema of many. It travels
    with each step, so it is short."""
    within = ""
    if schema is not None:
        own = held_by((schema, SHARED), "pg_class")
        within = f"and c.conrelid operator(pg_catalog.=) any ({own})"
    text = CHECK_DEFERRED.format(within=within, set=SET)
    return " ".join(text.split())
