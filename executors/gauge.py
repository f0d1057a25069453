"""A gauge: what each statement of a run really takes and rewrites, noted while the run goes on.

Runs nothing: an engine hands one out, and its run tells it of each statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.executors.events import Event, StatementFinished
from lockgate.planner.plan.plan import Measured

StatementKey = tuple[int, int]
"""The number of a step, and of a statement in it."""


@dataclass
class Gauge:
    """What was measured so far; a statement that ran twice counts as it ran last."""

    _times: dict[StatementKey, int] = field(default_factory=dict)
    _found: dict[StatementKey, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def measured(self) -> tuple[Measured, ...]:
        """Each statement that ran, in the order of the plan."""
        return tuple(
            Measured(
                step=step, statement=statement, ms=ms, **self._found.get((step, statement), {})
            )
            for (step, statement), ms in sorted(self._times.items())
        )

    def hear(self, event: Event) -> None:
        """Notes the time of a statement that has run."""
        if isinstance(event, StatementFinished):
            self._times[event.number, event.place] = round(event.seconds * 1000)

    def note(self, key: StatementKey, **found: Any) -> None:
        """Notes what was seen of a statement: `locks`, `rewrites` and `scans`, as in
        `Measured`."""
        self._found[key] = found
