"""PostgreSQL's catalogue of all that is no table's, as queries like `relations`'.

They must not tell a password: a user mapping's options are left out.
"""

from __future__ import annotations

from lockgate.executors.postgresql.catalogue.relations import (
    COLLATION,
    IN_SCHEMA,
    by_itself,
    free,
    in_order,
    of_users,
    options,
    privileges,
)

ROUTINES = f"""
select case p.prokind when 'p' then 'procedure ' when 'a' then 'aggregate ' else 'function ' end
    || p.oid::regprocedure, '', null::int, json_build_object(
    'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end,
    'arguments', case when p.prokind = 'a' then pg_get_function_arguments(p.oid) end,
    'aggregate', case when p.prokind = 'a' then json_strip_nulls(json_build_object(
        'kind', a.aggkind, 'direct', a.aggnumdirectargs, 'parallel', p.proparallel,
        'step', a.aggtransfn::regprocedure, 'final', nullif(a.aggfinalfn, 0)::regprocedure,
        'combine', nullif(a.aggcombinefn, 0)::regprocedure,
        'serialize', nullif(a.aggserialfn, 0)::regprocedure,
        'deserialize', nullif(a.aggdeserialfn, 0)::regprocedure,
        'moving step', nullif(a.aggmtransfn, 0)::regprocedure,
        'moving inverse', nullif(a.aggminvtransfn, 0)::regprocedure,
        'moving final', nullif(a.aggmfinalfn, 0)::regprocedure, 'extra', a.aggfinalextra,
        'moving extra', a.aggmfinalextra, 'modify', a.aggfinalmodify,
        'moving modify', a.aggmfinalmodify, 'state', format_type(a.aggtranstype, null),
        'moving state', format_type(nullif(a.aggmtranstype, 0), null),
        'initial', a.agginitval, 'moving initial', a.aggminitval, 'space', a.aggtransspace,
        'moving space', a.aggmtransspace,
        'sort operator', nullif(a.aggsortop, 0)::regoperator)) end,
    'owner', pg_get_userbyid(p.proowner),
    'privileges', {privileges("p.proacl", "f", "p.proowner")},
    'comment', obj_description(p.oid, 'pg_proc'))
from pg_proc p {IN_SCHEMA} p.pronamespace left join pg_aggregate a on a.aggfnoid = p.oid
where {of_users("pg_proc", "p.oid")} and {by_itself("pg_proc", "p.oid")}
"""
# Not the types that come with others: of a table's rows, of arrays, of multiranges.
TYPES = f"""
select case t.typtype when 'd' then 'domain ' else 'type ' end
    || format('%I.%I', n.nspname, t.typname), '', null::int, json_build_object(
    'labels', nullif(array(select enumlabel from pg_enum where enumtypid = t.oid
        order by enumsortorder), '{{}}'),
    'of', format_type(nullif(t.typbasetype, 0), t.typtypmod),
    'not null', nullif(t.typnotnull, false), 'default', t.typdefault,
    'collation', case when t.typtype = 'd' then ({COLLATION} t.typcollation) end,
    'range', (select json_build_object('of', format_type(r.rngsubtype, null),
        'operators', (select format('%I', opcname) from pg_opclass where oid = r.rngsubopc),
        'collation', ({COLLATION} r.rngcollation),
        'canonical', nullif(r.rngcanonical, 0)::regprocedure,
        'difference', nullif(r.rngsubdiff, 0)::regprocedure,
        'multirange', format_type(r.rngmultitypid, null))
        from pg_range r where r.rngtypid = t.oid),
    'base', case when t.typtype = 'b' then json_build_array(t.typinput::regprocedure,
        t.typoutput::regprocedure, t.typlen, t.typbyval, t.typalign, t.typstorage) end,
    'owner', pg_get_userbyid(t.typowner),
    'privileges', {privileges("t.typacl", "T", "t.typowner")},
    'comment', obj_description(t.oid, 'pg_type'))
from pg_type t {IN_SCHEMA} t.typnamespace left join pg_class c on c.oid = t.typrelid
where t.typtype in ('b', 'c', 'd', 'e', 'r') and coalesce(c.relkind, 'c') = 'c'
    and not exists (select from pg_type i where i.typarray = t.oid)
    and {of_users("pg_type", "t.oid")}
"""
DOMAIN_CONSTRAINTS = f"""
select format('domain %I.%I', n.nspname, t.typname), 'constraint ' || quote_ident(k.conname),
    null::int, json_build_object('definition', pg_get_constraintdef(k.oid),
    'comment', obj_description(k.oid, 'pg_constraint'))
from pg_constraint k join pg_type t on t.oid = k.contypid {IN_SCHEMA} t.typnamespace
where {of_users("pg_type", "t.oid")}
"""
SCHEMAS = f"""
select 'schema ' || quote_ident(n.nspname), '', null::int, json_build_object(
    'owner', pg_get_userbyid(n.nspowner),
    'privileges', {privileges("n.nspacl", "n", "n.nspowner")},
    'comment', obj_description(n.oid, 'pg_namespace'))
from pg_namespace n where {of_users("pg_namespace", "n.oid")}
"""
EXTENSIONS = """
select 'extension ' || quote_ident(x.extname), '', null::int, json_build_object(
    'version', x.extversion, 'schema', x.extnamespace::regnamespace::text,
    'comment', obj_description(x.oid, 'pg_extension'))
from pg_extension x
"""
PUBLICATIONS = """
select 'publication ' || quote_ident(p.pubname), '', null::int,
    to_jsonb(p) - '{oid,pubname,pubowner}'::text[] || jsonb_build_object(
    'owner', pg_get_userbyid(p.pubowner), 'comment', obj_description(p.oid, 'pg_publication'))
from pg_publication p
"""
# Of the tables that were named; others come and go without the publication being changed.
PUBLISHED = """
select 'publication ' || quote_ident(p.pubname), 'table ' || r.prrelid::regclass, null::int,
    to_jsonb(t) - '{pubname,schemaname,tablename,attnames}'::text[] || jsonb_build_object(
    'columns', case when to_jsonb(r)->>'prattrs' is not null then (
        select jsonb_agg(name order by name) from jsonb_array_elements(to_jsonb(t)->'attnames') name
    ) end)
from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
join pg_publication_tables t on (t.pubname, t.schemaname, t.tablename)
    = (p.pubname, n.nspname, c.relname)
"""
# Since PostgreSQL 15.
PUBLISHED_SCHEMAS = """
select 'publication ' || quote_ident(p.pubname), 'schema ' || s.pnnspid::regnamespace, null::int,
    '{}'::json
from pg_publication p join pg_publication_namespace s on s.pnpubid = p.oid
"""
EVENT_TRIGGERS = f"""
select 'event trigger ' || quote_ident(t.evtname), '', null::int, json_build_object(
    'event', t.evtevent, 'tags', {options("t.evttags")},
    'function', t.evtfoid::regprocedure::text, 'enabled', nullif(t.evtenabled, 'O'),
    'owner', pg_get_userbyid(t.evtowner), 'comment', obj_description(t.oid, 'pg_event_trigger'))
from pg_event_trigger t where {free("pg_event_trigger", "t.oid")}
"""
COLLATIONS = f"""
select format('collation %I.%I', n.nspname, c.collname), '', null::int,
    to_jsonb(c) - '{{oid,collname,collnamespace,collowner,collversion}}'::text[]
    || jsonb_build_object('owner', pg_get_userbyid(c.collowner),
    'comment', obj_description(c.oid, 'pg_collation'))
from pg_collation c {IN_SCHEMA} c.collnamespace where {of_users("pg_collation", "c.oid")}
"""
OPERATORS = f"""
select 'operator ' || o.oid::regoperator, '', null::int, json_build_object(
    'function', o.oprcode::oid::regprocedure::text,
    'commutator', nullif(o.oprcom, 0)::regoperator::text,
    'negator', nullif(o.oprnegate, 0)::regoperator::text,
    'restrict', nullif(o.oprrest::oid, 0)::regprocedure::text,
    'join', nullif(o.oprjoin::oid, 0)::regprocedure::text, 'hashes', o.oprcanhash,
    'merges', o.oprcanmerge, 'owner', pg_get_userbyid(o.oprowner),
    'comment', obj_description(o.oid, 'pg_operator'))
from pg_operator o {IN_SCHEMA} o.oprnamespace where {of_users("pg_operator", "o.oid")}
"""
OPERATOR_CLASSES = f"""
select format('operator class %I.%I using %I', n.nspname, o.opcname, m.amname), '', null::int,
    json_build_object('type', format_type(o.opcintype, null), 'default', o.opcdefault,
    'stored', format_type(nullif(o.opckeytype, 0), null), 'operators', array(
        select format('%s %s', amopstrategy, amopopr::regoperator) from pg_amop
        where amopfamily = o.opcfamily order by 1), 'functions', array(
        select format('%s %s', amprocnum, amproc::oid::regprocedure) from pg_amproc
        where amprocfamily = o.opcfamily order by 1),
    'owner', pg_get_userbyid(o.opcowner), 'comment', obj_description(o.oid, 'pg_opclass'))
from pg_opclass o {IN_SCHEMA} o.opcnamespace join pg_am m on m.oid = o.opcmethod
where {of_users("pg_opclass", "o.oid")}
"""
# A cast has no schema; the server's own have oids below those that it gives to users' objects.
# https://www.postgresql.org/docs/current/system-catalog-initial-data.html
CASTS = f"""
select format('cast (%s as %s)', format_type(k.castsource, null), format_type(k.casttarget, null)),
    '', null::int, json_build_object('function', nullif(k.castfunc, 0)::regprocedure::text,
    'context', k.castcontext, 'method', k.castmethod, 'comment', obj_description(k.oid, 'pg_cast'))
from pg_cast k where k.oid >= 16384
    and {free("pg_cast", "k.oid")} and {by_itself("pg_cast", "k.oid")}
"""
TEXT_SEARCH = f"""
select format('text search configuration %I.%I', n.nspname, c.cfgname), '', null::int,
    json_build_object('parser', (select prsname from pg_ts_parser where oid = c.cfgparser),
    'mapping', array(select format('%s %s %s', maptokentype, mapseqno, mapdict::regdictionary)
        from pg_ts_config_map where mapcfg = c.oid order by maptokentype, mapseqno),
    'owner', pg_get_userbyid(c.cfgowner), 'comment', obj_description(c.oid, 'pg_ts_config'))
from pg_ts_config c {IN_SCHEMA} c.cfgnamespace where {of_users("pg_ts_config", "c.oid")}
"""
DICTIONARIES = f"""
select format('text search dictionary %I.%I', n.nspname, d.dictname), '', null::int,
    json_build_object('template', (select tmplname from pg_ts_template where oid = d.dicttemplate),
    'options', d.dictinitoption, 'owner', pg_get_userbyid(d.dictowner),
    'comment', obj_description(d.oid, 'pg_ts_dict'))
from pg_ts_dict d {IN_SCHEMA} d.dictnamespace where {of_users("pg_ts_dict", "d.oid")}
"""
WRAPPERS = f"""
select 'foreign data wrapper ' || quote_ident(w.fdwname), '', null::int, json_build_object(
    'handler', nullif(w.fdwhandler, 0)::regprocedure::text,
    'validator', nullif(w.fdwvalidator, 0)::regprocedure::text,
    'options', {options("w.fdwoptions")}, 'owner', pg_get_userbyid(w.fdwowner),
    'privileges', {privileges("w.fdwacl", "F", "w.fdwowner")})
from pg_foreign_data_wrapper w where {free("pg_foreign_data_wrapper", "w.oid")}
"""
SERVERS = f"""
select 'server ' || quote_ident(s.srvname), '', null::int, json_build_object(
    'wrapper', (select fdwname from pg_foreign_data_wrapper where oid = s.srvfdw),
    'type', s.srvtype, 'version', s.srvversion, 'options', {options("s.srvoptions")},
    'owner', pg_get_userbyid(s.srvowner),
    'privileges', {privileges("s.srvacl", "S", "s.srvowner")})
from pg_foreign_server s where {free("pg_foreign_server", "s.oid")}
"""
MAPPINGS = """
select 'server ' || quote_ident(srvname), 'user ' || usename, null::int, '{}'::json
from pg_user_mappings
"""
DEFAULT_PRIVILEGES = f"""
select 'default privileges', format('of %s for %s%s', pg_get_userbyid(d.defaclrole),
    d.defaclobjtype, ' in ' || nullif(d.defaclnamespace, 0)::regnamespace), null::int,
    json_build_object('privileges', {in_order("d.defaclacl")})
from pg_default_acl d
"""
DATABASE = f"""
select 'database', '', null::int, json_build_object('comment', shobj_description(d.oid,
    'pg_database'), 'privileges', {privileges("d.datacl", "d", "d.datdba")},
    'settings', nullif(array(select format('%s%s', nullif(s.setrole, 0)::regrole || ': ', setting)
        from pg_db_role_setting s, unnest(s.setconfig) setting where s.setdatabase = d.oid
        order by 1), '{{}}'))
from pg_database d where d.datname = current_database()
"""
OTHERS = (
    ROUTINES, TYPES, DOMAIN_CONSTRAINTS, SCHEMAS, EXTENSIONS, PUBLICATIONS, PUBLISHED,
    EVENT_TRIGGERS, COLLATIONS, OPERATORS, OPERATOR_CLASSES, CASTS, TEXT_SEARCH,
    DICTIONARIES, WRAPPERS, SERVERS, MAPPINGS, DEFAULT_PRIVILEGES, DATABASE,
)  # fmt: skip
