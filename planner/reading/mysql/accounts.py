"""Accounts and their rights on MySQL and MariaDB, as far as something undoes what is done to them.

DROP USER takes the rights of a user along, and DROP PROCEDURE those on the procedure: so a GRANT
needs no inverse where the same unit has made what it is about. Whether it has is not known here.
https://dev.mysql.com/doc/refman/9.7/en/create-user.html
https://dev.mysql.com/doc/refman/9.7/en/grant.html
"""

from __future__ import annotations

from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.sql.cursor import Cursor, Token

MADE = ("procedure", "function")


def read_create_user(cursor: Cursor, *, replaces: bool) -> Reading:
    """The users that it makes, as objects of the kind `user`."""
    conditional = cursor.accept("if", "not", "exists")
    names = _accounts(cursor)
    if replaces or not names:
        return _lasting("CREATE USER")
    return Reading("create", tuple(Object("user", name) for name in names), conditional)


def read_alter_user(cursor: Cursor) -> Reading:
    """The users that it changes."""
    cursor.accept("if", "exists")
    return _lasting("ALTER USER", given_to=_accounts(cursor))


def read_grant(cursor: Cursor) -> Reading:
    """On which routine it gives rights, and to whom."""
    return _read_rights(cursor, "GRANT", "to")


def read_revoke(cursor: Cursor) -> Reading:
    """On which routine it takes rights away, and from whom."""
    return _read_rights(cursor, "REVOKE", "from")


def _read_rights(cursor: Cursor, what: str, towards: str) -> Reading:
    cursor.until("on", towards)
    given_on = _routine(cursor) if cursor.accept("on") else None
    cursor.until(towards)
    cursor.accept(towards)
    makes_user = any(token.word == "identified" for token in cursor.rest())  # on MariaDB
    return _lasting(what, given_on, () if makes_user else _accounts(cursor))


def _accounts(cursor: Cursor) -> tuple[str, ...]:
    """The accounts of a list, each with its options after it; none: they are not understood."""
    names = []
    while not cursor.at_end:
        clause = cursor.clause()
        names.append(read_account(clause))
        words = {token.word for token in clause.rest()}
        if "role" in words:  # DEFAULT ROLE has a list of its own
            return ()
    return tuple(names) if all(names) else ()


def read_account(cursor: Cursor) -> str:
    """`name@host`, whose host is `%` where none is said; empty: it is not understood."""
    name = _bare(cursor.take())
    if not cursor.peek().text.startswith("@"):
        return f"{name}@%" if name else ""
    host = cursor.take().text[1:] or _bare(cursor.take())
    is_whole = not cursor.peek().text.startswith(".")  # 10.0.0.1 without quotes
    return f"{name}@{host}" if name and host and is_whole else ""


def _bare(token: Token) -> str:
    """A name or a string without its quotes; empty for whatever else, or with an escape in it."""
    if token.kind == "string":
        quote, text = token.text[0], token.text[1:-1]
        return "" if "\\" in text or quote in text else text
    return "" if token.word in ("current_user", "user", "role") else token.name


def _routine(cursor: Cursor) -> Object | None:
    kind = cursor.take().word
    if kind not in MADE:
        return None
    schema, name = cursor.qualified_name()
    return Object(kind, name, schema)


def _lasting(what: str, given_on: Object | None = None, given_to: tuple[str, ...] = ()) -> Reading:
    reason = f"{what} is nothing that lockgate can undo"
    if what != "CREATE USER":
        reason += ", unless the same plan makes the user or the routine"
    return Reading("other", obstacle=reason, given_on=given_on, given_to=frozenset(given_to))
