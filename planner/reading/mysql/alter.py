"""What an ALTER TABLE of MySQL and MariaDB does, clause by clause.

Judges nothing: whether a new column type holds the old values, `column_types` knows.
https://dev.mysql.com/doc/refman/en/alter-table.html
https://mariadb.com/kb/en/alter-table/
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from lockgate.planner.reading.mysql.clauses import KEYS, read_clause, read_partition
from lockgate.planner.reading.mysql.types import read_definition
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.sql.cursor import Cursor

Item = TypeVar("Item")

NOTHING = Reading("alter")
UNKNOWN_CLAUSE = Reading("alter", obstacle="it has a clause that lockgate does not know")
VERSIONED = Reading("alter", obstacle="it changes the table's system versioning or its periods")
# What SHOW CREATE TABLE prints of a table and ALTER TABLE brings back.
OPTIONS = frozenset(
    [
        "charset",
        "collate",
        "comment",
        "key_block_size",
        "row_format",
        "stats_auto_recalc",
        "stats_persistent",
        "stats_sample_pages",
    ]
)
LOSSLESS_PARTITION_WORDS = frozenset(
    ["add", "analyze", "check", "coalesce", "optimize", "partition", "rebuild", "remove",
     "reorganize", "repair"]
)  # fmt: skip
LOSSY_PARTITION_WORDS = {
    "discard": "it discards the rows of partitions",
    "drop": "it drops partitions with their rows",
    "exchange": "it exchanges rows with another table",
    "import": "it imports the rows of partitions",
    "truncate": "it empties partitions",
}


def read_alter_table(cursor: Cursor) -> Reading:
    """The effect of what follows ALTER TABLE."""
    conditional = cursor.accept("if", "exists")
    schema, name = cursor.qualified_name()
    if not name:
        return Reading("other", obstacle="lockgate cannot read which table it alters")
    if cursor.accept("wait"):
        cursor.take()
    cursor.accept("nowait")
    table = Object("table", name, schema)
    cascades = tuple(cascading_parents(cursor))
    merged = _merge(_clauses(cursor, table))
    return replace(merged, objects=(table,), conditional=conditional, cascades_from=cascades)


def cascading_parents(cursor: Cursor) -> Iterator[Object]:
    """The parents of the foreign keys ahead by which the rows of children change with theirs."""
    words = [token.word for token in cursor.rest()]
    for place, word in enumerate(words):
        if word != "references":
            continue
        following = words[place + 1 :]
        end = following.index("references") if "references" in following else len(following)
        if {"cascade", "set"} & set(following[:end]):
            yield _parent(cursor, place + 1)


def _parent(cursor: Cursor, place: int) -> Object:
    schema, name = "", cursor.peek(place).name
    if cursor.peek(place + 1).word == ".":
        schema, name = name, cursor.peek(place + 2).name
    return Object("table", name, schema)


def _clauses(cursor: Cursor, table: Object) -> Iterator[Reading]:
    while not cursor.at_end:
        if (partitions := _partition_clause(cursor, table)) is not None:
            yield partitions  # what follows belongs to it: a list of partitions has commas
            return
        clause = cursor.clause()
        reader = CLAUSES.get(clause.peek().word, _options)
        found = tuple(read_clause(clause.ahead(), table))
        yield replace(_rename_table(clause, table) or reader(clause), clauses=found)


def _merge(parts: Iterable[Reading]) -> Reading:
    found = list(parts)
    if len(found) == 1:
        return found[0]
    return Reading(
        "alter",
        renames=_joined(part.renames for part in found),
        columns_added=_joined(part.columns_added for part in found),
        columns_dropped=_joined(part.columns_dropped for part in found),
        columns_renamed=_joined(part.columns_renamed for part in found),
        columns_redefined=dict(ChainMap(*(dict(part.columns_redefined) for part in found[::-1]))),
        converts_text=any(part.converts_text for part in found),
        changes_primary_key=any(part.changes_primary_key for part in found),
        changes_counter=any(part.changes_counter for part in found),
        storage_engine=_last((part.storage_engine for part in found), ""),
        versions=_last((part.versions for part in found), None),
        clauses=_joined(part.clauses for part in found),
        obstacle=next((part.obstacle for part in found if part.obstacle), ""),
    )


def _joined(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(chain.from_iterable(parts))


def _last(values: Iterable[Item], none: Item) -> Item:
    return ([none] + [value for value in values if value != none])[-1]


def _partition_clause(cursor: Cursor, table: Object) -> Reading | None:
    change = read_partition(cursor, table)
    if change is None:
        return None
    word = cursor.peek().word
    obstacle = LOSSY_PARTITION_WORDS.get(word, UNKNOWN_CLAUSE.obstacle)
    if word in LOSSLESS_PARTITION_WORDS:
        obstacle = ""
    return Reading("alter", obstacle=obstacle, clauses=(change,))


def _add(clause: Cursor) -> Reading:
    clause.take()
    if clause.sees("system", "versioning"):
        return replace(VERSIONED, versions=True)
    if clause.sees("period", "for"):
        return VERSIONED
    if not clause.accept("column") and clause.peek().word in KEYS:
        return replace(NOTHING, changes_primary_key=_names_primary_key(clause))
    clause.accept("if", "not", "exists")
    primary = _names_primary_key(clause)
    added = _listed(clause.group()) if clause.sees("(") else (clause.name(),)
    if not all(added):
        return UNKNOWN_CLAUSE
    return replace(NOTHING, columns_added=added, changes_primary_key=primary)


def _listed(group: Cursor) -> tuple[str, ...]:
    names = []
    while not group.at_end:
        item = group.clause()
        if item.peek().word not in KEYS:
            names.append(item.name())
    return tuple(names)


def _names_primary_key(clause: Cursor) -> bool:
    return any(token.text.strip('`"').lower() == "primary" for token in clause.rest())


def _drop(clause: Cursor) -> Reading:
    clause.take()
    if clause.sees("system", "versioning"):
        return replace(VERSIONED, versions=False)
    if clause.sees("period", "for"):
        return VERSIONED
    if not clause.accept("column") and clause.peek().word in KEYS:
        return replace(NOTHING, changes_primary_key=_names_primary_key(clause))
    clause.accept("if", "exists")
    name = clause.name()
    return replace(NOTHING, columns_dropped=(name,)) if name else UNKNOWN_CLAUSE


def _modify(clause: Cursor) -> Reading:
    clause.take()
    clause.accept("column")
    clause.accept("if", "exists")
    name = clause.name()
    return _redefine(clause, name, name)


def _change(clause: Cursor) -> Reading:
    clause.take()
    clause.accept("column")
    clause.accept("if", "exists")
    return _redefine(clause, clause.name(), clause.name())


def _redefine(clause: Cursor, old: str, new: str) -> Reading:
    if not old or not new:
        return UNKNOWN_CLAUSE
    return replace(
        NOTHING,
        columns_renamed=((old, new),) if old != new else (),
        columns_redefined={old: read_definition(clause.ahead())},
        changes_primary_key=_names_primary_key(clause),
    )


def _rename(clause: Cursor) -> Reading:
    clause.take()
    if clause.accept_any("index", "key"):
        return NOTHING
    clause.accept("column")
    clause.accept("if", "exists")
    old, to, new = clause.name(), clause.accept("to"), clause.name()
    if not old or not to or not new:
        return UNKNOWN_CLAUSE
    return replace(NOTHING, columns_renamed=((old, new),))


def _rename_table(clause: Cursor, table: Object) -> Reading | None:
    """RENAME [TO | AS | =] name; not that of a column or an index."""
    if not clause.sees("rename") or clause.peek(1).word in ("column", "index", "key"):
        return None
    clause.take()
    clause.accept_any("to", "as", "=")
    schema, name = clause.qualified_name()
    if not name or not clause.at_end:
        return UNKNOWN_CLAUSE
    renamed = Object("table", name, schema or table.schema)
    return replace(NOTHING, renames=((table, renamed),))


def _convert(clause: Cursor) -> Reading:
    converts = clause.accept("convert", "to", "character", "set") or clause.accept(
        "convert", "to", "charset"
    )
    return replace(NOTHING, converts_text=True) if converts else UNKNOWN_CLAUSE


def _validation(clause: Cursor) -> Reading:
    return NOTHING if clause.peek(1).word == "validation" else VERSIONED


def _harmless(_clause: Cursor) -> Reading:
    return NOTHING


def _tablespace(_clause: Cursor) -> Reading:
    return Reading("alter", obstacle="it exchanges the file of the table's rows")


def _options(clause: Cursor) -> Reading:
    """Table options, which need no commas between them."""
    found: list[Reading] = []
    while not clause.at_end and (not found or not found[-1].obstacle):
        clause.accept("default")
        if clause.sees("partition", "by"):
            break
        found.append(_option(clause))
    return _merge(found)


def _option(clause: Cursor) -> Reading:
    word = "charset" if clause.accept("character", "set") else clause.take().word
    clause.accept("=")
    value = clause.take()
    if word == "engine":
        return replace(NOTHING, storage_engine=(value.name or value.text.strip("'\"")).lower())
    if word == "auto_increment":
        return replace(NOTHING, changes_counter=True)
    return NOTHING if word in OPTIONS else UNKNOWN_CLAUSE


CLAUSES: dict[str, Callable[[Cursor], Reading]] = {
    "add": _add,
    "algorithm": _harmless,
    "alter": _harmless,
    "change": _change,
    "convert": _convert,
    "disable": _harmless,
    "discard": _tablespace,
    "drop": _drop,
    "enable": _harmless,
    "force": _harmless,
    "import": _tablespace,
    "lock": _harmless,
    "modify": _modify,
    "order": _harmless,
    "rename": _rename,
    "with": _validation,
    "without": _validation,
}
