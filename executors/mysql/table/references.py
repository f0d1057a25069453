"""The rows of a table of MySQL or MariaDB that refer to none of its parent's, by a foreign key.

It must not ask a server: it has the question.
"""

from __future__ import annotations

import re

from lockgate.executors.mysql.table.definition import FOREIGN_KEY, Table
from lockgate.executors.mysql.table.text import listed_names
from lockgate.planner.quoting import backquoted


def parent_of(table: Table, name: str) -> str:
    """The quoted table that a foreign key refers to; empty as of `orphans`."""
    found = _own_key(table, name)
    return found[3] if found else ""


def orphans(table: Table, name: str) -> str:
    """What follows FROM to find them, in the table's own schema; empty: there is no such key, or
    its parent is in another schema. A row with a NULL in the key refers to nothing.

    https://dev.mysql.com/doc/refman/9.7/en/create-table-foreign-keys.html
    """
    found = _own_key(table, name)
    if found is None:
        return ""
    own = [f"child.{backquoted(column)}" for column in listed_names(found[2])]
    there = [f"parent.{backquoted(column)}" for column in listed_names(found[4])]
    same = " and ".join(f"{one} = {other}" for one, other in zip(there, own, strict=True))
    full = " and ".join(f"{column} is not null" for column in own)
    return (
        f"{backquoted(table.name)} child left join {found[3]} parent on {same} "
        f"where {full} and {there[0]} is null"
    )


def _own_key(table: Table, name: str) -> re.Match[str] | None:
    found = FOREIGN_KEY.fullmatch(table.foreign_keys.get(name, ""))
    return None if found is None or "`.`" in found[3] else found
