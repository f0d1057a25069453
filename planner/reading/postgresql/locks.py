"""The table locks of PostgreSQL, and what each one blocks.

Knows no statement. https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from lockgate.planner.reading.reading import Blocked, Hold, Object, Work

ROW_SHARE = "ROW SHARE"
ROW_EXCLUSIVE = "ROW EXCLUSIVE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
SHARE = "SHARE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
EXCLUSIVE = "EXCLUSIVE"
ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

# From the weakest to the strongest.
LOCKS: dict[str, Blocked] = {
    "ACCESS SHARE": "nothing",
    ROW_SHARE: "nothing",
    ROW_EXCLUSIVE: "nothing",
    SHARE_UPDATE_EXCLUSIVE: "nothing",
    SHARE: "writes",
    SHARE_ROW_EXCLUSIVE: "writes",
    EXCLUSIVE: "writes",
    ACCESS_EXCLUSIVE: "reads",
}
STRENGTHS = {lock: place for place, lock in enumerate(LOCKS)}


def hold(on: Object, lock: str, work: Work = "none", *, certain: bool = True) -> Hold:
    """A lock on a table, with what it blocks."""
    return Hold(on, lock, LOCKS[lock], work, certain=certain)
