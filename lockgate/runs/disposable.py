"""What only a database that its environment calls disposable takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.errors import Denied

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment


def refuse_kept(environment: Environment, command: str) -> None:
    """Raises Denied when a database is not to be emptied or worked on without a review."""
    if not environment.disposable:
        raise Denied(
            f"`migrate {command}` is only for databases that may lose everything.",
            why=f"{environment.path.name} does not say `disposable: true`.",
            do="Add that line if it is true.",
        )
