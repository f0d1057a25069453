"""A tool that has migrated a database: how its history is known, read and verified.

Knows no tool by name: each is a file of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lockgate.planner.adoption.noting import Lines, say_nothing
from lockgate.planner.database.occupancy import FoundTable, TableRow
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


@frozen
class AppliedThere:
    """A migration that is applied by what another tool's table says.

    `version` is as the tool spells it, `name` the file's or the description, as far as it is kept.
    `at` is in UTC, `by` a person or an account. `checksum` is the tool's own; empty: it keeps none.
    """

    version: str
    name: str = ""
    at: datetime | None = None
    by: str = ""
    checksum: str = ""


@frozen
class Testimony:
    """What another tool's table says. `up_to` is a version with which all before it count as
    applied, without a row of their own. `troubles` are sentences on what it has left half done."""

    applied: tuple[AppliedThere, ...] = ()
    up_to: str = ""
    troubles: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """All that it names as applied."""
        named = tuple(one.version for one in self.applied)
        return named or ((self.up_to,) if self.up_to else ())


def words(text: str) -> frozenset[str]:
    """The words of a text, as names of tables or columns."""
    return frozenset(text.split())


def verify_nothing(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """Of a tool without checksums: it cannot be known whether the file is the one that ran."""
    return None


def each_row(
    applied: Callable[[TableRow], AppliedThere], order: Callable[[TableRow], Any]
) -> Callable[[Sequence[TableRow]], Testimony]:
    """How to read a table in which each row is an applied migration, in this order."""
    return lambda rows: Testimony(tuple(map(applied, sorted(rows, key=order))))


def by_number(column: str) -> Callable[[TableRow], int]:
    """An order by a column with whole numbers."""
    return lambda row: int(row[column] or 0)


def by_version(column: str) -> Callable[[TableRow], VersionKey]:
    """An order by a column with versions."""
    return lambda row: version_key(text_of(row[column]))


@frozen
class Beside:
    """A table that a tool keeps beside its history, and that tells what is half done there.

    `table` and `columns` are in lower case; `troubles` are sentences, as those of a testimony.
    """

    table: str
    columns: frozenset[str]
    troubles: Callable[[Sequence[TableRow]], Sequence[str]]


def lock_of(tool: str, table: str, column: str, release: str) -> Beside:
    """A tool's lock, a table with a row that is true in `column` while a run holds it; `release`
    ends one that no run holds."""

    def troubles(rows: Sequence[TableRow]) -> Sequence[str]:
        if not any(is_true(row[column]) for row in rows):
            return ()
        return (
            f"{tool} holds its lock ({table}): a run is under way, or one has died and may be half "
            f"done. When no run is left, see what it has done, and take the lock away: {release}.",
        )

    return Beside(table, frozenset({column}), troubles)


def has_its_name(migration: Migration, applied: AppliedThere) -> bool:
    """Whether a migration's file has the name that a row keeps."""
    name = _stem(applied.name) or applied.name
    return bool(name) and _stem(migration.filename) == name


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


@frozen
class MigrationTool:
    """A tool's table. `tables` are the names that it gives it, and `columns` those that it has, in
    lower case, and no other where it is `exact`; `beside` and `without` are tables of the same
    schema that tell it from a tool whose table looks alike.

    `read` is given every row. `verify` says whether a file is the one that was applied, by the
    tool's checksum, which may be over the others that it has applied too; None: it cannot be known.
    `is_of` says whether a row is of a migration that does not have its version.
    """

    name: str
    tables: frozenset[str]
    columns: frozenset[str]
    read: Callable[[Sequence[TableRow]], Testimony]
    verify: Callable[[Migration, AppliedThere, Sequence[Migration]], bool | None] = verify_nothing
    is_of: Callable[[Migration, AppliedThere], bool] = has_its_name
    exact: bool = False
    beside: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    schema: str = ""
    own_schemas: frozenset[str] = frozenset()
    """The schemas that it makes for its tables alone, where it has one of these."""
    companions: frozenset[str] = frozenset()
    """What else it keeps in that schema, in lower case: a lock, say. What is no table is here with
    its kind: `function f`."""
    asked: tuple[Beside, ...] = ()
    """Those of them that tell what is half done."""
    single_row: bool = False
    """Whether its table has the last version alone, and all before it are applied too."""
    reads_all: bool = True
    """Whether its migrations are SQL files, which lockgate can read as they are."""
    elsewhere: str = ""
    """A sentence on where its history is, where it may be in no table of the database."""
    left_out: str = ""
    """What else to do about one that is applied and not among the files: they may be left out."""
    renoting: str = ""
    """The command with which it notes the checksums of files that were changed; empty: it has
    none."""
    note: Lines = say_nothing
    """What makes it call migrations applied that were run without it."""
    forget: Lines = say_nothing
    """What makes it call migrations not applied that were rolled back without it."""
    marking: str = ""
    """How its own migrations are called applied, where they are code; `{table}` is its table."""
    unmarking: str = ""
    """How those are called not applied that are rolled back."""

    def is_history(self, table: FoundTable, neighbours: frozenset[str]) -> bool:
        """Whether a table is its history; `neighbours` are all tables of that schema."""
        return (
            table.is_plain
            and table.name.lower() in self.tables
            and self.columns <= table.columns
            and not (self.exact and table.columns != self.columns)
            and self.beside <= neighbours
            and not self.without & neighbours
            and self.schema in ("", table.schema)
        )


def as_moment(value: Any) -> datetime | None:
    """A time of a row, in UTC; one without a zone is taken as UTC. None: there is none.

    >>> as_moment("2024-01-02 03:04:05")
    datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_true(value: Any) -> bool:
    """Whether a column says yes: a boolean, MySQL's 1, or its bit.

    >>> is_true(1), is_true(b"\\x00"), is_true(None)
    (True, False, False)
    """
    if isinstance(value, bytes):
        return any(value)
    return bool(value)


def text_of(value: Any) -> str:
    """A column's text; empty where it is null."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
