"""The keys of an environment's file, as models: which there are, and what each means.

Must not read a file: `planner.environments.environment` does. The keys are documented in
docs/reference/environment.md; a test holds that page to these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from lockgate.planner.database.address import EngineName, parse_url, refuse_parts, refuse_secrets
from lockgate.planner.environments.fleet_keys import Fleet, Text, VariableName
from lockgate.planner.environments.policy import PolicySettings
from lockgate.planner.migrations.format import ALIASES, AUTO, FORMATS
from lockgate.planner.migrations.migration import OWN as OWN_FORMAT
from lockgate.planner.quantities import Seconds, Size
from lockgate.planner.reading.sizes import Thresholds
from lockgate.planner.settings import Settings

LONGEST_TIMEOUT = 2_147_483
"""In seconds: PostgreSQL holds lock_timeout and statement_timeout as 31-bit milliseconds."""
SHORT_FORMS: Any = {"type": "string", "pattern": r"^(embedded|\$(\w+|\{\w+\})|\w+://.+)$"}
WAYS: Any = [["url"], ["url_env"], ["url_file"], ["url_command"], ["user", "name"]]

Timeout = Annotated[Seconds, Field(gt=0, le=LONGEST_TIMEOUT)]
Lifetime = Annotated[Seconds, Field(gt=0)]
Arguments = Annotated[list[Text], Field(min_length=1)]
Identifier = Annotated[str, Field(pattern=r"^[^%\x00]{1,63}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=100)]
FormatName: Any = Literal[(AUTO, *FORMATS, *ALIASES)]


class Database(Settings):
    """Where the database is: one of url, url_env, url_file, url_command, or the parts of an
    address."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": way} for way in WAYS]})

    url: SecretStr | None = Field(None, description="The URL itself.")
    url_env: VariableName | None = Field(None, description="The variable that holds the URL.")
    url_file: Text | None = Field(None, description="The file that holds the URL.")
    url_command: Arguments | None = Field(None, description="The command that prints the URL.")
    host: Text | None = Field(None, description="The server's name or IP address.")
    port: Port | None = Field(None, description="The server's port; default 5432 or 3306.")
    socket: Text | None = Field(None, description="In place of host: socket folder or file.")
    user: Text | None = Field(None, description="The role to log in as.")
    name: Text | None = Field(None, description="The database's name.")
    password_env: VariableName | None = Field(None, description="The password's variable.")
    password_file: Text | None = Field(None, description="The password's file.")
    password_command: Arguments | None = Field(
        None, description="The command that prints the password, run at each connect."
    )
    options: dict[str, str] = Field({}, description="Driver options such as sslmode.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set
        if any(getattr(self, key) is None for key in given):
            raise ValueError("a key here has no value")
        ways = [key for key in ("url", "url_env", "url_file", "url_command") if key in given]
        parts = sorted(given.difference(ways))
        if len(ways) + bool(parts) != 1:
            raise ValueError(
                "give exactly one of url, url_env, url_file, url_command, or host, user, name"
            )
        if parts and (not self.name or not self.user or bool(self.host) == bool(self.socket)):
            raise ValueError("the parts are user, name, and one of host and socket")
        if sum(map(bool, (self.password_env, self.password_file, self.password_command))) > 1:
            raise ValueError("give only one of password_env, password_file and password_command")
        refuse_parts(self.options)
        refuse_secrets(self.options)
        if self.url is not None:
            parse_url(self.url.get_secret_value())
        return self


class History(Settings):
    """Where the database keeps its list of applied migrations."""

    table: Identifier = Field("schema_migrations", description="The history table.")
    schema_: Identifier | None = Field(
        None, alias="schema", description="Its schema; null is the connection's default schema."
    )
    readers: list[Text] = Field(
        [], description="Roles that may read lockgate's tables, from when they are made."
    )


class Lock(Settings):
    """How to behave while somebody else migrates the same database."""

    wait: Seconds = Field(60.0, description="How long to wait for the lock; 0s does not wait.")


class Timeouts(Settings):
    """Limits of the session that runs the migrations."""

    lock: Timeout = Field(5.0, description="Limit of waiting for a table lock.")
    statement: Timeout | None = Field(None, description="Limit of one statement; null: none.")
    connect: Timeout = Field(10.0, description="Limit of connecting.")


class Retries(Settings):
    """What is tried again before it counts as failed."""

    lock: Count = Field(5, description="How often to try again after timeouts.lock.")


class Blockers(Settings):
    """Which sessions in the way of a statement may be ended. Without a key none is."""

    cancel: Literal["autovacuum"] | None = Field(
        None, description="`autovacuum`: its work on a table that a statement waits for."
    )
    terminate_idle_in_transaction: Lifetime | None = Field(
        None, description="How long one may do nothing in its transaction; null: for ever."
    )


class Notify(Settings):
    """What is reported of the end of a run."""

    command: Arguments = Field(description="The program that is given a notice on stdin.")


class Copies(Settings):
    """Copies of rows that a rollback needs where the server commits DDL by itself."""

    limit: Size | None = Field(
        64.0 * 1024**2, description="The largest amount to copy for a statement; null: nothing is."
    )


def _shape(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<map>"


def _written_out(value: object) -> object:
    """The map that `$NAME` and a URL are short for.

    >>> _written_out("$DATABASE_URL")
    {'url_env': 'DATABASE_URL'}
    """
    if not isinstance(value, str):
        return value
    if value.startswith("$"):
        name = value[1:]
        return {"url_env": name[1:-1] if name[:1] + name[-1:] == "{}" else name}
    return {"url": value} if "://" in value else value


RehearsalPlace = Annotated[
    Annotated[Database, Tag("<map>")]
    | Annotated[Literal["embedded"], Tag("<text>"), WithJsonSchema(SHORT_FORMS)],
    Discriminator(_shape),
    BeforeValidator(_written_out),
]


class Migrations(Settings):
    """Where the migrations are, and who has laid them out."""

    directory: Text = Field("migrations", description="The folder, beside environments/.")
    format: FormatName = Field(
        OWN_FORMAT, description="Whose files they are; `auto` recognises them."
    )
    contexts: list[Text] | None = Field(
        None, description="Of Liquibase's contexts those of this database."
    )
    labels: Text | None = Field(
        None, description="Which labels of Liquibase run here, such as `v1 or v2`."
    )


MigrationsPlace = Annotated[
    Annotated[Migrations, Tag("<map>")] | Annotated[Text, Tag("<text>")], Discriminator(_shape)
]


class PolicyFile(Settings):
    """The policies of an environment, and no more of it."""

    model_config = ConfigDict(extra="ignore")

    transaction: Literal["plan", "step"] = Field("plan", description="What one transaction holds.")
    policy: PolicySettings = Field(
        PolicySettings.model_construct(), description="What plans must be like."
    )

    @model_validator(mode="after")
    def _settle(self) -> Self:
        """Anyone who asks for a transaction a step wants plans that can stop between them."""
        if self.policy.non_atomic is None and self.transaction == "step":
            policy = self.policy.model_copy(update={"non_atomic": "allow"})
            return self.model_copy(update={"policy": policy})
        return self


OWN = ("database", "disposable", "fleet")
"""The keys that a file never takes over from one that it extends."""


class EnvironmentFile(PolicyFile):
    """The keys of environments/<name>.yaml."""

    model_config = ConfigDict(extra="forbid")

    extends: str | None = Field(
        None,
        description="The environment whose keys to start from. Free are engine, lock, pooler, "
        "notify, schema_file, timeouts.connect, variables, copies and rehearsal; database, "
        "disposable and fleet are never inherited; blockers, history, migrations, project, retries "
        "and timeouts are free until a file states them. All else may only be stricter.",
    )
    project: Text = Field("default", description="Told apart in the target row: whose database.")
    engine: EngineName | None = Field(None, description="Default: what the URL's scheme says.")
    database: RehearsalPlace = Field(
        description="`embedded`, a private PostgreSQL; `$VARIABLE` or a URL; or a map. "
        "Never inherited."
    )
    disposable: bool = Field(
        False, description="Whether `reset` and `redo` may empty it. Never inherited."
    )
    migrations: MigrationsPlace = Field(
        "migrations", description="The folder, beside environments/; or a map with its format."
    )
    schema_file: Text | None = Field(
        None, description="The file to write the schema to after each run; null: none."
    )
    history: History = Field(
        History.model_construct(), description="The table of applied migrations."
    )
    lock: Lock = Field(Lock.model_construct(), description="The migration lock.")
    pooler: Literal["session"] | None = Field(
        None,
        description="`session`: the PostgreSQL address leads through a pooler that keeps a server "
        "session for each client; null: poolers are refused.",
    )
    timeouts: Timeouts = Field(Timeouts.model_construct(), description="Limits of the session.")
    retries: Retries = Field(Retries.model_construct(), description="What is tried again.")
    blockers: Blockers = Field(
        Blockers.model_construct(), description="Sessions to end that a statement waits for."
    )
    variables: dict[VariableName, str] = Field({}, description="Values for templates; no secrets.")
    copies: Copies = Field(
        Copies.model_construct(), description="Rows kept for a rollback by compensation."
    )
    rehearsal: RehearsalPlace | None = Field(
        None, description="Where to rehearse: as `database`; null: embedded, for PostgreSQL."
    )
    drift: Literal["ignore", "check"] = Field(
        "ignore", description="Whether `apply` refuses a schema that changed since the plan."
    )
    unmanaged: list[Text] = Field(
        [], description="Patterns of names of what other programs make: no drift."
    )
    drift_scope: Literal["database", "schema"] = Field(
        "database",
        description="`schema`: only what is in the ledger's schema; of PostgreSQL alone.",
    )
    notify: Notify | None = Field(None, description="What is reported of the end of a run.")
    thresholds: Thresholds = Field(
        Thresholds.model_construct(), description="From when on a table is large."
    )
    max_plan_age: Lifetime | None = Field(604800.0, description="When a plan expires; null: never.")
    fleet: Fleet | None = Field(
        None, description="The many databases that it is; null: one. Never inherited."
    )


class ExtendedFile(EnvironmentFile):
    """The keys of a file that others extend: it may be of no database."""

    database: RehearsalPlace | None = None  # type: ignore[assignment]


def environment_schema() -> dict[str, Any]:
    """The JSON Schema of an environment file, as published in docs/reference/."""
    schema: dict[str, Any] = EnvironmentFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
