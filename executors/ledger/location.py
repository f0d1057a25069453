"""In which schema a project's ledger lies: the one of its first run, whatever the default is now.

Asks no server: an engine hands in what it has found.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.errors import WrongTarget
from lockgate.planner.value import frozen


@frozen
class FoundLedger:
    """A table lockgate_target somewhere in the database; `ours` says that our role owns it."""

    schema: str
    owner: str
    ours: bool
    project: str
    environment: str


def locate(
    found: Iterable[FoundLedger],
    named: str | None,
    default: str | None,
    project: str,
    environment: str,
) -> str | None:
    """The schema of the ledger: that which the environment names, or that of the first run, or,
    where there was none, the connection's default, which is None where it has none.

    Raises:
        WrongTarget: this project's ledger lies in another schema, or in several.
    """
    own = [one for one in found if (one.project, one.environment) == (project, environment)]
    if named is not None:
        if own and all(one.schema != named for one in own):
            raise _elsewhere(own, f"`history.schema` names {named}.")
        return named
    own = [one for one in own if one.ours] or own
    if len(own) > 1:
        raise _elsewhere(own, f"The connection's default schema is {default or 'none of them'}.")
    return own[0].schema if own else default


def _elsewhere(found: list[FoundLedger], expected: str) -> WrongTarget:
    places = " and ".join(f"{one.schema} (tables of the role {one.owner})" for one in found)
    first = found[0]
    return WrongTarget(
        f"The ledger of project {first.project}, environment {first.environment}, is in the "
        f"schema {places}. {expected}",
        why="In an empty ledger every migration would be pending, and run a second time.",
        do=f"Write `history: {{schema: {first.schema}}}` in the environment if that is the right "
        "one; drop the tables of the other, or give it a project or environment of its own.",
    )
