"""The keys of `fleet:` in an environment's file: which databases it is, and how they are changed.

Must not read a file, nor find a target: `lockgate.executors.fleet.targets` does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from lockgate.planner.fleet.waves import SHARE, Share, Wave, parse_share
from lockgate.planner.quantities import Seconds
from lockgate.planner.settings import Settings

SHARE_SCHEMA: Any = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^{SHARE.pattern}$"},
    ]
}
WAYS = ("databases", "schemas", "query", "file", "command")

Text = Annotated[str, Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Many = Annotated[int, Field(ge=1, le=1000)]


def _parse_wave(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return value
    try:
        return parse_share(value)
    except ValueError as error:
        raise ValueError(f"{error}, or a list of targets by name") from None


SettingShare = Annotated[Share, BeforeValidator(parse_share), WithJsonSchema(SHARE_SCHEMA)]
SettingWave = Annotated[
    Wave,
    BeforeValidator(_parse_wave),
    WithJsonSchema({"anyOf": [*SHARE_SCHEMA["anyOf"], {"type": "array", "minItems": 1,
                                                       "items": {"type": "string"}}]}),
]  # fmt: skip


class ControlDatabase(Settings):
    """A database that is asked about the fleet: one of url_env and url_file."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["url_env"]}, {"required": ["url_file"]}]}
    )

    url_env: VariableName | None = Field(None, description="The variable that holds the URL.")
    url_file: Text | None = Field(None, description="The file that holds the URL.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.url_env is None) == (self.url_file is None):
            raise ValueError("give exactly one of url_env and url_file")
        return self


class TargetQuery(ControlDatabase):
    """A query whose rows are the targets."""

    sql: Text = Field(description="The query, run read-only; its columns fill a target's address.")


class Targets(Settings):
    """Which databases a fleet is: one of databases, schemas, query, file, command."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [way]} for way in WAYS]})

    databases: Text | None = Field(None, description="Those of the server, by a pattern of LIKE.")
    schemas: Text | None = Field(
        None, description="Schemas of the database, by a pattern of LIKE: a history in each."
    )
    query: TargetQuery | None = Field(None, description="The rows of a query.")
    file: Text | None = Field(None, description="A YAML list in the project.")
    command: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="A program that prints a JSON object a line; LOCKGATE_COMMANDS allows it."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(getattr(self, way) is not None for way in WAYS) != 1:
            raise ValueError(f"give exactly one of {', '.join(WAYS)}")
        return self


class Failures(Settings):
    """How many targets may fail before a run pauses, with exit 12."""

    total: SettingShare = Field("1%", description="Of all targets.")
    consecutive: Many = Field(3, description="One after another.")
    per_host: Many | None = Field(None, description="On one server; null: no limit of its own.")


class Throttle(Settings):
    """What a server must be like before another target of it begins."""

    replica_lag: Seconds | None = Field(None, description="How far a replica may be behind.")
    running: Many | None = Field(None, description="How many sessions may be running statements.")
    oldest_transaction: Seconds | None = Field(
        None, description="How old the oldest open transaction may be."
    )


class Fleet(Settings):
    """Many databases that one plan is for."""

    targets: Targets = Field(description="Which they are.")
    waves: Annotated[list[SettingWave], Field(min_length=1)] = Field(
        ["100%"], description="How many are done when each wave ends, or who is in it by name."
    )
    soak: Seconds = Field(0.0, description="How long to wait between waves.")
    check: Text | None = Field(
        None,
        description="A query of the environment's `database`, run read-only after each wave: its "
        "first value must be 0, or there is no row; else the run pauses.",
    )
    crew: Literal["local", "procrastinate"] = Field(
        "local",
        description="Who applies: threads of `migrate apply` itself, or each `migrate worker`.",
    )
    parallel: Many = Field(8, description="How many targets at once, in each process.")
    per_host: Many = Field(4, description="How many of one server at once.")
    failures: Failures = Field(Failures.model_construct(), description="When a run pauses.")
    throttle: Throttle = Field(Throttle.model_construct(), description="When targets wait.")
    drifted: Literal["leave", "group"] = Field(
        "leave",
        description="Targets whose definitions are not those of most others with the same history: "
        "left alone, or groups of their own.",
    )
    control: ControlDatabase | None = Field(
        None,
        description="Where the progress of runs is noted; null: in the environment's `database`.",
    )
