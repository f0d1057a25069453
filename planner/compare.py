"""Comparison of the migration files with the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.errors import BrokenHistory, OutOfOrder
from planner.ledger import Entry, Ledger
from planner.migration import Migration


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where files and ledger agree and differ. A migration stands in one group only.

    `applied`: file and entry with the same checksum. `pending`: a file and no entry, in the
    order in which they would run. `changed`: the checksums differ. `missing`: an entry and
    no file. `out_of_order`: those of `pending` below the highest applied version.
    """

    applied: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    changed: tuple[tuple[Migration, Entry], ...]
    missing: tuple[Entry, ...]
    out_of_order: tuple[Migration, ...]
    highest: str


def compare(migrations: Sequence[Migration], ledger: Ledger) -> Comparison:
    """How the files (in running order) and the ledger differ; versions match as integers."""
    entries = {entry.number: entry for entry in ledger.entries}
    numbers = {migration.number for migration in migrations}
    applied, pending, changed = [], [], []
    for migration in migrations:
        entry = entries.get(migration.number)
        if entry is None:
            pending.append(migration)
        elif entry.checksum == migration.checksum:
            applied.append(migration)
        else:
            changed.append((migration, entry))
    highest = max(ledger.entries, key=lambda entry: entry.number, default=None)
    return Comparison(
        applied=tuple(applied),
        pending=tuple(pending),
        changed=tuple(changed),
        missing=tuple(entry for entry in ledger.entries if entry.number not in numbers),
        out_of_order=tuple(m for m in pending if highest and m.number < highest.number),
        highest=highest.version if highest else "",
    )


def refuse_broken_history(comparison: Comparison) -> None:
    """Raises BrokenHistory when an applied migration's file was changed or is gone."""
    if not (comparison.changed or comparison.missing):
        return
    changed = [
        f"  changed  {migration.filename}: applied {entry.checksum[:12]}, "
        f"file {migration.checksum[:12]}"
        for migration, entry in comparison.changed
    ]
    missing = [
        f"  missing  {entry.version} {entry.name}: applied, and no file has that version"
        for entry in comparison.missing
    ]
    raise BrokenHistory(
        tuple(migration.version for migration, _ in comparison.changed),
        tuple(entry.version for entry in comparison.missing),
        "\n".join(changed + missing),
    )


def refuse_out_of_order(comparison: Comparison, pending: Sequence[Migration]) -> None:
    """Raises OutOfOrder when one of those that would run is below the highest applied."""
    below = {migration.version for migration in comparison.out_of_order}
    late = tuple(migration.version for migration in pending if migration.version in below)
    if late:
        raise OutOfOrder(late, comparison.highest)
