"""The place of one target of a fleet: what of an address is its own.

Connects to nothing. A target's name is data, no matter who chose it: it is quoted as an option of
the connection, and travels beside SQL, never in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lockgate.planner.database.address import DatabaseAddress
from lockgate.planner.errors import UsageError
from lockgate.planner.quoting import double_quoted
from lockgate.planner.value import frozen, replace

SHARED = "public"
"""The schema that tenants' schemas have beside them in their search_path."""
LONGEST = 255
FIELDS = {"name", "database", "schema", "host", "port", "user"}


@frozen
class TargetPlace:
    """A target by its name in the fleet, and what it has in place of the environment's address.

    `schema` is the one that holds its history and comes first in its search_path, PostgreSQL's
    alone; other targets of the same database have theirs.
    """

    name: str
    database: str | None = None
    schema: str | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None

    def over(self, address: DatabaseAddress) -> DatabaseAddress:
        """The address of this target, by that of its environment. A host that is named elsewhere
        than the password gets it only as a proof, or when it has proved who it is."""
        own: dict[str, Any] = {"database": self.database, "user": self.user, "port": self.port}
        changed = {key: value for key, value in own.items() if value is not None}
        if self.host is not None and self.host != address.host:
            changed |= {"host": self.host, "socket": None, "has_own_password": False}
        if self.schema is not None:
            changed["options"] = _searching(self.schema, address.options, f",{SHARED}")
        return replace(address, **changed)

    def host_of(self, address: DatabaseAddress) -> str:
        """Which server it is on, to count how many of a server's targets are at work."""
        there = self.over(address)
        return f"{there.host or there.socket}:{there.port}"


def search_in(address: DatabaseAddress, schema: str) -> DatabaseAddress:
    """The address whose sessions find their tables in one schema alone."""
    return replace(address, options=_searching(schema, address.options))


def _searching(schema: str, options: Mapping[str, str], others: str = "") -> dict[str, str]:
    """The options of a connection whose search_path begins with a schema.

    >>> _searching('te "nant', {"sslmode": "require"}, ",public")["options"]
    '-csearch_path="te\\\\ ""nant",public'
    """
    quoted = double_quoted(schema)
    escaped = re.sub(r"([\\\s])", r"\\\1", quoted)
    given = options.get("options", "")
    return {**options, "options": f"{given} -csearch_path={escaped}{others}".strip()}


def read_place(columns: Mapping[str, Any]) -> TargetPlace:
    """The place that a row of a query, or an entry of a list, describes.

    Raises:
        UsageError: it has no name, a key that is none of a place, or a value that cannot be one.
    """
    given = {key.lower(): value for key, value in columns.items() if value is not None}
    given |= {"database": given.pop("dbname")} if "dbname" in given else {}
    unknown = sorted(set(given) - FIELDS)
    if unknown or not given.get("name"):
        problem = f"has the key {unknown[0]}" if unknown else "has no name"
        raise UsageError(
            f"A target of the fleet {problem}.",
            do="Its keys are name, and where it is not as the environment's `database` says: "
            "database (or dbname), schema, host, port, user. Passwords are no target's.",
        )
    try:
        port = int(given["port"]) if "port" in given else None
    except (TypeError, ValueError):
        raise UsageError("The port of a target of the fleet is no number.") from None
    texts = {key: str(value) for key, value in given.items() if key != "port"}
    for key, text in texts.items():
        refuse_unusable(key, text)
    return TargetPlace(**texts, port=port)


def refuse_unusable(key: str, text: str) -> None:
    """Raises UsageError for a name that no server can have, or no reader could tell."""
    if not text or len(text) > LONGEST or not text.isprintable():
        raise UsageError(
            f"The {key} of a target of the fleet is empty, too long, or not printable.",
            do="Names have 1 to 255 characters, and none that cannot be seen.",
        )
