"""PostgreSQL's catalogue of tables and what hangs on them, as queries for its details.

Their rows are an object, its part, a place among the parts, attributes.
They must run under a search_path of pg_catalog alone, so that names are printed with their
schema; https://www.postgresql.org/docs/current/catalogs.html tells what the columns mean.
"""

from __future__ import annotations


def privileges(granted: str, kind: str, owner: str) -> str:
    """Sorted, for their order is that of the GRANTs; null where they are what an owner has
    anyway, for a GRANT that is taken back leaves that in place of nothing."""
    default = f"acldefault('{kind}', {owner})"
    return if_any(granted, f"nullif({in_order(granted)}, {in_order(default)})")


def in_order(items: str) -> str:
    return f'array(select item::text from unnest({items}) item order by item::text collate "C")'


def options(items: str) -> str:
    return if_any(items, f"nullif({in_order(items)}, '{{}}')")


def if_any(items: str, value: str) -> str:
    """The value, which is null where there are no items: most rows have none, and are not asked."""
    return f"case when {items} is not null then {value} end"


def free(catalog: str, oid: str) -> str:
    """Of no extension."""
    return (
        f"not exists (select from pg_depend e where e.classid = '{catalog}'::regclass "
        f"and e.objid = {oid} and e.deptype = 'e')"
    )


def by_itself(catalog: str, oid: str) -> str:
    """Not made along with another object: as the functions and casts of a range are, which belong
    to the first superuser, no matter who makes the range."""
    return (
        f"not exists (select from pg_depend i where i.classid = '{catalog}'::regclass "
        f"and i.objid = {oid} and i.deptype = 'i')"
    )


def of_users(catalog: str, oid: str, whole: str = "") -> str:
    """In a schema `n` that is not the server's own, and of no extension; `whole` is the catalog and
    the oid of what it is a part of, and has its schema from."""
    users = f"n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and {free(catalog, oid)}"
    return f"{users} /* of {catalog} within {whole or f'{catalog} {oid}'} */"


# An object of pg_class as `c` with its schema as `n`.
RELATION = """
case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'S' then 'sequence '
when 'f' then 'foreign table ' when 'c' then 'type ' else 'table ' end
|| format('%I.%I', n.nspname, c.relname)
"""
NAMED = "format('%I.%I', n.nspname, c.relname)"
COLLATION = (
    "select format('%I.%I', cn.nspname, co.collname) from pg_collation co "
    "join pg_namespace cn on cn.oid = co.collnamespace where co.oid = "
)
TABLESPACE = "select spcname from pg_tablespace where oid = "
IN_SCHEMA = "join pg_namespace n on n.oid = "
RELATIONS = f"""
select {RELATION}, '', null::int, json_build_object(
    'persistence', nullif(c.relpersistence, 'p'),
    'access method', (select amname from pg_am where oid = c.relam),
    'tablespace', ({TABLESPACE} c.reltablespace), 'options', {options("c.reloptions")},
    'toast options', {options("t.reloptions")},
    'row security', nullif(c.relrowsecurity, false),
    'forced row security', nullif(c.relforcerowsecurity, false),
    'replica identity', nullif(c.relreplident, 'd'), 'partition by', pg_get_partkeydef(c.oid),
    'partition', pg_get_expr(c.relpartbound, c.oid), 'inherits', nullif(array(
        select inhparent::regclass::text from pg_inherits where inhrelid = c.oid
        order by inhseqno), '{{}}'),
    'of type', nullif(c.reloftype, 0)::regtype::text,
    'definition', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
    'populated', nullif(c.relispopulated, true),
    'server', (select srvname from pg_foreign_server where oid = f.ftserver),
    'server options', {options("f.ftoptions")}, 'owner', pg_get_userbyid(c.relowner),
    'privileges', {privileges("c.relacl", "r", "c.relowner")},
    'comment', obj_description(c.oid, 'pg_class'))
from pg_class c {IN_SCHEMA} c.relnamespace left join pg_class t on t.oid = c.reltoastrelid
left join pg_foreign_table f on f.ftrelid = c.oid
where c.relkind in ('r', 'p', 'f', 'v', 'm') and {of_users("pg_class", "c.oid")}
"""
# The server counts a column's versions among its options, in releases of November 2026 and later.
OF_PEOPLE = "array(select o from unnest(a.attoptions) o where not starts_with(o, 'pg_attver='))"
# A type's columns have an order; a table's have one that a column dropped and added again changes.
COLUMNS = f"""
select {RELATION}, 'column ' || quote_ident(a.attname),
    case when c.relkind = 'c' then a.attnum end, json_build_object(
    'type', format_type(a.atttypid, a.atttypmod), 'not null', nullif(a.attnotnull, false),
    'default', pg_get_expr(d.adbin, d.adrelid), 'generated', nullif(a.attgenerated, ''),
    'identity', nullif(a.attidentity, ''),
    'collation', case when a.attcollation <> t.typcollation then ({COLLATION} a.attcollation) end,
    'storage', case when a.attstorage <> t.typstorage then a.attstorage end,
    'compression', nullif(a.attcompression, ''), 'statistics', nullif(a.attstattarget, -1),
    'options', {if_any("a.attoptions", options(OF_PEOPLE))},
    'server options', {options("a.attfdwoptions")},
    'local', nullif(a.attislocal, true), 'inherited', nullif(a.attinhcount, 0),
    'privileges', {options("a.attacl")}, 'comment', col_description(c.oid, a.attnum))
from pg_attribute a join pg_class c on c.oid = a.attrelid {IN_SCHEMA} c.relnamespace
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
    and {of_users("pg_class", "c.oid")} and (c.relkind <> 'c' or {free("pg_type", "c.reltype")})
"""
# A constraint trigger is a trigger. The server adds a foreign key for each partition referred to.
CONSTRAINTS = f"""
select {RELATION}, 'constraint ' || quote_ident(k.conname), null::int, json_build_object(
    'definition', pg_get_constraintdef(k.oid), 'local', nullif(k.conislocal, true),
    'inherited', nullif(k.coninhcount, 0), 'comment', obj_description(k.oid, 'pg_constraint'))
from pg_constraint k join pg_class c on c.oid = k.conrelid {IN_SCHEMA} c.relnamespace
where k.contype <> 't' and {of_users("pg_class", "c.oid")} and not exists (
    select from pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid)
"""
INDEXES = f"""
select {RELATION}, 'index ' || quote_ident(x.relname), null::int, json_build_object(
    'definition', pg_get_indexdef(x.oid), 'valid', nullif(i.indisvalid, true),
    'replica identity', nullif(i.indisreplident, false),
    'clustered', nullif(i.indisclustered, false), 'tablespace', ({TABLESPACE} x.reltablespace),
    'part of', (select inhparent::regclass::text from pg_inherits where inhrelid = x.oid),
    'statistics', nullif(array(select format('%s %s', attname, attstattarget)
        from pg_attribute where attrelid = x.oid and attstattarget >= 0 order by attnum), '{{}}'),
    'comment', obj_description(x.oid, 'pg_class'))
from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
{IN_SCHEMA} c.relnamespace where {of_users("pg_class", "c.oid")}
"""
SEQUENCES = f"""
select {RELATION}, '', null::int, json_build_object(
    'type', format_type(s.seqtypid, null), 'start', s.seqstart, 'increment', s.seqincrement,
    'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache,
    'cycle', nullif(s.seqcycle, false), 'persistence', nullif(c.relpersistence, 'p'),
    'owned by', (select format('%s.%I', a.attrelid::regclass, a.attname) from pg_depend d
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')),
    'owner', pg_get_userbyid(c.relowner),
    'privileges', {privileges("c.relacl", "s", "c.relowner")},
    'comment', obj_description(c.oid, 'pg_class'))
from pg_sequence s join pg_class c on c.oid = s.seqrelid {IN_SCHEMA} c.relnamespace
where {of_users("pg_class", "c.oid").replace("of pg_class", "of pg_sequence")}
"""
RULES = f"""
select format('rule %I on %s', r.rulename, {NAMED}), '', null::int, json_build_object(
    'definition', pg_get_ruledef(r.oid), 'enabled', nullif(r.ev_enabled, 'O'),
    'comment', obj_description(r.oid, 'pg_rewrite'))
from pg_rewrite r join pg_class c on c.oid = r.ev_class {IN_SCHEMA} c.relnamespace
where r.rulename <> '_RETURN' and {of_users("pg_rewrite", "r.oid", "pg_class c.oid")}
"""
TRIGGERS = f"""
select format('trigger %I on %s', t.tgname, {NAMED}), '', null::int, json_build_object(
    'definition', pg_get_triggerdef(t.oid), 'enabled', nullif(t.tgenabled, 'O'),
    'comment', obj_description(t.oid, 'pg_trigger'))
from pg_trigger t join pg_class c on c.oid = t.tgrelid {IN_SCHEMA} c.relnamespace
where not t.tgisinternal and {of_users("pg_trigger", "t.oid", "pg_class c.oid")}
"""
# What DISABLE TRIGGER ALL switches off beside these: no foreign key looks at what is written.
SWITCHED = f"""
select {RELATION}, format('triggers of constraint %I on %s', k.conname, k.conrelid::regclass),
    null::int, json_build_object('enabled', array_agg(distinct t.tgenabled order by t.tgenabled))
from pg_trigger t join pg_constraint k on k.oid = t.tgconstraint
join pg_class c on c.oid = t.tgrelid {IN_SCHEMA} c.relnamespace
where t.tgisinternal and t.tgenabled <> 'O' and {of_users("pg_class", "c.oid")}
group by c.relkind, n.nspname, c.relname, k.conname, k.conrelid
"""
POLICIES = f"""
select format('policy %I on %s', p.polname, {NAMED}), '', null::int, json_build_object(
    'command', p.polcmd, 'permissive', p.polpermissive, 'roles', array(
        select case role when 0 then 'public' else pg_get_userbyid(role) end
        from unnest(p.polroles) role order by 1),
    'using', pg_get_expr(p.polqual, p.polrelid),
    'with check', pg_get_expr(p.polwithcheck, p.polrelid),
    'comment', obj_description(p.oid, 'pg_policy'))
from pg_policy p join pg_class c on c.oid = p.polrelid {IN_SCHEMA} c.relnamespace
where {of_users("pg_policy", "p.oid", "pg_class c.oid")}
"""
# The server's own text of it has the columns in the table's order.
STATISTICS = f"""
select format('statistics %I.%I', n.nspname, s.stxname), '', null::int, json_build_object(
    'on', s.stxrelid::regclass::text, 'kinds', {in_order("s.stxkind")},
    'columns', array(select attname from pg_attribute where attrelid = s.stxrelid
        and attnum = any (s.stxkeys) order by attname),
    'expressions', pg_get_statisticsobjdef_expressions(s.oid),
    'target', nullif(s.stxstattarget, -1), 'owner', pg_get_userbyid(s.stxowner),
    'comment', obj_description(s.oid, 'pg_statistic_ext'))
from pg_statistic_ext s {IN_SCHEMA} s.stxnamespace where {of_users("pg_statistic_ext", "s.oid")}
"""
TABLES = (
    RELATIONS, COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES, RULES, TRIGGERS, SWITCHED, POLICIES,
    STATISTICS,
)  # fmt: skip
