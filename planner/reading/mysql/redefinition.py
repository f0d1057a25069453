"""Which operation MODIFY and CHANGE of a column of MySQL and MariaDB are, by its old definition.

Knows no table but the column's own; where the old definition is unknown, nothing is certain.
https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html#online-ddl-column-operations
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import ColumnFacts
from lockgate.planner.reading.mysql.types import read_type
from lockgate.planner.reading.reading import Definition
from lockgate.planner.value import replace

# A length of up to 255 bytes is kept in one byte, a greater one in two.
ONE_BYTE = 255
# Up to here MariaDB finds the length in old rows whatever the new one is.
SHORT = 127
# Bytes of a character: https://dev.mysql.com/doc/refman/en/charset-charsets.html
WIDTHS = {"ascii": 1, "binary": 1, "latin1": 1, "latin2": 1, "cp1252": 1, "ucs2": 2, "utf8": 3,
          "utf8mb3": 3, "utf8mb4": 4, "utf16": 4, "utf32": 4}  # fmt: skip
TYPE_CHANGE = "change column's type"
DEFINITION = "change column's default or comment"


def redefinition(old: ColumnFacts, new: Definition, table_collation: str) -> Iterator[str]:
    """The operations, as `reading.mysql.algorithms` names them, that the new definition is."""
    before = replace(read_type(old.type), nullable=old.nullable)
    yield _type_operation(before, new, old, table_collation)
    if before.nullable != new.nullable:
        yield "change nullability"
    if new.moves:
        yield "move column"
    if "unique" in new.keys:
        yield "add index"
    if "primary" in new.keys:
        yield "add primary key"


def _type_operation(before: Definition, new: Definition, old: ColumnFacts, collation: str) -> str:
    charset = new.charset or (new.collation or collation).partition("_")[0]
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
