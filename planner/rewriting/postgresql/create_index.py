"""CREATE INDEX: concurrently, in no transaction.

https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import NoSafeForm, Original, Pieces, SafePart

KINDS = ("IndexStmt",)


def rewrite(original: Original) -> Pieces | None:
    """The index under the name that the server would give it: lockgate drops what a failed build
    leaves only where it knows the name."""
    node = original.tree
    if node.get("concurrent"):
        return None
    facts = original.table_facts
    if facts and facts.layout and facts.layout.kind == "partitioned":
        raise NoSafeForm(
            "the table is partitioned: build the index on each partition concurrently, then on "
            "the whole with ON ONLY, and attach them"
        )
    return (build(node, original.table.name),)


def build(node: Node, table: str) -> SafePart:
    """The piece that builds an index concurrently."""
    name = node.get("idxname") or server_name(table, _keys(node), "idx")
    sql = spell_tree("IndexStmt", {**node, "idxname": name, "concurrent": True})
    return SafePart(sql, "index", True, back=(SafePart(_dropped(node, name), "index"),))


def _dropped(node: Node, name: str) -> str:
    schema = node["relation"].get("schemaname")
    names = [{"String": {"sval": one}} for one in ([schema] if schema else []) + [name]]
    dropped = {
        "objects": [{"List": {"items": names}}], "removeType": "OBJECT_INDEX",
        "behavior": "DROP_RESTRICT",
    }  # fmt: skip
    return spell_tree("DropStmt", dropped)


def _keys(node: Node) -> list[str]:
    return [one["IndexElem"].get("name", "expr") for one in node["indexParams"]]
