"""What a live server says of itself, as a value the planner can judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lockgate.planner.sql.dialect import DIALECTS, Dialect


@dataclass(frozen=True, slots=True)
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
