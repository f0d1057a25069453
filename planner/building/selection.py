"""Choice of what a plan runs: of what is pending, and of what is applied.

Builds no step but the one that runs nothing: `planner.building.build` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from lockgate.planner.building.compare import Comparison
from lockgate.planner.database.ledger import Entry
from lockgate.planner.errors import IrreversibleMigration, StillRequired, UsageError
from lockgate.planner.finding import Finding
from lockgate.planner.hidden import is_visible
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.record import Record
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, is_numbered, version_key

OPTION = "--skip-irreversible"


def choose_pending(
    comparison: Comparison, to: str | None, only: Mapping[VersionKey, str] | None
) -> tuple[Migration, ...]:
    """What is pending: up to version `to`, or what has one of these versions and checksums.

    Raises:
        UsageError: `to` is no version of a file.
    """
    if only is not None:
        return _among(comparison.pending, only)
    return comparison.pending if to is None else _until(comparison, to)


def _among(pending: Iterable[Migration], only: Mapping[VersionKey, str]) -> tuple[Migration, ...]:
    """In running order, so what a migration requires is decided on before it."""
    chosen: list[Migration] = []
    held_back: set[VersionKey] = set()
    for migration in pending:
        requires = {version_key(version) for version in migration.requires}
        if only.get(migration.key) == migration.checksum and not requires & held_back:
            chosen.append(migration)
        else:
            held_back.add(migration.key)
    return tuple(chosen)


def _until(comparison: Comparison, to: str) -> tuple[Migration, ...]:
    """The pending migrations up to a version, with what these require."""
    last = version_key(to)
    running = [migration.key for migration in comparison.files]
    known = {m.key for m in (*comparison.applied, *comparison.pending)}
    if last not in known:
        raise UsageError(
            f"No migration has version {to}.", do="See `migrate status` for the versions."
        )
    pending = {migration.key: migration for migration in comparison.pending}
    before = set(running[: running.index(last) + 1])  # texts have the order of their folder alone
    wanted = [key for key in pending if (key <= last if is_numbered(to) else key in before)]
    chosen: set[VersionKey] = set()
    while wanted:
        key = wanted.pop()
        if key in pending and key not in chosen:
            chosen.add(key)
            wanted += [version_key(version) for version in pending[key].requires]
    return tuple(m for m in comparison.pending if m.key in chosen)


class Recorded(Protocol):
    """What a rollback must know of an applied migration, from its file or from the database."""

    @property
    def version(self) -> str: ...
    @property
    def key(self) -> VersionKey: ...
    @property
    def requires(self) -> tuple[str, ...]: ...


AppliedT = TypeVar("AppliedT", bound=Recorded)


def going_back(
    latest: Sequence[AppliedT], steps: int | None, to: str | None
) -> tuple[AppliedT, ...]:
    """What is to be rolled back.

    Raises:
        StillRequired: what stays requires it.
    """
    going = tuple(latest[: _count(latest, steps)]) if to is None else _above(latest, to)
    _refuse_still_required(going, latest)
    return going


def latest_first(
    applied: Sequence[AppliedT], entries: Mapping[VersionKey, Entry]
) -> tuple[AppliedT, ...]:
    """The applied migrations, the last applied first; `applied` are in running order."""
    # Migrations of one transaction share their time; the running order decides among them.
    # A clock may have been set back: none counts as older than what it requires.
    keys: dict[VersionKey, tuple[datetime, int]] = {}
    for place, migration in enumerate(applied):
        required = (keys[version_key(v)][0] for v in migration.requires if version_key(v) in keys)
        keys[migration.key] = max([entries[migration.key].applied_at, *required]), place
    return tuple(sorted(applied, key=lambda migration: keys[migration.key], reverse=True))


def _count(latest: Sequence[Recorded], steps: int | None) -> int:
    count = 1 if steps is None else steps
    if count < 1:
        raise UsageError(
            f"{count} migrations cannot be rolled back.", do="Give `--steps` a number from 1 on."
        )
    if count > len(latest):
        raise UsageError(
            f"{count} cannot be rolled back: {len(latest)} are applied.",
            do="See `migrate status`. Version 0 as the target rolls back all of them.",
        )
    return count


def _above(latest: Sequence[AppliedT], to: str) -> tuple[AppliedT, ...]:
    last, nothing = version_key(to), version_key("0")
    keys = [migration.key for migration in latest]
    if last not in (*keys, nothing):
        raise UsageError(
            f"Version {to} is not applied, so nothing can be rolled back to it.",
            do="See `migrate status` for what is applied; 0 rolls back everything.",
        )
    if last == nothing:  # everything, also a migration that has version 0
        return tuple(latest)
    if not is_numbered(to):  # then nothing but the order in which they were applied tells
        return tuple(latest[: keys.index(last)])
    return tuple(migration for migration in latest if migration.key > last)


def _refuse_still_required(going: Sequence[Recorded], applied: Iterable[Recorded]) -> None:
    leaving = {migration.key: migration for migration in going}
    needed: dict[VersionKey, list[str]] = {}
    for migration in applied:
        if migration.key not in leaving:
            for version in migration.requires:
                needed.setdefault(version_key(version), []).append(migration.version)
    for number, by in needed.items():
        if number in leaving:
            raise StillRequired(leaving[number].version, tuple(by))


@frozen
class Skips:
    """The versions that a rollback may pass over, and why; None: no reason was given.

    Raises:
        UsageError: versions without a reason that can be read, or a reason without versions.
    """

    versions: tuple[str, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.versions and not is_visible(self.reason or ""):
            raise UsageError(
                f"`{OPTION}` needs a reason.",
                do="Add `--reason TEXT`: it is kept in the plan and in the history.",
            )
        if self.reason is not None and not self.versions:
            raise UsageError(
                f"`--reason` is the reason of `{OPTION}`, and no version is given.",
                do=f"Add `{OPTION} VERSION`, or leave `--reason` away.",
            )

    def steps(
        self,
        going: Sequence[AppliedT],
        way_back: Callable[[AppliedT], Step],
        skip: Callable[[AppliedT, str], Step],
    ) -> list[Step]:
        """The steps of what goes: its way back, or the one that passes over it with the reason.

        Raises:
            IrreversibleMigration: one has no way back, and is not passed over.
            UsageError: one that is to be passed over has a way back, or does not go.
        """
        wanted = {version_key(version): version for version in self.versions}
        if staying := set(wanted) - {one.key for one in going}:
            raise UsageError(
                f"Version {wanted[min(staying)]} is not rolled back here, so it cannot be passed "
                "over.",
                do="Roll back further, or leave it away. See `migrate status` for the versions.",
            )
        return [self._step(one, one.key in wanted, way_back, skip) for one in going]

    def _step(
        self,
        one: AppliedT,
        is_wanted: bool,
        way_back: Callable[[AppliedT], Step],
        skip: Callable[[AppliedT, str], Step],
    ) -> Step:
        try:
            step = way_back(one)
        except IrreversibleMigration:
            if not is_wanted:
                raise
            return skip(one, self.reason or "")
        if is_wanted:
            raise UsageError(
                f"Version {one.version} has a way back, so it is not passed over.",
                do=f"Leave `{OPTION} {one.version}` away: it is rolled back.",
            )
        return step


def skip_step(
    version: str, name: str, file: str, checksum: str, requires: tuple[str, ...], reason: str
) -> Step:
    """The step that takes a migration without a way back out of the history, and runs nothing."""
    return Step(
        direction="down",
        version=version,
        name=name,
        file=file,
        checksum=checksum,
        requires=requires,
        transaction=1,
        findings=(_finding(reason),),
        statements=(),
        rollback=None,
        record=Record(why="skip", reason=reason),
    )


def _finding(reason: str) -> Finding:
    return Finding(
        code="skipped",
        severity="warning",
        line=1,
        message="It has no way back and is passed over: taken out of the history, and nothing is "
        f"run. Reason: {reason}",
        why="What it has made stays in the database. It is pending after that; if it is applied "
        "again, it runs on that.",
    )
