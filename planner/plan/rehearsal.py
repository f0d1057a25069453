"""Rehearsal: what may run on a scratch database, and what the findings of one are called.

Runs nothing: `executors.rehearsal` does; `rehearsal_findings` judges what was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lockgate.planner.database.catalogue import ObjectDifference
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import Change
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.reaching import read_reaching
from lockgate.planner.sql.dialect import Dialect

"""Of the findings that only a rehearsal makes."""

QUALIFIER = re.compile(r"(?:`((?:[^`]|``)+)`|([\w$]+))\s*\.")
USED = re.compile(r"^\s*use\s+(?:`((?:[^`]|``)+)`|([\w$]+))", re.IGNORECASE)
CREATED_ROLE = re.compile(
    r"\bcreate\s+(?:role|user|group)\s+(?:\"((?:[^\"]|\"\")+)\"|(\w+))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What SQL on a server reaches beyond its own database.

    `names` are the other databases that it can name; `shared` matches a statement that changes
    what all databases of the server share, such as its roles.
    """

    names: frozenset[str]
    shared: re.Pattern[str]


def refuse_reaching(statements: Iterable[PlannedStatement], reach: Reach) -> None:
    """Raises UsageError when a statement would change more of a server than a scratch database.

    SQL that is put together while it runs cannot be seen.
    """
    names = {name.casefold() for name in reach.names}
    for statement in statements:
        found = next((n for n in _databases(statement.sql) if n.casefold() in names), None)
        if found is not None:
            raise _reaching(statement, f"names the database {found}", "Leave the name away.")
        if reach.shared.search(statement.sql):
            raise _reaching(
                statement,
                "changes what all databases of a server share",
                "On PostgreSQL, `rehearsal: embedded` starts a server of its own for it.",
            )


def refuse_reaching_out(statements: Iterable[PlannedStatement], dialect: Dialect) -> None:
    """Raises UsageError when a statement would reach what is outside of any database: programs
    and files of the machine that the scratch server runs on, or other servers.

    SQL that is put together while it runs cannot be seen: there the role's rights are the limit.
    """
    for statement in statements:
        for does in read_reaching(statement.sql, dialect):
            raise _reaching(
                statement,
                does,
                "Leave `--rehearse` away, or do this outside of the migrations.",
            )


def _databases(sql: str) -> Iterable[str]:
    """What stands before a dot or after USE: the databases that may be meant."""
    for match in (*USED.finditer(sql), *QUALIFIER.finditer(sql)):
        yield match[1].replace("``", "`") if match[1] else match[2]


def _reaching(statement: PlannedStatement, does: str, do: str) -> UsageError:
    return UsageError(
        f"This cannot be rehearsed: the statement on line {statement.line} {does}:\n"
        f"  {' '.join(statement.sql.split())[:100]}",
        why="It would not stay in the scratch database. Nothing was run.",
        do=do,
    )


def created_roles(statements: Iterable[PlannedStatement]) -> frozenset[str]:
    """The roles that some statements create.

    >>> from types import SimpleNamespace as Statement
    >>> created_roles([Statement(sql='create role app; create user "Ann" login')]) == {"app", "Ann"}
    True
    """
    found = (match for each in statements for match in CREATED_ROLE.finditer(each.sql))
    return frozenset(m[1].replace('""', '"') if m[1] else m[2].lower() for m in found)


def changes(differences: Iterable[ObjectDifference]) -> tuple[Change, ...]:
    """The differences as a plan holds them."""
    return tuple(
        Change(object=each.object, change=each.change, lines=each.lines) for each in differences
    )
