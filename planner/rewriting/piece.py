"""A piece of a rewritten statement, and what a rewriting is given. Rewrites nothing.

It must not know a file: `planner.rewriting.files` puts pieces into files.
"""

from __future__ import annotations

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.reading.postgresql.grammar import parse
from lockgate.planner.reading.postgresql.nodes import Node, relation
from lockgate.planner.reading.postgresql.spelling import spell_tree
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen, replace


@frozen
class SafePart:
    """A statement that is a part of the safe sequence.

    `label` names it in the name of a file. `alone` says that it runs in no transaction with others,
    so it gets a file of its own; `batch` are the options of `-- migrate:batch` for one that runs
    in batches. `contract` are those of `-- migrate:contract-of` for one of a later release, which
    takes away what the files before it have replaced. `back` undoes it and nothing else, in running
    order; `undone_by` is the subject of a command that may be written for that in the migration.
    """

    sql: str
    label: str
    alone: bool = False
    batch: str = ""
    contract: str = ""
    back: tuple[SafePart, ...] = ()
    undone_by: tuple[str, ...] = ()


Pieces = tuple[SafePart, ...]


class NoSafeForm(Exception):
    """A statement has no form that keeps less closed, and why, as a clause."""


class DependsOnTables(NoSafeForm):
    """Whether there is a safe form, the tables tell, of which nothing is known."""


@frozen
class Original:
    """A statement to rewrite: what it does, and what is known of the tables when it begins.

    Of an ALTER TABLE it is one command; `kind` and `node` are those of PostgreSQL's parse tree, and
    empty elsewhere. `later` are the statements after it in its section, `down` those of the way
    back.
    """

    sql: str
    reading: Reading
    facts: Facts
    dialect: Dialect
    kind: str = ""
    node: Node | None = None
    later: tuple[str, ...] = ()
    down: tuple[str, ...] = ()

    @property
    def clause(self) -> Clause:
        """The one thing that the command does."""
        return self.reading.clauses[0]

    @property
    def tree(self) -> Node:
        """The parse tree, where there is one."""
        assert self.node is not None, "only PostgreSQL's rewritings ask"
        return self.node

    @property
    def command(self) -> Node:
        """The one command of an ALTER TABLE."""
        found: Node = self.tree["cmds"][0]["AlterTableCmd"]
        return found

    @property
    def table(self) -> Object:
        """The one that is altered, or indexed."""
        return relation(self.tree["relation"])

    @property
    def table_facts(self) -> TableFacts | None:
        """What is known of it; None: nothing."""
        return find_table(self.table, self.facts)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the table's primary key; empty: it has none, or it is not known."""
        facts = self.table_facts
        known = facts.layout.constraints.values() if facts and facts.layout else ()
        return next((one.columns for one in known if one.kind == "primary"), ())

    def with_tree(self, kind: str, node: Node) -> Original:
        """The same with another statement of this tree."""
        sql = spell_tree(kind, node)
        (reading,) = read_section([sql], self.dialect)
        return replace(self, sql=sql, reading=reading, kind=kind, node=node)

    def altered(self, *commands: Node) -> str:
        """An ALTER TABLE of the same table with these commands in place of its own."""
        relation_node = self.tree["relation"]
        return alter_table(relation_node, *commands)


def alter_table(table: Node, *commands: Node) -> str:
    """An ALTER TABLE of the table that a RangeVar names."""
    wrapped = [{"AlterTableCmd": {"behavior": "DROP_RESTRICT", **one}} for one in commands]
    return spell_tree(
        "AlterTableStmt", {"relation": table, "cmds": wrapped, "objtype": "OBJECT_TABLE"}
    )


def parsed(original: Original) -> Original:
    """The same with PostgreSQL's parse tree of its text."""
    kind, node = parse(original.sql)
    return replace(original, kind=kind, node=node)
