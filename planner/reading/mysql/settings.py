"""What SET does on MySQL and MariaDB: to the session alone, or to the server.

https://dev.mysql.com/doc/refman/9.7/en/set-variable.html
"""

from __future__ import annotations

from collections.abc import Mapping

from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.cursor import Cursor
from lockgate.planner.value import replace

LASTING_SCOPES = frozenset({"global", "persist", "persist_only"})
# SET of something else than variables, for the session or its next transaction.
SESSION_SETS = frozenset({"character", "charset", "names", "role", "resource", "transaction"})
GTIDS = "gtid_purged"
WITHOUT_GTIDS = "a dump with --set-gtid-purged=OFF has none of it"
LASTING = "it changes the server, and not this session alone"

ON = frozenset({"1", "on", "'on'", "true", "default"})
UNREPLICATED = "it keeps from the replicas what undoing would tell them"
# What undoing, in a session of its own, goes without: the values that do no harm, and what
# another one does.
# https://dev.mysql.com/doc/refman/9.7/en/server-system-variables.html
# https://mariadb.com/kb/en/server-system-variables/
NEEDED: dict[str, tuple[frozenset[str], str]] = {
    "check_constraint_checks": (ON, "it lets rows in that no undoing could put back"),
    "enforce_storage_engine": (
        frozenset({"null", "default", "innodb", "'innodb'"}),
        "it makes tables of another storage engine than they say",
    ),
    "skip_replication": (frozenset({"0", "off", "'off'", "false", "default"}), UNREPLICATED),
    "sql_log_bin": (ON, f"{UNREPLICATED} ({WITHOUT_GTIDS})"),
    "sql_quote_show_create": (ON, "it changes how definitions are printed, which undoing reads"),
    "sql_select_limit": (
        frozenset({"default", "18446744073709551615"}),
        "it cuts off what lockgate itself reads to undo a statement",
    ),
    "wsrep_on": (ON, UNREPLICATED),
}
# What `planner.reading.tables` follows, from one statement to the next.
FOLLOWED = frozenset({"default_storage_engine", "foreign_key_checks", "sql_mode", "storage_engine"})


def read_set(cursor: Cursor) -> Reading:
    if cursor.peek().word == "password" or cursor.sees("default", "role"):
        return Reading("other", obstacle=LASTING)
    scope = 1 if cursor.peek().word in ("session", "local") else 0
    if cursor.peek(scope).word in SESSION_SETS:
        return Reading("set", leaves_session=True)
    settings: dict[str, str] = {}
    while not cursor.at_end:
        clause = cursor.clause()
        if clause.peek().word.lstrip("@") in LASTING_SCOPES:
            is_dump = any(token.word.endswith(GTIDS) for token in clause.rest())
            reason = f"{LASTING} ({WITHOUT_GTIDS})" if is_dump else LASTING
            return Reading("other", obstacle=reason, leaves_session=True)
        settings |= _setting(clause)
    return Reading("set", settings=settings, leaves_session=True, obstacle=_obstacle(settings))


def set_for_one(assignments: Cursor, effect: Reading) -> Reading:
    """The effect of a statement that runs under settings of its own.

    https://mariadb.com/kb/en/set-statement/
    """
    settings = read_set(assignments).settings
    obstacle = _obstacle(settings)
    if not (effect.is_rows_only or effect.is_neutral):
        for name in sorted(FOLLOWED & settings.keys()):
            obstacle = obstacle or f"it sets {name} for itself alone, which is not followed"
    return replace(effect, obstacle=effect.obstacle or obstacle)


def _obstacle(settings: Mapping[str, str]) -> str:
    """Why what comes after could not be undone; empty: it could."""
    for name, value in settings.items():
        harmless, reason = NEEDED.get(name, (ON, ""))
        if reason and value.lower() not in harmless:
            return f"it sets {name}: {reason}"
    return ""


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
