"""What a live server says of itself, and which servers are too old."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lockgate.planner.errors import UsageError
from lockgate.planner.sql.dialect import DIALECTS, Dialect
from lockgate.planner.value import frozen

OLDEST = {
    "postgresql": ("PostgreSQL", (13,)),
    "mysql": ("MySQL", (8, 0)),
    "mariadb": ("MariaDB", (10, 5)),
}
"""The first series of each engine that lockgate works with.

PostgreSQL 12 cannot tell whether a transaction was committed (`pg_xact_status` of a 64-bit id), and
MySQL 5.7 does not keep a DDL statement whole in a crash.
"""
NEWEST = {"postgresql": (18,), "mysql": (9, 7), "mariadb": (11, 8)}
"""The last series of each engine that lockgate was tried with, and PostgreSQL's grammar is of."""


@frozen
class Server:
    """A database server and the database that we are connected to.

    `dialect` has the live version and sql_mode. `history_table` is qualified and unquoted.
    `evidence` are marks that a copy of the database would not share, by name. `now` is the
    database's clock, in UTC. `read_only` is true on a replica.
    """

    dialect: Dialect
    version: str
    database: str
    history_table: str
    evidence: Mapping[str, str]
    now: datetime
    read_only: bool


def dialect_of(engine: str, version: int = 0, sql_mode: str = "") -> Dialect:
    """By which rules a server of an engine reads SQL; `sql_mode` is that of the session."""
    return DIALECTS[engine].with_server(version, sql_mode)


def series_of(engine: str, version: int) -> tuple[int, ...]:
    """The release series of a server: what comes before the number of its corrections.

    >>> series_of("postgresql", 180006), series_of("mariadb", 101106)
    ((18,), (10, 11))
    """
    major, minor = version // 10000, version // 100 % 100
    return (major,) if engine == "postgresql" else (major, minor)


def name_series(engine: str, version: int) -> str:
    """The release series for people.

    >>> name_series("mysql", 80406)
    'MySQL 8.4'
    """
    return f"{OLDEST[engine][0]} {'.'.join(map(str, series_of(engine, version)))}"


def is_of_other_series(one: Dialect, other: Dialect) -> bool:
    """Whether two servers of an engine are of different release series."""
    return series_of(one.name, one.version) != series_of(other.name, other.version)


def refuse_old_server(engine: str, version: int) -> None:
    """Raises UsageError when a server is older than all that lockgate works with."""
    oldest = OLDEST[engine][1]
    if series_of(engine, version) < oldest:
        first = ".".join(map(str, oldest))
        raise UsageError(
            f"The server is {name_series(engine, version)}, and the oldest that lockgate works "
            f"with is {first}.",
            why="It cannot do what lockgate's promises rest on. Nothing was run.",
            do="Upgrade the server, and migrate it until then with the tool that you have now.",
        )
