"""The nodes of a parse tree: the names, constants and calls in them.

Knows no statement. https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/nodes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lockgate.planner.reading.calls import server_functions
from lockgate.planner.reading.reading import Object
from lockgate.planner.reading.stored import SERVER_SCHEMAS

Node = dict[str, Any]
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
Path = tuple[str, ...] | None
UNKNOWN_PATH: tuple[str, ...] = ("?",)
"""In place of a search_path that is not known: no schema has that name."""


def spaced(name: str) -> str:
    """A name in camel case as words.

    >>> spaced("AddColumn")
    'add column'
    """
    return CAMEL.sub(" ", name).lower()


def texts(items: list[Node]) -> list[str]:
    """The parts of a qualified name."""
    return [one["String"]["sval"] if "String" in one else "" for one in items]


def named(kind: str, parts: list[str], path: Path = None) -> Object:
    """An object by the parts of its name, of which a database's comes first and is left out."""
    schema = parts[-2] if len(parts) > 1 else ""
    return Object(kind, parts[-1] if parts else "", schema, () if schema else path or ())


def relation(node: Node, path: Path = None, kind: str = "table") -> Object:
    """The object that a RangeVar names."""
    parts = [part for part in (node.get("schemaname"), node.get("relname", "")) if part]
    return named(kind, parts, path)


def is_temporary(node: Node) -> bool:
    """Whether a RangeVar is made for its session alone."""
    return node.get("relpersistence") == "t" or node.get("schemaname") == "pg_temp"


def option(options: list[Node], name: str) -> Any:
    """The last value of an option in a list of them; True where it is named alone."""
    found: Any = None
    for one in options:
        element = one.get("DefElem", {})
        if element.get("defname") == name:
            found = constant(element["arg"]) if "arg" in element else True
    return found


def is_on(options: list[Node], name: str) -> bool:
    """Whether a boolean option is named, and not switched off."""
    return str(option(options, name) or "off").lower() not in ("off", "false", "0")


def only(node: Node) -> tuple[str, Node]:
    """The kind of a node that is wrapped in its kind's name, and the node; empty for none."""
    return next(iter(node.items()), ("", {}))


def constant(node: Node) -> Any:
    """The value of a constant; None for another expression, and for NULL."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    kind, inner = only(node)
    if kind == "A_Const":
        if inner.get("isnull"):
            return None
        kind, inner = next(((key, one) for key, one in inner.items() if key != "location"))
    for key, empty in (("sval", ""), ("ival", 0), ("fval", ""), ("boolval", False), ("bsval", "")):
        if kind.lower() in (key, VALUE_NODES.get(key)):
            return inner.get(key, empty)
    return None


VALUE_NODES = {"sval": "string", "ival": "integer", "fval": "float", "boolval": "boolean"}


def walk(tree: Any) -> Iterator[tuple[str, Node]]:
    """Every node below a tree with its kind, in no order."""
    rest = [tree]
    while rest:
        one = rest.pop()
        if isinstance(one, list):
            rest.extend(one)
        elif isinstance(one, dict):
            for key, value in one.items():
                if isinstance(value, dict):
                    yield key, value
                if isinstance(value, dict | list):
                    rest.append(value)


def calls(tree: Any) -> list[tuple[str, Node]]:
    """The functions that a tree calls, by their names without a schema."""
    found = [(texts(node["funcname"]), node) for kind, node in walk(tree) if kind == "FuncCall"]
    return [(parts[-1], node) for parts, node in found if parts]


def called(tree: Any, path: Path = None) -> frozenset[str]:
    """The functions of the database that a tree calls, by their names without a schema: all that
    it does not name by a schema are, where the path has others than the server's own first."""
    has_other_first = path is not None and "pg_catalog" in path[1:]
    known = frozenset() if has_other_first else server_functions("postgresql")
    return frozenset(
        parts[-1]
        for kind, node in walk(tree)
        if kind == "FuncCall" and (parts := texts(node["funcname"]))
        if (parts[-2] not in SERVER_SCHEMAS if len(parts) > 1 else parts[0] not in known)
    )


def type_name(node: Node) -> str:
    """A type as the catalogue prints it, but for other names of the same."""
    parts = texts(node.get("names", []))
    name = ".".join(parts[1:] if parts[:1] == ["pg_catalog"] else parts)
    limits = [str(constant(one)) for one in node.get("typmods", [])]
    name += f"({','.join(limits)})" if limits else ""
    return name + "[]" * len(node.get("arrayBounds", []))
