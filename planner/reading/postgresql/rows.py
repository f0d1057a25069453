"""What statements of PostgreSQL that work on rows do, read from their parse trees."""

from __future__ import annotations

from typing import Any

from lockgate.planner.database.search_path import split_path
from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, ROW_EXCLUSIVE, hold
from lockgate.planner.reading.postgresql.nodes import (
    UNKNOWN_PATH,
    Node,
    Path,
    calls,
    constant,
    is_temporary,
    only,
    relation,
    walk,
)
from lockgate.planner.reading.reading import Clause, Leaves, Object, Reading
from lockgate.planner.value import replace

WRITERS = {
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
}
SOURCES = frozenset({"RangeVar", "RangeFunction", "RangeTableFunc"})
SETTERS = frozenset({"set_config", "current_setting"})


def read_write(kind: str, node: Node, path: Path) -> Reading:
    """INSERT, UPDATE, DELETE and MERGE, with what WITH puts before them."""
    table = relation(node["relation"], path)
    verb = WRITERS[kind]
    unbounded = verb in ("update", "delete") and _is_always_true(node.get("whereClause"))
    reading = Reading(
        "write",
        tables_written=(table,),
        kind=verb,
        every_row=unbounded,
        columns_written=_set_columns(node) if verb == "update" else None,
        queries=verb == "insert" and reads_rows(node.get("selectStmt")),
        holds=(hold(table, ROW_EXCLUSIVE),),
        loses=(f"every row of {table.name}",) if unbounded and verb == "delete" else (),
        clauses=(_written(node, table, verb, unbounded),),
        search_path=_configured(calls(node)),
    )
    if _merges_away(node):
        reading = replace(reading, loses=(f"rows of {table.name}",))
    return _with(reading, node, path)


def _written(node: Node, table: Object, verb: str, unbounded: bool) -> Clause:
    """What is done to the rows of a table, which those of others may follow."""
    targets = [one["ResTarget"]["name"] for one in node.get("targetList", [])]
    words = {verb, "every row"} if unbounded else {verb}
    words |= set() if node["relation"].get("inh") else {"only"}
    if (conflict := node.get("onConflictClause", {})).get("action") == "ONCONFLICT_UPDATE":
        words.add("update")
        targets = [one["ResTarget"]["name"] for one in conflict.get("targetList", [])]
    for one in node.get("mergeWhenClauses", []):
        when = one["MergeWhenClause"]
        words.add(when["commandType"].removeprefix("CMD_").lower())
        targets += [each["ResTarget"]["name"] for each in when.get("targetList", [])]
    return Clause("write rows", table, columns=tuple(targets), words=frozenset(words))


def _merges_away(node: Node) -> bool:
    """Whether a MERGE deletes rows, and no condition but that of its join says which."""
    clauses = [one["MergeWhenClause"] for one in node.get("mergeWhenClauses", [])]
    return any(
        one["commandType"] == "CMD_DELETE" and _is_always_true(one.get("condition"))
        for one in clauses
    )


def read_select(_kind: str, node: Node, path: Path) -> Reading:
    """SELECT, VALUES and TABLE, also with INTO."""
    first = node
    while "larg" in first:
        first = first["larg"]
    if "intoClause" in first:
        return read_filled(first["intoClause"], node, path)
    called = calls(node)
    leaves: Leaves = "nothing"
    if called:
        leaves = "settings" if {name for name, _ in called} <= SETTERS else "unknown"
        leaves = "unknown" if "fromClause" in node else leaves
    reading = Reading("read", kind="select", leaves=leaves, search_path=_configured(called))
    return _with(reading, node, path)


def read_filled(into: Node, query: Any, path: Path, kind: str = "table") -> Reading:
    """What is made from the rows of a query."""
    made = relation(into["rel"], path, kind)
    temporary = is_temporary(into["rel"])
    filled = Reading(
        "create",
        () if temporary else (made,),
        temporary=temporary,
        tables_written=(made,) if temporary else (),
        kind=f"create {kind}",
        queries=not into.get("skipData") and reads_rows(query),
        leaves="unknown" if temporary else "nothing",
        search_path=_configured(calls(query)),
    )
    # What is written before the query, as of a statement of its own.
    written = _with(Reading("read"), query.get("SelectStmt", query), path)
    return replace(
        filled,
        holds=written.holds,
        loses=written.loses,
        clauses=(*ends_with_transaction(into, made), *written.clauses),
        tables_written=filled.tables_written or written.tables_written,
    )


def ends_with_transaction(node: Node, made: Object) -> tuple[Clause, ...]:
    """ON COMMIT DROP of a temporary table."""
    is_dropped = node.get("onCommit", node.get("oncommit")) == "ONCOMMIT_DROP"
    return (Clause("on commit drop", made),) if is_dropped else ()


def read_copy(_kind: str, node: Node, path: Path) -> Reading:
    """COPY in either direction, also of a query, which may write."""
    kind, query = only(node.get("query", {}))
    if kind in WRITERS:
        return replace(read_write(kind, query, path), kind="copy")
    if kind == "SelectStmt":
        return replace(read_select(kind, query, path), kind="copy")
    if "relation" not in node or not node.get("is_from"):
        return Reading("read", kind="copy")
    table = relation(node["relation"], path)
    return Reading(
        "write",
        tables_written=(table,),
        kind="copy",
        holds=(hold(table, ROW_EXCLUSIVE),),
        clauses=(Clause("write rows", table, words=frozenset({"insert"})),),
    )


def read_truncate(_kind: str, node: Node, path: Path) -> Reading:
    """TRUNCATE: its new file is empty, and nothing is read or written again."""
    tables = tuple(relation(one["RangeVar"], path) for one in node["relations"])
    lost = [f"every row of {table.name}" for table in tables]
    cascades = node.get("behavior") == "DROP_CASCADE"
    if cascades:
        lost.append("every row of the tables that refer to them")
    alone = [not one["RangeVar"].get("inh") for one in node["relations"]]
    return Reading(
        "truncate",
        tables_written=tables,
        kind="truncate",
        holds=tuple(hold(table, ACCESS_EXCLUSIVE) for table in tables),
        loses=tuple(lost),
        clauses=tuple(
            Clause("empty", one, words=frozenset(["cascade"] * cascades + ["only"] * is_alone))
            for one, is_alone in zip(tables, alone, strict=True)
        ),
    )


def reads_rows(query: Any) -> bool:
    """Whether a query goes through the rows of a table: what it says itself are few."""
    rest = [query] if query else []
    while rest:
        one = rest.pop()
        node = one.get("SelectStmt", one)
        if any(kind in SOURCES for kind, _ in walk(node.get("fromClause"))):
            return True
        rest += [node[side] for side in ("larg", "rarg") if side in node]
        ctes = node.get("withClause", {}).get("ctes", [])
        rest += [cte["CommonTableExpr"]["ctequery"] for cte in ctes]
    return False


def _with(reading: Reading, node: Node, path: Path) -> Reading:
    """A statement's reading with what its common table expressions do; one that only reads has no
    work, as a SELECT has none."""
    parts = [
        (kind, inner)
        for one in node.get("withClause", {}).get("ctes", [])
        for kind, inner in one["CommonTableExpr"]["ctequery"].items()
    ]
    for kind, inner in parts:
        if kind in WRITERS:
            reading = _join(reading, read_write(kind, inner, path))
        elif reading.verb != "read" and reads_rows(inner):
            reading = replace(reading, queries=True)
    return reading


def _join(reading: Reading, part: Reading) -> Reading:
    """A reading with what a statement within it writes."""
    holds = dict.fromkeys([*reading.holds, *part.holds])
    return replace(
        reading,
        verb="write",
        tables_written=(*reading.tables_written, *part.tables_written),
        holds=tuple(holds),
        clauses=(*reading.clauses, *part.clauses),
        loses=(*reading.loses, *part.loses),
        every_row=reading.every_row or part.every_row,
        queries=True if part.kind != "insert" else reading.queries or part.queries,
    )


def _set_columns(node: Node) -> frozenset[str]:
    """The columns that an UPDATE sets."""
    return frozenset(one["ResTarget"]["name"] for one in node.get("targetList", ()))


def _is_always_true(condition: Node | None) -> bool:
    """Whether a condition says nothing: there is none, or it is `true` or `1 = 1`."""
    if condition is None or constant(condition) is True:
        return True
    equation = condition.get("A_Expr", {})
    if [one["String"]["sval"] for one in equation.get("name", [])] != ["="]:
        return False
    sides = [constant(equation.get(side, {})) for side in ("lexpr", "rexpr")]
    return sides[0] is not None and sides[0] == sides[1]


def _configured(called: list[tuple[str, Node]]) -> tuple[str, ...] | None:
    """Where set_config makes the server look for names."""
    for name, node in called:
        arguments = node.get("args", [])
        if name == "set_config" and len(arguments) == 3:
            setting, value = (constant(one) for one in arguments[:2])
            if setting is None or str(setting).lower() == "search_path":
                return known_path(value)
    return None


def known_path(value: Any) -> tuple[str, ...]:
    """The schemas in the text of a search_path, as far as they are known.

    >>> known_path('a, "B"'), known_path(None)
    (('a', 'B'), ('?',))
    """
    if not isinstance(value, str):
        return UNKNOWN_PATH
    return split_path(value) or UNKNOWN_PATH
