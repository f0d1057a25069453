"""The order of migrations: what each requires first, ties broken by the order of their folder."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.mistakes import Mistakes
from lockgate.planner.versions import VersionKey, is_numbered, is_repeatable, version_key


def order(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """The migrations so that each comes after all it requires: the lowest version first, or, where
    versions are texts, the first of those given.

    Raises:
        MigrationFileError: a version is required that no file has, or by way of itself.
    """
    by_key = {migration.key: migration for migration in migrations}
    places = _places(by_key)
    sorter: TopologicalSorter[VersionKey] = TopologicalSorter()
    mistakes = Mistakes()
    for key, migration in by_key.items():
        with mistakes.noting():
            sorter.add(key, *_required(migration, by_key))
    mistakes.refuse()
    try:
        sorter.prepare()
    except CycleError as error:
        raise _cycle([by_key[key] for key in error.args[1]]) from error
    ordered, ready = [], list[tuple[int, VersionKey]]()
    while sorter.is_active():
        for key in sorter.get_ready():
            heapq.heappush(ready, (places[key], key))
        _, key = heapq.heappop(ready)
        sorter.done(key)
        ordered.append(by_key[key])
    return tuple(ordered)


def _places(by_key: Mapping[VersionKey, Migration]) -> dict[VersionKey, int]:
    """The place of each without requirements: numbers have an order, texts that of a journal; and
    what is repeatable comes last."""
    versioned = [key for key, migration in by_key.items() if not migration.repeatable]
    is_numbers = all(is_numbered(by_key[key].version) for key in versioned)
    repeatable = [key for key, migration in by_key.items() if migration.repeatable]
    keys = [*(sorted(versioned) if is_numbers else versioned), *repeatable]
    return {key: place for place, key in enumerate(keys)}


def _required(migration: Migration, by_key: dict[VersionKey, Migration]) -> list[VersionKey]:
    keys = [version_key(version) for version in migration.requires]
    repeatable = [version for version in migration.requires if is_repeatable(version)]
    if repeatable and not migration.repeatable:
        raise MigrationFileError(
            f"requires {', '.join(repeatable)}, which is repeatable",
            path=Path(migration.filename),
            why="Repeatable migrations run after all others.",
            do="Put what it needs into a migration with a version.",
        )
    unknown = [version for version in migration.requires if version_key(version) not in by_key]
    if unknown:
        raise MigrationFileError(
            f"requires {', '.join(unknown)}, and no migration has that version",
            path=Path(migration.filename),
            do="Correct what it says it requires, or add the missing file.",
        )
    return keys


def _cycle(members: list[Migration]) -> MigrationFileError:
    # graphlib lists each member before the one that requires it.
    chain = " requires ".join(member.filename for member in reversed(members))
    return MigrationFileError(
        f"migrations require each other in a circle: {chain}",
        do="Remove one of these `-- migrate:requires` lines.",
    )
