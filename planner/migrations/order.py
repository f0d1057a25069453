"""The order of migrations: what each requires first, ties broken by version."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.versions import VersionKey, version_key


def order(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """The migrations so that each stands after all it requires, the lowest version first.

    Raises:
        MigrationFileError: a version is required that no file has, or by way of itself.
    """
    by_number = {migration.key: migration for migration in migrations}
    sorter: TopologicalSorter[VersionKey] = TopologicalSorter()
    for number, migration in by_number.items():
        sorter.add(number, *_required(migration, by_number))
    try:
        sorter.prepare()
    except CycleError as error:
        raise _cycle([by_number[number] for number in error.args[1]]) from error
    ordered, ready = [], list[VersionKey]()
    while sorter.is_active():
        for number in sorter.get_ready():
            heapq.heappush(ready, number)
        number = heapq.heappop(ready)
        sorter.done(number)
        ordered.append(by_number[number])
    return tuple(ordered)


def _required(migration: Migration, by_number: dict[VersionKey, Migration]) -> list[VersionKey]:
    numbers = [version_key(version) for version in migration.requires]
    unknown = [version for version in migration.requires if version_key(version) not in by_number]
    if unknown:
        raise MigrationFileError(
            f"requires {', '.join(unknown)}, and no migration has that version",
            path=Path(migration.filename),
            do="Correct the `-- migrate:requires` line, or add the missing file.",
        )
    return numbers


def _cycle(members: list[Migration]) -> MigrationFileError:
    # graphlib lists each member before the one that requires it.
    chain = " requires ".join(member.filename for member in reversed(members))
    return MigrationFileError(
        f"migrations require each other in a circle: {chain}",
        do="Remove one of these `-- migrate:requires` lines.",
    )
