"""The facts of the tables of a MySQL or MariaDB database, by which a plan is judged.

It must not lock or open what it tells of, nor judge: `planner.database.facts` says
who relies on what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from lockgate.executors.ledger.tables import HISTORY_COLUMNS, OURS
from lockgate.executors.mysql.catalogue.details import BASE_TABLES
from lockgate.executors.mysql.catalogue.information_schema import ViewRow, ViewRows, read_views
from lockgate.planner.database.facts import (
    ColumnFacts,
    Facts,
    FiredFacts,
    ForeignKey,
    IndexFacts,
    KnownNames,
    TableFacts,
)
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.database.mentions import calls_of_a_row, read_mentions
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.database.server import dialect_of

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

ReadText = Callable[[str], Mentions]
ReadCalls = Callable[[str], tuple[str, ...] | None]
SOURCES = {
    "TABLES": "table_schema table_name table_type engine row_format table_rows data_length "
    "index_length table_collation table_comment",
    "COLUMNS": "table_schema table_name ordinal_position column_name column_type is_nullable "
    "character_set_name collation_name extra generation_expression column_default",
    "STATISTICS": "table_schema table_name index_name index_type seq_in_index column_name",
    "TRIGGERS": "event_object_schema trigger_name event_object_table action_timing "
    "event_manipulation action_order action_statement",
    "ROUTINES": "routine_schema routine_name routine_type routine_body routine_definition",
    "VIEWS": "table_schema table_name view_definition",
    # By the schema that is referred to: a foreign key may lie in another database.
    "REFERENTIAL_CONSTRAINTS": "unique_constraint_schema constraint_schema constraint_name "
    "table_name referenced_table_name update_rule delete_rule",
}
# By the schemas of the children: MariaDB would open every table of the server for their parents.
REFERRING = """
select table_schema, table_name, constraint_name, lower(referenced_column_name)
from information_schema.key_column_usage
where table_schema in %s and referenced_table_schema = %s
"""
SERVER = """
select @@session.sql_mode, @@session.default_storage_engine, @@global.automatic_sp_privileges
"""
KEEPS_USERS = "NO_AUTO_CREATE_USER"
CASCADES = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
STRICT = frozenset({"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"})
# MySQL keeps estimates of rows and size for a day, MariaDB asks each time.
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-optimization.html
EXPIRY = "information_schema_stats_expiry"
# Joined, MariaDB reads the columns of all databases.
FOUND = """
select table_name, table_type = 'BASE TABLE', '' from information_schema.tables
where table_schema = %s and table_type <> 'SEQUENCE'
union all select table_name, null, lower(column_name) from information_schema.columns
where table_schema = %s order by 1
"""


def read_facts(session: MySQLSession) -> Facts:
    """What the planner must know of the session's database, lockgate's own tables with it.

    The session must be in no transaction, as for `mysql_catalogue.read_catalogue`.
    """
    mode, default_engine, frees_rights = session.query_one(SERVER) or ("", "", 1)
    dialect = dialect_of(session.kind)
    read = partial(read_mentions, dialect=dialect)
    calls = partial(calls_of_a_row, dialect=dialect)
    with _fresh_estimates(session):
        records = read_views(session, SOURCES)
    keys = tuple(_foreign_keys(session, records["REFERENTIAL_CONSTRAINTS"]))
    return Facts(
        names=_all_names(records, session.server.database),
        tables=_tables(records, read, calls),
        views=_names(records["TABLES"], "table", "VIEW"),
        broken_views=_names(filter(_is_broken, records["TABLES"]), "table", "VIEW"),
        functions=_names(records["ROUTINES"], "routine", "FUNCTION"),
        mentions=_mentions(records, read),
        code=_code(records, read),
        has_sequences=bool(_names(records["TABLES"], "table", "SEQUENCE")),
        strict=bool(STRICT.intersection(mode.split(","))),
        grants_make_users=KEEPS_USERS not in mode if session.grants_make_users else None,
        keeps_rights=not frees_rights,
        foreign_keys=keys,
        default_engine=default_engine.lower(),
    )


@contextmanager
def _fresh_estimates(session: MySQLSession) -> Iterator[None]:
    kept = session.query_one(f"show session variables like '{EXPIRY}'")
    if not kept:
        yield
        return
    session.execute(f"set session {EXPIRY} = 0")
    try:
        yield
    finally:
        if session.is_open:
            session.execute(f"set session {EXPIRY} = %s", (int(kept[1]),))


def _mentions(records: ViewRows, read: ReadText) -> dict[str, Mentions]:
    """What views mention. The server shows a definition in one style, whatever the sql_mode is,
    and none without SHOW VIEW: such a view may call every function and move every sequence."""
    functions = _names(records["ROUTINES"], "routine", "FUNCTION")
    sequences = _names(records["TABLES"], "table", "SEQUENCE")
    worst = Mentions(calls=_lowered(functions), sequences=_lowered(sequences))
    found: defaultdict[str, Mentions] = defaultdict(Mentions)
    for row in records["VIEWS"]:
        text = row["view_definition"]
        found[row["table_name"].lower()] |= read(text) if text else worst
    return dict(found)


def _code(records: ViewRows, read: ReadText) -> dict[str, Mentions]:
    """What functions mention, of those in SQL whose bodies the role may see."""
    return {
        row["routine_name"].lower(): read(row["routine_definition"])
        for row in records["ROUTINES"]
        if row["routine_type"] == "FUNCTION"
        and row["routine_body"] == "SQL"
        and row["routine_definition"]
    }


def _triggered(triggers: Iterable[ViewRow], read: ReadText) -> Mentions | None:
    """What the bodies of triggers mention; None: one is not shown."""
    found = Mentions()
    for row in triggers:
        if not row["action_statement"]:
            return None
        found |= read(row["action_statement"])
    return found


def _fired(trigger: ViewRow, calls: ReadCalls) -> FiredFacts:
    """When a trigger runs, and what it calls if its body is shown."""
    body, event = trigger["action_statement"], trigger["event_manipulation"].lower()
    return FiredFacts("trigger", (event,), calls=calls(body) if body else None)


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _tables(records: ViewRows, read: ReadText, calls: ReadCalls) -> dict[str, TableFacts]:
    keys = [row for row in records["STATISTICS"] if row["index_name"] == "PRIMARY"]
    columns = _grouped(records["COLUMNS"], "table_name", "ordinal_position")
    primary = _grouped(keys, "table_name", "seq_in_index")
    indexed = _grouped(records["STATISTICS"], "table_name", "seq_in_index")
    triggers = _grouped(records["TRIGGERS"], "event_object_table", "action_order")
    return {
        name: TableFacts(
            storage_engine=row["engine"] or "",
            rows=int(row["table_rows"] or 0),
            size=int(row["data_length"] or 0) + int(row["index_length"] or 0),
            columns={column["column_name"]: _column(column) for column in columns[name]},
            primary_key=tuple(part["column_name"] for part in primary[name]),
            triggers=tuple(sorted(trigger["trigger_name"] for trigger in triggers[name])),
            collation=row["table_collation"] or "",
            triggered=_triggered(triggers[name], read),
            fires={each["trigger_name"]: _fired(each, calls) for each in triggers[name]},
            sequences=_default_sequences(columns[name], read),
            versioned=row["table_type"] == "SYSTEM VERSIONED",
            indexes=_indexes(indexed[name]),
            compressed=(row["row_format"] or "").lower() == "compressed",
        )
        for row in records["TABLES"]
        if row["table_type"] in BASE_TABLES and (name := row["table_name"])
    }


def _indexes(parts: Iterable[ViewRow]) -> dict[str, IndexFacts]:
    """The indexes of a table, from their parts in order. MySQL names no column of an expression."""
    kinds: dict[str, str] = {}
    columns: defaultdict[str, list[str]] = defaultdict(list)
    for part in parts:
        name = part["index_name"].lower()
        kinds[name] = part["index_type"].lower()
        columns[name] += [part["column_name"].lower()] if part["column_name"] else []
    return {name: IndexFacts(kind, tuple(columns[name])) for name, kind in kinds.items()}


def _default_sequences(columns: Iterable[ViewRow], read: ReadText) -> frozenset[str]:
    defaults = (row["column_default"] for row in columns)
    found = (read(text).sequences for text in defaults if text)
    return frozenset[str]().union(*found)


def _is_broken(row: ViewRow) -> bool:
    """Of a view: its comment is VIEW, or with what error the server fails to open it.

    https://dev.mysql.com/doc/refman/9.7/en/information-schema-tables-table.html
    """
    return bool(row["table_comment"] != "VIEW")


def _column(row: ViewRow) -> ColumnFacts:
    extra = (row["extra"] or "").lower()
    return ColumnFacts(
        type=row["column_type"],
        nullable=row["is_nullable"] == "YES",
        charset=row["character_set_name"] or "",
        collation=row["collation_name"] or "",
        # MySQL says DEFAULT_GENERATED of a default that is an expression.
        generated=bool(row["generation_expression"]) or " generated" in extra,
        virtual="virtual generated" in extra,
        updates_itself="on update" in extra,
        counts="auto_increment" in extra,
    )


def _foreign_keys(session: MySQLSession, rows: Sequence[ViewRow]) -> Iterator[ForeignKey]:
    """Those that lead to tables of the database, from wherever they are."""
    database = session.server.database
    schemas = sorted({row["constraint_schema"] for row in rows})
    found = session.query_all(REFERRING, (schemas, database)) if schemas else []
    columns: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for *key, column in found:
        columns[tuple(key)].append(column)
    for row in sorted(rows, key=_key):
        schema, table = row["constraint_schema"], row["table_name"]
        yield ForeignKey(
            child=table if schema == database else f"{schema}.{table}",
            parent=row["referenced_table_name"],
            name=row["constraint_name"],
            columns=tuple(sorted(columns[_key(row)])),
            on_update=row["update_rule"] in CASCADES,
            on_delete=row["delete_rule"] in CASCADES,
        )


def _key(row: ViewRow) -> tuple[str, ...]:
    return row["constraint_schema"], row["table_name"], row["constraint_name"]


def _grouped(rows: Iterable[ViewRow], by: str, order: str) -> defaultdict[str, list[ViewRow]]:
    groups: defaultdict[str, list[ViewRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row[order])):
        groups[row[by]].append(row)
    return groups


def _names(rows: Iterable[ViewRow], what: str, kind: str) -> frozenset[str]:
    return frozenset(row[f"{what}_name"] for row in rows if row[f"{what}_type"] == kind)


def _all_names(records: ViewRows, database: str) -> KnownNames:
    """What a role may not see, it may not drop either."""
    tables = {("table", database, row["table_name"].lower()) for row in records["TABLES"]}
    routines = {("function", database, row["routine_name"].lower()) for row in records["ROUTINES"]}
    return KnownNames(frozenset(tables | routines), (database,), frozenset({database}), folded=True)


def find_tables(session: MySQLSession) -> list[FoundTable]:
    """The tables and views of the session's database, without our own tables."""
    schema = session.server.database
    columns: dict[str, set[str]] = defaultdict(set)
    plain: dict[str, bool] = {}
    for table, is_plain, column in session.query_all(FOUND, (schema, schema)):
        if column:
            columns[table].add(column)
        else:
            plain[table] = bool(is_plain)
    return [
        FoundTable(schema, name, frozenset(found), is_plain=plain[name])
        for name, found in columns.items()
        if name in plain
        and not (schema == session.history_schema and _is_own(name, found, session.history_name))
    ]


def _is_own(name: str, columns: set[str], history: str) -> bool:
    """Whether a table is one of lockgate's; a server may tell its name in lower case."""
    if name.lower() in OURS:
        return True
    return name.lower() == history.lower() and columns == set(HISTORY_COLUMNS)
