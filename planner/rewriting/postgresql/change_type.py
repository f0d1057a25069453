"""ALTER COLUMN … TYPE where it rewrites the table: by a new column that a trigger and batches fill,
which takes the old one's name; the old one goes in a later release.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate.planner.database.facts import TableFacts
from lockgate.planner.quoting import double_quoted
from lockgate.planner.reading.postgresql.conditions import columns_in
from lockgate.planner.reading.postgresql.grammar import parse
from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.backfill import fill_rows
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
    layout, tables = facts.layout, original.facts.tables
    indexed = {key for one in layout.indexes if one in tables for key in _keys(tables[one].layout)}
    bound = {
        each
        for one in layout.constraints.values()
        if one.kind != "not null"
        for each in one.columns
    }
    if column in indexed | bound | set(layout.computed):
        raise NoSafeForm(
            "an index or a constraint uses the column: add a column of the new type, build what "
            "uses it on that, and let the two change names"
        )
    if layout.has_triggers:
        raise NoSafeForm(
            "the table has triggers: batches would fire them for each row, and ALTER TABLE does not"
        )
    if layout.kind != "table" or layout.parents or layout.children:
        raise NoSafeForm("the table has partitions, or inherits")


def _keys(layout: Any) -> tuple[str, ...]:
    return layout.keys if layout else ()


def _pieces(original: Original, column: str, definition: Node) -> Iterator[SafePart]:
    table: Node = original.tree["relation"]
    new, old = (server_name(column, (), label) for label in ("new", "old"))
    value = definition.get("raw_default") or column_node(column)
    name = server_name(f"zz_{table['relname']}", [column], "fill")
    facts = original.table_facts
    assert facts is not None, "what uses the column is known"
    if facts.columns[column].generated:
        raise NoSafeForm("the column is generated: its values are computed as the table is copied")
    plain = {key: one for key, one in definition.items() if key != "raw_default"}
    named = {"ColumnDef": {**plain, "colname": new, "is_local": True}}
    added: Node = {"subtype": "AT_AddColumn", "def": named}
    yield SafePart(alter_table(table, added), "column")
    yield SafePart(_function(table, name, new, value), "column")
    yield SafePart(_trigger(table, name), "column")
    yield fill_rows(original, new, value, [null_test(new), null_test(column, "IS_NOT_NULL")])
    if not facts.columns[column].nullable:
        yield from required(table, new, original.dialect.version)
    exchange = (*_ends(table, name), *_exchanged(original, facts, column))
    yield from (SafePart(sql, "exchange") for sql in exchange)
    gone: Node = {"subtype": "AT_DropColumn", "name": old}
    yield SafePart(alter_table(table, gone), "contract", contract=f"min_age={AGE}")


def _function(table: Node, name: str, new: str, value: Node) -> str:
    """The function of the trigger; its columns are those of the row that is written."""
    target = {"ResTarget": {"val": _of_row(value)}}
    node = {"targetList": [target], "limitOption": "LIMIT_OPTION_DEFAULT", "op": "SETOP_NONE"}
    text = spell_tree("SelectStmt", node).removeprefix("SELECT ")
    place = ".".join(map(double_quoted, _place(table, name)))
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
        "trigname": name, "relation": table, "funcname": _strings(_place(table, name)), "row": True,
        "timing": 2, "events": 20,
    }  # fmt: skip
    return spell_tree("CreateTrigStmt", node)


def _ends(table: Node, name: str) -> Iterator[str]:
    """The trigger and its function go."""
    place = _strings([*_place(table, table["relname"]), name])
    trigger = {"objects": [{"List": {"items": place}}], "removeType": "OBJECT_TRIGGER"}
    function = {
        "objects": [{"ObjectWithArgs": {"objname": _strings(_place(table, name))}}],
        "removeType": "OBJECT_FUNCTION",
    }
    for node in (trigger, function):
        yield spell_tree("DropStmt", {**node, "behavior": "DROP_RESTRICT"})


def _exchanged(original: Original, facts: TableFacts, column: str) -> Iterator[str]:
    """The new column gets the old one's name and default, and its NOT NULL the name of that; the
    old one asks for no value any more."""
    table: Node = original.tree["relation"]
    known, new = facts.columns[column], server_name(column, (), "new")
    if not known.nullable:
        yield alter_table(table, {"subtype": "AT_DropNotNull", "name": column})
    if known.default:
        yield _with_default(table, column, "")
    yield _renamed("OBJECT_COLUMN", table, column, server_name(column, (), "old"))
    yield _renamed("OBJECT_COLUMN", table, new, column)
    if known.default:
        yield _with_default(table, column, known.default)
    constraints = facts.layout.constraints if facts.layout else {}
    for name, one in constraints.items():  # from version 18 on it is a constraint
        if one.kind == "not null" and one.columns == (column,):
            given = server_name(table["relname"], [new], "not_null")
            yield _renamed("OBJECT_TABCONSTRAINT", table, given, name)


def _with_default(table: Node, column: str, default: str) -> str:
    """The command that gives a column its default, or takes it where that is empty."""
    command: Node = {"subtype": "AT_ColumnDefault", "name": column}
    if default:
        _, read = parse(f"ALTER TABLE t ALTER c SET DEFAULT {default}")
        command["def"] = read["cmds"][0]["AlterTableCmd"]["def"]
    return alter_table(table, command)


def _renamed(kind: str, table: Node, before: str, after: str) -> str:
    node = {
        "renameType": kind, "relation": table, "subname": before, "newname": after,
        "behavior": "DROP_RESTRICT",
    }  # fmt: skip
    # What the grammar says of a constraint that is none of a domain's.
    node["relationType"] = "OBJECT_TABLE" if kind == "OBJECT_COLUMN" else "OBJECT_ACCESS_METHOD"
    return spell_tree("RenameStmt", node)


def _place(table: Node, name: str) -> list[str]:
    """A name in the schema that the statement names, if it names one."""
    return [*([table["schemaname"]] if table.get("schemaname") else []), name]


def _strings(names: list[str]) -> list[Node]:
    return [{"String": {"sval": one}} for one in names]
