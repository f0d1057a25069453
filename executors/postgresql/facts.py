"""The facts of the relations of a PostgreSQL database, by which a plan is reviewed.

It must not wait for what others have locked, nor judge: `planner.database.facts`
says who relies on what.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from lockgate.executors.failure import ServerError
from lockgate.executors.postgresql.own_settings import ENTER_LOCALLY, LEAVE_LOCALLY
from lockgate.planner.database.facts import ColumnFacts, Facts, TableFacts
from lockgate.planner.database.search_path import split_path

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

NOT_HAD = "55P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
# The server opens what it measures, and would wait for who holds or awaits the strongest lock.
# Rows are estimated as its planner does, by the rows of a page and the pages of now; where nobody
# has counted, by the width of the columns, 32 bytes for what has none:
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/access/table/tableam.c
# What inherits from a relation, such as its partitions, is a part of it. Anybody may ask all this.
FACTS = """
with recursive busy as (
    select coalesce(i.indrelid, t.oid, l.relation) as oid from pg_locks l
    left join pg_index i on i.indexrelid = l.relation
    left join pg_class t on t.reltoastrelid = l.relation
    where l.mode = 'AccessExclusiveLock' and l.locktype = 'relation'
        and l.pid is distinct from pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())
), relation as (
    select c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpages, i.indrelid,
        coalesce(i.indrelid, c.oid) in (table busy) as is_busy
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_index i on i.indexrelid = c.oid
    where c.relkind in ('r', 'p', 'm', 'i', 'I')
        and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
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
        select json_object_agg(attname, array[format_type(atttypid, atttypmod),
            case when attnotnull then 'not null' else 'null' end] order by attnum)
        from pg_attribute where attrelid = relation.oid and attnum > 0 and not attisdropped
            and indrelid is null)
from relation join whole own on own.oid = relation.oid
left join whole of_table on of_table.oid = relation.indrelid
where not own.is_unknown and not relation.is_busy
"""
# By the server's own search_path; so nothing else may be found by it.
VISIBLE = """
select c.oid::pg_catalog.int8 from pg_catalog.pg_class c
where pg_catalog.pg_table_is_visible(c.oid)
"""
# The schemas of the search_path that the server gives, in their order, as far as they are there and
# may be used; and who `$user` is.
DEFAULT = """
select pg_catalog.current_schemas(false)::pg_catalog.text[], current_user::pg_catalog.text
"""


def read_facts(session: PostgreSQLSession) -> Facts:
    """The tables, materialized views and indexes that there are, an index with the rows of its
    table; without those that somebody has closed to all others.

    The key is the name of what the search_path finds by it, and else the name with its schema.
    """
    queries = [LEAVE_LOCALLY, VISIBLE, DEFAULT, ENTER_LOCALLY, FACTS]
    try:
        _, visible, given, _, rows = session.read_together(queries)
    except ServerError as refused:
        if refused.code != NOT_HAD:
            raise
        _, visible, given, _, rows = session.read_together(queries)  # now the lock between is seen
    found = {oid for (oid,) in visible}
    ((schemas, user),) = given
    default = next(iter(schemas), "")
    named = [user if name == "$user" else name for name in split_path(session.search_path)]
    return Facts(
        {
            name if oid in found else f"{schema}.{name}": _table(schema, row)
            for oid, schema, name, *row in rows
        },
        default_schema=default,
        schemas_before=frozenset(takewhile(lambda name: name != default, named)),
    )


def _table(schema: str, row: Sequence[Any]) -> TableFacts:
    rows, size, columns = row
    facts = {
        name: ColumnFacts(kind, nullable=nullability == "null")
        for name, (kind, nullability) in (columns or {}).items()
    }
    return TableFacts("", rows, size, facts, schema=schema)
