"""Names that PostgreSQL gives to what a statement leaves without one. Asks no server.

A wrong guess does no harm: the two catalogues differ then, and nothing is offered.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 63


def server_name(table: str, columns: Iterable[str], label: str) -> str:
    """The name of a constraint or an index.

    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/indexcmds.c

    >>> server_name("users", ["email"], "key"), server_name("users", [], "pkey")
    ('users_email_key', 'users_pkey')
    """
    name, middle = table, "_".join(columns)
    room = LONGEST - len(label.encode()) - 1 - bool(middle)
    while len(name.encode()) + len(middle.encode()) > room:
        if len(name.encode()) > len(middle.encode()):
            name = name[:-1]
        else:
            middle = middle[:-1]
    return "_".join(part for part in (name, middle, label) if part)
