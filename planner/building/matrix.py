"""Where each migration is in each environment, side by side.

Asks no database: the caller brings what each one says.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.building.compare import Standing, count_states
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey


@frozen
class Column:
    """An environment. `problem` says, in a sentence, what is wrong with it that no state tells;
    without `standings` it is why nothing is known. `serial` is None then."""

    environment: str
    standings: tuple[Standing, ...] = ()
    serial: int | None = None
    problem: str = ""

    @property
    def is_known(self) -> bool:
        """Whether its database was asked."""
        return self.serial is not None

    @property
    def summary(self) -> str:
        """How many migrations are in which state: `2 applied, 1 pending`."""
        return count_states(self.standings)


@frozen
class MatrixRow:
    """A migration, and where it is in each column; None where that has neither file nor row."""

    version: str
    name: str
    cells: tuple[Standing | None, ...]


@frozen
class Matrix:
    """The columns in the order in which they were given, and the rows by version."""

    columns: tuple[Column, ...]
    rows: tuple[MatrixRow, ...]


def lay_out(columns: Iterable[Column]) -> Matrix:
    """The matrix of some environments. Two migrations of one version and another name are two
    rows: the environments' folders differ."""
    columns = tuple(columns)
    standing = [{(each.key, each.name): each for each in column.standings} for column in columns]
    keys = sorted({key for found in standing for key in found})
    return Matrix(columns, tuple(_row(key, [found.get(key) for found in standing]) for key in keys))


def _row(key: tuple[VersionKey, str], cells: list[Standing | None]) -> MatrixRow:
    version = next(cell.version for cell in cells if cell)
    return MatrixRow(version, key[1], tuple(cells))
