"""The way back of a table of MySQL or MariaDB, derived from what it was and what it is.

It must not ask a server, nor know which of the two it is for: it only uses what both understand.
Its statements are for a session with foreign_key_checks=0, the character set utf8mb4, and
SQL_MODE as its sql_mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lockgate.executors.mysql.table.definition import CHARACTER_SET, PRIMARY, Table
from lockgate.executors.mysql.table.difference import TableDifference, compare_tables
from lockgate.executors.mysql.table.text import outline, without_hiding, without_words
from lockgate.planner.quoting import backquoted

SQL_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
"""Strict, so that a value which no longer fits is an error and is not cut; but the values and
defaults that a laxer session has left (a zero date, an AUTO_INCREMENT column's 0) are kept.
https://dev.mysql.com/doc/refman/9.7/en/sql-mode.html
"""

NO_RENAMES: Mapping[str, str] = MappingProxyType({})

ABSENT = {
    "AUTOEXTEND_SIZE": "0",
    "AVG_ROW_LENGTH": "0",
    "CHECKSUM": "0",
    "COMMENT": "''",
    "COMPRESSION": "''",
    "CONNECTION": "''",
    "DELAY_KEY_WRITE": "0",
    "ENCRYPTION": "'N'",
    "KEY_BLOCK_SIZE": "0",
    "MAX_ROWS": "0",
    "MIN_ROWS": "0",
    "PACK_KEYS": "DEFAULT",
    "PAGE_CHECKSUM": "DEFAULT",
    "ROW_FORMAT": "DEFAULT",
    "SECONDARY_ENGINE": "NULL",
    "STATS_AUTO_RECALC": "DEFAULT",
    "STATS_PERSISTENT": "DEFAULT",
    "STATS_SAMPLE_PAGES": "DEFAULT",
    "TRANSACTIONAL": "DEFAULT",
}
"""The value of an option which SHOW CREATE TABLE does not show."""

CHARACTER_SET_ALONE = re.compile(r" CHARACTER SET (\w+)(?! COLLATE)\b")
PERIOD = re.compile(r"PERIOD FOR `")  # https://mariadb.com/kb/en/application-time-periods/
FULLTEXT = "FULLTEXT KEY"
INVISIBLE_OR_NOT = ("INVISIBLE", "VISIBLE")
NEVER_SHOWN = re.compile(r"(?:tiny|medium|long)?(?:text|blob)\b")
"""MySQL shows no DEFAULT NULL of these types."""


def restore_table(
    name: str, before: Table, present: Table, renamed: Mapping[str, str] = NO_RENAMES
) -> tuple[str, ...]:
    """The statements that turn a table into what it was; none if it is the same.

    `name` is the table's identifier in them. `renamed` has the name before of a column by the
    name that a statement gave it, whether that happened or not: such a column keeps its values.
    A crash between two statements leaves a table that this function takes on from. Ask again
    with the table as it is after them, until there are none: MySQL may write an expression
    again when a column in it changes, and MariaDB shows some key options only then.

    Raises:
        ValueError: a table has a part of no known form (MariaDB's system versioning), or an
            option that cannot be taken back.
    """
    if before.is_same(present):
        return ()
    _refuse_unknown(before, present.with_renamed_columns(renamed))
    difference = compare_tables(before, present, renamed)
    first, identifiers = _renames(difference)
    if before.differs_in_order(present):
        return tuple(f"ALTER TABLE {name} {clauses}" for clauses in _reorder(difference))
    main = ", ".join(
        [
            *_drops(difference, identifiers),
            *_column_clauses(difference, identifiers),
            *_key_clauses(difference),
            *_option_clauses(difference),
        ]
    )
    parts = (
        first,
        main + _partitioning(difference),
        *_implied_character_sets(difference),
        *_late_clauses(difference),
    )
    return tuple(f"ALTER TABLE {name} {part.strip()}" for part in parts if part)


def _refuse_unknown(before: Table, present: Table) -> None:
    """A period of the application's own, of MariaDB, stays where it is the same in both, and is
    given the names of its columns by the server."""
    same = {part for part in before.unknown if part in present.unknown and PERIOD.match(part)}
    for part in sorted({*before.unknown, *present.unknown} - same):
        raise ValueError(
            f"The table cannot be restored: {part!r} is of no known form. Restore it by hand."
        )


def _renames(difference: TableDifference) -> tuple[str, Mapping[str, str]]:
    """What renames columns ahead of all else, and the identifiers of columns after that.

    A statement that renames a column of a foreign key must not need a copy of the table. But
    where an expression mentions the column, only MariaDB renames it there too; MySQL wants the
    expression dropped in the same statement. Each reads its own of the conditional comments:
    https://mariadb.com/kb/en/comment-syntax/
    """
    identifiers = {name: backquoted(present) for name, present in difference.names.items()}
    renamed = difference.renamed_ahead()
    clauses = ", ".join(
        f"RENAME COLUMN {identifiers[name]} TO {backquoted(name)}" for name in renamed
    )
    if renamed and difference.is_in_expression(renamed.values()):
        clauses = f"/*M!{clauses} */"
        own = {
            name: f"/*M!{backquoted(name)} *//*!80000 {identifiers[name]} */" for name in renamed
        }
    else:
        own = {name: backquoted(name) for name in renamed}
    return clauses, {**identifiers, **own}


def _drops(difference: TableDifference, identifiers: Mapping[str, str]) -> Iterator[str]:
    for name in difference.dropped("foreign_keys"):
        yield f"DROP FOREIGN KEY {backquoted(name)}"
    for name in difference.dropped("keys"):
        yield "DROP PRIMARY KEY" if name == PRIMARY else f"DROP KEY {backquoted(name)}"
    for name in difference.dropped("checks"):
        yield f"DROP CONSTRAINT {backquoted(name)}"
    for name in filter(difference.is_unmade, difference.present.columns):
        yield f"DROP COLUMN {identifiers[name]}"


def _column_clauses(difference: TableDifference, identifiers: Mapping[str, str]) -> Iterator[str]:
    """In the order before, so that the column which another comes AFTER has its place."""
    place = "FIRST"
    for name in difference.before.columns:
        own, old = backquoted(name), identifiers.get(name, "")
        text = difference.before.writable(name)
        if difference.is_made(name):
            yield f"ADD COLUMN {own} {text} {place}"
        elif name not in difference.settled:
            yield f"CHANGE COLUMN {old} {own} {text} {place}"
        elif name in difference.changed:
            yield f"CHANGE COLUMN {old} {own} {text}"
        elif old != own:
            yield f"RENAME COLUMN {old} TO {own}"
        place = f"AFTER {own}"


def _key_clauses(difference: TableDifference) -> Iterator[str]:
    for text in difference.added("keys").values():
        if not text.startswith(FULLTEXT):
            yield f"ADD {text}"
    for name in filter(difference.is_only_shown_anew, difference.before.keys):
        seen = _visibility(difference.before.keys[name], difference.present.keys[name])
        yield f"ALTER INDEX {backquoted(name)} {seen}"
    for text in difference.added("checks").values():
        yield f"ADD {text}"


def _reorder(difference: TableDifference) -> Iterator[str]:
    """The clauses of statements after which the keys are in their order. A key that is dropped and
    added at once stays in its place, and one that a foreign key needs cannot be gone between: so it
    is added under a name of ours, which it loses afterwards."""
    drops = [f"DROP KEY {backquoted(name)}" for name in difference.dropped("keys")]
    adds, renames = [], []
    for number, (name, text) in enumerate(difference.added("keys").items()):
        own, ours = backquoted(name), backquoted(f"lockgate_{number}")
        adds.append(f"ADD {text.replace(own, ours, 1)}")
        renames.append(f"RENAME INDEX {ours} TO {own}")
    yield from (", ".join([*drops, *adds]), ", ".join(renames))


def _visibility(before: str, present: str) -> str:
    """How ALTER INDEX says what a key was, in the words of the server that shows the key."""
    hidden = outline(before if before != without_hiding(before) else present)
    word, opposite = ("IGNORED", "NOT IGNORED") if "IGNORED" in hidden else INVISIBLE_OR_NOT
    return opposite if before == without_hiding(before) else word


def _option_clauses(difference: TableDifference) -> Iterator[str]:
    for name in difference.changed_options():
        value = difference.before.options.get(name) or _absent(name)
        yield f"{'DEFAULT ' if name == CHARACTER_SET else ''}{name}={value}"


def _absent(option: str) -> str:
    if option.startswith("`"):  # MariaDB's options of a storage engine
        return "DEFAULT"
    if option not in ABSENT:
        raise ValueError(f"A table's option {option} cannot be taken back.")
    return ABSENT[option]


def _partitioning(difference: TableDifference) -> str:
    before, present = difference.before.partitioning, difference.present.partitioning
    if before == present:
        return ""
    return f" {before}" if before else " REMOVE PARTITIONING"


def _implied_character_sets(difference: TableDifference) -> Iterator[str]:
    """The clauses of statements after which columns have their character set from a default that
    the table had once. MySQL shows of such a column no collation; of one that names it, it does.

    https://dev.mysql.com/doc/refman/9.7/en/charset-column.html
    """
    found: dict[str, list[str]] = {}
    for name, text in difference.before.columns.items():
        named = CHARACTER_SET_ALONE.search(outline(text))
        if named and (difference.is_made(name) or name in difference.changed):
            plain = without_words(CHARACTER_SET_ALONE, text)
            found.setdefault(named[1], []).append(f"CHANGE COLUMN {backquoted(name)} "
                                                  f"{backquoted(name)} {plain}")  # fmt: skip
    for charset, clauses in found.items():
        yield f"DEFAULT CHARSET={charset}"
        yield ", ".join(clauses)
    if found:
        yield f"DEFAULT CHARSET={difference.before.options[CHARACTER_SET]}"


def _late_clauses(difference: TableDifference) -> Iterator[str]:
    """The clauses of later statements.

    InnoDB adds one full-text key at a time; MySQL takes it for the one of its name that the
    same statement drops if only their parsers differ. Nor does InnoDB drop and add a foreign
    key of one name in a single statement.
    https://dev.mysql.com/doc/refman/9.7/en/innodb-online-ddl-limitations.html
    """
    for text in difference.added("keys").values():
        if text.startswith(FULLTEXT):
            yield f"ADD {text}"
    constraints = (f"ADD {text}" for text in difference.added("foreign_keys").values())
    yield ", ".join([*_lost_defaults(difference), *constraints])


def _lost_defaults(difference: TableDifference) -> Iterator[str]:
    for name, text in difference.before.columns.items():
        is_new = difference.is_made(name) or name in difference.changed
        if is_new and _has_no_default(text):
            yield f"ALTER COLUMN {backquoted(name)} DROP DEFAULT"


def _has_no_default(definition: str) -> bool:
    """Whether a column has no default, not even NULL: none can be defined so, only altered.

    https://dev.mysql.com/doc/refman/9.7/en/data-type-defaults.html
    """
    shown = outline(definition)
    given = any(words in shown for words in ("DEFAULT", "NOT NULL", "GENERATED ALWAYS"))
    return not given and not NEVER_SHOWN.match(shown)
