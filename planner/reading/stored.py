"""Whether the code that a statement stores takes data away whenever it runs.

Reads words: code that is put together while it runs is not seen. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.sql.cursor import END, Token

TAKERS = frozenset({"delete", "truncate", "drop"})
# After these it is no statement: a trigger's or a foreign key's event, a column.
NOT_AFTER = frozenset({"before", "after", "on", "of", "or", "."})
# Before these it is a function, an event, or what is the session's own.
NOT_BEFORE = frozenset({"(", "on", "or", ".", "temporary", "prepare"})


def takes_away(found: Sequence[Token]) -> bool:
    """Whether DELETE, TRUNCATE or DROP is a statement in this code, or a clause of ALTER TABLE."""
    around = zip((END, *found), found, (*found[1:], END), strict=False)
    return any(
        token.word in TAKERS and before.word not in NOT_AFTER and after.word not in NOT_BEFORE
        for before, token, after in around
    )
