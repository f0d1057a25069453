"""The budget of a fleet's run: how many targets may fail before it pauses.

Counts outcomes in the order in which it hears of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lockgate.planner.fleet.waves import Share, share_of


@dataclass(slots=True)
class Budget:
    """What may fail: so many of all `targets`, so many one after another, so many of one host;
    None: no limit of its own."""

    targets: int
    total: Share
    consecutive: int
    per_host: int | None
    failed: int = 0
    in_a_row: int = 0
    by_host: Counter[str] = field(default_factory=Counter)

    def count(self, host: str, *, is_failure: bool) -> str:
        """Notes how a target ended; why the run must pause, empty while it need not.

        >>> budget = Budget(targets=200, total="1%", consecutive=2, per_host=None)
        >>> budget.count("a", is_failure=True), budget.count("b", is_failure=True)
        ('', '2 targets failed one after another (failures.consecutive)')
        """
        if not is_failure:
            self.in_a_row = 0
            return ""
        self.failed += 1
        self.in_a_row += 1
        self.by_host[host] += 1
        if self.failed > share_of(self.total, self.targets):
            return f"{_targets(self.failed)} failed, and {self.total} may (failures.total)"
        if self.in_a_row >= self.consecutive:
            return f"{_targets(self.in_a_row)} failed one after another (failures.consecutive)"
        if self.per_host is not None and self.by_host[host] >= self.per_host:
            return f"{_targets(self.by_host[host])} of one host failed (failures.per_host)"
        return ""


def _targets(count: int) -> str:
    return f"{count} target{'' if count == 1 else 's'}"
