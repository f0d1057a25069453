"""Sparing of servers: no further target of one is begun while it is under load.

Asks each server by a session of its own, at most once a second; changes nothing.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.errors import Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.planner.database.health import Load
    from lockgate.planner.environments.fleet_keys import Throttle
    from lockgate.planner.fleet.place import TargetPlace

FRESH = 1.0
"""Seconds for which an answer holds."""


class Throttled:
    """Whether a server may have one more target, by what the environment says; a context, since it
    keeps a session on each server."""

    def __init__(self, fleet: FleetWorkspace, places: list[TargetPlace]) -> None:
        self._fleet = fleet
        self._terms = fleet.settings.throttle
        self._places = {place.host_of(fleet.address): place for place in reversed(places)}
        self._engines: dict[str, Engine] = {}
        self._answers: dict[str, tuple[float, str]] = {}
        self._stack = ExitStack()
        self._lock = Lock()

    def __enter__(self) -> Throttled:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def hosts(self) -> list[str]:
        """The servers that can be asked, by name."""
        return sorted(self._places)

    def is_ready(self, host: str) -> bool:
        """Whether the server is within the limits; one that cannot be asked is reported by its own
        targets."""
        return not self.held_by(host)

    def held_by(self, host: str) -> str:
        """Which limit the server is above, by its key; empty: none."""
        if not self._terms.model_fields_set or host not in self._places:
            return ""
        with self._lock:
            asked, answer = self._answers.get(host, (-FRESH, ""))
            if time.monotonic() - asked >= FRESH:
                answer = self._ask(host)
                self._answers[host] = time.monotonic(), answer
            return answer

    def _ask(self, host: str) -> str:
        try:
            if host not in self._engines:
                opened = self._fleet.open_member(self._places[host])
                self._engines[host] = self._stack.enter_context(opened).engine
            return find_overload(self._engines[host].survey.read_load(), self._terms)
        except (Unreachable, ServerError):
            self._engines.pop(host, None)
            return ""


def find_overload(load: Load, terms: Throttle) -> str:
    """Which limit a server is above, by its key; empty: none."""
    measured = {
        "replica_lag": load.replica_lag,
        "running": load.running,
        "oldest_transaction": load.oldest_transaction,
    }
    for key, value in measured.items():
        limit = getattr(terms, key)
        if limit is not None and value is not None and value > limit:
            return key
    return ""
