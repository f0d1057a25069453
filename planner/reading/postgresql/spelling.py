"""SQL from a parse tree: what `grammar` has read, and somebody has changed, as text again.

Asks libpg_query, and reads its answer once more: a text that says anything else is never given.
protobuf is imported only where SQL is written.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.sql.cursor import each_token
from lockgate.planner.sql.dialect import POSTGRESQL

VERSION = 180004
"""The grammar's own: https://github.com/pganalyze/libpg_query"""
PLACES = frozenset(
    {
        "location",
        "stmt_location",
        "stmt_len",
        "list_start",
        "list_end",
        "rexpr_list_start",
        "rexpr_list_end",
    }
)


class NotSpelled(Exception):
    """A tree cannot be written as SQL that says the same."""


def spell_tree(kind: str, node: Node) -> str:
    """The statement of this tree, on one line.

    Raises:
        NotSpelled: it cannot be written.

    >>> kind, node = parse("create index i on t (a)")
    >>> spell_tree(kind, {**node, "concurrent": True})
    'CREATE INDEX CONCURRENTLY i ON t USING btree (a)'
    """
    postgast, messages = (import_module(f"postgast{name}") for name in ("", ".pg_query_pb2"))
    protobuf = import_module("google.protobuf.json_format")
    tree = {"version": VERSION, "stmts": [{"stmt": {kind: node}}]}
    try:
        text: str = postgast.deparse(protobuf.ParseDict(tree, messages.ParseResult()))
        again = parse(text)
    except (protobuf.ParseError, postgast.PgQueryError, NotRead) as error:
        raise NotSpelled(str(error)) from error
    if _bare(again) != _bare((kind, node)):
        raise NotSpelled(f"it was written as {text}")
    return text


def _bare(tree: Any) -> Any:
    """The tree without the places of its parts, and without what is false or empty."""
    if isinstance(tree, dict):
        found = {key: _bare(one) for key, one in tree.items() if key not in PLACES}
        return {key: one for key, one in found.items() if one not in (False, None, "", [])}
    return [_bare(one) for one in tree] if isinstance(tree, list | tuple) else tree


def spell_batch(node: Node, first: str, last: str) -> str:
    """An UPDATE for `-- migrate:batch`: its parameters $1 and $2 are the bounds of a batch."""
    text, names = spell_tree("UpdateStmt", node), {"$1": first, "$2": last}
    parts, end = [], 0
    for token in each_token(text, POSTGRESQL):
        if token.text in names:
            parts += [text[end : token.start], names[token.text]]
            end = token.end
    return "".join([*parts, text[end:]])
