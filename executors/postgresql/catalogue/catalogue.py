"""The catalogue of a PostgreSQL database, from pg_catalog and the server's own definitions.

It must not read what differs between equal databases: oids, the order of columns, the values of
sequences. What belongs to an extension is the extension's, and is not listed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.executors.ledger.tables import OURS
from lockgate.executors.postgresql.catalogue.objects import OTHERS, PUBLISHED_SCHEMAS
from lockgate.executors.postgresql.catalogue.relations import TABLES
from lockgate.executors.postgresql.catalogue.schema import keep_to_schema
from lockgate.planner.database.catalogue import (
    ANYWHERE,
    DATABASE,
    SHORT,
    Catalogue,
    Detail,
    assemble,
)
from lockgate.planner.quoting import spelled_out

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.postgresql.session import PostgreSQLSession

# A schema that holds nothing else was made for them.
HIDDEN = """
select format('table %%I.%%I', schema, name)
from unnest(%s::text[]) name, (values (%s::text)) of (schema)
union all select 'schema ' || quote_ident(n.nspname) from pg_namespace n
where n.nspname = %s and n.nspname <> 'public' and not exists (
    select from pg_depend d join pg_class c on c.oid = d.objid
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    and d.classid = 'pg_class'::regclass and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and c.relname <> all (%s))
"""

SINCE = {
    140000: (
        "nullif(a.attcompression, '')",
        "format_type(r.rngmultitypid, null)",
        "pg_get_statisticsobjdef_expressions(s.oid)",
    ),
}
"""What the queries ask for, by the version that brought it."""


# One value, so that a run can leave it in its ledger without reading it. What it says is only held
# against what it has said before.
DIGESTS = """
(with detail (object, part, attributes) as materialized ({details})
select coalesce(json_object_agg(object, digest), '{{}}')::text from (
    select object, left(encode(sha256(convert_to(string_agg(concat_ws(' ', part, attributes),
        chr(10) order by part collate "C", attributes collate "C"), 'UTF8')), 'hex'), {short})
    from detail where object <> '{database}'
    and object not in (select name from ({hidden}) hidden (name))
    group by object
) told (object, digest))
"""
DETAIL = "select one, two, four::text from ({}) detail (one, two, three, four)"


def read_catalogue(session: PostgreSQLSession) -> Catalogue:
    """All that the session's database holds, as it is now, without lockgate's own tables, nor a
    schema that is for them alone. The session must be in no transaction.

    Roles and tablespaces belong to all databases of a server, and are not told.
    """
    names, schema = [session.history_name, *OURS], session.history_schema
    hidden = {name for (name,) in session.query_all(HIDDEN, (names, schema, schema, names))}
    found = session.read_together(_queries(session))
    details = (detail for rows in found for detail in _details(rows))
    return assemble(detail for detail in details if detail.object not in hidden)


def digests_expression(session: PostgreSQLSession) -> str:
    """SQL whose value is a JSON object: each object of the database, without lockgate's own, with a
    short digest that changes with it. A session that keeps to a schema tells what that holds."""
    names = f"array[{', '.join(map(spelled_out, [session.history_name, *OURS]))}]"
    schema = spelled_out(session.history_schema)
    hidden = HIDDEN % (names, schema, schema, names)
    queries: Iterable[str] = _queries(session)
    if session.schema is not None:
        queries = keep_to_schema(session, queries)
    details = " union all ".join(map(DETAIL.format, queries))
    return DIGESTS.format(details=details, hidden=hidden, short=SHORT, database=DATABASE)


def _queries(session: PostgreSQLSession) -> Iterator[str]:
    version = session.server.dialect.version
    newer = [PUBLISHED_SCHEMAS] * (version >= 150000)
    return (_as_known(query, version) for query in (*TABLES, *OTHERS, *newer))


def _as_known(query: str, version: int) -> str:
    """The query, with null in place of what the server does not have yet."""
    for since, unknown in SINCE.items():
        if version < since:
            for part in unknown:
                query = query.replace(part, "null")
    return query


def _details(rows: list[Row]) -> Iterator[Detail]:
    for name, part, place, attributes in rows:
        yield Detail(name, part, attributes, ANYWHERE if place is None else int(place))
