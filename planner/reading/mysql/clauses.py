"""Which operations an ALTER TABLE of MySQL and MariaDB is made of, clause by clause.

Knows not how a server carries them out: `mysql_ways` does. What it cannot name is None.
https://dev.mysql.com/doc/refman/en/alter-table.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lockgate.planner.database.facts import TableFacts
from lockgate.planner.reading.mysql.alter import KEYS
from lockgate.planner.reading.mysql.redefinition import read_redefinition
from lockgate.planner.reading.tables import INNODB
from lockgate.planner.sql.cursor import Cursor
from lockgate.planner.sql.dialect import Dialect

INDEXES = {"index": "add index", "key": "add index", "unique": "add index",
           "fulltext": "add fulltext index", "spatial": "add fulltext index",
           "vector": "add fulltext index", "primary": "add primary key",
           "foreign": "add foreign key", "check": "add check"}  # fmt: skip
DROPPED = {"index": "drop index", "key": "drop index", "primary": "drop primary key",
           "foreign": "drop foreign key", "check": "drop check",
           "constraint": "drop check"}  # fmt: skip
REBUILDING = frozenset({"row_format", "key_block_size", "encryption", "page_compressed"})
PARTITION_CHANGES = {"drop": "drop partition", "truncate": "truncate partition"}
ONE_FOR_BOTH = {"drop primary key", "add primary key"}

Operation = str | None


@dataclass(frozen=True, slots=True)
class AlteredTable:
    """The table that is altered, as far as it is known."""

    dialect: Dialect
    known: TableFacts | None


def read_operations(cursor: Cursor, target: AlteredTable) -> tuple[Operation, ...]:
    """The operations of the clauses ahead of an ALTER TABLE; None: one that has no name here."""
    found: list[Operation] = []
    while not cursor.at_end:
        if (operation := _partition(cursor)) is not None:
            found.append(operation)
            break
        found += _clause(cursor.clause(), target)
    if set(found) >= ONE_FOR_BOTH:
        found = ["change primary key", *(each for each in found if each not in ONE_FOR_BOTH)]
    return tuple(found)


def read_explicit(cursor: Cursor) -> dict[str, str]:
    """What ALGORITHM and LOCK ahead ask for, both in lower case; nothing is passed."""
    tokens = [token.word for token in cursor.rest()]
    found = {}
    for place, word in enumerate(tokens):
        if word in ("algorithm", "lock"):
            value = tokens[place + 1 : place + 3]
            found[word] = value[-1] if value[:1] == ["="] else "".join(value[:1])
    return found


def _partition(cursor: Cursor) -> str | None:
    if cursor.sees("partition", "by") or cursor.sees("remove", "partitioning"):
        return "partition"
    if cursor.peek(1).word != "partition":
        return None
    word = cursor.peek().word
    if word == "add":
        return "add list partition" if cursor.peek(2).word == "(" else "change partitions"
    return PARTITION_CHANGES.get(word, "change partitions")


def _clause(clause: Cursor, target: AlteredTable) -> Iterator[Operation]:
    word = clause.take().word
    if word == "add":
        yield from _add(clause)
    elif word == "drop":
        yield DROPPED.get(clause.peek().word, "drop column")
    elif word in ("modify", "change"):
        yield from _redefine(clause, word, target)
    elif word == "rename":
        yield "change index" if clause.peek().word in ("index", "key") else "rename"
    elif word == "alter":
        yield from _alter(clause)
    elif word == "force":
        yield "rebuild"
    elif word == "convert":
        yield "convert character set"
    elif word in ("order", "discard", "import"):
        yield None
    elif word not in ("algorithm", "lock", "enable", "disable", "with", "without"):
        yield from _options(word, clause, target)


def _add(clause: Cursor) -> Iterator[Operation]:
    if not clause.accept("column") and clause.peek().word in KEYS:
        yield _add_key(clause)
        return
    clause.accept("if", "not", "exists")
    columns = clause.group() if clause.sees("(") else clause
    while not columns.at_end:
        item = columns.clause()
        yield _add_key(item) if item.peek().word in KEYS else _add_column(item)


def _add_key(clause: Cursor) -> Operation:
    if clause.accept("constraint") and clause.peek().word not in INDEXES:
        clause.name()
    return INDEXES.get(clause.peek().word)


def _add_column(clause: Cursor) -> Operation:
    clause.name()
    words = [token.word for token in clause.rest()]
    if "auto_increment" in words:
        return "add auto_increment column"
    if "as" in words:
        stored = {"stored", "persistent"} & set(words)
        return "add stored column" if stored else "add virtual column"
    if "references" in words:
        return "add column with a reference"
    if {"unique", "primary", "key"} & set(words):
        return "add column with an index"
    if "check" in words:
        return "add column with a check"
    return _default(clause)


def _default(clause: Cursor) -> str:
    clause.until("default")
    if not clause.accept("default", "("):
        return "add column"
    tokens = list(clause.rest())
    calls = any(one.name and after.word == "(" for one, after in pairwise(tokens))
    return "add column with a computed default" if calls else "add column with an expression"


def _redefine(clause: Cursor, word: str, target: AlteredTable) -> Iterator[Operation]:
    clause.accept("column")
    clause.accept("if", "exists")
    old = clause.name()
    renamed = word == "change" and clause.name() != old
    column = target.known.columns.get(old) if target.known else None
    if column is None or target.known is None:
        yield None
        return
    yield from read_redefinition(column, clause.text(), target.dialect, target.known.collation)
    if renamed:
        yield "rename"


def _alter(clause: Cursor) -> Iterator[Operation]:
    """A default, a visibility, or whether a check is enforced."""
    if clause.accept("index"):
        yield "change index"
    elif clause.sees("check") or clause.sees("constraint"):
        words = [token.word for token in clause.rest()]
        yield "drop check" if "not" in words else "add check"
    else:
        yield "change column's default or comment"


def _options(word: str, clause: Cursor, target: AlteredTable) -> Iterator[Operation]:
    """Table options, which need no commas between them."""
    while word:
        if word in ("default", "character"):
            word = clause.take().word
            continue
        clause.accept("=")
        value = clause.take()
        if word == "engine":
            yield _engine((value.name or value.text.strip("'\"")).lower(), target.known)
        else:
            yield "rebuild" if word in REBUILDING else "change options"
        word = clause.take().word


def _engine(engine: str, known: TableFacts | None) -> Operation:
    if known and known.storage_engine.lower() != engine:
        return None
    return "rebuild" if engine == INNODB else None
