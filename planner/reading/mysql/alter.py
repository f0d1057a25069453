"""What an ALTER TABLE of MySQL and MariaDB does, clause by clause.

Judges nothing: whether a new column type holds the old values, `column_types` knows.
https://dev.mysql.com/doc/refman/en/alter-table.html
https://mariadb.com/kb/en/alter-table/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from lockgate.planner.reading.mysql.clauses import KEYS, read_clause, read_partition
from lockgate.planner.reading.mysql.types import read_definition
from lockgate.planner.reading.reading import Clause, Definition, Object, Reading
from lockgate.planner.sql.cursor import Cursor

Item = TypeVar("Item")
SHORT = 3
"""Tokens of a clause that is worth remembering."""


class Part(NamedTuple):
    """What one clause does, by the fields of a Reading: a tuple, since a text may hold many."""

    renames: tuple[tuple[Object, Object], ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_dropped: tuple[str, ...] = ()
    columns_renamed: tuple[tuple[str, str], ...] = ()
    columns_redefined: Mapping[str, Definition] = MappingProxyType({})
    converts_text: bool = False
    changes_primary_key: bool = False
    changes_counter: bool = False
    storage_engine: str = ""
    versions: bool | None = None
    obstacle: str = ""


NOTHING = Part()
UNKNOWN_CLAUSE = Part(obstacle="it has a clause that lockgate does not know")
VERSIONED = Part(obstacle="it changes the table's system versioning or its periods")
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
    "exchange": "it exchanges rows with another table, as the same statement does it back, and "
    "nothing shows afterwards whether it has run",
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
    parents = read_parents(cursor)
    found = list(_clauses(cursor, table))
    merged = _merge(part for part, _ in found)
    return Reading(
        "alter",
        (table,),
        conditional,
        parents=tuple(parents),
        cascades_from=tuple(one for one, cascades in parents.items() if cascades),
        clauses=_joined(clauses for _, clauses in found),
        **merged._asdict(),
    )


def read_parents(cursor: Cursor) -> dict[Object, bool]:
    """The parents of the foreign keys ahead, and whether rows of children change with theirs."""
    found: dict[Object, bool] = {}
    for parent, cascades in _references(cursor):
        found[parent] = cascades or found.get(parent, False)
    return found


def _references(cursor: Cursor) -> Iterator[tuple[Object, bool]]:
    words = [token.word for token in cursor.rest()]
    for place, word in enumerate(words):
        if word != "references":
            continue
        following = words[place + 1 :]
        end = following.index("references") if "references" in following else len(following)
        yield _parent(cursor, place + 1), bool({"cascade", "set"} & set(following[:end]))


def _parent(cursor: Cursor, place: int) -> Object:
    schema, name = "", cursor.peek(place).name
    if cursor.peek(place + 1).word == ".":
        schema, name = name, cursor.peek(place + 2).name
    return Object("table", name, schema)


def _clauses(cursor: Cursor, table: Object) -> Iterator[tuple[Part, tuple[Clause, ...]]]:
    """Of many clauses most are short, and alike: those are read once."""
    known: dict[str, tuple[Part, tuple[Clause, ...]]] = {}
    while not cursor.at_end:
        if (change := read_partition(cursor, table)) is not None:
            # what follows belongs to it: a list of partitions has commas
            yield _partitions(cursor.peek().word), (change,)
            return
        clause = cursor.clause()
        if clause.length > SHORT:
            yield _clause(clause, table)
            continue
        text = clause.text()
        if text not in known:
            known[text] = _clause(clause, table)
        yield known[text]


def _clause(clause: Cursor, table: Object) -> tuple[Part, tuple[Clause, ...]]:
    reader = CLAUSES.get(clause.peek().word, _options)
    found = tuple(read_clause(clause.ahead(), table))
    return _rename_table(clause, table) or reader(clause), found


def _merge(parts: Iterable[Part]) -> Part:
    found = list(parts)
    if len(found) == 1:
        return found[0]
    redefined = (part.columns_redefined.items() for part in found)
    return Part(
        renames=_joined(part.renames for part in found),
        columns_added=_joined(part.columns_added for part in found),
        columns_dropped=_joined(part.columns_dropped for part in found),
        columns_renamed=_joined(part.columns_renamed for part in found),
        columns_redefined=dict(chain.from_iterable(redefined)),
        converts_text=any(part.converts_text for part in found),
        changes_primary_key=any(part.changes_primary_key for part in found),
        changes_counter=any(part.changes_counter for part in found),
        storage_engine=_last((part.storage_engine for part in found), ""),
        versions=_last((part.versions for part in found), None),
        obstacle=next((part.obstacle for part in found if part.obstacle), ""),
    )


def _joined(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(chain.from_iterable(parts))


def _last(values: Iterable[Item], none: Item) -> Item:
    return ([none] + [value for value in values if value != none])[-1]


def _partitions(word: str) -> Part:
    obstacle = LOSSY_PARTITION_WORDS.get(word, UNKNOWN_CLAUSE.obstacle)
    return Part(obstacle="" if word in LOSSLESS_PARTITION_WORDS else obstacle)


def _add(clause: Cursor) -> Part:
    clause.take()
    if clause.sees("system", "versioning"):
        return VERSIONED._replace(versions=True)
    if clause.sees("period", "for"):
        return VERSIONED
    if not clause.accept("column") and clause.peek().word in KEYS:
        return Part(changes_primary_key=_names_primary_key(clause))
    clause.accept("if", "not", "exists")
    primary = _names_primary_key(clause)
    added = _listed(clause.group()) if clause.sees("(") else (clause.name(),)
    if not all(added):
        return UNKNOWN_CLAUSE
    return Part(columns_added=added, changes_primary_key=primary)


def _listed(group: Cursor) -> tuple[str, ...]:
    names = []
    while not group.at_end:
        item = group.clause()
        if item.peek().word not in KEYS:
            names.append(item.name())
    return tuple(names)


def _names_primary_key(clause: Cursor) -> bool:
    return any(token.text.strip('`"').lower() == "primary" for token in clause.rest())


def _drop(clause: Cursor) -> Part:
    clause.take()
    if clause.sees("system", "versioning"):
        return VERSIONED._replace(versions=False)
    if clause.sees("period", "for"):
        return VERSIONED
    if not clause.accept("column") and clause.peek().word in KEYS:
        return Part(changes_primary_key=_names_primary_key(clause))
    clause.accept("if", "exists")
    name = clause.name()
    return Part(columns_dropped=(name,)) if name else UNKNOWN_CLAUSE


def _modify(clause: Cursor) -> Part:
    clause.take()
    clause.accept("column")
    clause.accept("if", "exists")
    name = clause.name()
    return _redefine(clause, name, name)


def _change(clause: Cursor) -> Part:
    clause.take()
    clause.accept("column")
    clause.accept("if", "exists")
    return _redefine(clause, clause.name(), clause.name())


def _redefine(clause: Cursor, old: str, new: str) -> Part:
    if not old or not new:
        return UNKNOWN_CLAUSE
    return Part(
        columns_renamed=((old, new),) if old != new else (),
        columns_redefined={old: read_definition(clause.ahead())},
        changes_primary_key=_names_primary_key(clause),
    )


def _rename(clause: Cursor) -> Part:
    clause.take()
    if clause.accept_any("index", "key"):
        return NOTHING
    clause.accept("column")
    clause.accept("if", "exists")
    old, to, new = clause.name(), clause.accept("to"), clause.name()
    if not old or not to or not new:
        return UNKNOWN_CLAUSE
    return Part(columns_renamed=((old, new),))


def _rename_table(clause: Cursor, table: Object) -> Part | None:
    """RENAME [TO | AS | =] name; not that of a column or an index."""
    if not clause.sees("rename") or clause.peek(1).word in ("column", "index", "key"):
        return None
    clause.take()
    clause.accept_any("to", "as", "=")
    schema, name = clause.qualified_name()
    if not name or not clause.at_end:
        return UNKNOWN_CLAUSE
    renamed = Object("table", name, schema or table.schema)
    return Part(renames=((table, renamed),))


def _convert(clause: Cursor) -> Part:
    converts = clause.accept("convert", "to", "character", "set") or clause.accept(
        "convert", "to", "charset"
    )
    return Part(converts_text=True) if converts else UNKNOWN_CLAUSE


def _validation(clause: Cursor) -> Part:
    return NOTHING if clause.peek(1).word == "validation" else VERSIONED


def _harmless(_clause: Cursor) -> Part:
    return NOTHING


def _tablespace(_clause: Cursor) -> Part:
    return Part(obstacle="it exchanges the file of the table's rows")


def _options(clause: Cursor) -> Part:
    """Table options, which need no commas between them."""
    found: list[Part] = []
    while not clause.at_end and (not found or not found[-1].obstacle):
        clause.accept("default")
        if clause.sees("partition", "by"):
            break
        found.append(_option(clause))
    return _merge(found)


def _option(clause: Cursor) -> Part:
    word = "charset" if clause.accept("character", "set") else clause.take().word
    clause.accept("=")
    value = clause.take()
    if word == "engine":
        return Part(storage_engine=(value.name or value.text.strip("'\"")).lower())
    if word == "auto_increment":
        return Part(changes_counter=True)
    return NOTHING if word in OPTIONS else UNKNOWN_CLAUSE


CLAUSES: dict[str, Callable[[Cursor], Part]] = {
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
