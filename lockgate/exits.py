"""Exit codes: what a shell learns of how a command ended. docs/reference/exit-codes.md."""

from __future__ import annotations

from enum import IntEnum

from lockgate.planner import errors


class Exit(IntEnum):
    """Every exit code of every command."""

    OK = 0
    BUG = 1
    CHANGES = 2
    DENIED = 3
    STALE = 4
    LOCKED = 5
    WRONG_TARGET = 6
    UNRESOLVED = 7
    INVALID_PLAN = 8
    FAILED = 9
    BROKEN_HISTORY = 10
    UNREACHABLE = 11
    PAUSED = 12
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


EXITS: dict[type[errors.LockgateError], Exit] = {
    errors.UsageError: Exit.USAGE,
    errors.HistoryError: Exit.BROKEN_HISTORY,
    errors.InvalidPlan: Exit.INVALID_PLAN,
    errors.StalePlan: Exit.STALE,
    errors.WrongTarget: Exit.WRONG_TARGET,
    errors.Denied: Exit.DENIED,
    errors.Locked: Exit.LOCKED,
    errors.Unreachable: Exit.UNREACHABLE,
    errors.Paused: Exit.PAUSED,
    errors.Unresolved: Exit.UNRESOLVED,
    errors.StatementFailed: Exit.FAILED,
}


def exit_code(error: errors.LockgateError) -> int:
    """The code for an error: its own type's, or the nearest ancestor's."""
    if isinstance(error, errors.Interrupted):
        return 128 + error.signal_number
    for kind in type(error).__mro__:
        if kind in EXITS:
            return EXITS[kind]
    return Exit.BUG
