"""ADD COLUMN with a default of which each row has another value, or with a constraint that reads
all rows: the column first, all else one by one.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.reading.reading import Clause
from lockgate.planner.rewriting.backfill import fill_rows
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import NoSafeForm, Original, Pieces, SafePart, alter_table
from lockgate.planner.rewriting.postgresql.constraint import in_two
from lockgate.planner.rewriting.postgresql.key import by_index
from lockgate.planner.rewriting.postgresql.not_null import null_test, required

KINDS = ("AlterTableStmt",)
WRITES = frozenset({"serial", "identity", "stored", "generated"})
OWN = ("CONSTR_DEFAULT", "CONSTR_NOTNULL", "CONSTR_NULL")


def rewrite(original: Original) -> Pieces | None:
    """The column, its default for new rows, the old rows in batches, then its constraints."""
    if original.command["subtype"] != "AT_AddColumn":
        return None
    clause = original.clause
    if clause.words & WRITES:
        raise NoSafeForm(
            "the server computes a value for each row as it adds the column: add a plain column, "
            "fill it in batches, and turn it into this one afterwards"
        )
    column = original.command["def"]["ColumnDef"]
    constraints = [one["Constraint"] for one in column.get("constraints", [])]
    return tuple(_pieces(original, clause, column, constraints))


def _pieces(
    original: Original, clause: Clause, column: Node, constraints: list[Node]
) -> Iterator[SafePart]:
    table, name = original.tree["relation"], column["colname"]
    fills = clause.volatility in ("volatile", "unknown")
    kept = [one for one in constraints if one["contype"] in OWN]
    default = [one for one in kept if one["contype"] == "CONSTR_DEFAULT"]
    plain = {**column, "constraints": [{"Constraint": one} for one in kept if not fills]}
    command = {**original.command, "def": {"ColumnDef": plain}}
    gone = alter_table(table, {"subtype": "AT_DropColumn", "name": name})
    yield SafePart(alter_table(table, command), "column", back=(SafePart(gone, "column"),))
    if fills:
        plain_again = alter_table(table, {"subtype": "AT_ColumnDefault", "name": name})
        yield SafePart(
            _with_default(table, name, default[0]["raw_expr"]), "column",
            back=(SafePart(plain_again, "column"),),
        )  # fmt: skip
        yield fill_rows(original, name, {"SetToDefault": {}}, [null_test(name)])
        if any(one["contype"] == "CONSTR_NOTNULL" for one in kept):
            yield from required(table, name, original.dialect.version)
    for one in _of_table(constraints, name):
        if one["contype"] in ("CONSTR_CHECK", "CONSTR_FOREIGN"):
            yield from in_two(table, _named(one, table["relname"], name))
        else:
            yield from by_index(table, one)


def _with_default(table: Node, column: str, default: Node) -> str:
    return alter_table(table, {"subtype": "AT_ColumnDefault", "name": column, "def": default})


def _of_table(constraints: list[Node], column: str) -> Iterator[Node]:
    """The constraints of a column as those of its table; what is said of one is after it."""
    found: list[Node] = []
    for one in constraints:
        kind = one["contype"]
        if kind == "CONSTR_ATTR_DEFERRABLE":
            found[-1] = {**found[-1], "deferrable": True}
        elif kind == "CONSTR_ATTR_DEFERRED":
            found[-1] = {**found[-1], "deferrable": True, "initdeferred": True}
        elif kind.startswith("CONSTR_ATTR"):
            raise NoSafeForm("it says of a constraint what this rewriting does not know")
        elif kind == "CONSTR_FOREIGN":
            found.append({**one, "fk_attrs": [{"String": {"sval": column}}]})
        elif kind in ("CONSTR_UNIQUE", "CONSTR_PRIMARY"):
            found.append({**one, "keys": [{"String": {"sval": column}}]})
        elif kind == "CONSTR_CHECK":
            found.append(one)
        elif kind not in OWN:
            raise NoSafeForm("it has a part that this rewriting does not know")
    if any(one["contype"] == "CONSTR_PRIMARY" for one in found):
        raise NoSafeForm("a new column cannot be the primary key before its rows are filled")
    yield from found


def _named(constraint: Node, table: str, column: str) -> Node:
    """The server names a CHECK of a column by it, whatever else it reads."""
    if constraint["contype"] != "CONSTR_CHECK" or constraint.get("conname"):
        return constraint
    return {**constraint, "conname": server_name(table, [column], "check")}
