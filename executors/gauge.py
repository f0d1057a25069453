"""A gauge: what each statement of a run really takes and rewrites, noted while the run goes on.

Runs nothing: an engine hands one out, and its run tells it of each statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from executors.events import Event, StatementFinished
from planner.plan import Measured

Key = tuple[int, int]
"""The number of a step, and of a statement in it."""


@dataclass
class Gauge:
    """What was measured so far; a statement that ran twice counts as it ran last."""

    _notes: dict[Key, Measured] = field(default_factory=dict)

    @property
    def measured(self) -> tuple[Measured, ...]:
        """Each statement that ran, in the order of the plan."""
        return tuple(self._notes[key] for key in sorted(self._notes))

    def hear(self, event: Event) -> None:
        """Notes the time of a statement that has just run."""
        if isinstance(event, StatementFinished):
            note = Measured(
                step=event.number, statement=event.place, ms=round(event.seconds * 1000)
            )
            self._notes[event.number, event.place] = note

    def complete(self, key: Key, found: Mapping[str, object]) -> None:
        """Adds what was seen of a statement to its note."""
        self._notes[key] = self._notes[key].model_copy(update=found)
