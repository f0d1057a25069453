"""What SET does on MySQL and MariaDB: to the session alone, or to the server.

https://dev.mysql.com/doc/refman/9.7/en/set-variable.html
"""

from __future__ import annotations

from planner.cursor import Cursor
from planner.effects import Effect

LASTING_SCOPES = frozenset({"global", "persist", "persist_only"})
# SET of something else than variables, for the session or its next transaction.
SESSION_SETS = frozenset({"character", "charset", "names", "role", "resource", "transaction"})
LASTING = "it changes the server, and not this session alone"


def read_set(cursor: Cursor) -> Effect:
    if cursor.peek().word == "password" or cursor.sees("default", "role"):
        return Effect("other", obstacle=LASTING)
    scope = 1 if cursor.peek().word in ("session", "local") else 0
    if cursor.peek(scope).word in SESSION_SETS:
        return Effect("set", leaves_session=True)
    settings: dict[str, str] = {}
    while not cursor.at_end:
        clause = cursor.clause()
        if clause.peek().word.lstrip("@") in LASTING_SCOPES:
            return Effect("other", obstacle=LASTING, leaves_session=True)
        settings |= _setting(clause)
    return Effect("set", settings=settings, leaves_session=True)


def _setting(clause: Cursor) -> dict[str, str]:
    """The session's variable that an assignment sets; none if it is the user's own."""
    name = clause.take()
    if name.word.lstrip("@") in ("session", "local"):
        clause.accept(".")
        name = clause.take()
    if name.text.startswith("@") and not name.text.startswith("@@"):
        return {}
    clause.accept(":")
    clause.accept("=")
    return {(name.name or name.text.lstrip("@")).lower(): clause.text()}
