"""Whether a column's new definition holds every value of the old one, on MySQL and MariaDB.

Knows nothing of tables; what it does not know to be lossless it takes to lose values.
https://dev.mysql.com/doc/refman/en/data-types.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from lockgate.planner.database.facts import ColumnFacts
from lockgate.planner.reading.reading import Definition
from lockgate.planner.sql.cursor import Cursor, read_tokens
from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect

INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
# Each after the first holds what fits in those before it.
TEXTS = ("tinytext", "text", "mediumtext", "longtext")
BLOBS = ("tinyblob", "blob", "mediumblob", "longblob")
SAME = {
    "integer": "int",
    "bool": "tinyint",
    "boolean": "tinyint",
    "dec": "decimal",
    "numeric": "decimal",
    "fixed": "decimal",
    "character": "char",
}
LISTED = frozenset({"enum", "set"})
LENGTHS = {"varchar": 0, "char": 1, "varbinary": 0, "bit": 1, "datetime": 0, "time": 0,
           "timestamp": 0}  # fmt: skip
# Longer ones are filled up with bytes that coming back would have to cut off.
EXACT_LENGTHS = {"binary": 1}
TEXTUAL = frozenset({"char", "varchar", *TEXTS, *LISTED})
STRINGS, BYTES = frozenset({"char", "varchar"}), frozenset({"binary", "varbinary"})
# What is printed as it is read again.
PRINTED = frozenset({*INTEGERS, "decimal", "date", "datetime", "time", "year"})
# These choose another character set in one word, or say more than one type's name does.
UNREAD = frozenset({"ascii", "unicode", "byte", "varying", "precision", "large", "national"})
# Of each, a character is one of Unicode, and comes back as the same bytes; what is not the server
# refuses in strict mode. Measured on both servers; armscii8, tis620 and Asia's fail.
ONE_TO_ONE = frozenset(
    ["ascii", "cp850", "cp852", "cp866", "cp1250", "cp1251", "cp1256", "cp1257", "dec8", "greek",
     "hebrew", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "macce",
     "macroman", "ucs2", "utf16", "utf16le", "utf32", "utf8", "utf8mb3", "utf8mb4"]
)  # fmt: skip
# Whatever is a text of the left is a text of the right, byte for byte or by its code points.
WIDER = frozenset(
    [("ascii", "utf8mb4"), ("utf8", "utf8mb4"), ("utf8mb3", "utf8mb4"), ("ascii", "utf8mb3")]
)


def read_type(text: str) -> Definition:
    """The type of a column as the catalogue prints it."""
    return read_definition(read_tokens(text, MYSQL))


def read_definition(cursor: Cursor) -> Definition:
    """The definition after a column's name: `varchar(50) not null`.

    >>> definition = read_definition(read_tokens("INT(11) unsigned NOT NULL", MYSQL))
    >>> definition.type, definition.arguments, definition.unsigned, definition.nullable
    ('int', (), True, False)
    """
    text, name = cursor.text(), cursor.take().word
    kind = SAME.get(name, name)
    given = tuple(_arguments(cursor.group())) if cursor.sees("(") else ()
    words = [token.word for token in cursor.rest()]
    return Definition(
        kind,
        _counted(kind, given),
        unsigned=bool({"unsigned", "zerofill"} & set(words)),
        nullable=("not", "null") not in set(pairwise(words)),
        charset=_value(cursor, "charset", "set"),
        collation=_value(cursor, "collate"),
        generated="as" in words,
        counts="auto_increment" in words,
        unread=not kind or bool(UNREAD & set(words)),
        # https://dev.mysql.com/doc/refman/en/timestamp-initialization.html
        may_update="update" in words or kind == "timestamp",
        moves=words[-1:] == ["first"] or "after" in words[-2:],
        keys=frozenset({"unique", "primary"} & set(words)),
        text=text,
    )


def find_column(columns: Mapping[str, ColumnFacts], name: str) -> ColumnFacts | None:
    """A column by its name in any letter case.

    https://dev.mysql.com/doc/refman/9.7/en/identifier-case-sensitivity.html
    """
    lowered = name.lower()
    return columns.get(name) or next(
        (column for each, column in columns.items() if each.lower() == lowered), None
    )


def fills_null(kind: str, strict: bool, dialect: Dialect) -> bool:
    """Whether NULL becomes another value where a column of this type must not be NULL any more:
    the time of now in a timestamp of MariaDB, in each mode. Else a strict server refuses it.

    https://mariadb.com/kb/en/timestamp/
    """
    return not strict or (kind == "timestamp" and dialect.name == MARIADB.name)


def loses(
    old: ColumnFacts, new: Definition, table_collation: str, strict: bool, dialect: Dialect
) -> str:
    """Why the new definition may not hold the old values, as a clause; empty: each value comes
    back when the old definition does, or the server refuses the change."""
    before = read_type(old.type)
    if old.generated or new.generated:
        return "" if old.generated and new.generated else "its values are computed"
    if new.counts and not old.counts:
        return "AUTO_INCREMENT gives zeroes another value"
    if old.nullable and not new.nullable and fills_null(new.type, strict, dialect):
        mode = "" if strict else "without strict mode "
        return f"{mode}NOT NULL turns NULL into another value"
    held = _holds(before, new) or (strict and _holds_or_refuses(before, new))
    if new.unread or not held or _is_unread_again(before, new, dialect):
        return f"a value of {old.type} may not fit {_shown(new)}"
    if old.charset and new.type in TEXTUAL and not keeps_text(old, new, table_collation, strict):
        return "its character set may change"
    return ""


def cuts(old: ColumnFacts, new: Definition, strict: bool) -> bool:
    """Whether the server may change values to make them fit the new type, in place of refusing
    them: in strict mode too it rounds numbers and seconds, and takes the time off a date. Measured.
    """
    before = read_type(old.type)
    known = not (old.generated or new.generated or new.unread)
    held = _holds(before, new) or (strict and _holds_or_refuses(before, new))
    return known and not held


def longest(old: ColumnFacts, new: Definition) -> int | None:
    """How many characters a text may have that the new definition holds; None: it holds all.

    Servers, in any mode, cut spaces at the end of a longer one without a word.
    https://dev.mysql.com/doc/refman/9.7/en/char.html
    """
    before = read_type(old.type)
    if new.type != "varchar" or not old.charset or not _are_numbers(new):
        return None
    (length,) = _numbers(new)
    fits = before.type in STRINGS and _are_numbers(before) and _numbers(before) <= (length,)
    return None if fits or before.type in LISTED else length


def _arguments(group: Cursor) -> Iterator[str]:
    while not group.at_end:
        yield group.clause().text()


def _counted(kind: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments that count: an integer's are its display width."""
    if kind in INTEGERS:
        return ()
    if kind == "decimal":
        return (*given, *("10", "0")[len(given) :])
    if not given and kind in (LENGTHS | EXACT_LENGTHS):
        return (str((LENGTHS | EXACT_LENGTHS)[kind]),)
    return given


def _value(cursor: Cursor, *words: str) -> str:
    """The name after one of these words, in lower case."""
    tokens = list(cursor.rest())
    for one, following in pairwise(tokens):
        if one.word in words:
            return (following.name or following.text.strip("'\"")).lower()
    return ""


def _shown(new: Definition) -> str:
    """The type alone, for people."""
    cursor = read_tokens(new.text, MYSQL)
    name = cursor.take().text
    shown = f"{name}({cursor.group().text()})" if cursor.sees("(") else name
    return f"{shown} unsigned" if new.unsigned else shown


def _holds(old: Definition, new: Definition) -> bool:
    """Whether every value of the old type is one of the new, in any mode of the server."""
    if old.type in INTEGERS and new.type in INTEGERS:
        return _holds_integers(old, new)
    if old.type == new.type == "decimal":
        return _holds_decimals(old, new)
    if old.type == new.type and old.type in LISTED:
        return set(new.arguments) >= set(old.arguments)
    if old.type == new.type and old.type in LENGTHS:
        return _is_longer(old, new)
    if (old.type, new.type) in (("char", "varchar"), ("binary", "varbinary")):
        return _is_longer(old, new)
    if (old.type, new.type) == ("float", "double"):
        return not (old.arguments or new.arguments or new.unsigned)
    for family, shorter in ((TEXTS, STRINGS), (BLOBS, BYTES)):
        if new.type in family and not new.arguments:
            if old.type in family:
                return family.index(old.type) <= family.index(new.type) and not old.arguments
            return old.type in shorter and new.type != family[0]
    same = (old.type, old.arguments, old.unsigned) == (new.type, new.arguments, new.unsigned)
    return same and old.type not in TEXTS + BLOBS


def _holds_or_refuses(old: Definition, new: Definition) -> bool:
    """Whether a server in strict mode keeps every value, or refuses the change for one that does
    not fit; of spaces at the end of a text `longest` is to be asked. It does not refuse to round a
    number, nor to cut a time off a date.

    https://dev.mysql.com/doc/refman/9.7/en/sql-mode.html#sql-mode-strict
    """
    number = old.type in INTEGERS or (old.type == "decimal" and old.arguments[1:] == ("0",))
    if number and (new.type in INTEGERS or new.type == "decimal"):
        return True
    if old.type == new.type == "decimal":
        return _are_numbers(old, new) and _numbers(new)[1] >= _numbers(old)[1]
    if old.type in INTEGERS and new.type == "double":
        return old.type != "bigint" and not (new.arguments or new.unsigned)
    if (old.type, new.type) == ("date", "datetime"):
        return True
    if old.type == new.type and old.type in LISTED:
        gone = set(old.arguments) - set(new.arguments)
        # What looks like a number is taken for the place of a value.
        return set(new.arguments) <= set(old.arguments) and not any(map(_is_place, gone))
    if old.type in PRINTED and new.type in ("char", "varchar", *TEXTS):
        # MariaDB does not read the greatest numbers again that it has printed.
        return not (old.type == "bigint" and old.unsigned) and _are_numbers(new)
    if new.type == "varchar":
        return old.type in STRINGS | frozenset(TEXTS) and _are_numbers(new)
    fixed = ("char", "char"), ("bit", "bit"), ("binary", "varbinary"), ("varbinary", "varbinary")
    return (old.type, new.type) in fixed and _are_numbers(old, new)


def _is_unread_again(old: Definition, new: Definition, dialect: Dialect) -> bool:
    """Whether the greatest values of the old type come no way back: MySQL makes no bigint of a
    decimal from 2^63 on, though MariaDB does. Measured."""
    greatest = old.type == "bigint" and old.unsigned and new.type == "decimal"
    return greatest and dialect.name == MYSQL.name


def _is_place(member: str) -> bool:
    return member.strip("'\" ").isdecimal()


def _holds_integers(old: Definition, new: Definition) -> bool:
    before, after = INTEGERS.index(old.type), INTEGERS.index(new.type)
    if old.unsigned == new.unsigned:
        return before <= after
    return old.unsigned and before < after


def _holds_decimals(old: Definition, new: Definition) -> bool:
    if old.unsigned != new.unsigned or not _are_numbers(old, new):
        return False
    (before, before_scale), (after, after_scale) = map(_numbers, (old, new))
    return after_scale >= before_scale and after - after_scale >= before - before_scale


def _is_longer(old: Definition, new: Definition) -> bool:
    return _are_numbers(old, new) and _numbers(old) <= _numbers(new)


def _are_numbers(*definitions: Definition) -> bool:
    return all(text.isdecimal() for one in definitions for text in one.arguments)


def _numbers(definition: Definition) -> tuple[int, ...]:
    return tuple(int(text) for text in definition.arguments)


def keeps_text(
    old: ColumnFacts, new: Definition, table_collation: str, strict: bool = False
) -> bool:
    """Whether the new character set has every character of the old one, or a strict server
    refuses those that it does not have."""
    collation = new.collation or ("" if new.charset else table_collation)
    charset = new.charset or collation.partition("_")[0]
    known = charset == old.charset or (old.charset, charset) in WIDER
    return bool(old.charset) and (known or (strict and {old.charset, charset} <= ONE_TO_ONE))
