"""Why a target is in no group, by the error that was raised when it was looked at."""

from __future__ import annotations

from lockgate.executors.failure import ServerError
from lockgate.planner.errors import (
    BrokenHistory,
    HistoryError,
    Locked,
    LockgateError,
    Occupied,
    OutOfOrder,
    StalePlan,
    Unreachable,
    Unresolved,
    UsageError,
    WrongTarget,
)
from lockgate.planner.fleet.fleet_plan import Odd, Oddity

REASONS: tuple[tuple[type[LockgateError], Oddity], ...] = (
    (Unreachable, "unreachable"),
    (WrongTarget, "foreign"),
    (Unresolved, "half done"),
    (Locked, "half done"),
    (Occupied, "never seen"),
    (OutOfOrder, "behind"),
    (BrokenHistory, "ahead"),
    (HistoryError, "refused"),
    (StalePlan, "behind"),
    (UsageError, "behind"),
)
"""Why a target is in no group, by what was raised when it was looked at; the first that fits."""
TOLD = ("half done", "never seen", "behind", "ahead")
"""Reasons whose errors name no host and no user."""


def odd_by(name: str, error: LockgateError | ServerError) -> Odd:
    """A target that could not be looked at, or not be planned for."""
    reason = next((word for kind, word in REASONS if isinstance(error, kind)), "refused")
    told = error.what.partition("\n")[0] if isinstance(error, LockgateError) else ""
    return Odd(name=name, reason=reason, detail=told if reason in TOLD else "")
