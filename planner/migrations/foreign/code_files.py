"""Migrations that are code: their tool runs them, and no plan can say what they will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lockgate.planner.errors import MigrationFileError


def untaken_code(names: Iterable[str], language: str) -> Iterator[MigrationFileError]:
    """An error for each of these files."""
    for name in names:
        yield MigrationFileError(
            f"a migration in {language} cannot be planned: lockgate cannot read what it will do",
            path=Path(name),
            do="Write it as SQL. If it has run everywhere, move it out of the folder.",
        )
