"""The ledger: what the database says was applied to it, and the digest of that state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from lockgate.planner.canonical import canonical
from lockgate.planner.database.recording import Recording
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key


@frozen
class Entry:
    """One row of `schema_migrations`. `applied_at` has the UTC zone."""

    version: str
    name: str
    checksum: str
    applied_at: datetime

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return version_key(self.version)


@frozen
class Identity:
    """The row of `lockgate_target`: whose database this is.

    `evidence` are the server's own marks when the row was written; a copy of the database
    on another server, or under another name, shows others.
    """

    uuid: str
    project: str
    environment: str
    evidence: str


@frozen
class Ledger:
    """What a database holds: no identity, serial 0 and no entry before the first run."""

    identity: Identity | None = None
    serial: int = 0
    entries: tuple[Entry, ...] = ()
    unresolved: tuple[str, ...] = ()
    recordings: tuple[Recording, ...] = ()
    """The runs that have only recorded, the oldest first."""

    @property
    def present(self) -> bool:
        """Whether lockgate has written to this database."""
        return self.identity is not None

    @property
    def digest(self) -> str:
        """The state digest: equal for equal applied migrations at the same serial."""
        return state_digest(((e.version, e.checksum) for e in self.entries), self.serial)


def state_digest(rows: Iterable[tuple[str, str]], serial: int) -> str:
    """SHA-256, in hex, over the sorted [version, checksum] rows and the serial.

    >>> state_digest([("2", "b"), ("1", "a")], 2) == state_digest([("1", "a"), ("2", "b")], 2)
    True
    """
    state = {"rows": sorted([v, c] for v, c in rows), "serial": str(serial)}
    return hashlib.sha256(canonical(state)).hexdigest()
