"""The clauses of an ALTER TABLE of PostgreSQL, read from its parse tree; `weigh` judges them.

https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.nodes import (
    Node,
    Path,
    constant,
    only,
    relation,
    spaced,
    texts,
    type_name,
)
from lockgate.planner.reading.postgresql.types import SERIALS, volatility
from lockgate.planner.reading.reading import Clause, Object

TRUNCATES = frozenset({"varchar", "bpchar", "char", "bit", "varbit"})


def read_clause(node: Node, table: Object, path: Path) -> Clause:
    """One command of an ALTER TABLE."""
    action = spaced(node["subtype"].removeprefix("AT_"))
    definition = node.get("def", {})
    name = node.get("name", "")
    cascades = {"cascade"} if node.get("behavior") == "DROP_CASCADE" else set()
    kind, inner = only(definition)
    if kind == "ColumnDef" and action == "add column":
        return _read_column(action, inner, table, path)
    if kind == "ColumnDef":
        return Clause(action, table, name, type=type_name(inner["typeName"]), words=_using(inner))
    if kind == "Constraint":
        return read_constraint(inner, table, path)
    if kind == "PartitionCmd":
        flags = {word for word in ("concurrent",) if inner.get(word)}
        other = relation(inner["name"], path)
        return Clause(action, table, others=(other,), words=frozenset(flags))
    if kind == "RangeVar":
        return Clause(action, table, others=(relation(inner, path),))
    if kind == "List":
        options = [one["DefElem"]["defname"] for one in inner["items"] if "DefElem" in one]
        return Clause(action, table, name, words=frozenset(options))
    return Clause(action, table, name, words=frozenset(cascades))


def read_constraint(node: Node, table: Object, path: Path) -> Clause:
    """A constraint that is added to a table that is there."""
    words = constraint_words(node)
    columns = texts(node.get("fk_attrs") or node.get("keys") or [])
    others = tuple(parents([node], path))
    name = node.get("conname", "")
    return Clause("add constraint", table, name, tuple(columns), others=others, words=words)


def constraint_words(node: Node) -> frozenset[str]:
    """What a constraint is, and what is said about the rows that are there."""
    words = {spaced(node["contype"].removeprefix("CONSTR_")).replace("notnull", "not null")}
    is_checked = node["contype"] in ("CONSTR_CHECK", "CONSTR_FOREIGN")
    if is_checked and not node.get("is_enforced"):
        words.add("not enforced")
    if node.get("skip_validation"):
        words.add("not valid")
    if node.get("indexname"):
        words.add("using index")
    return frozenset(words)


def parents(constraints: list[Node], path: Path) -> list[Object]:
    """The tables that foreign keys among constraints refer to."""
    return [relation(one["pktable"], path) for one in constraints if "pktable" in one]


def constraints_of(column: Node) -> list[Node]:
    """The constraints in the definition of a column."""
    return [one["Constraint"] for one in column.get("constraints", [])]


def _read_column(action: str, column: Node, table: Object, path: Path) -> Clause:
    found = constraints_of(column)
    kind = type_name(column["typeName"])
    words = {word for one in found for word in constraint_words(one)}
    generated = [one.get("generated_kind", "s") for one in found if "generated" in words]
    words |= {"stored"} if "s" in generated and "generated" in words else set()
    words |= {"serial"} if kind in SERIALS else set()
    defaults = [one["raw_expr"] for one in found if one["contype"] == "CONSTR_DEFAULT"]
    return Clause(
        action,
        table,
        column["colname"],
        type=kind,
        volatility=volatility(defaults[0]) if defaults and not _is_null(defaults[0]) else "",
        others=tuple(parents(found, path)),
        words=frozenset(words),
    )


def _is_null(default: Node) -> bool:
    return bool(default.get("A_Const", {}).get("isnull"))


def _using(column: Node) -> frozenset[str]:
    """Whether USING gives the values, and whether it may cut them: a cast to the new type does
    what the server would do by itself, but for a length, which an explicit cast cuts to."""
    words = {"using"} if "raw_default" in column else set()
    if "collClause" in column:
        words.add("collate")
    expression = column.get("raw_default", {})
    while "TypeCast" in expression:
        cast = expression["TypeCast"]["typeName"]
        if type_name(cast).split("(")[0] in TRUNCATES and cast.get("typmods"):
            words.add("cuts")
        expression = expression["TypeCast"]["arg"]
    if words & {"using"} and "ColumnRef" not in expression and constant(expression) is None:
        words.add("computes")
    return frozenset(words)
