"""Outlines: of the readings of every CREATE and ALTER, and, in short, of what definitions say.

Knows no statement. What is in short is for people: it spells what is common, and `…` for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate.planner.reading.postgresql.nodes import Node, Path, only, texts, type_name
from lockgate.planner.reading.reading import Hold, Object, Reading

DEEPEST = 12
LONGEST = 80
"""Characters of an expression."""
LEFT_OUT = "…"
PLAIN = {"CONSTR_NOTNULL": "not null", "CONSTR_PRIMARY": "primary key", "CONSTR_UNIQUE": "unique",
         "CONSTR_IDENTITY": "identity"}  # fmt: skip
COMPARED = {"AEXPR_OP": "", "AEXPR_LIKE": "like", "AEXPR_ILIKE": "ilike"}


def alteration(kind: str, *holds: Hold) -> Reading:
    """The reading of what alters the tables that it locks."""
    named_ones = tuple(dict.fromkeys(one.on for one in holds))
    return Reading("alter", named_ones, kind=kind, holds=holds)


def made_in(path: Path) -> Path:
    """Where an object without a schema is made: the first of the search_path."""
    return path[:1] if path else path


def made(kind: str, name: str, node: Node) -> Reading:
    """The reading of a CREATE that takes no lock which others wait for."""
    conditional, replaces = bool(node.get("if_not_exists")), bool(node.get("replace"))
    return Reading("create", (Object(kind, name),), conditional, replaces, kind=f"create {kind}")


def first_name(node: Any) -> str:
    """The name of what is made, where a node has one of its own."""
    for key, value in node.items():
        if key.endswith("name") and isinstance(value, str):
            return value
        if key.endswith(("name", "Name", "names")) and isinstance(value, list):
            return (texts(value) or [""])[-1]
    return ""


def spell_expression(node: Node) -> str:
    """
    >>> from lockgate.planner.reading.postgresql.grammar import parse
    >>> sql = "select a >= 0 and b in ('x', 'y') or lower(c) is not null"
    >>> spell_expression(parse(sql)[1]["targetList"][0]["ResTarget"]["val"])
    "a >= 0 and b in ('x', 'y') or lower(c) is not null"
    """
    text = _spell(node, 0)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}{LEFT_OUT}"


def _spell(node: Node, depth: int) -> str:
    kind, inner = only(node)
    spell = SPELLERS.get(kind)
    return spell(inner, depth + 1) if spell and depth < DEEPEST else LEFT_OUT


def _all(nodes: list[Node], depth: int) -> str:
    return ", ".join(_spell(one, depth) for one in nodes)


def _constant(node: Node, _depth: int) -> str:
    if "sval" in node:
        text = node["sval"].get("sval", "").replace("'", "''")
        return f"'{text}'"
    if "boolval" in node:
        return "true" if node["boolval"].get("boolval") else "false"
    value: Node = node.get("ival") or node.get("fval") or {}
    return "null" if node.get("isnull") else str(next(iter(value.values()), 0))


def _operation(node: Node, depth: int) -> str:
    left, right = (_spell(node[side], depth) if side in node else "" for side in ("lexpr", "rexpr"))
    sign = texts(node["name"])[-1]
    if node["kind"] == "AEXPR_IN":
        return f"{left} {'in' if sign == '=' else 'not in'} ({right})"
    if node["kind"] not in COMPARED:
        return LEFT_OUT
    return f"{left} {COMPARED[node['kind']] or sign} {right}".strip()


def _logic(node: Node, depth: int) -> str:
    parts = [_spell(one, depth) for one in node["args"]]
    if node["boolop"] == "NOT_EXPR":
        return f"not ({parts[0]})"
    is_and = node["boolop"] == "AND_EXPR"
    inner = [only(one)[1].get("boolop", "") for one in node["args"]]
    parts = [f"({one})" if is_and and op == "OR_EXPR" else one
             for one, op in zip(parts, inner, strict=True)]  # fmt: skip
    return (" and " if is_and else " or ").join(parts)


def _call(node: Node, depth: int) -> str:
    arguments = "*" if node.get("agg_star") else _all(node.get("args", []), depth)
    name = ".".join(one for one in texts(node["funcname"]) if one != "pg_catalog")
    return f"{name}({arguments})"


SPELLERS: dict[str, Any] = {
    "A_Const": _constant,
    "A_Expr": _operation,
    "BoolExpr": _logic,
    "CoalesceExpr": lambda node, depth: f"coalesce({_all(node['args'], depth)})",
    "ColumnRef": lambda node, _: ".".join(one or "*" for one in texts(node["fields"])),
    "FuncCall": _call,
    "List": lambda node, depth: _all(node["items"], depth),
    "NullTest": lambda node, depth: (
        f"{_spell(node['arg'], depth)} "
        f"{'is null' if node['nulltesttype'] == 'IS_NULL' else 'is not null'}"
    ),
    "SQLValueFunction": lambda node, _: node["op"].removeprefix("SVFOP_").lower(),
    "TypeCast": lambda node, depth: (
        f"{_spell(node['arg'], depth)}::{type_name(node['typeName'])}"
    ),
}  # fmt: skip


def spell_column(column: Node) -> str:
    """What a column is, after its name."""
    found = [one["Constraint"] for one in column.get("constraints", [])]
    said = [spell_constraint(one) for one in found]
    return " ".join(filter(None, (type_name(column.get("typeName", {})), *said)))


def spell_constraint(node: Node) -> str:
    """What a constraint says, of a column or of a table."""
    kind = node["contype"]
    keys = ", ".join(texts(node.get("fk_attrs") or node.get("keys") or []))
    columns = f" ({keys})" if keys else ""
    later = " not valid" if node.get("skip_validation") else ""
    if kind == "CONSTR_DEFAULT":
        return f"default {spell_expression(node['raw_expr'])}"
    if kind == "CONSTR_CHECK":
        return f"check ({spell_expression(node['raw_expr'])}){later}"
    if kind == "CONSTR_GENERATED":
        return f"generated as ({spell_expression(node['raw_expr'])})"
    if kind == "CONSTR_FOREIGN":
        deletes = {"c": " on delete cascade", "n": " on delete set null"}
        then = deletes.get(node.get("fk_del_action", ""), "")
        head = f"foreign key{columns} " if keys else ""
        return f"{head}references {node['pktable']['relname']}{then}{later}"
    return f"{PLAIN[kind]}{columns}" if kind in PLAIN else ""


def outline_table(node: Node) -> Iterator[str]:
    """The columns and constraints of a new table, each as an added one."""
    for one in node.get("tableElts", []):
        if column := one.get("ColumnDef"):
            yield f"+ {column['colname']} {spell_column(column)}"
        elif told := spell_constraint(one["Constraint"]) if "Constraint" in one else "":
            yield f"+ {told}"


def outline_function(node: Node) -> Iterator[str]:
    """The arguments of a function, what it returns, and whose rights it has."""
    given, modes = [], {"FUNC_PARAM_OUT": "out ", "FUNC_PARAM_INOUT": "inout "}
    for one in (each["FunctionParameter"] for each in node.get("parameters", [])):
        if one.get("mode") != "FUNC_PARAM_TABLE":
            mode = modes.get(one.get("mode", ""), "")
            given.append(f"{mode}{one.get('name', '')} {type_name(one['argType'])}".strip())
    returns = type_name(node.get("returnType", {}))
    yield f"~ takes ({', '.join(given)})" + (f", returns {returns}" if returns else "")
    for one in (each["DefElem"] for each in node.get("options", [])):
        if one["defname"] == "security" and one["arg"].get("Boolean", {}).get("boolval"):
            yield "~ security definer: it runs with the rights of its owner"


def outline_view(node: Node) -> Iterator[str]:
    """The columns of a view, as far as its query names them."""
    query = node.get("query", {}).get("SelectStmt", {})
    while "larg" in query:
        query = query["larg"]
    names = texts(node.get("aliases", [])) or [_target(one) for one in query.get("targetList", [])]
    if names:
        yield f"~ columns {', '.join(names)}"


def _target(one: Node) -> str:
    node = one["ResTarget"]
    kind, inner = only(node.get("val", {}))
    name = texts(inner.get("fields" if kind == "ColumnRef" else "funcname", []))[-1:]
    return node.get("name") or (name[0] or "*" if name else LEFT_OUT)
