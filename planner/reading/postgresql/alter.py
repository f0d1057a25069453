"""The clauses of an ALTER TABLE of PostgreSQL, read from its parse tree; `weigh` judges them.

https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from lockgate.planner.reading.postgresql.conditions import columns_in, says_not_null
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
from lockgate.planner.reading.postgresql.outlines import (
    spell_column,
    spell_constraint,
    spell_expression,
)
from lockgate.planner.reading.postgresql.types import SERIALS, unknown_calls, volatility
from lockgate.planner.reading.reading import Clause, Object


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
        words, through = _using(inner, name)
        kind = type_name(inner["typeName"])
        return Clause(action, table, name, type=kind, words=words, casts=through)
    if kind == "Constraint" and action.startswith("add") and "identity" not in action:
        return read_constraint(inner, table, path)
    if kind == "PartitionCmd":
        flags = {word for word in ("concurrent",) if inner.get(word)}
        other = relation(inner["name"], path)
        bound = read_bound(inner.get("bound", {}))
        return Clause(action, table, others=(other,), words=frozenset(flags), bound=bound)
    if kind == "RangeVar":
        return Clause(action, table, others=(relation(inner, path),))
    if kind == "ATAlterConstraint":
        enforces = "enforced" if inner.get("is_enforced") else "not enforced"
        words = frozenset({enforces} if inner.get("alterEnforceability") else ())
        return Clause(action, table, inner["conname"], words=words)
    if kind == "List":
        options = [one["DefElem"]["defname"] for one in inner["items"] if "DefElem" in one]
        return Clause(action, table, name, words=frozenset(options))
    default = f"set default {spell_expression(definition)}" if definition else "drop default"
    told = default if action == "column default" else ""
    return Clause(action, table, name, words=frozenset(cascades), definition=told)


def read_bound(node: Node) -> tuple[str, ...]:
    """The limits of a partition, as `Clause.bound` has them; `?` for one that is computed."""
    if node.get("is_default"):
        return ("default",)
    if "listdatums" in node:
        return ("in", *(_limit(one) for one in node["listdatums"]))
    if "lowerdatums" not in node:
        return ()
    lower, upper = (map(_limit, node[side]) for side in ("lowerdatums", "upperdatums"))
    return ("from", *lower, "to", *upper)


def _limit(node: Node) -> str:
    fields = texts(node.get("ColumnRef", {}).get("fields", []))
    value = fields[0] if fields in (["minvalue"], ["maxvalue"]) else constant(node)
    return "?" if value is None else str(value)


def read_constraint(node: Node, table: Object, path: Path) -> Clause:
    """A constraint that is added to a table that is there."""
    words = constraint_words(node)
    columns = texts(node.get("fk_attrs") or node.get("keys") or [])
    expression = node.get("raw_expr", {})
    if node["contype"] == "CONSTR_CHECK":
        columns = sorted(columns_in(expression))
    others = tuple(parents([node], path))
    if "indexname" in node:
        others = (Object("index", node["indexname"], table.schema, table.path),)
    name = node.get("conname", "")
    required = tuple(one for one in columns if says_not_null(expression, one))
    return Clause("add constraint", table, name, tuple(columns), others=others, words=words,
                  required=required if "check" in words else (),
                  definition=spell_constraint(node))  # fmt: skip


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
    """The constraints in the definition of a column; what is said of one comes after it."""
    found: list[Node] = []
    for one in column.get("constraints", []):
        node = one["Constraint"]
        if node["contype"] == "CONSTR_ATTR_NOT_ENFORCED" and found:
            found[-1] = found[-1] | {"is_enforced": False}
        found.append(node)
    return found


def _read_column(action: str, column: Node, table: Object, path: Path) -> Clause:
    found = constraints_of(column)
    kind = type_name(column["typeName"])
    # What is not enforced is neither read nor looked for.
    words = {word for one in map(constraint_words, found) if "not enforced" not in one
             for word in one}  # fmt: skip
    generated = [one.get("generated_kind", "s") for one in found
                 if one["contype"] == "CONSTR_GENERATED"]  # fmt: skip
    words |= {"stored"} if "s" in generated else set()
    words |= {"serial"} if kind in SERIALS else set()
    defaults = [one["raw_expr"] for one in found if one["contype"] == "CONSTR_DEFAULT"]
    default = defaults[0] if defaults and not _is_null(defaults[0]) else None
    return Clause(
        action,
        table,
        column["colname"],
        type=kind,
        volatility=volatility(default) if default else "",
        calls=unknown_calls(default) if default else (),
        others=tuple(parents(found, path)),
        words=frozenset(words),
        definition=spell_column(column),
    )


def _is_null(default: Node) -> bool:
    return bool(default.get("A_Const", {}).get("isnull"))


def _using(column: Node, name: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """What is said of the new values, and the types that USING casts the column to, in their order:
    anything else than casts of the column alone computes them."""
    words = {"collate"} if "collClause" in column else set()
    expression, casts = column.get("raw_default"), list[str]()
    while expression and "TypeCast" in expression:
        casts.append(type_name(expression["TypeCast"]["typeName"]))
        expression = expression["TypeCast"]["arg"]
    if expression and texts(expression.get("ColumnRef", {}).get("fields", [])) != [name]:
        words.add("computes")
    return frozenset(words), tuple(casts[::-1])
