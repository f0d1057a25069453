"""Outlines of readings: what is said of every CREATE and ALTER, by the names in their parse trees.

Knows no statement.
"""

from __future__ import annotations

from typing import Any

from lockgate.planner.reading.postgresql.nodes import Node, Path, texts
from lockgate.planner.reading.reading import Hold, Object, Reading


def alteration(kind: str, *holds: Hold) -> Reading:
    """The reading of what alters the tables that it locks."""
    named_ones = tuple(dict.fromkeys(one.on for one in holds))
    return Reading("alter", named_ones, kind=kind, holds=holds)


def made_in(path: Path) -> Path:
    """Where an object without a schema is made: the first of the search_path."""
    return path[:1] if path else path


def made(kind: str, name: str, node: Node) -> Reading:
    """The reading of a CREATE that takes no lock which others wait for."""
    conditional, replaces = bool(node.get("if_not_exists")), bool(node.get("replace"))
    return Reading("create", (Object(kind, name),), conditional, replaces, kind=f"create {kind}")


def first_name(node: Any) -> str:
    """The name of what is made, where a node has one of its own."""
    for key, value in node.items():
        if key.endswith("name") and isinstance(value, str):
            return value
        if key.endswith(("name", "Name", "names")) and isinstance(value, list):
            return (texts(value) or [""])[-1]
    return ""
