"""REINDEX: concurrently, in no transaction.

https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.piece import Original, Pieces, SafePart

KINDS = ("ReindexStmt",)
CONCURRENTLY = {"DefElem": {"defname": "concurrently", "defaction": "DEFELEM_UNSPEC"}}


def rewrite(original: Original) -> Pieces | None:
    """The same, with an index beside the old one until it is complete."""
    if original.reading.concurrent:
        return None
    node = original.tree
    options = [*node.get("params", []), CONCURRENTLY]
    return (SafePart(spell_tree("ReindexStmt", {**node, "params": options}), "reindex", True),)
