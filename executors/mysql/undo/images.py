"""Pre-images on MySQL and MariaDB: what an object was before a statement, to make it again.

Reads definitions and writes them as JSON for the journal; changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from lockgate.executors.engine import Row
from lockgate.executors.failure import ServerError
from lockgate.planner.quoting import backquoted, quoted_account

if TYPE_CHECKING:
    from lockgate.planner.reading.reading import Object

Query = Callable[[str, Sequence[object]], list[Row]]

# No such table, view, trigger, routine, event; a name of the other kind; no such sequence.
ABSENT = frozenset({"1146", "1305", "1347", "1360", "1539", "4089", "4091"})
NO_USER = frozenset({"1133", "1396"})  # MariaDB's, MySQL's
ROUTINE_GRANTS = """
select user, host, proc_priv from mysql.procs_priv
where db = %s and routine_name = %s and routine_type = %s and proc_priv <> '' order by 1, 2
"""
ROUTINE_COMMENT = """
select routine_comment from information_schema.routines
where routine_schema = %s and routine_name = %s and routine_type = %s
"""
SEE_USERS = "Let the role see who is there: GRANT SELECT ON mysql.* TO …"
TRIGGERS = """
select trigger_name, event_object_table, event_manipulation, action_timing
from information_schema.triggers where event_object_schema = %s and event_object_table = %s
order by action_order
"""


class Stored(BaseModel):
    """Frozen; written by one lockgate and perhaps read by a later one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Image(Stored):
    """An object as SHOW CREATE printed it; `create` is empty where it did not exist.

    The other texts are what must be set before it is created again. `after` is the trigger
    that ran before it: https://dev.mysql.com/doc/refman/9.7/en/show-create-trigger.html
    does not show the order. `grants` on a routine, which go with it, are user, host and rights.
    """

    kind: str
    name: str
    create: str = ""
    sql_mode: str | None = None
    time_zone: str | None = None
    charset: str | None = None
    collation: str | None = None
    after: str = ""
    ahead_of: str = ""
    grants: tuple[tuple[str, str, str], ...] = ()
    made_at: float | None = None
    """Of an event, in seconds since 1970."""

    comment: str = ""
    """Of a routine. SHOW CREATE prints one of a client that spoke no UTF-8 wrongly."""

    @property
    def key(self) -> tuple[str, str]:
        """The object's kind and name."""
        return self.kind, self.name


def take_image(query: Query, database: str, target: Object) -> Image:
    """What an object of the database is now; without a definition when there is none.

    Raises:
        ServerError: the role may not see the definition.
    """
    if target.kind == "user":
        return _take_user(query, target.name)
    sql = f"show create {target.kind} {backquoted(database)}.{backquoted(target.name)}"
    try:
        ((_, *row),) = query(sql, ())
    except ServerError as error:
        if error.code not in ABSENT:
            raise
        return Image(kind=target.kind, name=target.name)
    image = _READERS[target.kind](target.name, row)
    complete = _COMPLETIONS.get(target.kind)
    return complete(query, database, image) if complete else image


def _take_user(query: Query, name: str) -> Image:
    """Whether a user is there; not how it logs in, which is nothing for a journal."""
    try:
        query(f"show create user {quoted_account(name)}", ())
    except ServerError as error:
        if error.code in NO_USER:
            return Image(kind="user", name=name)
        raise ServerError(error.code, error.message, hint=SEE_USERS) from error
    return Image(kind="user", name=name, create="CREATE USER")


def read_triggers(query: Query, database: str, table: str, event: str = "") -> tuple[str, ...]:
    """The names of a table's triggers, in the order in which they run; of one event: `UPDATE`."""
    rows = query(TRIGGERS, (database, table))
    return tuple(row[0] for row in rows if event in ("", row[2]))


def _table(name: str, row: Sequence[str]) -> Image:
    # For a view, SHOW CREATE TABLE answers with its four columns.
    return Image(kind="table", name=name, create=row[0] if len(row) == 1 else "")


def _view(name: str, row: Sequence[str]) -> Image:
    create, charset, collation = row
    return Image(kind="view", name=name, create=create, charset=charset, collation=collation)


def _routine(kind: str) -> Callable[[str, Sequence[str]], Image]:
    def read(name: str, row: Sequence[str]) -> Image:
        mode, create, charset, collation = row[:4]
        if create is None:  # https://dev.mysql.com/doc/refman/9.7/en/show-create-procedure.html
            raise ServerError("1370", f"the role may not read the body of the {kind} {name}")
        return Image(
            kind=kind, name=name, create=create, sql_mode=mode, charset=charset,
            collation=collation,
        )  # fmt: skip

    return read


def _event(name: str, row: Sequence[str]) -> Image:
    mode, zone, create, charset, collation = row[:5]
    return Image(
        kind="event", name=name, create=create, sql_mode=mode, time_zone=zone, charset=charset,
        collation=collation,
    )  # fmt: skip


def _plain(kind: str) -> Callable[[str, Sequence[str]], Image]:
    return lambda name, row: Image(kind=kind, name=name, create=row[0])


_READERS: dict[str, Callable[[str, Sequence[str]], Image]] = {
    "table": _table,
    "view": _view,
    "trigger": _routine("trigger"),
    "procedure": _routine("procedure"),
    "function": _routine("function"),
    "event": _event,
    "sequence": _plain("sequence"),
}


def _with_grants(query: Query, database: str, image: Image) -> Image:
    """A routine's image with its comment, and who may use it, as far as the role may see that."""
    asked = (database, image.name, image.kind.upper())
    ((comment,),) = query(ROUTINE_COMMENT, asked)
    image = image.model_copy(update={"comment": str(comment)})
    try:
        rows = query(ROUTINE_GRANTS, asked)
    except ServerError:  # https://dev.mysql.com/doc/refman/9.7/en/grant-tables.html
        return image
    return image.model_copy(update={"grants": tuple(tuple(map(str, row)) for row in rows)})


def _in_order(query: Query, database: str, image: Image) -> Image:
    """A trigger's image with its neighbours among those of the same table, time and event."""
    sql = (
        "select event_object_table, event_manipulation, action_timing "
        "from information_schema.triggers where event_object_schema = %s and trigger_name = %s"
    )
    ((table, event, timing),) = query(sql, (database, image.name))
    rows = query(TRIGGERS, (database, table))
    peers = ["", *(row[0] for row in rows if row[2:] == (event, timing)), ""]
    place = peers.index(image.name)
    return image.model_copy(update={"after": peers[place - 1], "ahead_of": peers[place + 1]})


def _with_clock(query: Query, database: str, image: Image) -> Image:
    """An event's image with the time at which it was made."""
    sql = (
        "select unix_timestamp(created) from information_schema.events "
        "where event_schema = %s and event_name = %s"
    )
    ((made_at,),) = query(sql, (database, image.name))
    return image.model_copy(update={"made_at": float(made_at)})


_COMPLETIONS: dict[str, Callable[[Query, str, Image], Image]] = {
    "trigger": _in_order,
    "event": _with_clock,
    "procedure": _with_grants,
    "function": _with_grants,
}
