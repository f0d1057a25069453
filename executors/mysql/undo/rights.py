"""What the role lacks to make an object again on MySQL and MariaDB; asked before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.undo.images import ROUTINE_GRANTS, Query, read_triggers, take_image
from lockgate.planner.reading.reading import Object, Reading

SEE_GRANTS = "Let the role see them: GRANT SELECT ON mysql.procs_priv TO …"
ANY_DEFINER = "Let the role name others: GRANT SET_ANY_DEFINER (MariaDB: SET USER) ON *.* TO …"
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


def refuse_unmakable(query: Query, database: str, effect: Reading) -> None:
    """Raises ServerError when the role could not make again what a statement drops or replaces:
    the rights on it, which go with it and are not shown, or its definer."""
    for target in _remade(query, database, effect):
        if target.kind in ("procedure", "function"):
            _refuse_unseen_grants(query, database, target)
        _refuse_foreign_definer(query, database, target)


def _remade(query: Query, database: str, effect: Reading) -> Iterator[Object]:
    if not (effect.verb in ("drop", "alter") or effect.replaces):
        return
    for target in effect.objects:
        if target.kind in DEFINERS:
            yield target
        elif target.kind == "table" and effect.verb == "drop":
            yield from (Object("trigger", n) for n in read_triggers(query, database, target.name))


def _refuse_unseen_grants(query: Query, database: str, target: Object) -> None:
    if not take_image(query, database, target).create:
        return
    try:
        query(ROUTINE_GRANTS, (database, target.name, target.kind.upper()))
    except ServerError as error:
        hint = f"It takes the rights on the {target.kind} {target.name} along. {SEE_GRANTS}"
        raise ServerError(error.code, error.message, hint=hint) from error


def _refuse_foreign_definer(query: Query, database: str, target: Object) -> None:
    """What a role of the user allows is not followed: then the server is asked when it matters."""
    found = query(DEFINERS[target.kind], (database, target.name))
    if not found:
        return
    (user, role), ((definer,),) = query(WHO, ())[0], found
    if definer == user or role != "NONE" or query(MAY_NAME_OTHERS, (user,)):
        return
    what = f"The {target.kind} {target.name} is defined by {definer}"
    raise ServerError("1227", f"{what}, and {user} could not make it so again", hint=ANY_DEFINER)
