"""The exchange of a column for a new one that holds the same values in another type: each takes the
name, the default and the indexes of the other, in one short transaction, and back.

Fills no row of the new column; on the way back the old one gets the values that were written since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lockgate.planner.database.facts import ColumnFacts, Layout
from lockgate.planner.quoting import double_quoted
from lockgate.planner.reading.postgresql.grammar import parse
from lockgate.planner.reading.postgresql.nodes import Node, constant, walk
from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import NoSafeForm, Original, SafePart, alter_table
from lockgate.planner.rewriting.postgresql.constraint import added, dropped
from lockgate.planner.rewriting.postgresql.create_index import build
from lockgate.planner.rewriting.postgresql.key import PRIMARY
from lockgate.planner.rewriting.postgresql.not_null import column_node
from lockgate.planner.value import frozen

LABEL = "exchange"
UNIQUE = "CONSTR_UNIQUE"
KINDS = {"p": PRIMARY, "u": UNIQUE}


@frozen
class Swap:
    """A statement of the exchange, and those that undo it, in running order."""

    sql: str
    back: tuple[str, ...]


@frozen
class Index:
    """An index of the column: its name, its parse tree, and the kind of its constraint; empty: it
    has none."""

    name: str
    node: Node
    constraint: str = ""


@frozen
class Exchange:
    """The column of a table, what it is to be exchanged for, and how its old values are computed
    from the new ones."""

    table: Node
    column: str
    known: ColumnFacts
    layout: Layout
    indexes: tuple[Index, ...]
    sequence: str
    backwards: Node

    @property
    def new(self) -> str:
        return server_name(self.column, (), "new")

    @property
    def old(self) -> str:
        return server_name(self.column, (), "old")

    def built(self) -> Iterator[SafePart]:
        """The indexes of the new column."""
        for one in self.indexes:
            name = server_name(one.name, (), "new")
            yield from self._on(one, name, self.new, one.constraint == UNIQUE)

    def emptied(self) -> Iterator[SafePart]:
        """The indexes of the old column once more, when it is made again without its values."""
        for one in self.indexes:
            if one.constraint != PRIMARY:
                name = server_name(one.name, (), "old")
                yield from self._on(one, name, self.old, one.constraint == UNIQUE)

    def _on(self, one: Index, name: str, column: str, bound: bool) -> Iterator[SafePart]:
        node = {**with_other_column(one.node, self.column, column), "idxname": name}
        index = build(node, self.table["relname"])
        yield index
        if bound:
            gone = SafePart(alter_table(self.table, dropped(name)), "constraint")
            taken = self._takes(one.constraint, name, name)
            yield SafePart(taken, "constraint", back=(gone, index))

    def _takes(self, kind: str, name: str, index: str) -> str:
        node = {"contype": kind, "conname": name, "indexname": index}
        return alter_table(self.table, added({"Constraint": node}))

    def swaps(self) -> Iterator[Swap]:
        """What is exchanged, in running order; the first statement keeps all others out."""
        table, column, known = self.table, self.column, self.known
        primary = next((one for one in self.indexes if one.constraint == PRIMARY), None)
        if primary:
            yield from self._key(primary)
        required = () if known.nullable else (self._required(),)
        released = {"subtype": "AT_DropNotNull", "name": column}
        yield Swap(
            "" if known.nullable else alter_table(table, released), (self._refilled(), *required)
        )
        if known.default:
            yield Swap(self._default(""), (self._default(known.default),))
        for before, after in ((column, self.old), (self.new, column)):
            yield self._renames("OBJECT_COLUMN", before, after)
        if known.default:
            yield Swap(self._default(known.default), (self._default(""),))
        if self.sequence:
            yield Swap(self._owning(column), (self._owning(self.old),))
        yield from self._renamed()

    def _key(self, one: Index) -> Iterator[Swap]:
        """A table has one primary key, so that of the old column is built again on the way back."""
        again = {"contype": PRIMARY, "conname": one.name, "keys": _strings([self.column])}
        gone, new = alter_table(self.table, dropped(one.name)), server_name(one.name, (), "new")
        node = {**with_other_column(one.node, self.column, self.new), "idxname": new}
        index = spell_tree("IndexStmt", node)
        yield Swap(gone, (alter_table(self.table, added({"Constraint": again})),))
        yield Swap(self._takes(PRIMARY, one.name, new), (gone, index))

    def _renamed(self) -> Iterator[Swap]:
        for name in self._not_null():  # from version 18 on it is a constraint
            given = server_name(self.table["relname"], [self.new], "not_null")
            yield self._renames("OBJECT_TABCONSTRAINT", given, name)
        for one in self.indexes:
            old, new = (server_name(one.name, (), label) for label in ("old", "new"))
            kind = "OBJECT_TABCONSTRAINT" if one.constraint else "OBJECT_INDEX"
            if one.constraint != PRIMARY:
                yield self._renames(kind, one.name, old)
                yield self._renames(kind, new, one.name)

    def _not_null(self) -> list[str]:
        return [
            name
            for name, one in self.layout.constraints.items()
            if one.kind == "not null" and one.columns == (self.column,)
        ]

    def _required(self) -> str:
        for name in self._not_null():
            keys = _strings([self.column])
            node: Node = {"contype": "CONSTR_NOTNULL", "conname": name, "keys": keys}
            node["initially_valid"] = True
            return alter_table(self.table, added({"Constraint": node}))
        return alter_table(self.table, {"subtype": "AT_SetNotNull", "name": self.column})

    def _refilled(self) -> str:
        value = with_other_column(self.backwards, self.column, self.new)
        target = {"ResTarget": {"name": self.column, "val": value}}
        return spell_tree("UpdateStmt", {"relation": self.table, "targetList": [target]})

    def _default(self, default: str) -> str:
        """The command that gives the column its default, or takes it where that is empty."""
        command: Node = {"subtype": "AT_ColumnDefault", "name": self.column}
        if default:
            _, read = parse(f"ALTER TABLE t ALTER c SET DEFAULT {default}")
            command["def"] = read["cmds"][0]["AlterTableCmd"]["def"]
        return alter_table(self.table, command)

    def _owning(self, column: str) -> str:
        names = [*schema_place(self.table, self.table["relname"]), column]
        owner = ".".join(map(double_quoted, names))
        return spell_tree(*parse(f"ALTER SEQUENCE {self.sequence} OWNED BY {owner}"))

    def _renames(self, kind: str, before: str, after: str) -> Swap:
        return Swap(_renamed(kind, self.table, before, after), (
            _renamed(kind, self.table, after, before),
        ))  # fmt: skip


def indexes_of(original: Original, column: str) -> Iterator[Index]:
    """The indexes that hold a column, or read it.

    Raises:
        NoSafeForm: one of them cannot be built beside the old one.
    """
    facts, tables = original.table_facts, original.facts.tables
    layout = facts.layout if facts else None
    for key in layout.indexes if layout else ():
        known = tables[key].layout if key in tables else None
        if known is None or not known.definition:
            raise NoSafeForm("an index of the table is not known")
        kind, definition = "", known.definition
        if definition[:2] in ("p ", "u ", "x "):
            kind, _, definition = definition.partition(" ")
        is_unique, definition = definition.startswith("UNIQUE "), definition.removeprefix("UNIQUE ")
        unique = "UNIQUE " if is_unique else ""
        _, node = parse(f"CREATE {unique}INDEX i ON t USING {definition}")
        if with_other_column(node, column, f"{column} ") == node:
            continue
        if kind == "x":
            raise NoSafeForm("an exclusion constraint uses the column")
        if kind == "p" and len(known.keys) > 1:
            raise NoSafeForm("the column is one of several of the primary key")
        name = key.rpartition(".")[2]
        yield Index(name, {**node, "relation": original.tree["relation"]}, KINDS.get(kind, ""))


def sequence_of(original: Original, known: ColumnFacts) -> str:
    """The sequence of the table from which the column gets its values, as SQL names it; empty:
    none."""
    if not known.default:
        return ""
    _, tree = parse(f"SELECT {known.default}")
    named = [constant(call["args"][0]) for kind, call in walk(tree) if kind == "FuncCall"
             if call["funcname"][-1]["String"]["sval"] == "nextval"]  # fmt: skip
    for key, one in original.facts.tables.items():
        layout = one.layout
        if layout and layout.kind == "sequence" and named and _last(named[0]) == _last(key):
            is_own = original.facts.tables.get(layout.owner) is original.table_facts
            return str(named[0]) if is_own else ""
    return ""


def _last(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def with_other_column(tree: Any, before: str, after: str) -> Any:
    """An expression, or an index, with another column in the place of one."""
    if isinstance(tree, list):
        return [with_other_column(one, before, after) for one in tree]
    if not isinstance(tree, dict):
        return tree
    if "ColumnRef" in tree:
        fields = tree["ColumnRef"]["fields"]
        is_it = fields[-1].get("String", {}).get("sval") == before
        return column_node(after) if is_it else tree
    made = {key: with_other_column(one, before, after) for key, one in tree.items()}
    if "IndexElem" in tree and tree["IndexElem"].get("name") == before:
        made["IndexElem"] = {**made["IndexElem"], "name": after}
    return made


def _renamed(kind: str, table: Node, before: str, after: str) -> str:
    node: Node = {"renameType": kind, "newname": after, "behavior": "DROP_RESTRICT"}
    if kind == "OBJECT_INDEX":
        node |= {"relation": {**table, "relname": before}, "relationType": "OBJECT_ACCESS_METHOD"}
        return spell_tree("RenameStmt", node)
    # What the grammar says of a constraint that is none of a domain's.
    of = "OBJECT_TABLE" if kind == "OBJECT_COLUMN" else "OBJECT_ACCESS_METHOD"
    return spell_tree(
        "RenameStmt", {**node, "relation": table, "subname": before, "relationType": of}
    )


def schema_place(table: Node, name: str) -> list[str]:
    """A name in the schema that the statement names, if it names one."""
    return [*([table["schemaname"]] if table.get("schemaname") else []), name]


def _strings(names: Sequence[str]) -> list[Node]:
    return [{"String": {"sval": one}} for one in names]
