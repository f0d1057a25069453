"""ALTER COLUMN … TYPE where it rewrites the table: by a new column that a trigger and batches fill,
which takes the old one's name; the old one goes in a later release.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate.planner.database.facts import Layout
from lockgate.planner.quoting import double_quoted
from lockgate.planner.reading.postgresql.conditions import columns_in
from lockgate.planner.reading.postgresql.grammar import parse
from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.backfill import fill_rows
from lockgate.planner.rewriting.exchange import (
    LABEL,
    Exchange,
    indexes_of,
    schema_place,
    sequence_of,
)
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import (
    DependsOnTables,
    NoSafeForm,
    Original,
    Pieces,
    SafePart,
    alter_table,
)
from lockgate.planner.rewriting.postgresql.not_null import column_node, null_test, required
from lockgate.planner.rewriting.way_back import commands_of, subject_of
from lockgate.planner.value import replace

KINDS = ("AlterTableStmt",)
AGE = "7d"
"""How long the new column is to be in use before the old one may go."""
# It runs by the path of the migration in each session. Triggers fire in the order of their names:
# this one is to see what others make of a row.
# https://www.postgresql.org/docs/current/sql-createfunction.html
# https://www.postgresql.org/docs/current/trigger-definition.html
FILL = """\
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $fill$
BEGIN
    NEW.{new} := {value};
    RETURN NEW;
END
$fill$"""


def rewrite(original: Original) -> Pieces | None:
    """The new column, the old rows in batches, the exchange of names, and the end of the old."""
    if original.command["subtype"] != "AT_AlterColumnType":
        return None
    column: str = original.command["name"]
    _refuse_used(original, column)
    return tuple(_pieces(original, column, original.command["def"]["ColumnDef"]))


def _refuse_used(original: Original, column: str) -> None:
    """Raises NoSafeForm where something is tied to the column that would stay with the old one."""
    facts = original.table_facts
    if facts is None or facts.layout is None:
        raise DependsOnTables("what uses the column is not known")
    if column not in facts.columns:
        raise NoSafeForm(
            "the table has no such column before these migrations: where they add it, add it with "
            "that type"
        )
    layout = facts.layout
    bound = {
        each
        for one in layout.constraints.values()
        if one.kind in ("check", "foreign", "exclusion")
        for each in one.columns
    }
    if column in bound:
        raise NoSafeForm(
            "a CHECK, an exclusion constraint or a foreign key uses the column: drop it before, "
            "and add it again after the change, each by its own safe form"
        )
    if layout.referrers and _is_key(layout, column):
        raise NoSafeForm(
            f"foreign keys of {', '.join(layout.referrers)} refer to the column: those columns "
            "need the type too, and the keys can only be checked together"
        )
    if layout.has_triggers:
        raise NoSafeForm(
            "the table has triggers: batches would fire them for each row, and ALTER TABLE does not"
        )
    if layout.kind != "table" or layout.parents or layout.children:
        raise NoSafeForm("the table has partitions, or inherits")
    if facts.columns[column].generated:
        raise NoSafeForm("the column is generated: its values are computed as the table is copied")


def _is_key(layout: Layout, column: str) -> bool:
    keys = (one for one in layout.constraints.values() if one.kind in ("primary", "unique"))
    return any(column in one.columns for one in keys)


def _exchange(original: Original, column: str, undoing: Node | None) -> Exchange:
    facts = original.table_facts
    assert facts is not None, "what uses the column is known"
    assert facts.layout is not None, "what uses the column is known"
    known = facts.columns[column]
    return Exchange(
        original.tree["relation"], column, known, facts.layout,
        tuple(indexes_of(original, column)), sequence_of(original, known),
        (undoing or {}).get("raw_default") or column_node(column),
    )  # fmt: skip


def _pieces(original: Original, column: str, definition: Node) -> Iterator[SafePart]:
    table: Node = original.tree["relation"]
    undoing = _undoing(original, column)
    exchange = _exchange(original, column, undoing)
    new, old = exchange.new, exchange.old
    value = definition.get("raw_default") or column_node(column)
    name = server_name(f"zz_{table['relname']}", [column], "fill")
    filling = [
        SafePart(sql, "column")
        for sql in (_function(table, name, new, value), _trigger(table, name))
    ]
    ends = [SafePart(sql, LABEL) for sql in _ends(table, name)]
    yield replace(_adding(table, new, definition), back=(_without(table, new),))
    for piece, end in zip(filling, reversed(ends), strict=True):
        yield replace(piece, back=(end,))
    yield fill_rows(original, new, value, [null_test(new), null_test(column, "IS_NOT_NULL")])
    if not exchange.known.nullable:
        yield from required(table, new, original.dialect.version)
    yield from exchange.built()
    swaps = list(exchange.swaps())
    undone = [sql for one in reversed(swaps) for sql in one.back]
    subject = ("AT_AlterColumnType", table["relname"], column)
    back = (*(SafePart(sql, LABEL) for sql in undone), *filling) if undoing else ()
    yield replace(ends[0], back=back, undone_by=subject)
    yield ends[1]
    yield from (SafePart(one.sql, LABEL) for one in swaps if one.sql)
    empty = (_adding(table, old, undoing), *exchange.emptied()) if undoing else ()
    yield replace(_without(table, old), contract=f"min_age={AGE}", back=empty)


def _adding(table: Node, name: str, definition: Node) -> SafePart:
    plain = {key: one for key, one in definition.items() if key != "raw_default"}
    named = {"ColumnDef": {**plain, "colname": name, "is_local": True}}
    return SafePart(alter_table(table, {"subtype": "AT_AddColumn", "def": named}), "column")


def _without(table: Node, column: str) -> SafePart:
    return SafePart(alter_table(table, {"subtype": "AT_DropColumn", "name": column}), "contract")


def _undoing(original: Original, column: str) -> Node | None:
    """The column's definition in the command that gives it its old type again."""
    wanted = ("AT_AlterColumnType", original.table.name, column)
    for sql in original.down:
        for command in commands_of(sql):
            if subject_of(command) == wanted:
                _, tree = parse(command)
                found: Node = tree["cmds"][0]["AlterTableCmd"]["def"]["ColumnDef"]
                return found
    return None


def _function(table: Node, name: str, new: str, value: Node) -> str:
    """The function of the trigger; its columns are those of the row that is written."""
    target = {"ResTarget": {"val": _of_row(value)}}
    node = {"targetList": [target], "limitOption": "LIMIT_OPTION_DEFAULT", "op": "SETOP_NONE"}
    text = spell_tree("SelectStmt", node).removeprefix("SELECT ")
    place = ".".join(map(double_quoted, schema_place(table, name)))
    return FILL.format(function=place, new=double_quoted(new), value=text)


def _of_row(tree: Any) -> Any:
    """An expression with the columns of NEW in place of its own."""
    if isinstance(tree, list):
        return [_of_row(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    if "ColumnRef" in tree:
        (column,) = columns_in(tree)
        return {"ColumnRef": {"fields": [{"String": {"sval": one}} for one in ("new", column)]}}
    return {key: _of_row(one) for key, one in tree.items()}


def _trigger(table: Node, name: str) -> str:
    node = {
        "trigname": name, "relation": table, "funcname": _strings(schema_place(table, name)),
        "row": True, "timing": 2, "events": 20,
    }  # fmt: skip
    return spell_tree("CreateTrigStmt", node)


def _ends(table: Node, name: str) -> Iterator[str]:
    """The trigger and its function go."""
    place = _strings([*schema_place(table, table["relname"]), name])
    trigger = {"objects": [{"List": {"items": place}}], "removeType": "OBJECT_TRIGGER"}
    function = {
        "objects": [{"ObjectWithArgs": {"objname": _strings(schema_place(table, name))}}],
        "removeType": "OBJECT_FUNCTION",
    }
    for node in (trigger, function):
        yield spell_tree("DropStmt", {**node, "behavior": "DROP_RESTRICT"})


def _strings(names: list[str]) -> list[Node]:
    return [{"String": {"sval": one}} for one in names]
