"""Rehearsal: what may run on a scratch database, and what the findings of one are called.

Runs nothing: `executors.rehearsal` does; `rehearsal_findings` judges what was seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.database.catalogue import ObjectDifference
from lockgate.planner.database.server import name_series
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import Change, Plan
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.reaching import read_reaching
from lockgate.planner.reading.server_wide import changes_server, named_databases
from lockgate.planner.sql.dialect import Dialect


def refuse_reaching(
    statements: Iterable[PlannedStatement], dialect: Dialect, databases: Iterable[str]
) -> None:
    """Raises UsageError when a statement would change more of a server than a scratch database;
    `databases` are the others that it could name.

    SQL that is put together while it runs cannot be seen.
    """
    others = {name.casefold() for name in databases}
    for statement in statements:
        named = named_databases(statement.sql, dialect)
        found = next((name for name in sorted(named) if name.casefold() in others), None)
        if found is not None:
            raise _reaching(statement, f"names the database {found}", "Leave the name away.")
        if changes_server(statement.sql, dialect):
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


def _reaching(statement: PlannedStatement, does: str, do: str) -> UsageError:
    return UsageError(
        f"This cannot be rehearsed: the statement on line {statement.line} {does}:\n"
        f"  {' '.join(statement.sql.split())[:100]}",
        why="It would not stay in the scratch database. Nothing was run.",
        do=do,
    )


def changes(differences: Iterable[ObjectDifference]) -> tuple[Change, ...]:
    """The differences as a plan holds them."""
    return tuple(
        Change(object=each.object, change=each.change, lines=each.lines) for each in differences
    )


def other_series(plan: Plan) -> str:
    """The release series that a plan was rehearsed on, when it is not its database's; empty: it is
    that, or there was no rehearsal.

    A rehearsal that does not tell is of another, since nothing says that it is not.
    """
    seen, target = plan.rehearsal, plan.target
    if seen is None or target.server_number is None:
        return ""
    if seen.server_number is None:
        return "an unknown version"
    rehearsed = name_series(target.engine, seen.server_number)
    return rehearsed if rehearsed != name_series(target.engine, target.server_number) else ""


def how_to_get(engine: str, version: int) -> str:
    """How a scratch database comes to be of a server's own release series, as a sentence."""
    series = name_series(engine, version)
    if engine != "postgresql":
        return f"Name a {series} server in `rehearsal:`."
    major = version // 10000
    return (
        f"Install {series} beside lockgate (`apt-get install postgresql-{major}`, `dnf install "
        f"postgresql{major}-server`, `brew install postgresql@{major}`), name one by "
        f"LOCKGATE_POSTGRES, or name a {series} server in `rehearsal:`."
    )
