"""What leads from one table of MySQL or MariaDB to another: which parts stay and which cannot.

It must not write SQL: `restoration` has the clauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from lockgate.executors.mysql.table.definition import (
    CHARACTER_SET,
    Table,
    is_generated_definition,
)
from lockgate.executors.mysql.table.text import mentioned, outline, without_hiding

STRANGER = "\0"
"""Before the name of a column that the table did not have: no column's own name holds it."""

CHARACTERS = re.compile(r"(?:var)?char\b|(?:tiny|medium|long)?text\b|enum\b|set\b")


@dataclass
class TableDifference:
    """Two tables, in which a column that is in both has one name: the one that it had before."""

    before: Table
    present: Table
    """Its columns that were not there before have names that begin with STRANGER."""

    names: Mapping[str, str]
    """The name that a column has at present, by the name that it has here."""

    replaced: frozenset[str] = field(init=False)
    """Columns that are dropped and added again in one statement."""

    changed: frozenset[str] = field(init=False)
    """Other columns that stay and are defined again."""

    settled: frozenset[str] = field(init=False)
    """Columns that can stay in their place while the others are put around them."""

    def __post_init__(self) -> None:
        shared = self.before.columns.keys() & self.present.columns.keys()
        different = {name for name in shared if self._differs(name)}
        self.replaced = _with_computed(
            self.present, {name for name in different if self._must_be_replaced(name)}
        )
        dependents = {name for name in shared if self._uses_replaced(self.present.columns[name])}
        self.changed = frozenset((different | dependents) - self.replaced)
        self.settled = self._settle(shared - self.replaced)

    def is_made(self, column: str) -> bool:
        """Whether a column is to be added."""
        return column not in self.present.columns or column in self.replaced

    def is_unmade(self, column: str) -> bool:
        """Whether a present column is to be dropped."""
        return column not in self.before.columns or column in self.replaced

    def renamed_ahead(self) -> dict[str, str]:
        """The present names, by name, of the columns that can be renamed ahead of all else.

        There are none if another column has such a name until it is dropped, or if the
        partitioning may be by one of them.
        """
        strangers = {
            present.lower() for name, present in self.names.items() if name.startswith(STRANGER)
        }
        renamed = {
            name: present
            for name, present in self.names.items()
            if not name.startswith(STRANGER) and name != present
        }
        is_taken = not strangers.isdisjoint(name.lower() for name in renamed)
        return {} if is_taken or self.present.partitioning else renamed

    def is_in_expression(self, names: Iterable[str]) -> bool:
        """Whether an expression of the present table mentions one of these columns."""
        texts = (*self.present.columns.values(), *self.present.checks.values())
        found = [mentioned(text) for text in texts]
        found += [mentioned(text, depth=2) for text in self.present.keys.values()]
        lower = {name.lower() for name in names}
        return any(not lower.isdisjoint(names) for names in found)

    def dropped(self, part: str) -> list[str]:
        """The names of the keys, checks or foreign keys that cannot stay as they are."""
        before, present = getattr(self.before, part), getattr(self.present, part)
        changed = [
            name
            for name, definition in present.items()
            if self._uses_replaced(definition)
            or (before.get(name) != definition and not self.is_only_shown_anew(name, part))
        ]
        if part != "keys":
            return changed
        misplaced = self._misplaced([name for name in present if name not in changed])
        return [name for name in present if name in changed or name in misplaced]

    def _misplaced(self, staying: list[str]) -> set[str]:
        """The keys that stay, and come before one that is to be added though they were after it:
        a key that is added comes last among its kind."""
        found: set[str] = set()
        for was, now in zip(self.before.ordered_keys, self.present.ordered_keys, strict=True):
            stay = [name for name in now if name in staying and name in was]
            found |= {*stay} - {*_first_of(was, stay)}
        return found

    def added(self, part: str) -> dict[str, str]:
        """The definitions, by name, of what is missing once that which cannot stay is dropped."""
        stays = getattr(self.present, part).keys() - set(self.dropped(part))
        before: dict[str, str] = getattr(self.before, part)
        return {name: text for name, text in before.items() if name not in stays}

    def is_only_shown_anew(self, name: str, part: str = "keys") -> bool:
        """Whether a key is hidden from the optimizer, or no longer, and all else is the same.

        MySQL does not notice that when such a key is dropped and added in one statement.
        """
        before, present = getattr(self.before, part), getattr(self.present, part)
        if part != "keys" or name not in before or name not in present:
            return False
        one, other = before[name], present[name]
        if one == other or self._uses_replaced(other):
            return False
        return without_hiding(one) == without_hiding(other)

    def changed_options(self) -> list[str]:
        """The names of the table's options that have another value, or that one side lacks."""
        before, present = self.before.options, self.present.options
        names = dict.fromkeys([*before, *present])
        return [name for name in names if before.get(name) != present.get(name)]

    def _differs(self, name: str) -> bool:
        before, present = self.before.columns[name], self.present.columns[name]
        if before != present:
            return True
        return CHARACTER_SET in self.changed_options() and _has_implied_character_set(before)

    def _must_be_replaced(self, name: str) -> bool:
        """Whether the servers refuse to change the column in its place.

        A generated column's values are made again, so that nothing is lost.
        https://dev.mysql.com/doc/refman/9.7/en/alter-table-generated-columns.html
        """
        present = self.present.columns[name]
        is_virtual = is_generated_definition(present) and "STORED" not in outline(present)
        return is_virtual or is_generated_definition(self.before.columns[name])

    def _uses_replaced(self, definition: str) -> bool:
        return bool(mentioned(definition) & {name.lower() for name in self.replaced})

    def _settle(self, staying: set[str]) -> frozenset[str]:
        before = list(self.before.columns)
        present = [name for name in self.present.columns if name in staying]
        blocks = SequenceMatcher(None, before, present, autojunk=False).get_matching_blocks()
        return frozenset(name for block in blocks for name in before[block.a :][: block.size])


def compare_tables(before: Table, present: Table, renamed: Mapping[str, str]) -> TableDifference:
    """What leads from the present table to the one before; `renamed` as in `restore_table`."""
    origins = _origins(before, present, renamed)
    here = {name: origins.get(name, STRANGER + name) for name in present.columns}
    names = {origin: name for name, origin in here.items()}
    return TableDifference(before, present.with_renamed_columns(here), names)


def _origins(before: Table, present: Table, renamed: Mapping[str, str]) -> dict[str, str]:
    """The name before by the present name, for each column that was there.

    Names that are on both sides may tell of a swap: then the better fit of the columns decides.
    """
    spelled = {name.lower(): name for name in before.columns}
    there = {name.lower() for name in present.columns}
    pairs = {new.lower(): old.lower() for new, old in renamed.items()}
    hints = {new: old for new, old in pairs.items() if new in there and old in spelled}
    followed, plain = (_follow(present, spelled, which) for which in (hints, {}))
    happened = any(new not in spelled or old not in there for new, old in hints.items())
    if happened or _fit(before, present, followed) >= _fit(before, present, plain):
        return followed
    return plain


def _follow(present: Table, spelled: Mapping[str, str], hints: Mapping[str, str]) -> dict[str, str]:
    taken = set(hints.values())
    own = {name: name.lower() for name in present.columns if name.lower() not in taken}
    hinted = {name: hints[name.lower()] for name in present.columns if name.lower() in hints}
    return {name: spelled[old] for name, old in {**own, **hinted}.items() if old in spelled}


def _fit(before: Table, present: Table, origins: Mapping[str, str]) -> tuple[int, int]:
    """How many columns are in their place, and how many of these have their definition.

    The place says more: a rename leaves the column where it is.
    """
    kept = set(origins.values())
    old = [column for column in before.columns.items() if column[0] in kept]
    new = [(origins[name], text) for name, text in present.columns.items() if name in origins]
    pairs = [(one, other) for one, other in zip(old, new, strict=True) if one[0] == other[0]]
    return len(pairs), sum(one == other for one, other in pairs)


def _first_of(was: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    """The names that came first, as far as they are still in that order, whatever is between."""
    rest = iter(now)
    for name in was:
        if name not in rest:
            return
        yield name


def _with_computed(table: Table, replaced: set[str]) -> frozenset[str]:
    """Columns to replace, with the generated columns that are computed from them."""
    while True:
        lower = {name.lower() for name in replaced}
        computed = {
            name
            for name, definition in table.columns.items()
            if is_generated_definition(definition) and mentioned(definition) & lower
        }
        found = {name for name in computed - replaced if not name.startswith(STRANGER)}
        if not found:
            return frozenset(replaced)
        replaced = replaced | found


def _has_implied_character_set(definition: str) -> bool:
    shown = outline(definition)
    return CHARACTERS.match(shown) is not None and "CHARACTER SET" not in shown
