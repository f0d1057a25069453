"""What is known of a database when a plan is made for it: by asking it, or from a state file.

Asks nothing: `lockgate.plans.making` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from lockgate.planner.building.stored_runs import StoredRun
from lockgate.planner.database.facts import Facts
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.occupancy import Occupancy
from lockgate.planner.database.server import Server
from lockgate.planner.value import frozen


@frozen
class Observation:
    """A database at one moment.

    `fingerprint` is each object of the schema with a short digest, None where it is not
    looked at. `runs` are those that have applied plans, for a rollback without the files.
    `occupancy` is what it holds of others before the first run, None where it was not looked at.
    `pulled_at` is when it was written down, None where it is known at first hand. `absent` are the
    readers of lockgate's tables that are not there, where these are still to be made.
    """

    server: Server
    ledger: Ledger
    facts: Facts = field(default_factory=Facts)
    fingerprint: Mapping[str, str] | None = None
    runs: tuple[StoredRun, ...] = ()
    occupancy: Occupancy | None = None
    pulled_at: datetime | None = None
    absent: tuple[str, ...] = ()
