"""The key of a statement in batches, as MySQL and MariaDB have it; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.batches.key import BatchKey, KeyColumn

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.statement import Batch

TABLE = """
select table_schema, table_name, table_type, engine from information_schema.tables
where table_schema = %s and table_name = %s
"""
COLUMNS = """
select column_name, column_type, is_nullable = 'YES', data_type from information_schema.columns
where table_schema = %s and table_name = %s
"""
# Of unique indexes, the columns in their order; null where one is an expression or only begins
# with so many characters of a column. An index that a MySQL's optimizer ignores is still unique.
KEYS = """
select index_name, if(sub_part is null, column_name, null) from information_schema.statistics
where table_schema = %s and table_name = %s and non_unique = 0 order by index_name, seq_in_index
"""
# An ENUM is ordered by its numbers and compared with a text by its names; a value of FLOAT is not
# what it prints.
ORDERED = frozenset(
    [
        *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"),
        *("char", "varchar", "binary", "varbinary"),
        *("date", "datetime", "timestamp", "uuid"),
    ]
)


def read_key(session: MySQLSession, batch: Batch) -> BatchKey | None:
    """What there is of a batch's key; None: there is no such table."""
    asked = (batch.table.qualifier or session.server.database, batch.table.name)
    rows = session.query_all(TABLE, asked)
    if not rows:
        return None
    ((schema, name, kind, storage),) = rows
    columns = {row[0].lower(): row for row in session.query_all(COLUMNS, asked)}
    found = [columns[one.lower()] for one in batch.key if one.lower() in columns]
    indexes = dict[str, list[str | None]]()
    for index, column in session.query_all(KEYS, asked):
        indexes.setdefault(index, []).append(column and column.lower())
    wanted = [one.lower() for one in batch.key]
    whole = [list(map(str, each)) for each in indexes.values() if None not in each]
    return BatchKey(
        table=f"{session.quote(schema)}.{session.quote(name)}",
        columns=tuple(
            KeyColumn(column, kind_of, bool(nullable), base in ORDERED)
            for column, kind_of, nullable, base in found
        ),
        is_unique=wanted in whole,
        kind=_kind(kind, storage),
        keys=tuple(f"({', '.join(each)})" for each in whole),
    )


def _kind(kind: str, storage: str | None) -> str:
    if kind not in ("BASE TABLE", "SYSTEM VERSIONED"):
        return f"a {kind.lower()}"
    return "" if storage == "InnoDB" else f"kept by {storage}"
