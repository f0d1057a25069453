"""What a database holds of others, read by a session: for the first plan, and for `adopt`.

Writes nothing, and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.database.occupancy import Occupancy, OtherHistory

if TYPE_CHECKING:
    from lockgate.executors.engine import Session
    from lockgate.planner.adoption.tool import MigrationTool, Testimony
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.database.occupancy import FoundTable


def read_occupancy(session: Session, ledger: Ledger) -> Occupancy | None:
    """What the database holds of others; None where it has a ledger, and nobody needs to ask."""
    if ledger.present:
        return None
    from lockgate.planner.adoption.recognition import find_histories  # once in a database's life

    found = session.find_tables()
    histories = tuple(
        OtherHistory(tool.name, str(table), read_testimony(session, tool, table).versions)
        for tool, table in find_histories(found)
    )
    return Occupancy(tuple(map(str, found)), histories)


def read_testimony(session: Session, tool: MigrationTool, table: FoundTable) -> Testimony:
    """What another tool's table says."""
    return tool.read(session.read_rows(table, tool.columns))
