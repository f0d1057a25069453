"""UNIQUE and PRIMARY KEY: by an index that was built concurrently.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.postgresql.nodes import Node, texts
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import NoSafeForm, Original, Pieces, SafePart, alter_table
from lockgate.planner.rewriting.postgresql.constraint import added, dropped
from lockgate.planner.rewriting.postgresql.create_index import build
from lockgate.planner.rewriting.postgresql.not_null import required

KINDS = ("AlterTableStmt",)
USUAL = {"ordering": "SORTBY_DEFAULT", "nulls_ordering": "SORTBY_NULLS_DEFAULT"}
PRIMARY = "CONSTR_PRIMARY"


def rewrite(original: Original) -> Pieces | None:
    """The index, then the constraint that takes it; before both, the columns of a primary key that
    may hold NULL are required."""
    if original.command["subtype"] != "AT_AddConstraint":
        return None
    node = original.command["def"]["Constraint"]
    if node["contype"] not in (PRIMARY, "CONSTR_UNIQUE") or node.get("indexname"):
        return None
    if node.get("without_overlaps"):
        raise NoSafeForm("no index that is built concurrently makes WITHOUT OVERLAPS")
    facts = original.table_facts
    if facts and facts.layout and facts.layout.kind == "partitioned":
        raise NoSafeForm("the table is partitioned, and a key of it takes no index that is there")
    required_first = _nullable(original, node) if node["contype"] == PRIMARY else ()
    return (*required_first, *by_index(original.tree["relation"], node))


def _nullable(original: Original, node: Node) -> Iterator[SafePart]:
    facts = original.table_facts
    for column in texts(node["keys"]):
        known = facts.columns.get(column) if facts else None
        if known is None or known.nullable:
            version = original.dialect.version
            yield from required(original.tree["relation"], column, version)


def by_index(table: Node, constraint: Node) -> Pieces:
    """The pieces for a key of the table that a RangeVar names."""
    name = constraint.get("conname") or _server_name(table["relname"], constraint)
    index = {
        "idxname": name,
        "relation": table,
        "accessMethod": "btree",
        "unique": True,
        "indexParams": _elements(constraint["keys"]),
        "indexIncludingParams": _elements(constraint.get("including", [])),
        "options": constraint.get("options", []),
        "tableSpace": constraint.get("indexspace", ""),
        "nulls_not_distinct": constraint.get("nulls_not_distinct", False),
    }
    index = {key: value for key, value in index.items() if value}
    taking = {
        key: value
        for key, value in constraint.items()
        if key in ("contype", "deferrable", "initdeferred", "is_enforced", "initially_valid")
    }
    taking |= {"conname": name, "indexname": name}
    built = build(index, table["relname"])
    gone = SafePart(alter_table(table, dropped(name)), "constraint")  # its index goes with it
    taken = alter_table(table, added({"Constraint": taking}))
    return (built, SafePart(taken, "constraint", back=(gone, built)))


def _elements(columns: list[Node]) -> list[Node]:
    return [{"IndexElem": {"name": name, **USUAL}} for name in texts(columns)]


def _server_name(table: str, constraint: Node) -> str:
    if constraint["contype"] == PRIMARY:
        return server_name(table, (), "pkey")
    columns = [*texts(constraint["keys"]), *texts(constraint.get("including", []))]
    return server_name(table, columns, "key")
