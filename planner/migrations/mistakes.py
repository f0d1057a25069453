"""Mistakes in migration files, gathered: they are reported at once, not one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from lockgate.planner.errors import MigrationFileError, MigrationFileErrors


class Mistakes:
    """What is wrong with some files, in the order in which it was found."""

    def __init__(self) -> None:
        self.found: list[MigrationFileError] = []

    def noting(self) -> Self:
        """For a block: keeps an error of it, so that what comes after it is read too."""
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, MigrationFileErrors):
            self.found += error.errors
        elif isinstance(error, MigrationFileError):
            self.found.append(error)
        else:
            return False
        return True

    def note(self, errors: Iterable[MigrationFileError]) -> None:
        """Keeps errors that were not raised."""
        self.found += errors

    def refuse(self) -> None:
        """Raises what was found: one error as it is, and several as MigrationFileErrors."""
        if len(self.found) > 1:
            raise MigrationFileErrors(tuple(self.found))
        for error in self.found:
            raise error
