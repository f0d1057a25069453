"""Comparison of the migration files with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.errors import BrokenHistory, OutOfOrder
from lockgate.planner.quantities import short_digest
from lockgate.planner.value import frozen, replace
from lockgate.planner.versions import VersionKey, is_numbered, is_repeatable, titled, version_key

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Entry, Ledger
    from lockgate.planner.migrations.migration import Migration


@frozen
class Comparison:
    """Where files and ledger agree and differ. A migration is in one group only.

    `applied`: file and entry with the same checksum. `pending`: a file and no entry, in the
    order in which they would run. `changed`: the checksums differ. `missing`: an entry and
    no file. `out_of_order`: those of `pending` that run before one that is applied; `last_applied`
    is the last of these. `files` are all, in running order.

    A repeatable migration is pending again when it has changed, or what it requires runs after it;
    it is never out of order. `removed` are the entries of those that have no file any more.
    """

    applied: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    changed: tuple[tuple[Migration, Entry], ...]
    missing: tuple[Entry, ...]
    out_of_order: tuple[Migration, ...]
    last_applied: str
    files: tuple[Migration, ...] = ()
    removed: tuple[Entry, ...] = ()


@frozen
class Standing:
    """The state of one migration. `state` is applied, pending, out of order, to repeat, changed,
    missing, removed or half done; `checksum` is the file's, and `entry` the ledger's row, where
    there is one. `recorded` says that it counts as applied, and that lockgate has not run it."""

    version: str
    name: str
    state: str
    checksum: str | None
    entry: Entry | None
    recorded: bool = False

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return version_key(self.version)


def compare(migrations: Sequence[Migration], ledger: Ledger) -> Comparison:
    """How the files (in running order) and the ledger differ; versions match by their keys."""
    entries = {entry.key: entry for entry in ledger.entries}
    keys = {migration.key for migration in migrations}
    gone = [entry for entry in ledger.entries if entry.key not in keys]
    applied: list[Migration] = []
    pending: list[Migration] = []
    changed: list[tuple[Migration, Entry]] = []
    for migration in migrations:
        entry = entries.get(migration.key)
        if entry is None or (migration.repeatable and _is_due(migration, entry, entries, pending)):
            pending.append(migration)
        elif entry.checksum == migration.checksum:
            applied.append(migration)
        else:
            changed.append((migration, entry))
    # In running order a migration comes after what it requires, whatever their versions are.
    recorded = (
        place for place, m in enumerate(migrations) if m.key in entries and not m.repeatable
    )
    last = max(recorded, default=-1)
    behind = {migration.key for migration in migrations[last + 1 :]}
    return Comparison(
        applied=tuple(applied),
        pending=tuple(pending),
        changed=tuple(changed),
        missing=tuple(entry for entry in gone if not is_repeatable(entry.version)),
        out_of_order=tuple(m for m in pending if m.key not in behind and not m.repeatable),
        last_applied=migrations[last].version if last >= 0 else "",
        files=tuple(migrations),
        removed=tuple(entry for entry in gone if is_repeatable(entry.version)),
    )


def _is_due(
    migration: Migration,
    entry: Entry,
    entries: Mapping[VersionKey, Entry],
    pending: Iterable[Migration],
) -> bool:
    """Whether a repeatable migration that has run is to run again; `pending` run before it."""
    required = {version_key(version) for version in migration.requires}
    newer = (
        one.applied_at > entry.applied_at
        for one in (entries.get(key) for key in required)
        if one and is_repeatable(one.version)
    )
    before = {one.key for one in pending}
    return entry.checksum != migration.checksum or bool(required & before) or any(newer)


def _all_of(migration: Migration) -> str:
    """The names of its files: one that goes down is part of it too."""
    return " with ".join(dict.fromkeys(file.name for file in migration.files)) or migration.filename


def refuse_broken_history(comparison: Comparison) -> None:
    """Raises BrokenHistory when an applied migration's file was changed or is gone."""
    if not (comparison.changed or comparison.missing):
        return
    changed = [
        f"  changed  {_all_of(migration)}: applied {short_digest(entry.checksum)}, "
        f"file {short_digest(migration.checksum)}"
        for migration, entry in comparison.changed
    ]
    missing = [
        f"  missing  {titled(entry.version, entry.name)}: applied, and no file has that version"
        for entry in comparison.missing
    ]
    raise BrokenHistory(
        tuple(migration.version for migration, _ in comparison.changed),
        tuple(entry.version for entry in comparison.missing),
        "\n".join(changed + missing),
    )


def refuse_out_of_order(comparison: Comparison, pending: Sequence[Migration]) -> None:
    """Raises OutOfOrder when one of those that would run is before the last applied."""
    below = {migration.version for migration in comparison.out_of_order}
    late = tuple(migration.version for migration in pending if migration.version in below)
    if late:
        raise OutOfOrder(late, comparison.last_applied)


def standings(
    comparison: Comparison, ledger: Ledger, begun: Mapping[str, str] | None = None
) -> tuple[Standing, ...]:
    """Every migration of the files and the ledger, by version.

    `begun` are the versions that a run has begun and not recorded, and the state of each.
    """
    entries = {entry.key: entry for entry in ledger.entries}
    states = {version_key(version): state for version, state in (begun or {}).items()}
    late = {migration.version for migration in comparison.out_of_order}
    found = [_standing(m, "applied", entries[m.key]) for m in comparison.applied]
    found += [_standing(m, "changed", entry) for m, entry in comparison.changed]
    found += [
        _standing(m, _pending_state(m, late, entries), entries.get(m.key))
        for m in comparison.pending
    ]
    found += [Standing(e.version, e.name, "removed", None, e) for e in comparison.removed]
    found += [Standing(e.version, e.name, "missing", None, e) for e in comparison.missing]
    marked = (replace(each, state=states.get(each.key, each.state)) for each in found)
    places = {migration.key: place for place, migration in enumerate(comparison.files)}
    return tuple(sorted(marked, key=lambda each: _rank(each, places)))


def _rank(standing: Standing, places: Mapping[VersionKey, int]) -> VersionKey:
    """Numbers by their order, and texts after them, in that of the files."""
    if is_numbered(standing.version):
        return standing.key
    return ((1, places.get(standing.key, len(places)), standing.version),)


def _pending_state(
    migration: Migration, late: Collection[str], entries: Mapping[VersionKey, Entry]
) -> str:
    if migration.key in entries:
        return "to repeat"
    return "out of order" if migration.version in late else "pending"


def count_states(found: Iterable[Standing]) -> str:
    """How many migrations are in which state: `2 applied, 1 pending`."""
    counts = Counter(each.state for each in found)
    states = ("applied", *sorted(counts.keys() - {"applied"}))
    return ", ".join(f"{counts[state]} {state}" for state in states)


def _standing(migration: Migration, state: str, entry: Entry | None = None) -> Standing:
    version = entry.version if entry else migration.version
    return Standing(version, migration.name, state, migration.checksum, entry)
