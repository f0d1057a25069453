"""What the CHECK constraints of a table prove of its rows, so that the server need not read them.

Proves less than the server does, and never more: what it cannot prove, is read.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from lockgate.planner.database.facts import Layout, TableFacts
from lockgate.planner.reading.postgresql.conditions import column_of, conjuncts, says_not_null
from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.nodes import Node, constant, texts

CHECK = re.compile(r"CHECK (\(.*\))(?: NO INHERIT)?(?: NOT VALID)?(?: NOT ENFORCED)?", re.DOTALL)
KEY = re.compile(r"(RANGE|LIST) \((?:(\w+)|\"([^\"]+)\")\)")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?(?:[+]00)?")
FROM, TO = 1, 3
"""Where the limits of a range are in a bound of one column."""


def is_required(table: TableFacts, column: str) -> bool:
    """Whether no row has NULL in a column, by its own constraint or by a CHECK."""
    layout = table.layout
    known = table.columns.get(column)
    if layout is None or known is None:
        return False
    unsure = any(
        one.kind == "not null" and column in one.columns and not one.valid
        for one in layout.constraints.values()
    )
    if not known.nullable and not unsure:
        return True
    return any(says_not_null(one, column) for one in _checks(layout))


def is_inside(table: TableFacts, whole: Layout, bound: tuple[str, ...]) -> bool:
    """Whether all rows of a table fit into a partition with this bound.

    Only keys of one column, compared with constants, are looked at.
    """
    column = partition_column(whole)
    if column is None or table.layout is None or not is_required(table, column):
        return False
    found = [each for one in _checks(table.layout) for each in _limits(one, column)]
    if bound[:1] == ("in",):
        return any(op == "in" and set(values) <= set(bound[1:]) for op, values in found)
    if len(bound) != TO + 1 or bound[0] != "from":
        return False
    above = bound[FROM] == "minvalue" or any(
        op in (">", ">=", "=") and _compare(values[0], bound[FROM], (0, 1)) for op, values in found
    )
    under = bound[TO] == "maxvalue" or any(
        _compare(values[0], bound[TO], (-1, 0) if op == "<" else (-1,))
        for op, values in found
        if op in ("<", "<=", "=")
    )
    return above and under


def is_excluded(table: TableFacts, whole: Layout, bound: tuple[str, ...]) -> bool:
    """Whether a CHECK says of all rows of a table that none fits into a partition with this bound:
    the server finds that only in the exact opposite of the bound."""
    column = partition_column(whole)
    if column is None or table.layout is None or bound[:1] not in (("in",), ("from",)):
        return False
    if bound[0] == "in":
        wanted = [("in", frozenset(bound[1:]))]
    else:
        limits = ((">=", bound[FROM]), ("<", bound[TO]))
        wanted = [(op, frozenset({one})) for op, one in limits if not one.endswith("value")]
    return any(_denies(one, column, wanted) for one in _checks(table.layout))


def _denies(node: Node, column: str, wanted: list[tuple[str, frozenset[str]]]) -> bool:
    """Whether a condition is NOT (the column is given AND each of these)."""
    inner = node.get("BoolExpr", {})
    if inner.get("boolop") != "NOT_EXPR":
        return False
    given, *tests = conjuncts(inner["args"][0])
    found = [[(op, frozenset(values)) for op, values in _limits(one, column)] for one in tests]
    is_same = len(found) == len(wanted) and all(
        each in those for each, those in zip(wanted, found, strict=True)
    )
    return is_same and says_not_null(given, column)


def partition_column(whole: Layout) -> str | None:
    """The one column by whose ranges or values a table is partitioned; None: there are more, or
    it is an expression."""
    key = KEY.fullmatch(whole.partition_key)
    return (key[2] or key[3]) if key else None


def _checks(layout: Layout) -> Iterator[Node]:
    """What all rows fulfil: each part of each CHECK that was proved for them."""
    for one in layout.constraints.values():
        if one.kind == "check" and one.valid and one.enforced:
            yield from conjuncts(_expression(one.definition))


@lru_cache(maxsize=1024)
def _expression(definition: str) -> Any:
    match = CHECK.fullmatch(definition)
    try:
        select = parse(f"select {match[1]}")[1] if match else {}
    except NotRead:
        return {}
    return select["targetList"][0]["ResTarget"]["val"] if select else {}


def _limits(node: Node, column: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a condition says of a column: an operator, and the constants that it is compared with.

    `in` lists the values that it may have.
    """
    test = node.get("A_Expr", {})
    if column_of(test.get("lexpr", {})) != column:
        return
    operator = texts(test["name"])[-1]
    right = test["rexpr"]
    if test["kind"] == "AEXPR_OP_ANY" and operator == "=":
        while "TypeCast" in right:
            right = right["TypeCast"]["arg"]
        values = [constant(one) for one in right.get("A_ArrayExpr", {}).get("elements", [])]
        if values and None not in values:
            yield "in", tuple(map(str, values))
    elif test["kind"] == "AEXPR_OP" and constant(right) is not None:
        yield operator, (str(constant(right)),)
        if operator == "=":
            yield "in", (str(constant(right)),)


def _compare(one: str, other: str, wanted: tuple[int, ...]) -> bool:
    """Whether one constant is less than, equal to or greater than another, as it is wanted; of
    text nothing but equality is known here, as its order is the collation's."""
    found = _order(one, other)
    return found is not None and found in wanted


def _order(one: str, other: str) -> int | None:
    if one == other:
        return 0
    try:
        left, right = Decimal(one), Decimal(other)
        return (left > right) - (left < right)
    except InvalidOperation:
        pass
    if MOMENT.fullmatch(one) and MOMENT.fullmatch(other):
        first, second = (
            text.removesuffix("+00").removesuffix(" 00:00:00") for text in (one, other)
        )
        return (first > second) - (first < second)
    return None
