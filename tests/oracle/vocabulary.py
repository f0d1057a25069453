"""The names in a live catalogue, by the blanks of the grammar that they fill."""

from typing import Any

from tests.oracle.grammar import Vocabulary

# A name as SQL needs it here: without its schema where the search_path finds it.
NAMED = """
select case n.nspname when 'public' then quote_ident(c.relname)
    else quote_ident(n.nspname) || '.' || quote_ident(c.relname) end as name, c.*
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'shop', 'archive')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
"""
RELATIONS = f"""
with named as ({NAMED})
select kind, array_agg(name order by name) from (
    select 'table' as kind, name from named where relkind in ('r', 'p')
    union all select 'other_table', name from named where relkind in ('r', 'p')
    union all select 'parent_table', name from named where relhassubclass and relkind = 'p'
    union all select 'view', name from named where relkind in ('v', 'm')
    union all select 'plain_view', name from named where relkind = 'v'
    union all select 'materialized', name from named where relkind = 'm'
    union all select 'sequence', name from named where relkind = 'S'
    union all select 'index', name from named where relkind in ('i', 'I')
    union all select 'index_name', relname from named where relkind = 'i' and relname ~ '^[a-z_]*$'
    union all select 'key_table', name from named
        where exists (select from pg_index i where indrelid = named.oid and indisprimary
            and indnatts = 1) and relkind = 'r' and name <> 'cache'
) found group by kind
"""
PARTS = f"""
with named as ({NAMED})
select t.name, found.kind, array_agg(found.name order by found.name) from named t
cross join lateral (
    select unnest(array['column', case
        when atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype,
            'citext'::regtype) then 'text_column'
        when atttypid in ('int'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'real'::regtype,
            'double precision'::regtype) then 'number_column'
        when atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype,
            'time'::regtype, 'timetz'::regtype, 'interval'::regtype) then 'time_column' end,
        case when attgenerated <> '' then 'generated' end]) as kind, quote_ident(attname) as name
    from pg_attribute where attrelid = t.oid and attnum > 0 and not attisdropped
    union all select unnest(array['constraint_name', case contype when 'c' then 'check'
        when 'f' then 'foreign_key' end]), quote_ident(conname)
    from pg_constraint where conrelid = t.oid
    union all select 'trigger', quote_ident(tgname)
    from pg_trigger where tgrelid = t.oid and not tgisinternal
    union all select unnest(array['own_index', case when indisunique then 'unique_index' end]),
        quote_ident(relname)
    from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = t.oid
    union all select 'part', c.name
    from pg_inherits join named c on c.oid = inhrelid where inhparent = t.oid
    union all select 'parent', c.name
    from pg_inherits join named c on c.oid = inhparent where inhrelid = t.oid
) found where found.kind is not null and t.relkind in ('r', 'p') group by t.name, found.kind
"""
FIXED = {
    "schema": ("shop", "archive"),
    "user_type": ("mood", "pair"),
    "domain": ("email", "work_email", "plain_email", "positive", "unproved"),
    "function": ("bump()", "twice(int)", "noisy()"),
    "extension": ("citext", "hstore"),
    "new_table": ("strays", "lonely"),
}


def read_vocabulary(connection: Any) -> Vocabulary:
    """The names of a database that holds `schema.sql`."""
    names = {kind: tuple(found) for kind, found in connection.execute(RELATIONS)}
    of_table: dict[str, dict[str, tuple[str, ...]]] = {}
    for table, kind, found in connection.execute(PARTS):
        of_table.setdefault(table, {})[kind] = tuple(found)
    parts = sorted({one for found in of_table.values() for one in found.get("part", ())})
    return Vocabulary({**FIXED, **names, "any_part": tuple(parts)}, of_table)
