"""The facts of the relations of a PostgreSQL database, by which a plan is reviewed.

It must not wait for what others have locked, nor judge: `planner.database.facts`
says who relies on what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import HISTORY_COLUMNS, OURS
from lockgate.executors.postgresql.layouts import (
    BUSY,
    QUERIES,
    kept_within,
    read_dependents,
    read_layouts,
    read_names,
    read_types,
)
from lockgate.executors.postgresql.own_settings import ENTER_LOCALLY, LEAVE_LOCALLY
from lockgate.planner.database.facts import ColumnFacts, Facts, KnownNames, Layout, TableFacts
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.database.search_path import split_path
from lockgate.planner.fleet.place import SHARED

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

NOT_HAD = "55P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
# The server opens what it measures, and would wait for a session with the strongest lock.
# Rows are estimated as its planner does, by the rows of a page and the pages of now; where none
# were counted, by the width of the columns, 32 bytes for what has none:
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/access/table/tableam.c
# What inherits from a relation, such as its partitions, is a part of it. Anybody may ask all this.
FACTS = f"""
with recursive {BUSY}, relation as (
    select c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpages, i.indrelid,
        coalesce(i.indrelid, c.oid) in (table busy) as is_busy
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_index i on i.indexrelid = c.oid
    where c.relkind in ('r', 'p', 'm', 'v', 'i', 'I', 'S', 'f')
        and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' /* within c.oid */
), measured as (
    select oid, case when relkind in ('r', 'm') and not is_busy
            then pg_relation_size(oid) / current_setting('block_size')::int else 0 end as pages,
        case when indrelid is not null then relpages * current_setting('block_size')::bigint
            when not is_busy then pg_total_relation_size(oid) end as size
    from relation
), counted as (
    select oid, size, case when reltuples >= 0 and relpages > 0 then reltuples / relpages * pages
        when pages > 0 then pages * floor((current_setting('block_size')::int - 24) / (28 + (
            select coalesce(sum(case when attlen > 0 then attlen else 32 end), 0)
            from pg_attribute where attrelid = oid and attnum > 0 and not attisdropped)))
        else 0 end as rows
    from relation join measured using (oid)
), part as (
    select oid as whole, oid from relation
    union select whole, inhrelid from part join pg_inherits on inhparent = part.oid
), whole as (
    select whole as oid, round(sum(rows))::bigint as rows, sum(size)::bigint as size,
        bool_or(size is null) as is_unknown
    from part join counted using (oid) group by whole
)
select relation.oid::int8, nspname, relname, coalesce(of_table.rows, own.rows), own.size, (
        select json_object_agg(attname, json_build_array(format_type(atttypid, atttypmod),
            attnotnull, attgenerated, greatest(atttypid, typelem)::int8, case attgenerated
            when '' then array[]::name[] else array(select source.attname from pg_attrdef d
                join pg_depend on classid = 'pg_attrdef'::regclass and objid = d.oid
                    and refobjid = adrelid and refobjsubid <> adnum
                join pg_attribute source on source.attrelid = adrelid
                    and source.attnum = refobjsubid
                where adrelid = relation.oid and adnum = a.attnum) end, case
            when atthasdef and attgenerated = '' then (select pg_get_expr(adbin, adrelid)
                from pg_attrdef where adrelid = relation.oid and adnum = a.attnum) end)
            order by attnum)
        from pg_attribute a join pg_type t on t.oid = atttypid
        where attrelid = relation.oid and attnum > 0 and not attisdropped and indrelid is null)
from relation join whole own on own.oid = relation.oid
left join whole of_table on of_table.oid = relation.indrelid
where not own.is_unknown and not relation.is_busy
"""
# By the server's own search_path; so nothing else may be found by it. The types of tables' rows,
# and of arrays, are not told.
VISIBLE = """
select c.oid::pg_catalog.int8 from pg_catalog.pg_class c
where pg_catalog.pg_table_is_visible(c.oid) /* within c.oid */
union all select t.oid::pg_catalog.int8 from pg_catalog.pg_type t
where t.typrelid operator(pg_catalog.=) 0::pg_catalog.oid
    and t.typelem operator(pg_catalog.=) 0::pg_catalog.oid and pg_catalog.pg_type_is_visible(t.oid)
union all select c.reltype::pg_catalog.int8 from pg_catalog.pg_class c
where c.relkind operator(pg_catalog.=) 'c' and pg_catalog.pg_type_is_visible(c.reltype)
"""
# The schemas of the search_path that the server gives, in their order, as far as they are there and
# may be used; and who `$user` is.
DEFAULT = """
select pg_catalog.current_schemas(false)::pg_catalog.text[], current_user::pg_catalog.text
"""
# Partitions are a part of their table, and what an extension has made, or lies in a schema of its
# own, is the extension's.
FOUND = """
select n.nspname::text, c.relname::text, array(select lower(attname::text) from pg_attribute
    where attrelid = c.oid and attnum > 0 and not attisdropped),
    c.relkind in ('r', 'p') and not c.relrowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (select from pg_depend where deptype = 'e'
        and classid = 'pg_class'::regclass and objid = c.oid)
    and not exists (select from pg_depend where deptype = 'e'
        and classid = 'pg_namespace'::regclass and objid = n.oid)
    /* within c.oid */
order by n.nspname <> %s, 1, 2
"""


def read_facts(session: PostgreSQLSession) -> Facts:
    """The relations that there are, an index with the rows of its table, and the types; without
    those that somebody has closed to all others.

    The key is the name of what the search_path finds by it, and else the name with its schema.
    """
    own = () if session.schema is None else (session.schema, SHARED)
    visible_here, *facts = [kept_within(sql, own) for sql in (VISIBLE, FACTS, *QUERIES)]
    queries = [LEAVE_LOCALLY, visible_here, DEFAULT, ENTER_LOCALLY, *facts]
    try:
        _, visible, given, _, rows, *answers = session.read_together(queries)
    except ServerError as refused:
        if refused.code != NOT_HAD:
            raise
        # Now the lock between is seen.
        _, visible, given, _, rows, *answers = session.read_together(queries)
    found = {oid for (oid,) in visible}
    ((schemas, user),) = given
    default = next(iter(schemas), "")
    named = [user if name == "$user" else name for name in split_path(session.search_path)]
    types = answers[2]
    names = {
        oid: name if oid in found else f"{schema}.{name}"
        for oid, schema, name, *_ in (*rows, *types)
    }
    layouts = read_layouts(answers, names)
    return Facts(
        {names[oid]: _table(schema, row, layouts[oid], names) for oid, schema, _, *row in rows},
        types=read_types(types, names),
        dependents=read_dependents(answers[4], names),
        volatile=tuple(name for (name,) in answers[5]),
        same=tuple((one, other) for one, other in answers[6]),
        default_schema=default,
        schemas_before=frozenset(takewhile(lambda name: name != default, named)),
        access_method=answers[7][0][0] or "",
        names=KnownNames(
            read_names(answers),
            tuple(named),
            frozenset(own) or None,
            event_triggers=tuple(
                sorted(name for kind, _, name in answers[8] if kind == "event trigger")
            ),
        ),
    )


def _table(schema: str, row: Sequence[Any], layout: Layout, names: Mapping[int, str]) -> TableFacts:
    rows, size, columns = row
    facts = {
        name: ColumnFacts(
            kind,
            nullable=not is_required,
            generated=generated != "",
            virtual=generated == "v",
            made_of=names.get(made_of, ""),
            made_from=tuple(sources),
            default=default or "",
        )
        for name, (kind, is_required, generated, made_of, sources, default) in (
            columns or {}
        ).items()
    }
    return TableFacts("", rows, size, facts, schema=schema, layout=layout)


def find_tables(session: PostgreSQLSession) -> list[FoundTable]:
    """The tables and views of all schemas, the ledger's schema first, without our own tables."""
    own = () if session.schema is None else (session.schema.replace("%", "%%"),)
    sql = kept_within(FOUND, own)
    found = [
        FoundTable(schema, name, frozenset(columns), schema == session.history_schema, is_plain)
        for schema, name, columns, is_plain in session.query_all(sql, (session.history_schema,))
    ]
    return [table for table in found if not is_own(table, session.history_name)]


def is_own(table: FoundTable, history: str) -> bool:
    """Whether a table is one of lockgate's."""
    if table.name in OURS:
        return True
    return table.name == history and table.columns == frozenset(HISTORY_COLUMNS)
