"""ADD CONSTRAINT … CHECK and FOREIGN KEY: not valid at first, validated by a statement that lets
writes pass.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.conditions import columns_in
from lockgate.planner.reading.postgresql.nodes import Node, texts
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import Original, Pieces, SafePart, alter_table

KINDS = ("AlterTableStmt",)
LABELS = {"CONSTR_CHECK": "check", "CONSTR_FOREIGN": "fkey"}


def rewrite(original: Original) -> Pieces | None:
    """Two pieces: new rows are checked from the first on, and the second reads the old ones."""
    if original.command["subtype"] != "AT_AddConstraint":
        return None
    node = original.command["def"]["Constraint"]
    if node["contype"] not in LABELS or node.get("skip_validation") or not node.get("is_enforced"):
        return None
    return in_two(original.tree["relation"], node)


def in_two(table: Node, constraint: Node) -> Pieces:
    """The pieces for a constraint of the table that a RangeVar names."""
    name = constraint.get("conname") or _server_name(table, constraint)
    later = {**constraint, "conname": name, "skip_validation": True, "initially_valid": False}
    gone = SafePart(alter_table(table, dropped(name)), "add")
    return (
        SafePart(alter_table(table, added({"Constraint": later})), "add", back=(gone,)),
        validating(table, name, later),
    )


def validating(table: Node, name: str, later: Node) -> SafePart:
    """The piece that validates a constraint; it is undone by one like it that is not valid."""
    again = alter_table(table, dropped(name), added({"Constraint": later}))
    back = (SafePart(again, "validate"),)
    return SafePart(alter_table(table, validated(name)), "validate", True, back=back)


def added(definition: Node) -> Node:
    """The command that adds a constraint."""
    return {"subtype": "AT_AddConstraint", "def": definition}


def validated(name: str) -> Node:
    """The command that validates one."""
    return {"subtype": "AT_ValidateConstraint", "name": name}


def dropped(name: str) -> Node:
    """The command that drops one."""
    return {"subtype": "AT_DropConstraint", "name": name}


def _server_name(table: Node, constraint: Node) -> str:
    label = LABELS[constraint["contype"]]
    if label == "fkey":
        return server_name(table["relname"], texts(constraint["fk_attrs"]), label)
    columns = columns_in(constraint["raw_expr"])
    return server_name(table["relname"], columns if len(columns) == 1 else (), label)
