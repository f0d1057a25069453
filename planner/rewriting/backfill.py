"""The values of a column for the rows that are there, in batches along the primary key."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockgate.planner.quoting import double_quoted
from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.reading.postgresql.spelling import spell_batch
from lockgate.planner.rewriting.piece import DependsOnTables, NoSafeForm, Original, SafePart
from lockgate.planner.rewriting.postgresql.not_null import column_node

BATCH = "key={} size=5000"
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def fill_rows(original: Original, column: str, value: Node, left: Sequence[Node]) -> SafePart:
    """The piece that gives a column its value in each row for which all that is `left` holds.

    Raises:
        NoSafeForm: the table has no key along which to walk.
    """
    key = original.primary_key
    if original.table_facts is None:
        raise DependsOnTables("the primary key of the table is not known")
    if len(key) != 1:
        raise NoSafeForm("the table has no primary key of one column along which to fill the rows")
    bounds = [_compared(key[0], ">", 1), _compared(key[0], "<=", 2)]
    update = {
        "relation": original.tree["relation"],
        "targetList": [{"ResTarget": {"name": column, "val": value}}],
        "whereClause": {"BoolExpr": {"boolop": "AND_EXPR", "args": [*bounds, *left]}},
    }
    return SafePart(
        spell_batch(update, "{{lo}}", "{{hi}}"), "fill", True, BATCH.format(_spelled(key[0]))
    )


def _spelled(name: str) -> str:
    """A name as `-- migrate:batch` reads it.

    >>> _spelled("id"), _spelled("Id")
    ('id', '"Id"')
    """
    return name if PLAIN.fullmatch(name) else double_quoted(name)


def _compared(column: str, operator: str, number: int) -> Node:
    return {
        "A_Expr": {
            "kind": "AEXPR_OP",
            "name": [{"String": {"sval": operator}}],
            "lexpr": column_node(column),
            "rexpr": {"ParamRef": {"number": number}},
        }
    }
