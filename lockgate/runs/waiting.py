"""Waiting for a database: until its server answers, or a migration is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.polling import poll
from lockgate.planner.errors import StalePlan, Unreachable
from lockgate.planner.quantities import format_duration
from lockgate.workspace import open_workspace

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment


def wait_for(environment: Environment, version: str | None, seconds: float) -> None:
    """Returns when the server answers, and has this version applied where one is given.

    Raises:
        Unreachable: it did not answer in time.
        StalePlan: the version was not applied in time.
    """
    missing: Unreachable | StalePlan | None = None

    def is_there() -> bool:
        nonlocal missing
        try:
            with open_workspace(environment) as work:
                applied = {entry.version for entry in work.engine.store.read_ledger().entries}
        except Unreachable as error:
            missing = error
            return False
        missing = None if version is None or version in applied else _pending(version, applied)
        return missing is None

    if not poll(is_there, seconds, lambda waited: None) and missing is not None:
        missing.why = f"Waited for {format_duration(seconds)}."
        raise missing


def _pending(version: str, applied: set[str]) -> StalePlan:
    last = max(applied, default="none")
    return StalePlan(
        f"{version} is not applied; the last one that is: {last}.",
        do="See `migrate history`, or wait longer with --timeout.",
    )
