"""What an ALTER TABLE of MySQL and MariaDB does, clause by clause.

Judges nothing: whether a new column type holds the old values, `column_types` knows.
https://dev.mysql.com/doc/refman/en/alter-table.html
https://mariadb.com/kb/en/alter-table/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.sql.cursor import Cursor

NOTHING = Reading("alter")
UNKNOWN_CLAUSE = Reading("alter", obstacle="it has a clause that lockgate does not know")
VERSIONED = Reading("alter", obstacle="it changes the table's system versioning or its periods")
KEYS = ("index", "key", "fulltext", "spatial", "unique", "vector", "primary", "foreign",
        "constraint", "check")  # fmt: skip
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
    ["add", "analyze", "check", "coalesce", "optimize", "rebuild", "reorganize", "repair"]
)
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
        if (partitions := _partition_clause(cursor)) is not None:
            yield partitions  # what follows belongs to it: a list of partitions has commas
            return
        clause = cursor.clause()
        reader = CLAUSES.get(clause.peek().word, _options)
        yield _rename_table(clause, table) or reader(clause)


def _merge(parts: Iterable[Reading]) -> Reading:
    merged = NOTHING
    for part in parts:
        merged = replace(
            merged,
            renames=merged.renames + part.renames,
            columns_added=merged.columns_added + part.columns_added,
            columns_dropped=merged.columns_dropped + part.columns_dropped,
            columns_renamed=merged.columns_renamed + part.columns_renamed,
            columns_redefined={**merged.columns_redefined, **part.columns_redefined},
            converts_text=merged.converts_text or part.converts_text,
            changes_primary_key=merged.changes_primary_key or part.changes_primary_key,
            changes_counter=merged.changes_counter or part.changes_counter,
            storage_engine=part.storage_engine or merged.storage_engine,
            versions=merged.versions if part.versions is None else part.versions,
            obstacle=merged.obstacle or part.obstacle,
        )
    return merged


def _partition_clause(cursor: Cursor) -> Reading | None:
    if cursor.sees("partition", "by") or cursor.sees("remove", "partitioning"):
        return NOTHING
    word = cursor.peek().word
    if cursor.peek(1).word != "partition":
        return None
    if word in LOSSLESS_PARTITION_WORDS:
        return NOTHING
    return Reading("alter", obstacle=LOSSY_PARTITION_WORDS.get(word, UNKNOWN_CLAUSE.obstacle))


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
        columns_redefined={old: clause.text()},
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
