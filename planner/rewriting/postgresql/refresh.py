"""REFRESH MATERIALIZED VIEW: concurrently, so that it can be read meanwhile.

https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.piece import Original, Pieces, SafePart

KINDS = ("RefreshMatViewStmt",)


def rewrite(original: Original) -> Pieces | None:
    """It wants a unique index of all rows, and a view that was filled before."""
    node = original.tree
    if node.get("concurrent") or node.get("skipData"):
        return None
    return (
        SafePart(spell_tree("RefreshMatViewStmt", {**node, "concurrent": True}), "refresh", True),
    )
