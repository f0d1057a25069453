"""The state file: what is known of a database, written down for those who may not connect to it.

A plan that is made from one tells what would run, and is never applied. It holds no rows, and
nothing that leads to the database.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
)

from lockgate.planner.building.observation import Observation
from lockgate.planner.database.address import EngineName
from lockgate.planner.database.facts import Facts
from lockgate.planner.database.ledger import Entry, Identity, Ledger
from lockgate.planner.database.occupancy import Occupancy
from lockgate.planner.database.server import Server
from lockgate.planner.document import UNSEALED, Kind, read_document, sealed, write_document
from lockgate.planner.errors import WrongTarget
from lockgate.planner.plan.plan import Serial
from lockgate.planner.plan.statement import Model, Sha256
from lockgate.planner.sql.dialect import DIALECTS


class ServerState(Model):
    """A server and its database, as `planner.database.server.Server`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    engine: EngineName = Field(description="postgresql, mysql or mariadb.")
    number: int = Field(description="The version as a number, as the server counts.")
    version: str = Field(description="The version as the server prints it.")
    sql_mode: str = Field(description="What of the sql_mode changes how SQL is read.")
    database: str = Field(description="The database's name.")
    history_table: str = Field(description="The history table, qualified.")
    evidence: dict[str, str] = Field(description="Marks of the server and the database.")


class DatabaseState(Model):
    """What `migrate state pull` writes and `migrate plan --state` reads; no key is unknown."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    format: Literal["lockgate-state"] = "lockgate-state"
    format_version: str = Field("1.0", pattern=r"^1\.[0-9]+$")
    tool_version: str = Field(description="The lockgate that wrote it.")
    pulled_at: AwareDatetime = Field(description="When, by the database's clock, UTC.")
    project: str = Field(description="The environment's project.")
    environment: str = Field(description="The environment that it was pulled from.")
    server: ServerState
    identity: Identity | None = Field(description="The row of lockgate_target; null: none yet.")
    serial: Serial = Field(description="Of the history table.")
    entries: tuple[Entry, ...] = Field(description="The rows of the history table.")
    unresolved: tuple[str, ...] = Field(description="Digests of plans whose run stopped half-way.")
    facts: Facts = Field(description="The tables, with estimates of rows and bytes.")
    occupancy: Occupancy | None = Field(
        None, description="Before the first run, what the database holds of others; null: after it."
    )
    fingerprint: dict[str, str] | None = Field(
        description="Each object of the schema, with a short digest; null: not looked at."
    )
    digest: Sha256 = Field(description="SHA-256 of all the rest as canonical JSON (RFC 8785).")

    @field_serializer("facts", mode="wrap")
    def _in_order(self, facts: Facts, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The same bytes for the same facts: a set has no order of its own."""
        dumped: dict[str, Any] = handler(facts)
        sets = ("views", "functions", "broken_views")
        ordered = {name: sorted(dumped[name]) for name in sets}
        tables = {
            name: table
            | {"sequences": sorted(table["sequences"]), "triggered": _sorted(table["triggered"])}
            for name, table in sorted(dumped["tables"].items())
        }
        mentioned = {
            kind: {name: _sorted(found) for name, found in sorted(dumped[kind].items())}
            for kind in ("mentions", "code")
        }
        return dumped | ordered | {"tables": tables} | mentioned

    def observed(self, *, project: str, environment: str) -> Observation:
        """The database as it was when the state was pulled.

        Raises:
            WrongTarget: it was pulled from another environment.
        """
        if (self.project, self.environment) != (project, environment):
            raise WrongTarget(
                f"The state was pulled from environment {self.environment} of project "
                f"{self.project}, not from {environment} of {project}.",
                do=f"Pull that of this environment: migrate state pull -e {environment}.",
            )
        server = self.server
        return Observation(
            server=Server(
                dialect=DIALECTS[server.engine].with_server(server.number, server.sql_mode),
                version=server.version,
                database=server.database,
                history_table=server.history_table,
                evidence=server.evidence,
                now=self.pulled_at,
                read_only=False,
            ),
            ledger=Ledger(self.identity, self.serial, self.entries, self.unresolved),
            facts=self.facts,
            fingerprint=self.fingerprint,
            occupancy=self.occupancy,
            pulled_at=self.pulled_at,
        )


def _sorted(mentions: dict[str, Any] | None) -> dict[str, Any] | None:
    return mentions and {kind: sorted(names) for kind, names in mentions.items()}


STATE = Kind(
    DatabaseState,
    noun="state",
    format="lockgate-state",
    version="1.0",
    again="Pull it again with `migrate state pull`.",
    elsewhere="Choose another file with `-o FILE`.",
    stake="It is not what the database said.",
)


def note_state(
    seen: Observation, *, project: str, environment: str, tool_version: str
) -> DatabaseState:
    """What is known of a database, as a sealed document."""
    server, ledger = seen.server, seen.ledger
    state = DatabaseState(
        tool_version=tool_version,
        pulled_at=server.now,
        project=project,
        environment=environment,
        server=_server(server),
        identity=ledger.identity,
        serial=ledger.serial,
        entries=ledger.entries,
        unresolved=ledger.unresolved,
        facts=seen.facts,
        fingerprint=None if seen.fingerprint is None else dict(seen.fingerprint),
        occupancy=seen.occupancy,
        digest=UNSEALED,
    )
    return sealed(state)


def write_state(state: DatabaseState, path: Path) -> None:
    """Writes a state file; see `write_document`."""
    write_document(state, path, STATE)


def read_state(path: Path) -> DatabaseState:
    """The state in a file; see `read_document`."""
    return read_document(path, STATE)


def _server(server: Server) -> ServerState:
    return ServerState(
        engine=server.dialect.name,
        number=server.dialect.version,
        version=server.version,
        sql_mode=server.dialect.sql_mode,
        database=server.database,
        history_table=server.history_table,
        evidence=dict(sorted(server.evidence.items())),
    )
