"""Which operation MODIFY and CHANGE of a column of MySQL and MariaDB are, by its old definition,
and what the column is after them.

Knows no table but the column's own; where the old definition is unknown, nothing is certain.
https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-column-operations
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import ColumnFacts
from lockgate.planner.reading.mysql.algorithms import CHANGE_VIRTUAL
from lockgate.planner.reading.mysql.types import (
    BLOBS,
    INTEGERS,
    LISTED,
    STRINGS,
    TEXTS,
    TEXTUAL,
    read_type,
)
from lockgate.planner.reading.reading import Definition
from lockgate.planner.value import replace

# A length of up to 255 bytes is kept in one byte, a greater one in two.
ONE_BYTE = 255
# Up to here MariaDB finds the length in old rows whatever the new one is.
SHORT = 127
# Bytes of a character: https://dev.mysql.com/doc/refman/en/charset-charsets.html
WIDTHS = {"ascii": 1, "binary": 1, "latin1": 1, "latin2": 1, "cp1252": 1, "ucs2": 2, "utf8": 3,
          "utf8mb3": 3, "utf8mb4": 4, "utf16": 4, "utf32": 4}  # fmt: skip
# A column that is there, of a type that is not known.
UNKNOWN = ColumnFacts("", nullable=True)
# What a catalogue prints as it is written.
PLAIN = frozenset({*INTEGERS, *LISTED, *STRINGS, "binary", "varbinary", "bit", "decimal", "date",
                   "datetime", "time", "timestamp", "year", "double"})  # fmt: skip
LONGEST = 65535 // 4
"""Characters of a varchar in each character set. Without strict mode a longer one becomes a text.
https://dev.mysql.com/doc/refman/9.7/en/silent-column-changes.html
"""
TYPE_CHANGE = "change column's type"
DEFINITION = "change column's default or comment"


def redefinition(old: ColumnFacts, new: Definition, table_collation: str) -> Iterator[str]:
    """The operations, as `reading.mysql.algorithms` names them, that the new definition is."""
    before = replace(read_type(old.type), nullable=old.nullable)
    yield _type_operation(before, new, old, table_collation)
    if (
        old.charset
        and old.collation
        and _collation(new, table_collation) not in ("", old.collation)
    ):
        yield "change collation"
    if before.nullable != new.nullable:
        yield "change nullability"
    if new.moves:
        yield "move column"
    if "unique" in new.keys:
        yield "add index"
    if "primary" in new.keys:
        yield "add primary key"


def _collation(new: Definition, table_collation: str) -> str:
    """The collation of a text by its new definition; empty: the default of a character set."""
    return new.collation or ("" if new.charset or new.unread else table_collation)


def _type_operation(before: Definition, new: Definition, old: ColumnFacts, collation: str) -> str:
    charset = new.charset or (new.collation or collation).partition("_")[0]
    if _changes_expression(before, new, old, charset):
        return CHANGE_VIRTUAL
    computed = old.generated or new.generated or new.unread or (new.counts and not old.counts)
    if computed or (old.charset and charset != old.charset):
        return TYPE_CHANGE
    if (before.type, before.unsigned) != (new.type, new.unsigned):
        return TYPE_CHANGE
    if before.arguments == new.arguments:
        return DEFINITION
    if new.type in ("enum", "set"):
        grown = new.arguments[: len(before.arguments)] == before.arguments
        return DEFINITION if grown and _same_size(before, new) else TYPE_CHANGE
    if new.type in ("varchar", "varbinary"):
        return _length_operation(before, new, old.charset)
    return TYPE_CHANGE


def _changes_expression(
    before: Definition, new: Definition, old: ColumnFacts, charset: str
) -> bool:
    is_same = (before.type, before.unsigned, before.arguments) == (
        new.type, new.unsigned, new.arguments,
    )  # fmt: skip
    is_kept = is_same and not new.unread and not (old.charset and charset != old.charset)
    return old.virtual and new.generated and is_kept and not new.moves


def _same_size(before: Definition, new: Definition) -> bool:
    """An enum takes two bytes from 256 values on, a set one byte for eight.

    https://dev.mysql.com/doc/refman/en/storage-requirements.html
    """
    old, now = len(before.arguments), len(new.arguments)
    if new.type == "enum":
        return (old > ONE_BYTE) == (now > ONE_BYTE)
    return (old + 7) // 8 == (now + 7) // 8


def _length_operation(before: Definition, new: Definition, charset: str) -> str:
    width = WIDTHS.get(charset or "binary")
    lengths = (*before.arguments, *new.arguments)
    if width is None or len(lengths) != 2 or not all(length.isdecimal() for length in lengths):
        return TYPE_CHANGE
    old, now = int(lengths[0]) * width, int(lengths[1]) * width
    if old <= now and (old > ONE_BYTE) == (now > ONE_BYTE):
        return "lengthen column"
    return "lengthen short column" if old <= SHORT and old <= now else TYPE_CHANGE


def redefined(new: Definition, table_collation: str, *, is_key: bool) -> ColumnFacts:
    """What a column is by a new definition; UNKNOWN, where the server may make another type of it.
    `is_key` says that the primary key has it."""
    charset = new.charset or (new.collation or table_collation).partition("_")[0]
    if new.unread or not _is_kept(new) or (new.type in TEXTUAL and not charset):
        return UNKNOWN
    shown = f"{new.type}({','.join(new.arguments)})" if new.arguments else new.type
    return ColumnFacts(
        type=f"{shown} unsigned" if new.unsigned else shown,
        nullable=new.nullable and not is_key and "primary" not in new.keys,
        charset=charset if new.type in TEXTUAL else "",
        collation=new.collation,
        generated=new.generated,
        updates_itself=new.may_update,
        counts=new.counts,
    )


def _is_kept(new: Definition) -> bool:
    if new.type in TEXTS + BLOBS or new.type == "float":
        return not new.arguments  # a length, or a precision, chooses among the types
    is_long = new.type in ("varchar", "varbinary") and len(new.arguments[0]) >= len(str(LONGEST))
    return new.type in PLAIN and not is_long


def converted(old: ColumnFacts, charset: str) -> ColumnFacts:
    """What CONVERT TO CHARACTER SET makes of a column: a text whose characters may take more bytes
    becomes the next longer one. Measured on both servers.

    https://dev.mysql.com/doc/refman/9.7/en/alter-table.html#alter-table-character-set
    """
    if not old.charset:
        return old
    before, after = WIDTHS.get(old.charset), WIDTHS.get(charset)
    if before is None or after is None or charset == "binary":
        return UNKNOWN
    longer = old.type in TEXTS[:-1] and after > before
    kind = TEXTS[TEXTS.index(old.type) + 1] if longer else old.type
    return replace(old, type=kind, charset=charset, collation="")
