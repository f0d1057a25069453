"""What another tool is to note of migrations that were run without it, in its own commands or SQL.

Asks no database, and runs nothing: the lines are for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from lockgate.planner.quoting import backquoted, double_quoted
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.adoption.tool import AppliedThere
    from lockgate.planner.database.occupancy import FoundTable
    from lockgate.planner.migrations.migration import Migration
    from lockgate.planner.sql.dialect import Dialect
    from lockgate.planner.versions import VersionKey


class Expression(str):
    """A value that is SQL, and not a text."""

    __slots__ = ()


NOW = Expression("current_timestamp")
Value = str | int | bool | bytes | None


@frozen
class Noting:
    """What is to be noted. `chosen` are the migrations in running order, `rows` what the tool's
    table says of them by now, and `last` the last migration that it calls applied when all of it is
    noted; None: there is none. `files` are all migrations that there are."""

    table: FoundTable
    dialect: Dialect
    chosen: tuple[Migration, ...]
    rows: Mapping[VersionKey, AppliedThere]
    last: Migration | None
    files: tuple[Migration, ...] = ()

    @property
    def place(self) -> str:
        """The table as SQL names it."""
        names = [self.table.name] if self.table.is_default else [self.table.schema, self.table.name]
        return ".".join(map(self._name, names))

    def insert(self, **values: Value) -> str:
        """A statement that writes a row."""
        told = ", ".join(map(self._literal, values.values()))
        return f"insert into {self.place} ({', '.join(values)}) values ({told});"

    def insert_next(self, number: str, **values: Value) -> str:
        """A statement that writes a row whose number follows the highest one."""
        told = ", ".join(map(self._literal, values.values()))
        return (
            f"insert into {self.place} ({', '.join([number, *values])}) "
            f"select coalesce(max({number}), 0) + 1, {told} from {self.place};"
        )

    def delete(self, **values: Value) -> str:
        """A statement that takes the rows out that have these values."""
        told = (
            f"{name} is null" if value is None else f"{name} = {self._literal(value)}"
            for name, value in values.items()
        )  # fmt: skip
        return f"delete from {self.place} where {' and '.join(told)};"

    def rename(self, name: str) -> str:
        """A statement that gives the table another name."""
        return f"alter table {self.place} rename to {self._name(name)};"

    def row(self, migration: Migration) -> AppliedThere:
        """What the tool's table says of one of them."""
        return self.rows[migration.key]

    def _name(self, name: str) -> str:
        if name.isidentifier() and name.isascii() and name == name.lower():
            return name
        return (backquoted if self.dialect.backtick_quotes else double_quoted)(name)

    def _literal(self, value: Value) -> str:
        if value is None:
            return "null"
        if isinstance(value, bytes):
            return f"x'{value.hex()}'" if self.dialect.backtick_quotes else f"'\\x{value.hex()}'"
        if isinstance(value, Expression | int):
            return str(value).lower() if isinstance(value, bool) else str(value)
        text = value.replace("'", "''")
        if self.dialect.backslash_escapes:
            text = text.replace("\\", "\\\\")
        return f"'{text}'"


Lines = Callable[[Noting], Iterable[str]]


def for_each(line: Callable[[Noting, Migration], str]) -> Lines:
    """A line for each migration, in their order."""
    return lambda noting: [line(noting, one) for one in noting.chosen]


def for_each_back(line: Callable[[Noting, Migration], str]) -> Lines:
    """A line for each migration, the last one first."""
    return lambda noting: [line(noting, one) for one in reversed(noting.chosen)]


def say_nothing(noting: Noting) -> Iterable[str]:
    """Of a tool that has no migration of these."""
    return ()
