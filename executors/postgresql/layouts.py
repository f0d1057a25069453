"""How the relations of a PostgreSQL database hang together: constraints, inheritance, types, views.

By these facts a plan knows which other relations a statement locks and whether it has work to do.
Asks by catalogues alone, so it waits for no lock; who relies on what, `planner.database.facts`
says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from lockgate.executors.postgresql.catalogue.schema import relations_of
from lockgate.planner.database.facts import (
    ConstraintFacts,
    Dependent,
    FiredFacts,
    Layout,
    TypeFacts,
    label,
)
from lockgate.planner.database.mentions import calls_of_a_row
from lockgate.planner.database.server import dialect_of
from lockgate.planner.quoting import spelled_out

KINDS = {"r": "table", "p": "partitioned", "m": "materialized view", "v": "view", "i": "index",
         "I": "partitioned index", "S": "sequence", "f": "foreign table"}  # fmt: skip
CONSTRAINTS = {"c": "check", "f": "foreign", "n": "not null", "p": "primary", "u": "unique",
               "x": "exclusion"}  # fmt: skip
# https://www.postgresql.org/docs/current/catalog-pg-trigger.html
TRIGGER_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
RULE_EVENTS = {"1": "select", "2": "update", "3": "insert", "4": "delete"}
ENABLED = ("O", "A")
LONGEST = 4000
"""So many characters of a function are read."""
TYPES = {"d": "domain", "e": "enum", "c": "composite"}
FIRST_OF_USERS = 16384
"""Objects of lower numbers are the server's own:
https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
"""

WITHIN = "/* within */"
"""Where a query about schemas `n` may be kept to some of them; with an expression before the end,
one about the relations that it tells."""
PLACE = re.compile(r"/\* within (.*?) ?\*/", re.DOTALL)

# What others have closed, or wait to close: to print its definitions would wait for them.
BUSY = """
busy as (
    select coalesce(i.indrelid, t.oid, l.relation) as oid from pg_locks l
    left join pg_index i on i.indexrelid = l.relation
    left join pg_class t on t.reltoastrelid = l.relation
    where l.mode = 'AccessExclusiveLock' and l.locktype = 'relation'
        and l.pid is distinct from pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())
)
"""
RELATIONS = rf"""
with {BUSY}
select c.oid::int8, c.relkind::text, c.relpersistence <> 'u', coalesce(a.amname::text, ''),
    s.spcname::text, coalesce(i.indrelid, (
        select refobjid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
            and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
            and c.relkind = 'S' limit 1))::int8,
    array(select inhparent::int8 from pg_inherits where inhrelid = c.oid order by inhseqno),
    nullif(p.partdefid, 0)::int8,
    case when c.oid not in (table busy) then coalesce(pg_get_partkeydef(c.oid), '') else '' end,
    array(select distinct attname::text from pg_depend d
        join pg_attribute on attrelid = i.indrelid and attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refobjid = i.indrelid
            and (i.indexprs is not null or i.indpred is not null)
        order by attname::text),
    array(select attname::text from unnest(i.indkey) with ordinality as key (number, place)
        join pg_attribute on attrelid = i.indrelid and attnum = number order by place),
    case when i.indisvalid and i.indrelid not in (table busy) then concat_ws(' ', (
            select contype from pg_constraint where conindid = c.oid and conrelid = i.indrelid
            and contype in ('p', 'u', 'x')),
        regexp_replace(pg_get_indexdef(c.oid), '^CREATE (UNIQUE )?INDEX .* USING ', '\1')) end,
    c.relhastriggers and exists (
        select from pg_trigger where tgrelid = c.oid and not tgisinternal),
    pg_get_userbyid(c.relowner)::text, case when c.relhastriggers then array(
        select array[tgname, tgtype::text, tgenabled::text, proname, lanname, left(prosrc, 4000)]
        from pg_trigger join pg_proc on pg_proc.oid = tgfoid join pg_language l on l.oid = prolang
        where tgrelid = c.oid and not tgisinternal order by tgname) end,
    case when c.relhasrules and c.relkind <> 'm' then array(
        select array[rulename, ev_type::text, ev_enabled::text] from pg_rewrite
        where ev_class = c.oid and rulename <> '_RETURN' order by rulename) end,
    n.nspname::text, c.relname::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_am a on a.oid = c.relam
join pg_tablespace s on s.oid = coalesce(nullif(c.reltablespace, 0), (
    select dattablespace from pg_database where datname = current_database()))
left join pg_index i on i.indexrelid = c.oid
left join pg_partitioned_table p on p.partrelid = c.oid
where c.oid >= 16384 and c.relkind in ('r', 'p', 'm', 'v', 'i', 'I', 'S', 'f')
    /* within c.oid */
"""
# Whether one is enforced, the catalogue tells from version 18 on.
CONSTRAINTS_OF = f"""
with {BUSY}
select conrelid::int8, conname::text, contype::text, array(
        select attname::text from unnest(conkey) with ordinality as key (number, place)
        join pg_attribute on attrelid = conrelid and attnum = number order by place),
    convalidated, contype not in ('c', 'f')
        or coalesce((to_jsonb(c) ->> 'conenforced')::bool, true),
    nullif(confrelid, 0)::int8, array(
        select attname::text from unnest(confkey) with ordinality as key (number, place)
        join pg_attribute on attrelid = confrelid and attnum = number order by place),
    array_remove(array[case when confdeltype in ('c', 'n', 'd') then 'delete' end,
        case when confdeltype in ('n', 'd') then 'empty' end,
        case when confupdtype in ('c', 'n', 'd') then 'update' end,
        case when confupdtype in ('n', 'd') then 'empty on update' end], null),
    case when contype = 'c' and conrelid not in (table busy)
        then pg_get_constraintdef(oid) else '' end
from pg_constraint c where conrelid >= 16384 and contype in ('c', 'f', 'n', 'p', 'u', 'x')
    /* within conrelid */
order by conname
"""
TYPES_OF_USERS = """
select t.oid::int8, n.nspname::text, t.typname::text, t.typtype::text,
    nullif(t.typbasetype, 0)::int8, case when t.typbasetype <> 0
        then format_type(t.typbasetype, t.typtypmod) else '' end, t.typnotnull
        or exists (select from pg_constraint where contypid = t.oid),
    coalesce((select extname::text from pg_depend d join pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'), '')
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where t.oid >= 16384 and t.typelem = 0 and (t.typrelid = 0
    or exists (select from pg_class where oid = t.typrelid and relkind = 'c'))
"""
READ_BY_VIEWS = """
select d.refobjid::int8, r.ev_class::int8, array_agg(distinct attname::text)
from pg_depend d join pg_rewrite r on r.oid = d.objid
left join pg_attribute on attrelid = d.refobjid and attnum = d.refobjsubid and attnum > 0
where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
    and d.refobjid >= 16384 and d.refobjid <> r.ev_class and r.rulename = '_RETURN'
    /* within d.refobjid */
group by 1, 2
"""
# What hangs on an object, apart from what relations tell of themselves: a table of its indexes and
# constraints, and a view of what it reads. What an object or an extension has made for itself goes
# with these. A function and what belongs to an extension go by their names alone.
DEPENDENTS = """
with member as (
    select classid, objid, extname from pg_depend join pg_extension e on e.oid = refobjid
    where deptype = 'e'
), edge as (
    select distinct d.classid as class, d.objid as oid, d.deptype = 'a' as is_part,
        case when d.classid = 'pg_class'::regclass then d.objsubid else 0 end as place,
        d.refclassid as on_class, d.refobjid as on_oid,
        case when d.refclassid = 'pg_class'::regclass then d.refobjsubid else 0 end as on_place
    from pg_depend d
    left join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
    left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    where d.deptype in ('n', 'a') and d.refobjid >= 16384 and d.refclassid not in (
            'pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_publication'::regclass)
        and d.classid not in ('pg_amop'::regclass, 'pg_amproc'::regclass)
        and (d.refclassid <> 'pg_class'::regclass or not (d.deptype = 'a' and d.refobjsubid = 0
            or d.classid = 'pg_constraint'::regclass or coalesce(r.rulename = '_RETURN', false)
            or coalesce(c.relkind in ('i', 'I', 'S', 'r', 'p', 'f'), false)
            or d.classid = 'pg_attrdef'::regclass and d.refobjsubid > 0))
        and not (d.refclassid = 'pg_type'::regclass and d.deptype = 'a')
        and not exists (select from member where (classid, objid) = (d.classid, d.objid))
        and (d.classid not in ('pg_proc'::regclass, 'pg_cast'::regclass, 'pg_type'::regclass)
            or not exists (select from pg_depend i where i.classid = d.classid
                and i.objid = d.objid and i.deptype = 'i'))
)
select distinct case when member.extname is not null then 'extension'
        when e.on_class = 'pg_class'::regclass or row_of.oid is not null then
            case when e.on_place > 0 then 'column' else 'relation' end
        when e.on_class = 'pg_type'::regclass then 'type'
        when e.on_class = 'pg_constraint'::regclass then 'constraint'
        when e.on_class = 'pg_proc'::regclass then 'function'
        else (pg_identify_object(e.on_class, e.on_oid, e.on_place)).type end,
    case when member.extname is not null then null
        when e.on_class = 'pg_class'::regclass then e.on_oid
        when e.on_class = 'pg_type'::regclass then
            coalesce(row_of.oid, nullif(on_type.typelem, 0), on_type.oid)
        else on_constraint.conrelid end::int8,
    case when member.extname is not null then member.extname::text
        when e.on_class in ('pg_class'::regclass, 'pg_type'::regclass,
            'pg_constraint'::regclass, 'pg_proc'::regclass) then
            coalesce(on_column.attname, on_constraint.conname, on_function.proname, '')::text
        else (pg_identify_object(e.on_class, e.on_oid, e.on_place)).identity end,
    case when t.oid is not null then 'trigger' when p.oid is not null then 'policy'
        when a.oid is not null then
            case of_default.attgenerated when '' then 'default' else 'column' end
        when r.rulename = '_RETURN' then 'relation' when r.oid is not null then 'rule'
        when c.conrelid > 0 then 'constraint' when i.indexrelid is not null then 'index'
        when k.relkind in ('v', 'm') then 'relation'
        when k.oid is not null and e.place > 0 then 'column' when k.oid is not null then 'relation'
        when s.oid is not null then 'statistics' when b.oid is not null then 'publication'
        else (pg_identify_object(e.class, e.oid, e.place)).type end,
    case when t.oid is not null then tgname::text when p.oid is not null then polname::text
        when a.oid is not null then of_default.attname::text when r.oid is not null then rulename
        when c.conrelid > 0 then c.conname::text when i.indexrelid is not null then k.relname
        when k.oid is not null then coalesce(own.attname, '')
        when s.oid is not null then stxname when b.oid is not null then pubname
        when f.oid is not null then f.proname::text
        else (pg_identify_object(e.class, e.oid, e.place)).identity end::text,
    coalesce(tgrelid, polrelid, adrelid, ev_class, nullif(c.conrelid, 0), indrelid,
        case k.relkind when 'c' then k.reltype else k.oid end, stxrelid, prrelid,
        case when e.class = 'pg_type'::regclass then e.oid end)::int8,
    e.is_part
from edge e
left join member on (member.classid, member.objid) = (e.on_class, e.on_oid)
left join pg_type on_type on e.on_class = 'pg_type'::regclass and on_type.oid = e.on_oid
left join pg_class row_of on row_of.oid = on_type.typrelid and row_of.relkind <> 'c'
left join pg_attribute on_column on e.on_class = 'pg_class'::regclass
    and on_column.attrelid = e.on_oid and on_column.attnum = e.on_place and e.on_place > 0
left join pg_constraint on_constraint on e.on_class = 'pg_constraint'::regclass
    and on_constraint.oid = e.on_oid
left join pg_proc on_function on e.on_class = 'pg_proc'::regclass and on_function.oid = e.on_oid
left join pg_trigger t on e.class = 'pg_trigger'::regclass and t.oid = e.oid
left join pg_policy p on e.class = 'pg_policy'::regclass and p.oid = e.oid
left join pg_attrdef a on e.class = 'pg_attrdef'::regclass and a.oid = e.oid
left join pg_attribute of_default on of_default.attrelid = adrelid and of_default.attnum = adnum
left join pg_rewrite r on e.class = 'pg_rewrite'::regclass and r.oid = e.oid
left join pg_constraint c on e.class = 'pg_constraint'::regclass and c.oid = e.oid
left join pg_class k on e.class = 'pg_class'::regclass and k.oid = e.oid
left join pg_attribute own on own.attrelid = k.oid and own.attnum = e.place and e.place > 0
left join pg_index i on i.indexrelid = k.oid
left join pg_statistic_ext s on e.class = 'pg_statistic_ext'::regclass and s.oid = e.oid
left join pg_publication_rel u on e.class = 'pg_publication_rel'::regclass and u.oid = e.oid
left join pg_publication b on b.oid = prpubid
left join pg_proc f on e.class = 'pg_proc'::regclass and f.oid = e.oid
where true /* within coalesce(tgrelid, polrelid, adrelid, ev_class, nullif(c.conrelid, 0), indrelid,
    k.oid, stxrelid, prrelid) */
union select 'column', attrelid::int8, attname::text, 'rights', attname::text, attrelid::int8, true
from pg_attribute where attacl is not null and attrelid >= 16384 and attnum > 0
    and not attisdropped
union select 'statistics', null, stxname::text, 'statistics', stxname::text, stxrelid::int8, true
from pg_statistic_ext order by 1, 2, 3, 4, 5, 6
"""
VOLATILE = """
select distinct proname::text from pg_proc
where oid >= 16384 and provolatile = 'v' and prokind = 'f' order by 1
"""
# Only of the types of users: those of the server's own are known.
SAME = """
select format_type(castsource, null), format_type(casttarget, null) from pg_cast
where oid >= 16384 and castmethod = 'b' order by 1, 2
"""
DEFAULTS = "select current_setting('default_table_access_method', true)"
# Beside relations and types.
NAMED = f"""
select distinct 'function', nspname::text, proname::text
from pg_proc p join pg_namespace n on n.oid = pronamespace where p.oid >= 16384 {WITHIN}
union all select 'schema', '', nspname::text from pg_namespace
union all select 'extension', '', extname::text from pg_extension
union all select 'event trigger', '', evtname::text from pg_event_trigger t
where evtenabled in ('O', 'A') and not exists (select from pg_depend
    where classid = 'pg_event_trigger'::regclass and objid = t.oid and deptype = 'e')
"""
QUERIES = (
    RELATIONS,
    CONSTRAINTS_OF,
    TYPES_OF_USERS,
    READ_BY_VIEWS,
    DEPENDENTS,
    VOLATILE,
    SAME,
    DEFAULTS,
    NAMED,
)

Rows = Sequence[Sequence[Any]]


def kept_within(query: str, schemas: Sequence[str]) -> str:
    """The query, about some schemas alone; about all where there are none.

    >>> kept_within("select from pg_index where true /* within indrelid */", ())
    'select from pg_index where true '
    """
    if not schemas:
        return PLACE.sub("", query)
    names = ", ".join(map(spelled_out, schemas))
    return PLACE.sub(
        lambda found: (
            f"and {found[1]} operator(pg_catalog.=) any ({relations_of(schemas)})"
            if found[1]
            else f"and n.nspname in ({names})"
        ),
        query,
    )


def read_layouts(answers: Sequence[Rows], names: Mapping[int, str]) -> dict[int, Layout]:
    """The layout of each relation by its oid; `names` are their keys. What has none is left out."""
    relations, constraints, _, views, *_ = answers
    of_table: dict[int, dict[str, ConstraintFacts]] = defaultdict(dict)
    referrers: dict[int, set[str]] = defaultdict(set)
    children: dict[int, list[str]] = defaultdict(list)
    indexes: dict[int, list[str]] = defaultdict(list)
    sequences: dict[int, list[str]] = defaultdict(list)
    readers: dict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for oid, name, kind, columns, valid, enforced, parent, key, cascades, text in constraints:
        of_table[oid][name] = ConstraintFacts(
            CONSTRAINTS[kind], tuple(columns), valid, enforced,
            names.get(parent, ""), tuple(key), tuple(cascades), text,
        )  # fmt: skip
        referrers[parent].update(_named([oid], names))
    computed_of: dict[int, set[str]] = defaultdict(set)
    for oid, kind, _, _, _, owner, parents, _, _, computed, *_ in relations:
        if kind in "iI":
            indexes[owner] += _named([oid], names)
            computed_of[owner].update(computed)
        if kind == "S" and owner:
            sequences[owner] += _named([oid], names)
        for parent in parents:
            children[parent] += _named([oid], names)
    for oid, view, columns in views:
        for name in _named([view], names):
            readers[oid][name] = tuple(one for one in columns if one)
    return {
        oid: Layout(
            KINDS[kind], logged, method, tablespace, names.get(owner, ""), _named(parents, names),
            tuple(sorted(children[oid])), names.get(default, ""), key,
            tuple(sorted(indexes[oid])), tuple(sorted(referrers[oid])),
            dict(sorted(readers[oid].items())),
            tuple(sorted({*computed, *computed_of[oid]})), tuple(keys), definition or "",
            of_table[oid], has_triggers, role, read_fires(triggers or (), rules or ()),
            tuple(sorted(sequences[oid])),
        )
        for oid, kind, logged, method, tablespace, owner, parents, default, key, computed, keys,
        definition, has_triggers, role, triggers, rules, *_ in relations
    }  # fmt: skip


def read_fires(triggers: Rows, rules: Rows) -> dict[str, FiredFacts]:
    """The triggers and rules of a table by their names."""
    calls = partial(calls_of_a_row, dialect=dialect_of("postgresql"))
    return {
        name: FiredFacts(
            "trigger",
            tuple(event for bit, event in TRIGGER_EVENTS.items() if int(kinds) & bit),
            code,
            enabled in ENABLED,
            calls(text) if language == "plpgsql" and len(text) < LONGEST else None,
        )
        for name, kinds, enabled, code, language, text in triggers
    } | {
        name: FiredFacts("rule", (RULE_EVENTS[event],), enabled=enabled in ENABLED)
        for name, event, enabled in rules
    }


def read_types(rows: Rows, names: Mapping[int, str]) -> dict[str, TypeFacts]:
    """The types of users by their keys; a domain over a checked one is checked too."""
    bases = {oid: made_of for oid, _, _, _, made_of, *_ in rows}
    own_checks = {oid: checked for oid, *_, checked, _ in rows}

    def is_checked(oid: int | None) -> bool:
        return oid is not None and (own_checks.get(oid, False) or is_checked(bases.get(oid)))

    return {
        names[oid]: TypeFacts(
            TYPES.get(kind, "base"),
            schema,
            names.get(made_of, ""),
            base,
            is_checked(oid),
            extension,
        )
        for oid, schema, _, kind, made_of, base, _, extension in rows
    }


def read_dependents(rows: Rows, names: Mapping[int, str]) -> dict[str, tuple[Dependent, ...]]:
    """What hangs on objects, by their labels; what is of a relation without a key is left out."""
    found: dict[str, list[Dependent]] = defaultdict(list)
    for on_kind, on, on_name, kind, name, oid, is_part in rows:
        if on not in names and on is not None:
            continue
        key = names.get(oid, "")
        if oid is None or key:
            found[label(on_kind, names.get(on, ""), on_name)].append(
                Dependent(kind, name, key, is_part)
            )
    return {name: tuple(each) for name, each in found.items()}


def read_names(answers: Sequence[Rows]) -> frozenset[tuple[str, str, str]]:
    """All names, also of what others have closed: each with its kind and its schema."""
    relations, _, types, *_, others = answers
    return frozenset(
        [
            *(("table", schema, name) for *_, schema, name in relations),
            *(("type", schema, name) for _, schema, name, *_ in types),
            *((kind, schema, name) for kind, schema, name in others),
        ]
    )


def _named(oids: Iterable[int], names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(names[oid] for oid in oids if oid in names)
