"""What the role lacks to make an object again on MySQL and MariaDB; asked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.undo.images import ROUTINE_GRANTS, Query, read_triggers, take_image
from lockgate.executors.mysql.undo.intents import Reached, copied_tables, copies_whole_rows
from lockgate.executors.mysql.undo.statement_undo import named_right
from lockgate.planner.reading.reading import Object, Reading

SEE_GRANTS = "Let the role see them: GRANT SELECT ON mysql.procs_priv TO …"
ANY_DEFINER = "Let the role name others: GRANT SET_ANY_DEFINER (MariaDB: SET USER) ON *.* TO …"
MAKE_ANEW = "Make it once more by hand, by a client that speaks utf8mb4."
WITHOUT = "To put copied rows back, the triggers of their table are dropped and made again."
ROUTINE = """
select definer from information_schema.routines
where routine_schema = %s and routine_name = %s and routine_type = '{}'
"""
DEFINERS = {
    "view": "select definer from information_schema.views where table_schema = %s "
    "and table_name = %s",
    "trigger": "select definer from information_schema.triggers where trigger_schema = %s "
    "and trigger_name = %s",
    "event": "select definer from information_schema.events where event_schema = %s "
    "and event_name = %s",
    "procedure": ROUTINE.format("PROCEDURE"),
    "function": ROUTINE.format("FUNCTION"),
}
WHO = "select current_user(), coalesce(current_role(), 'NONE')"
# https://dev.mysql.com/doc/refman/9.7/en/stored-objects-security.html
# https://mariadb.com/kb/en/grant/#set-user
MAY_NAME_OTHERS = """
select 1 from information_schema.user_privileges where replace(grantee, char(39), '') = %s
and privilege_type in ('SET_ANY_DEFINER', 'SET_USER_ID', 'SET USER', 'SUPER')
"""


def refuse_unmakable(
    query: Query, database: str, effects: Iterable[tuple[Reading, Reached | None]]
) -> None:
    """Raises ServerError when the role could not make again what a unit drops or replaces, or
    what its undoing drops while copied rows are put back: the rights on it, which go with it and
    are not shown, or its definer. Of each statement: what it reaches if it is undone by copies."""
    was: dict[str, str] = {}  # the new name of a table -> its name now, before the unit
    for effect, reached in effects:
        for target in _remade(query, database, effect, was):
            if target.kind in ("procedure", "function"):
                _refuse_misprinted(query, database, target)
                _refuse_unseen_grants(query, database, target)
            _refuse_foreign_definer(query, database, target)
        for trigger in _silenced(query, database, effect, reached, was):
            _refuse_foreign_definer(query, database, trigger, f"{WITHOUT} ")
        for old, new in effect.renames:
            was[new.name] = was.pop(old.name, old.name)


def _remade(
    query: Query, database: str, effect: Reading, was: Mapping[str, str]
) -> Iterator[Object]:
    if not (effect.verb in ("drop", "alter") or effect.replaces):
        return
    for target in effect.objects:
        if target.kind in DEFINERS:
            yield target
        elif target.kind == "table" and effect.verb == "drop":
            yield from _triggers(query, database, was.get(target.name, target.name))


def _silenced(
    query: Query, database: str, effect: Reading, reached: Reached | None, was: Mapping[str, str]
) -> Iterator[Object]:
    """The triggers that must not run when the statement's copies are put back."""
    event = "" if copies_whole_rows(effect) else "UPDATE"
    for table in copied_tables(effect, reached) if reached else ():
        yield from _triggers(query, database, was.get(table, table), event)


def _triggers(query: Query, database: str, table: str, event: str = "") -> Iterator[Object]:
    for name in read_triggers(query, database, table, event):
        yield Object("trigger", name)


def _refuse_misprinted(query: Query, database: str, target: Object) -> None:
    """MySQL prints the name of a routine wrongly that a client of some character sets has made."""
    image = take_image(query, database, target)
    printed = named_right(image).lower()
    if image.create and not target.name.isascii() and target.name.lower() not in printed:
        what = f"SHOW CREATE {target.kind.upper()} prints the name {target.name} wrongly"
        raise ServerError("1300", f"{what}, so it could not be made again", hint=MAKE_ANEW)


def _refuse_unseen_grants(query: Query, database: str, target: Object) -> None:
    if not take_image(query, database, target).create:
        return
    try:
        query(ROUTINE_GRANTS, (database, target.name, target.kind.upper()))
    except ServerError as error:
        hint = f"It takes the rights on the {target.kind} {target.name} along. {SEE_GRANTS}"
        raise ServerError(error.code, error.message, hint=hint) from error


def _refuse_foreign_definer(query: Query, database: str, target: Object, why: str = "") -> None:
    """What a role of the user allows is not followed: then the server is asked when it matters."""
    found = query(DEFINERS[target.kind], (database, target.name))
    if not found:
        return
    (user, role), ((definer,),) = query(WHO, ())[0], found
    if definer == user or role != "NONE" or query(MAY_NAME_OTHERS, (user,)):
        return
    what = f"The {target.kind} {target.name} is defined by {definer}"
    raise ServerError(
        "1227", f"{what}, and {user} could not make it so again", hint=why + ANY_DEFINER
    )
