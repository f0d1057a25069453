"""The rows of information_schema as a catalogue's details, one function a kind of object.

It must not ask the server: `catalogue` does, and says which columns there are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.database.catalogue import ANYWHERE, Detail
from lockgate.planner.quoting import backquoted

if TYPE_CHECKING:
    from lockgate.executors.mysql.catalogue.information_schema import ViewRow, ViewRows

BASE_TABLES = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})
# Attributes where an empty text is not the same as none.
EMPTY_COUNTS = frozenset({"column_default", "parameter_default"})
EXPRESSIONS = frozenset({"generation_expression", "check_clause"})
INTRODUCER = re.compile(r"\b_[a-z][a-z0-9]*(?=\\?')")
PARTS = ("partition", "subpartition")
SUBPARTITIONS = 1 << 14  # more than the 8192 parts that a table may have


def describe_rows(records: ViewRows, database: str) -> Iterator[Detail]:
    """The details of everything that information_schema tells by itself."""
    yield from _database(records)
    yield from _tables(records)
    yield from _columns(records, database)
    yield from _indexes(records)
    yield from _foreign_keys(records, database)
    yield from _checks(records)
    yield from _partitions(records)
    yield from _routines(records)
    for view, kind in (("TRIGGERS", "trigger"), ("EVENTS", "event"), ("LIBRARIES", "library")):
        for row in records[view]:
            yield Detail(f"{kind} {row[f'{kind}_name']}", "", attributes(row, f"{kind}_name"))
    for row in records["VIEWS"]:
        definition = local(row["view_definition"], database)
        whole = {**row, "view_definition": definition}
        yield Detail(f"view {row['table_name']}", "", attributes(whole, "table_name"))


def attributes(row: ViewRow, *known: str) -> dict[str, object]:
    """What a row says of its object, without the schema's name and what is `known`."""
    _, *columns = row
    return {
        column: None if row[column] == "" and column not in EMPTY_COUNTS else _said(row, column)
        for column in columns
        if column not in known
    }


def _said(row: ViewRow, column: str) -> object:
    """A value; of an expression, without the character sets of its strings: MySQL gives a string
    another one when a column beside it is altered."""
    text = row[column]
    return INTRODUCER.sub("", text) if text and column in EXPRESSIONS else text


def local(text: str | None, database: str) -> str | None:
    """A definition without the name of its own database, which the server writes into it.

    >>> local("select 1 from `shop`.`orders`", "shop")
    'select 1 from `orders`'
    """
    qualifier = f"{backquoted(database)}."
    return text.replace(qualifier, "") if text else text


def base_tables(records: ViewRows) -> set[str]:
    """The names of the tables that hold rows: no views and no sequences."""
    return {row["table_name"] for row in records["TABLES"] if row["table_type"] in BASE_TABLES}


def _database(records: ViewRows) -> Iterator[Detail]:
    for row in records["SCHEMATA"]:
        yield Detail("database", "", attributes(row))


def _tables(records: ViewRows) -> Iterator[Detail]:
    for row in records["TABLES"]:
        if row["table_type"] in BASE_TABLES:
            yield Detail(f"table {row['table_name']}", "", attributes(row, "table_name"))


def _columns(records: ViewRows, database: str) -> Iterator[Detail]:
    named = ("table_name", "column_name", "ordinal_position")
    tables = base_tables(records)
    for row in records["COLUMNS"]:
        if row["table_name"] in tables:
            told = attributes(row, *named)
            told["column_default"] = local(row["column_default"], database)
            part, place = f"column {row['column_name']}", int(row["ordinal_position"])
            yield Detail(f"table {row['table_name']}", part, told, place)


def _indexes(records: ViewRows) -> Iterator[Detail]:
    of_columns = ("seq_in_index", "column_name", "expression", "sub_part", "collation")
    for (table, name), rows in _grouped(records["STATISTICS"], "index_name", _by("seq_in_index")):
        told = attributes(rows[0], "table_name", "index_name", *of_columns)
        yield Detail(f"table {table}", f"index {name}", {"on": [*map(_key_part, rows)], **told})


def _key_part(row: ViewRow) -> str:
    of: str = row["column_name"] or f"({INTRODUCER.sub('', row['expression'])})"
    length = f"({row['sub_part']})" if row["sub_part"] else ""
    return of + length + " desc" * bool(row["collation"] == "D")


def _foreign_keys(records: ViewRows, database: str) -> Iterator[Detail]:
    keys = [row for row in records["KEY_COLUMN_USAGE"] if row["referenced_table_name"]]
    columns = dict(_grouped(keys, "constraint_name", _by("ordinal_position")))
    for row in records["REFERENTIAL_CONSTRAINTS"]:
        table, name = row["table_name"], row["constraint_name"]
        pairs = columns.get((table, name), [])
        told = {
            "on": [pair["column_name"] for pair in pairs],
            "references": _referenced(pairs, database),
            **attributes(row, "table_name", "constraint_name"),
        }
        yield Detail(f"table {table}", f"foreign key {name}", told)


def _referenced(pairs: Sequence[ViewRow], database: str) -> list[str]:
    """The referenced table and its columns."""
    if not pairs:
        return []
    schema, table = pairs[0]["referenced_table_schema"], pairs[0]["referenced_table_name"]
    qualifier = "" if schema == database else f"{schema}."
    return [f"{qualifier}{table}", *(pair["referenced_column_name"] for pair in pairs)]


def _checks(records: ViewRows) -> Iterator[Detail]:
    """MySQL says in another view than the clause which table a check belongs to; MariaDB gives
    checks of different tables the same name."""
    owners = {
        row["constraint_name"]: row
        for row in records["TABLE_CONSTRAINTS"]
        if row["constraint_type"] == "CHECK"
    }
    for row in records["CHECK_CONSTRAINTS"]:
        name = row["constraint_name"]
        whole = row if "table_name" in row else {**row, **owners.get(name, {"table_name": ""})}
        known = ("table_schema", "table_name", "constraint_name", "constraint_type")
        told = attributes(whole, *known)
        yield Detail(f"table {whole['table_name']}", f"check {name}", told)


def _partitions(records: ViewRows) -> Iterator[Detail]:
    positions = [f"{part}_ordinal_position" for part in PARTS]
    of_table = [f"{part}_{what}" for part in PARTS for what in ("method", "expression")]
    names = ("table_name", "partition_name", "subpartition_name")
    for row in records["PARTITIONS"]:
        if row["partition_name"] is None:
            continue
        table = f"table {row['table_name']}"
        place = int(row[positions[0]]) * SUBPARTITIONS + int(row[positions[1]] or 0)
        part = f"partition {row['partition_name']} {row['subpartition_name'] or ''}".rstrip()
        yield Detail(table, part, attributes(row, *names, *positions, *of_table), ANYWHERE + place)
        if place <= SUBPARTITIONS + 1:  # the first: what all of them share comes once
            yield Detail(table, "partitions", {name: row[name] for name in of_table})


def _routines(records: ViewRows) -> Iterator[Detail]:
    named = ("routine_name", "routine_type")
    for row in records["ROUTINES"]:
        yield Detail(_routine(row, "routine_name"), "", attributes(row, *named))
    parameters = ("specific_name", "routine_type", "ordinal_position", "parameter_name")
    for row in records["PARAMETERS"]:
        place, name = int(row["ordinal_position"]), row["parameter_name"]
        part = f"parameter {name}" if place else "returns"
        yield Detail(_routine(row, "specific_name"), part, attributes(row, *parameters), place)


def _routine(row: ViewRow, name: str) -> str:
    return f"{row['routine_type'].lower()} {row[name]}"


def _by(column: str) -> Callable[[ViewRow], int]:
    return lambda row: int(row[column])


def _grouped(
    rows: Iterable[ViewRow], name: str, key: Callable[[ViewRow], int]
) -> Iterator[tuple[tuple[str, str], list[ViewRow]]]:
    """The rows of each table's named part, in their order."""
    groups: defaultdict[tuple[str, str], list[ViewRow]] = defaultdict(list)
    for row in sorted(rows, key=key):
        groups[row["table_name"], row[name]].append(row)
    yield from groups.items()
