"""SET NOT NULL: proved by a constraint that was validated while writes went on.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import Original, Pieces, SafePart, alter_table
from lockgate.planner.rewriting.postgresql.constraint import added, dropped, in_two, validating

KINDS = ("AlterTableStmt",)
NOT_NULL_NOT_VALID = 180000
"""From version 18 on NOT NULL is a constraint that can be NOT VALID."""


def rewrite(original: Original) -> Pieces | None:
    """As NOT NULL … NOT VALID where the server has that, else by a CHECK that goes again."""
    if original.command["subtype"] != "AT_SetNotNull":
        return None
    version = original.dialect.version
    return required(original.tree["relation"], original.command["name"], version)


def required(table: Node, column: str, version: int) -> Pieces:
    """The pieces that make a column NOT NULL, of the table that a RangeVar names."""
    if version >= NOT_NULL_NOT_VALID:
        return _by_its_own(table, column)
    test = null_test(column, "IS_NOT_NULL")
    name = server_name(table["relname"], [column], "given")
    check = {"contype": "CONSTR_CHECK", "conname": name, "is_enforced": True, "raw_expr": test}
    # In one ALTER TABLE the constraint would be dropped first, and could prove nothing any more.
    proof, given = in_two(table, check), alter_table(table, _set_not_null(column))
    return (
        *proof,
        SafePart(given, "require", back=(_released(table, column, "require"),)),
        SafePart(alter_table(table, dropped(name)), "require", back=proof),
    )


def _by_its_own(table: Node, column: str) -> Pieces:
    name = server_name(table["relname"], [column], "not_null")
    node = {
        "contype": "CONSTR_NOTNULL", "conname": name, "keys": [{"String": {"sval": column}}],
        "skip_validation": True,
    }  # fmt: skip
    sql = alter_table(table, added({"Constraint": node}))
    back = (_released(table, column, "add"),)
    return (SafePart(sql, "add", back=back), validating(table, name, node))


def _set_not_null(column: str) -> Node:
    return {"subtype": "AT_SetNotNull", "name": column}


def _released(table: Node, column: str, label: str) -> SafePart:
    return SafePart(alter_table(table, {"subtype": "AT_DropNotNull", "name": column}), label)


def column_node(column: str) -> Node:
    """A column in an expression."""
    return {"ColumnRef": {"fields": [{"String": {"sval": column}}]}}


def null_test(column: str, kind: str = "IS_NULL") -> Node:
    """Whether a column is NULL, or is not."""
    return {"NullTest": {"arg": column_node(column), "nulltesttype": kind}}
