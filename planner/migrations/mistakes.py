"""Mistakes in migration files, gathered: they are reported at once, not one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lockgate.planner.errors import MigrationFileError, MigrationFileErrors


class Mistakes:
    """What is wrong with some files, in the order in which it was found."""

    def __init__(self) -> None:
        self.found: list[MigrationFileError] = []

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keeps an error of the block, so that what comes after it is read too."""
        try:
            yield
        except MigrationFileErrors as several:
            self.found += several.errors
        except MigrationFileError as error:
            self.found.append(error)

    def note(self, errors: Iterable[MigrationFileError]) -> None:
        """Keeps errors that were not raised."""
        self.found += errors

    def refuse(self) -> None:
        """Raises what was found: one error as it is, and several as MigrationFileErrors."""
        if len(self.found) > 1:
            raise MigrationFileErrors(tuple(self.found))
        for error in self.found:
            raise error
