"""Conditions in parse trees: the parts that all have to be true, and which columns they require.

Knows no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate.planner.reading.postgresql.nodes import Node, only, texts, walk


def columns_in(tree: Any) -> set[str]:
    """The columns that an expression names."""
    found = [texts(node["fields"]) for kind, node in walk({"": tree}) if kind == "ColumnRef"]
    return {names[-1] for names in found if names}


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts of a condition that all have to be true."""
    kind, inner = only(node)
    if kind == "BoolExpr" and inner["boolop"] == "AND_EXPR":
        for one in inner["args"]:
            yield from conjuncts(one)
    elif node:
        yield node


def says_not_null(node: Node, column: str) -> bool:
    """Whether a condition is true only where a column is not NULL."""
    return any(_is_test(one, column) for one in conjuncts(node))


def _is_test(node: Node, column: str) -> bool:
    kind, inner = only(node)
    if kind == "BoolExpr" and inner["boolop"] == "NOT_EXPR":
        kind, inner = only(inner["args"][0])
        return kind == "NullTest" and inner["nulltesttype"] == "IS_NULL" and _is(inner, column)
    if kind == "BoolExpr" and inner["boolop"] == "OR_EXPR":
        return all(says_not_null(arm, column) for arm in inner["args"])
    return kind == "NullTest" and inner["nulltesttype"] == "IS_NOT_NULL" and _is(inner, column)


def _is(test: Node, column: str) -> bool:
    return column_of(test.get("arg", {})) == column


def column_of(node: Node) -> str | None:
    """The column that an expression is; the server shows a varchar's with a cast to text."""
    if "TypeCast" in node and texts(node["TypeCast"]["typeName"]["names"])[-1:] == ["text"]:
        node = node["TypeCast"]["arg"]
    fields = node.get("ColumnRef", {}).get("fields", [])
    return texts(fields)[0] if len(fields) == 1 else None
