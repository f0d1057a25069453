"""A table of MySQL or MariaDB as its SHOW CREATE TABLE text defines it.

It must not ask a server, nor guess: what it does not know is kept as it is.
https://dev.mysql.com/doc/refman/9.7/en/show-create-table.html
https://mariadb.com/kb/en/show-create-table/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lockgate.executors.mysql.table.text import (
    NAME,
    STRING,
    listed_names,
    mentioned,
    outline,
    read_words,
    unquote,
    without_check,
    without_default,
    without_words,
)
from lockgate.planner.quoting import backquoted
from lockgate.planner.value import replace

HEADER = re.compile(rf"(?s)CREATE TABLE ({NAME}) \(")
NAMES = rf"\({NAME}(?:, ?{NAME})*\)"
ACTION = r" ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL|SET DEFAULT|NO ACTION|RESTRICT)"

COLUMN = re.compile(rf"(?s)({NAME}) (.+)")
KEY = re.compile(rf"(?s)(?:PRIMARY KEY|(?:[A-Z]+ )?KEY ({NAME})) .+")
CHECK = re.compile(rf"(?s)CONSTRAINT ({NAME}) CHECK .+")
FOREIGN_KEY = re.compile(
    rf"(?s)CONSTRAINT ({NAME}) FOREIGN KEY ({NAMES}) "
    rf"REFERENCES ((?:{NAME}\.)?{NAME}) ({NAMES})((?:{ACTION})*)"
)
"""Strict: MariaDB does not double a backtick of a column's name in its foreign keys, and what
follows would be read as other tokens than the server meant."""

FORMS = (("columns", COLUMN), ("keys", KEY), ("checks", CHECK), ("foreign_keys", FOREIGN_KEY))
OPTION = re.compile(
    rf"(?s)\s+(?:/\*!\d+ )?(?:DEFAULT )?([A-Z_]+(?: DIRECTORY)?|{NAME})"
    rf"(?:=|(?<=TABLESPACE) )({STRING}|{NAME}|\([^)]*\)|[\w.+-]+)(?: \*/)?"
)
AT_ONCE = re.compile(r" AUTO_INCREMENT\b")
NOT_NULL = re.compile(r" NOT NULL\b")
SHAPE = re.compile(
    r"vector\b|geometry\b|point\b|linestring\b|polygon\b|geom(?:etry)?collection\b|multi(?:point|line|poly)"
)
"""Types that have no implicit default.
https://dev.mysql.com/doc/refman/9.7/en/data-type-defaults.html
"""

CHARACTER_SET = "CHARSET"
COUNTER = "AUTO_INCREMENT"
PARTITIONING = re.compile(r"\s*(?:/\*!\d+ )?PARTITION BY ")
PRIMARY = "PRIMARY"


@dataclass(frozen=True)
class Table:
    """What a table is made of; names are bare, definitions are the server's own words."""

    name: str
    columns: Mapping[str, str]
    """The definition without the name, by name, in the table's order."""

    keys: Mapping[str, str]
    """The whole definition by name; the primary key's name is PRIMARY."""

    checks: Mapping[str, str]
    foreign_keys: Mapping[str, str]
    options: Mapping[str, str]
    """Values by name; CHARSET has the collation too, AUTO_INCREMENT is not among them."""

    partitioning: str
    counter: int | None
    """The AUTO_INCREMENT of the table's options."""

    unknown: tuple[str, ...]
    """Parts of a form that is not known here: a table that has any can be read, not changed."""

    @property
    def auto_increment(self) -> int:
        """The next value of the AUTO_INCREMENT column, 1 if none is shown, 0 without such one."""
        if not any(COUNTER in outline(definition) for definition in self.columns.values()):
            return 0
        return 1 if self.counter is None else self.counter

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The primary key's columns in the key's order; empty without one."""
        return tuple(listed_names(self.keys.get(PRIMARY, "")))

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The columns whose values are not computed from those of others, in order."""
        found = self.columns.items()
        return tuple(name for name, text in found if not is_generated_definition(text))

    @property
    def updating_columns(self) -> tuple[str, ...]:
        """The columns that the server sets by itself when a row changes (ON UPDATE), in order."""
        found = self.columns.items()
        return tuple(name for name, text in found if " ON UPDATE " in outline(text))

    def is_same(self, other: Table) -> bool:
        """Whether both mean the same table.

        The AUTO_INCREMENT counter and the order of foreign keys and checks do not count; that of
        columns and keys does: the first unique key that a row meets decides what INSERT … ON
        DUPLICATE KEY UPDATE changes.
        """
        one, two = (replace(table, columns={}, counter=None) for table in (self, other))
        ordered = [(list(table.columns.items()), table.ordered_keys) for table in (self, other)]
        return one == two and ordered[0] == ordered[1]

    def differs_in_order(self, other: Table) -> bool:
        """Whether nothing but the order of keys differs."""
        one, two = (replace(table, columns={}, counter=None) for table in (self, other))
        columns = list(self.columns.items()) == list(other.columns.items())
        return one == two and columns and self.ordered_keys != other.ordered_keys

    @property
    def ordered_keys(self) -> tuple[list[str], list[str]]:
        """The unique keys and the plain ones, each in order; that of others has no meaning."""
        unique, plain = (
            [name for name, text in self.keys.items() if text.startswith(kind)]
            for kind in ("UNIQUE KEY", "KEY")
        )
        return unique, plain

    def writable(self, column: str) -> str:
        """A column's definition as it must be written to be shown as it is.

        MySQL shows the table's own collation if it is not its character set's default; written,
        it would be the column's own from then on, and shown with its character set.
        """
        definition = self.columns[column]
        _, _, collation = self.options.get(CHARACTER_SET, "").partition(" COLLATE=")
        if not collation or "CHARACTER SET" in outline(definition):
            return definition
        implied = re.compile(rf" COLLATE {re.escape(collation)}\b")
        return without_words(implied, definition)

    def fillable(self, column: str) -> str:
        """A column as ADD COLUMN wants it, before it gets values of its own.

        It can be added to a table that has rows: it is no counter, it has no check, no default,
        which might take values of a sequence, or which MySQL refuses where it gives each row
        another one, and it is NULL at first if its type has no implicit default.
        https://dev.mysql.com/doc/refman/9.7/en/data-type-defaults.html
        """
        plain = without_default(without_check(self.writable(column)))
        words = without_words(AT_ONCE, plain)
        if SHAPE.match(words):
            words = without_words(NOT_NULL, words)
        return f"{backquoted(column)} {words}"

    def dropping(self, columns: Iterable[str]) -> list[str]:
        """The clauses that drop columns with all that mentions them."""
        lower = {name.lower() for name in columns}
        own = [(name, text) for name, text in self.columns.items() if name.lower() not in lower]
        generated = [one for one in own if is_generated_definition(one[1])]
        return [
            *(
                f"DROP FOREIGN KEY {backquoted(one)}"
                for one in _using(self.foreign_keys.items(), lower)
            ),
            *(f"DROP KEY {backquoted(one)}" for one in _using(self.keys.items(), lower)),
            *(f"DROP CONSTRAINT {backquoted(one)}" for one in _using(self.checks.items(), lower)),
            *(f"DROP COLUMN {backquoted(one)}" for one in _using(generated, lower)),
            *(f"DROP COLUMN {backquoted(one)}" for one in self.columns if one.lower() in lower),
        ]

    def with_renamed_columns(self, names: Mapping[str, str]) -> Table:
        """The table as it is after the server has renamed columns, its plain keys with them.

        Expressions stay as they were: MySQL refuses to rename a column which one mentions.
        """
        foreign = self.foreign_keys.items()
        return replace(
            self,
            columns={names.get(name, name): text for name, text in self.columns.items()},
            keys={name: _with_names(text, names) for name, text in self.keys.items()},
            foreign_keys={
                name: _with_names_in_both(text, names, self.name) for name, text in foreign
            },
            unknown=tuple(_with_names(text, names) for text in self.unknown),
        )


def _using(parts: Iterable[tuple[str, str]], columns: set[str]) -> list[str]:
    """The names of the parts whose definitions mention one of these columns."""
    return [name for name, text in parts if mentioned(text) & columns]


def read_table(text: str) -> Table:
    """The table that a SHOW CREATE TABLE text defines.

    Raises:
        ValueError: it is not of a base table, or a quote or a parenthesis has no end.
    """
    name, items, tail = _split(text)
    parts: dict[str, dict[str, str]] = {kind: {} for kind, _ in FORMS}
    unknown = []
    for item in items:
        if found := _classify(item):
            kind, own, definition = found
            parts[kind][own] = definition
        else:
            unknown.append(item)
    options, rest = _read_options(tail)
    counter = options.pop(COUNTER, None)
    is_partitioned = PARTITIONING.match(rest) is not None
    return Table(
        name=name,
        **parts,
        options=options,
        partitioning=rest if is_partitioned else "",
        counter=None if counter is None else int(counter),
        unknown=tuple(unknown if is_partitioned or not rest else [*unknown, rest]),
    )


def is_same_table(one: str, other: str) -> bool:
    """Whether two SHOW CREATE TABLE texts mean the same table, as `Table.is_same` says.

    Texts that cannot be read are the same if they are equal.
    """
    if one == other:
        return True
    try:
        return read_table(one).is_same(read_table(other))
    except ValueError:
        return False


def is_generated_definition(definition: str) -> bool:
    """Whether a column's definition is that of a generated one."""
    return "GENERATED ALWAYS AS" in outline(definition)


def _split(text: str) -> tuple[str, list[str], str]:
    """The table's name, the items of its body, and what follows the body."""
    header = HEADER.match(text)
    if header is None:
        raise ValueError(f"No CREATE TABLE of a base table: {text[:60]!r}.")
    items, parts, position = [], [""], header.end() - 1
    for token, depth in read_words(text[position:]):
        position += len(token)
        ends = depth == 0 and token == ")"
        if ends or (depth == 1 and token == ","):
            items.append("".join(parts).strip())
            parts = []
            if ends:
                return unquote(header[1]), items, text[position:]
        elif depth:
            parts.append(token)
    raise ValueError(f"The definition of table {header[1]} has no end.")


def _classify(item: str) -> tuple[str, str, str] | None:
    """An item's kind, name and definition; None if its form is not known."""
    for kind, form in FORMS:
        if found := form.fullmatch(item):
            name = unquote(found[1]) if found[1] else PRIMARY
            return kind, name, found[2] if form is COLUMN else item
    return None


def _read_options(tail: str) -> tuple[dict[str, str], str]:
    """The table's options, and what follows the last one of a known form."""
    options: dict[str, str] = {}
    position = 0
    while option := OPTION.match(tail, position):
        options[option[1]] = option[2]
        position = option.end()
    if collation := options.pop("COLLATE", ""):
        options[CHARACTER_SET] = f"{options.get(CHARACTER_SET, '')} COLLATE={collation}"
    return options, tail[position:].strip()


def _with_names(definition: str, names: Mapping[str, str]) -> str:
    return "".join(_renamed(read_words(definition), names))


def _renamed(found: Iterable[tuple[str, int]], names: Mapping[str, str]) -> Iterator[str]:
    for token, depth in found:
        name = unquote(token)
        is_column = depth == 1 and token.startswith("`") and name in names
        yield backquoted(names[name]) if is_column else token


def _with_names_in_both(definition: str, names: Mapping[str, str], table: str) -> str:
    found = FOREIGN_KEY.fullmatch(definition)
    if found is None:
        return definition
    own = found[3] == backquoted(table)
    referenced = _with_names(found[4], names) if own else found[4]
    listed = _with_names(found[2], names)
    head = f"CONSTRAINT {found[1]} FOREIGN KEY {listed}"
    return f"{head} REFERENCES {found[3]} {referenced}{found[5]}"
