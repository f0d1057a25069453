"""One table of MySQL or MariaDB at one point of a plan, as far as a plan can know it.

Judges nothing; of what it cannot follow it says that it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from lockgate.planner.database.facts import ColumnFacts, IndexFacts, TableFacts
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.reading.mysql.clauses import CONVERT, RECODES
from lockgate.planner.reading.mysql.redefinition import converted, redefined
from lockgate.planner.reading.reading import Reading
from lockgate.planner.value import frozen, replace

INNODB = "innodb"
MAKES = {"add index": "btree", "add expression index": "btree",
         "add unique expression index": "btree", "add fulltext index": "fulltext",
         "add spatial index": "spatial", "add vector index": "vector",
         "add primary key": "btree"}  # fmt: skip
"""The kind of the index that an operation makes."""


@frozen
class Table:
    """A table at one point of a plan. Columns are named in lower case."""

    engine: str
    """In lower case; empty: not known."""
    size: int | None = None
    """In bytes; None: not known."""
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    """None is known of a table that the plan has made."""
    key: tuple[str, ...] = ()
    """The columns of the primary key, if they are known."""
    collation: str = ""
    triggers: frozenset[str] = frozenset()
    triggered: Mentions | None = None
    """What the bodies of its triggers mention; None: not known."""
    updates_itself: bool = False
    """An UPDATE may change a column that it does not name."""
    versioned: bool = False
    """It keeps the history of its rows."""
    is_new: bool = False
    """The unit has made it."""
    new_columns: frozenset[str] = frozenset()
    """The columns that the unit has added."""
    misses_columns: bool = False  # which the unit has dropped or renamed

    @property
    def dates(self) -> tuple[str, ...]:
        """The columns that may hold an invalid date."""
        return tuple(
            name for name, one in self.columns.items() if one.type.startswith(("date", "timestamp"))
        )

    indexes: Mapping[str, IndexFacts] = field(default_factory=dict)
    compressed: bool = False
    sequences: frozenset[str] = frozenset()
    """Those that the defaults of its columns may take values of, in lower case."""


def altered(table: Table, effect: Reading) -> Table:
    """The table as an ALTER TABLE leaves it."""
    fresh = {column.lower() for column in effect.columns_added} - table.columns.keys()
    dropped = {column.lower() for column in effect.columns_dropped}
    renamed = {old.lower(): new.lower() for old, new in effect.columns_renamed}
    gone = (dropped | renamed.keys()) - table.new_columns
    changed = replace(
        table,
        misses_columns=table.misses_columns or bool(gone),
        engine=effect.storage_engine or table.engine,
        columns={name: one for name, one in _columns(table, effect) if name not in dropped},
        key=_key(table, effect, dropped),
        collation=_collation(table, effect),
        updates_itself=table.updates_itself
        or any(column.may_update for column in effect.columns_redefined.values()),
        versioned=table.versioned if effect.versions is None else effect.versions,
        new_columns=(table.new_columns - dropped) | fresh,
        sequences=table.sequences | effect.mentions.sequences,
        indexes=indexes_after(table.indexes, effect),
    )
    return _rename_columns(changed, renamed) if renamed else changed


def indexes_after(indexes: Mapping[str, IndexFacts], effect: Reading) -> Mapping[str, IndexFacts]:
    """The indexes of a table as an ALTER TABLE leaves them; new ones have names of their own here,
    so one that is dropped again is taken to be there."""
    dropped = {column.lower() for column in effect.columns_dropped}
    gone = {one.name.lower() for one in effect.clauses if one.action == "drop index"}
    left = dict[str, IndexFacts]()
    for name, index in indexes.items():
        columns = tuple(one for one in index.columns if one not in dropped)
        if name not in gone and (columns or not index.columns):
            left[name] = replace(index, columns=columns)
    for clause in effect.clauses:
        if kind := MAKES.get(clause.action):
            columns = tuple(column.lower() for column in clause.columns if column)
            left[f"new {len(left)}"] = IndexFacts(kind, columns)
    return left


def _columns(table: Table, effect: Reading) -> Iterator[tuple[str, ColumnFacts]]:
    definitions = {name.lower(): new for name, new in effect.columns_redefined.items()}
    for name, column in table.columns.items():
        new = definitions.get(name)
        if new:
            yield name, redefined(new, table.collation, is_key=name in table.key)
        elif effect.converts_text:
            yield name, converted(column, _charset(effect))
        else:
            yield name, column


def _charset(effect: Reading) -> str:
    """The character set of CONVERT TO."""
    return next((one.name for one in effect.clauses if one.action == CONVERT), "")


def _collation(table: Table, effect: Reading) -> str:
    """The collation of a new column, or the character set of which it is the default; empty: not
    known."""
    found = [one.name for one in effect.clauses if RECODES & one.words]
    if effect.converts_text:
        found.append(_charset(effect).replace("default", ""))
    return found[-1] if found else table.collation


def _key(table: Table, effect: Reading, dropped: set[str]) -> tuple[str, ...]:
    """The columns of the primary key; one may be exchanged for another in one statement."""
    if not effect.changes_primary_key:
        return () if dropped & set(table.key) else table.key
    added = [one.columns for one in effect.clauses if one.action == "add primary key"]
    redefined = effect.columns_redefined.items()
    added += [(name,) for name, new in redefined if "primary" in new.keys]
    return tuple(name.lower() for name in added[-1]) if added and all(added[-1]) else ()


def known_table(facts: TableFacts) -> Table:
    """The table as the facts tell it."""
    return Table(
        engine=facts.storage_engine.lower(),
        size=facts.size,
        columns={name.lower(): column for name, column in facts.columns.items()},
        key=tuple(name.lower() for name in facts.primary_key),
        collation=facts.collation,
        triggers=frozenset(facts.triggers),
        triggered=facts.triggered,
        versioned=facts.versioned,
        sequences=facts.sequences,
        indexes=facts.indexes,
        compressed=facts.compressed,
        updates_itself=any(column.updates_itself for column in facts.columns.values()),
    )


def _rename_columns(table: Table, names: Mapping[str, str]) -> Table:
    """All at once: two columns may change their names."""
    return replace(
        table,
        columns={names.get(name, name): column for name, column in table.columns.items()},
        new_columns=frozenset(names.get(name, name) for name in table.new_columns),
        key=tuple(names.get(name, name) for name in table.key),
    )
