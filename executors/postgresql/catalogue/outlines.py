"""Outlines of a PostgreSQL database for a fleet: definitions in short, of many schemas at once.

They must not say what differs between schemas that were made by the same migrations: their names,
oids, owners, rights, the order of columns. What belongs to lockgate is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.executors.ledger.tables import OURS
from lockgate.planner.fleet.grouping import Outline
from lockgate.planner.fleet.place import SHARED
from lockgate.planner.plan.statement import sha256

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

# With a search_path of pg_catalog alone the server prints every name of a user with its schema;
# the schema's own name is taken out of what it prints.
# What a schema holds is found by what depends on it, of which there is an index: to read all of a
# catalogue for each schema of a fleet takes longer with each.
# https://www.postgresql.org/docs/current/catalog-pg-depend.html
# Of a relation whose rows were not counted `reltuples` is -1.
PARTS = """
with asked as (
    select oid, nspname, quote_ident(nspname) || '.' as prefix from pg_namespace
    where nspname = any (%s::text[])
), held as materialized (
    select classid, objid, prefix from pg_depend join asked on asked.oid = refobjid
    where refclassid = 'pg_namespace'::regclass
), relation as (
    select c.*, held.prefix from held join pg_class c on c.oid = objid
    where classid = 'pg_class'::regclass and c.relname <> all (%s::text[])
    union all select c.*, held.prefix from held join pg_type t on t.oid = objid
    join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
    where classid = 'pg_type'::regclass
), part (schema, text) as (
    select relnamespace, concat_ws(' ', 'relation', relkind, relname, relpersistence,
        array_to_string(reloptions, ','), relrowsecurity, relforcerowsecurity,
        case when relkind in ('v', 'm')
        then pg_get_viewdef(oid) when relkind = 'p' then pg_get_partkeydef(oid) end,
        case when relispartition then pg_get_expr(relpartbound, oid) end)
    from relation
    union all select r.relnamespace, concat_ws(' ', 'column', r.relname, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        (select collname from pg_collation where oid = a.attcollation),
        pg_get_expr(d.adbin, d.adrelid))
    from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0
        and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where r.relkind <> 'S'
    union all select r.relnamespace, concat_ws(' ', 'constraint', r.relname, k.conname,
        k.convalidated, pg_get_constraintdef(k.oid))
    from relation r join pg_constraint k on k.conrelid = r.oid where k.contype <> 't'
    union all select r.relnamespace, concat_ws(' ', 'index', i.indisvalid,
        pg_get_indexdef(i.indexrelid))
    from relation r join pg_index i on i.indrelid = r.oid
    union all select r.relnamespace, concat_ws(' ', 'trigger', t.tgenabled,
        pg_get_triggerdef(t.oid))
    from relation r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
    union all select r.relnamespace, concat_ws(' ', 'rule', w.ev_enabled, pg_get_ruledef(w.oid))
    from relation r join pg_rewrite w on w.ev_class = r.oid where w.rulename <> '_RETURN'
    union all select r.relnamespace, concat_ws(' ', 'policy', r.relname, p.polname, p.polcmd,
        p.polpermissive, (select string_agg(coalesce(pg_get_userbyid(nullif(role, 0)), 'public'),
        ',' order by 1) from unnest(p.polroles) role), pg_get_expr(p.polqual, p.polrelid),
        pg_get_expr(p.polwithcheck, p.polrelid))
    from relation r join pg_policy p on p.polrelid = r.oid
    union all select r.relnamespace, concat_ws(' ', 'sequence', r.relname, s.seqtypid::regtype,
        s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
    from relation r join pg_sequence s on s.seqrelid = r.oid
    union all select r.relnamespace, concat_ws(' ', 'statistics', pg_get_statisticsobjdef(s.oid))
    from relation r join pg_statistic_ext s on s.stxrelid = r.oid
    union all select p.pronamespace, concat_ws(' ', 'routine', p.oid::regprocedure,
        case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end)
    from held join pg_proc p on p.oid = objid where classid = 'pg_proc'::regclass
    union all select t.typnamespace, concat_ws(' ', 'type', t.typtype, t.typname,
        format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
        (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum
            where enumtypid = t.oid),
        (select string_agg(concat_ws(' ', conname, pg_get_constraintdef(oid)), ',' order by conname)
            from pg_constraint where contypid = t.oid))
    from held join pg_type t on t.oid = objid
    where classid = 'pg_type'::regclass and t.typtype in ('c', 'd', 'e', 'r')
), told (schema, own) as (
    select schema, replace(text, prefix, '@.') collate "C"
    from part join asked on asked.oid = schema
)
"""
OUTLINES = f"""
{PARTS}, defined as (
    select schema, encode(sha256(convert_to(string_agg(own, E'\\n' order by own),
        getdatabaseencoding())), 'hex') as digest
    from told group by schema
), sized as (
    select relnamespace, json_object_agg(relname, json_build_array(greatest(reltuples, 0)::int8,
        relpages * current_setting('block_size')::int8)) as sizes
    from relation where relkind in ('r', 'm', 'p') group by relnamespace
)
select nspname::text, digest, sizes from asked
left join defined on schema = oid left join sized on relnamespace = oid
"""
DEFINITIONS = f"{PARTS} select own from told order by own"
USERS = """
select nspname::text from pg_namespace
where nspname <> 'information_schema' and nspname !~ '^pg_' order by 1
"""
AT_ONCE = 2500
"""Schemas of one question."""
NOTHING = Outline(sha256([]))


def read_outlines(session: PostgreSQLSession, schemas: Sequence[str]) -> dict[str, Outline]:
    """Each of these schemas that there is, together with the one that all of them share."""
    found: dict[str, Outline] = {}
    for first in range(0, len(schemas), AT_ONCE):
        found |= _read(session, schemas[first : first + AT_ONCE])
    shared = _read(session, [SHARED]).get(SHARED, Outline(""))
    return {
        name: Outline(sha256([outline.digest, shared.digest]), outline.sizes)
        for name, outline in found.items()
    }


def read_outline(session: PostgreSQLSession) -> Outline:
    """The session's own schema, where it keeps to one, or all that its database has; a table
    outside of the default schema goes by both names."""
    if session.schema is not None:
        return read_outlines(session, [session.schema]).get(session.schema, NOTHING)
    found = _read(session, [name for (name,) in session.query_all(USERS)])
    sizes = {
        table if schema == session.history_schema else f"{schema}.{table}": size
        for schema, outline in found.items()
        for table, size in outline.sizes.items()
    }
    return Outline(sha256({name: outline.digest for name, outline in found.items()}), sizes)


def read_definitions(session: PostgreSQLSession) -> tuple[str, ...]:
    """What the outline of the session's own schema, or of all of its database, is of: lines."""
    own = [session.schema, SHARED] if session.schema else [n for (n,) in session.query_all(USERS)]
    rows = session.query_all(DEFINITIONS, (own, [session.history_name, *OURS]))
    return tuple(line for (line,) in rows)


def _read(session: PostgreSQLSession, schemas: Sequence[str]) -> dict[str, Outline]:
    own = [session.history_name, *OURS]
    rows = session.query_all(OUTLINES, (list(schemas), own))
    return {
        schema: Outline(digest or "", {name: tuple(size) for name, size in (sizes or {}).items()})
        for schema, digest, sizes in rows
    }
