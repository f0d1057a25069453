"""Which functions of the database a statement of PostgreSQL calls, by its parse tree.

What triggers, rules, policies, operators, casts and defaults of the tables call is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from lockgate.planner.reading.calls import clause_words, server_functions
from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.head import ESCAPE, STRING, rows_past
from lockgate.planner.reading.postgresql.nodes import Node, Path, called, calls, constant, relation
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.reading.stored import SERVER_SCHEMAS
from lockgate.planner.value import replace

# They run what their expressions call, or, as a rule, will whenever it acts.
EVALUATES = frozenset({
    *("AlterTableStmt", "CreateTableAsStmt", "DeclareCursorStmt", "ExplainStmt", "IndexStmt"),
    *("CopyStmt", "DeleteStmt", "InsertStmt", "MergeStmt", "SelectStmt", "UpdateStmt", "RuleStmt"),
})  # fmt: skip
# What ALTER COLUMN … SET DEFAULT names is stored, and not called.
SET_DEFAULT = "AT_ColumnDefault"
# What is no call, then the name of one: a step in Python for each call, and none for each row.
CALL_IN_ROWS = (
    rf'(?:{ESCAPE}|{STRING}|[^\'\w"$(]++|[\w$]++(?!\s*+\()|"[^"]*+"(?!\s*+\()|\()*+'
    r'(?:"(?P<quoted>[^"]*+)"|(?P<word>[\w$]++))\s*+\('
)
QUALIFIER = re.compile(r'(?:"([^"]*)"|([\w$]+))\s*\.\s*$')
QUALIFIER_LENGTH = 200
"""Characters before a name in which its schema is looked for."""
# https://www.postgresql.org/docs/current/functions-xml.html#FUNCTIONS-XML-MAPPING
# https://www.postgresql.org/docs/current/textsearch-features.html#TEXTSEARCH-STATISTICS
RUN_A_TEXT = ("query_to_xml", "ts_stat", "ts_rewrite")


def with_calls(reading: Reading, sql: str, kind: str, node: Node, path: Path) -> Reading:
    """The reading of a statement with what it calls of the database's own, if it runs that."""
    if kind not in EVALUATES:
        return reading
    if "cmds" in node:
        cmds = [one for one in node["cmds"] if one["AlterTableCmd"]["subtype"] != SET_DEFAULT]
        node = {**node, "cmds": cmds}
    calls = called(node, path)
    calls |= called_in_rows(rows_past(sql))
    return replace(reading, opaque=True, calls_own=calls) if calls else reading


def called_in_rows(rows: str) -> frozenset[str]:
    """The functions of the database that rows of a VALUES list call.

    >>> sorted(called_in_rows("(1, 'f(x)', g ()), (now(), a.now()), (b in (1))"))
    ['g', 'now']
    """
    found = set()
    position, match_at = 0, re.compile(CALL_IN_ROWS).match
    while match := match_at(rows, position):
        position, place = match.end(), match.start("word" if match["word"] else "quoted")
        name = match["word"].lower() if match["word"] else match["quoted"]
        before = rows[max(0, place - QUALIFIER_LENGTH) : place].removesuffix('"').rstrip()
        if before.endswith("."):
            schema = QUALIFIER.search(before)
            is_own = schema is None or (schema[1] or schema[2].lower()) not in SERVER_SCHEMAS
        else:
            is_clause = match["word"] and name in clause_words("postgresql")
            is_own = not is_clause and name not in server_functions("postgresql")
        found |= {name} if is_own else set()
    return frozenset(found)


def runs_text(sql: str) -> bool:
    """Whether it calls a function of the server's that runs a query given as a string; its name
    is looked for anywhere, so it may be a false alarm."""
    text = sql.lower()
    return any(map(text.__contains__, RUN_A_TEXT))


def with_functions(reading: Reading, made: Collection[str]) -> Reading:
    """The reading of a trigger whose function the same section has made: that was read there."""
    is_read = reading.kind == "create trigger" and reading.calls_own <= set(made)
    return replace(reading, opaque=False) if is_read and reading.opaque else reading


def made_functions(reading: Reading) -> frozenset[str]:
    """The functions that a statement makes."""
    if reading.kind != "create function":
        return frozenset()
    return frozenset(one.name for one in reading.objects)


def sequences_set(sql: str) -> tuple[Object | None, ...]:
    """What SETVAL sets: a sequence, the table that PG_GET_SERIAL_SEQUENCE takes one of, or None
    where the SQL alone does not tell.

    >>> [str(one and one.name) for one in sequences_set("select setval('s.\\"Q\\"'::regclass, 5)")]
    ['Q']
    """
    try:
        _, node = parse(sql)
    except NotRead:
        return (None,)
    return tuple(_of_argument(call["args"][0]) for name, call in calls(node)
                 if name == "setval" and call.get("args"))  # fmt: skip


def _of_argument(argument: Node) -> Object | None:
    inner = argument.get("TypeCast", {}).get("arg", argument)
    taken = [call for name, call in calls(inner) if name == "pg_get_serial_sequence"]
    kind = "table" if taken else "sequence"
    text = constant(taken[0]["args"][0] if taken else inner)
    if not isinstance(text, str):
        return None
    try:
        _, node = parse(f"truncate {text}")
    except NotRead:
        return None
    return relation(node["relations"][0]["RangeVar"], kind=kind) if "relations" in node else None
