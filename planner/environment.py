"""Environments: what `environments/<name>.yaml` says about one database and how to change it.

Must not connect, and must not read the process environment: the caller hands it in.
The keys are documented in docs/reference/environment.md; a test holds that page to these models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, SecretStr, Tag, model_validator

from planner.address import PORTS, DatabaseAddress, Engine, parse_url, refuse_secrets
from planner.errors import ConfigurationError, UsageError
from planner.policy import PolicySettings, loosened, misplaced
from planner.quantities import Seconds, Size
from planner.scale import Thresholds
from planner.settings import Settings
from planner.yamlfile import (
    Document,
    did_you_mean,
    parse_document,
    read_extended_yaml,
    read_yaml,
)

FOLDER = "environments"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LONGEST_TIMEOUT = 2_147_483
"""In seconds: PostgreSQL holds lock_timeout and statement_timeout as 31-bit milliseconds."""
WAYS: Any = [["url"], ["url_env"], ["url_file"], ["user", "name"]]
HINTS = {
    "database": "write `database: embedded`, or a map with url_env; it is never inherited",
    "name": "an environment is named by its file",
    "allow_out_of_order": "say it in `policy:`, as `out_of_order: warn`",
    "non_atomic": "it stands in `policy:`",
    "require_plan": "it stands in `policy:`",
    "password": "name its place with password_env or password_file",
    "database.password": "name its place with password_env or password_file",
}

Timeout = Annotated[Seconds, Field(gt=0, le=LONGEST_TIMEOUT)]
Text = Annotated[str, Field(min_length=1)]
Identifier = Annotated[str, Field(pattern=r"^[^%\x00]{1,63}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=100)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Database(Settings):
    """Where the database is: one of url, url_env, url_file, or the parts of an address."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": way} for way in WAYS]})

    url: SecretStr | None = Field(None, description="The URL itself.")
    url_env: VariableName | None = Field(None, description="The variable that holds the URL.")
    url_file: Text | None = Field(None, description="The file that holds the URL.")
    host: Text | None = Field(None, description="The server's name or IP address.")
    port: Port | None = Field(None, description="The server's port; default 5432 or 3306.")
    socket: Text | None = Field(None, description="In place of host: socket folder or file.")
    user: Text | None = Field(None, description="The role to log in as.")
    name: Text | None = Field(None, description="The database's name.")
    password_env: VariableName | None = Field(None, description="The password's variable.")
    password_file: Text | None = Field(None, description="The password's file.")
    options: dict[str, str] = Field({}, description="Driver options such as sslmode.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set
        if any(getattr(self, key) is None for key in given):
            raise ValueError("a key here has no value")
        ways = [key for key in ("url", "url_env", "url_file") if key in given]
        parts = sorted(given.difference(ways))
        if len(ways) + bool(parts) != 1:
            raise ValueError("give exactly one of url, url_env, url_file, or host, user, name")
        if parts and (not self.name or not self.user or bool(self.host) == bool(self.socket)):
            raise ValueError("the parts are user, name, and one of host and socket")
        if self.password_env and self.password_file:
            raise ValueError("give only one of password_env and password_file")
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


class Copies(Settings):
    """Copies of rows that a rollback needs where the server commits DDL by itself."""

    limit: Size | None = Field(None, description="The largest table to copy; null: none is.")


def _shape(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<map>"


Place = Annotated[
    Annotated[Database, Tag("<map>")] | Annotated[Literal["embedded"], Tag("<text>")],
    Discriminator(_shape),
]


class PolicyFile(Settings):
    """The policies of an environment, and no more of it."""

    model_config = ConfigDict(extra="ignore")

    transaction: Literal["plan", "step"] = Field("plan", description="What one transaction holds.")
    policy: PolicySettings = Field(PolicySettings(), description="What plans must be like.")

    @model_validator(mode="after")
    def _settle(self) -> Self:
        """Whoever asks for a transaction a step wants plans that can stop between them."""
        if self.policy.non_atomic is None and self.transaction == "step":
            policy = self.policy.model_copy(update={"non_atomic": "allow"})
            return self.model_copy(update={"policy": policy})
        return self


class EnvironmentFile(PolicyFile):
    """The keys of environments/<name>.yaml."""

    model_config = ConfigDict(extra="forbid")

    extends: str | None = Field(None, description="The environment whose keys to start from.")
    project: Text = Field("default", description="Told apart in the target row: whose database.")
    engine: Engine | None = Field(None, description="Default: what the URL's scheme says.")
    database: Place = Field(
        description="`embedded`, a private PostgreSQL, or a map. Never inherited."
    )
    migrations: Text = Field("migrations", description="The folder, beside environments/.")
    history: History = Field(History(), description="The table of applied migrations.")
    lock: Lock = Field(Lock(), description="The migration lock.")
    timeouts: Timeouts = Field(Timeouts(), description="Limits of the session.")
    retries: Retries = Field(Retries(), description="What is tried again.")
    variables: dict[VariableName, str] = Field({}, description="Values for templates; no secrets.")
    copies: Copies = Field(Copies(), description="Rows kept for a rollback by compensation.")
    rehearsal: Place | None = Field(
        None, description="Where to rehearse: as `database`; null: embedded, for PostgreSQL."
    )
    drift: Literal["ignore", "check"] = Field(
        "ignore", description="Whether `apply` refuses a schema that changed since the plan."
    )
    thresholds: Thresholds = Field(Thresholds(), description="From when on a table is large.")
    max_plan_age: Seconds | None = Field(604800.0, description="When a plan expires; null: never.")


class Environment(EnvironmentFile):
    """One environment as read. Its dump and its repr hold no password."""

    name: str
    engine: Engine
    directory: Path

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self.directory / f"{self.name}.yaml"

    @property
    def migrations_directory(self) -> Path:
        """The folder of the migrations, whether it exists or not."""
        return self.directory.parent / self.migrations

    @property
    def embedded_directory(self) -> Path:
        """Where `database: embedded` keeps this environment's private server."""
        return self.directory.parent / ".lockgate" / self.name


def find_environments(start: Path) -> Path:
    """The nearest folder `environments/` that holds a YAML file, from `start` upwards.

    Raises: UsageError when there is none.
    """
    for folder in (start, *start.parents):
        if environment_names(folder / FOLDER):
            return folder / FOLDER
    raise UsageError(
        f"there is no {FOLDER}/ folder with a YAML file in {start} or above it",
        do=f"Create {FOLDER}/dev.yaml with the line `database: embedded`, "
        "or name the folder with --environments DIR.",
    )


def environment_names(directory: Path) -> tuple[str, ...]:
    """The environments that a folder holds, sorted; none when there is no such folder."""
    stems = (path.stem for path in directory.glob("*.yaml"))
    return tuple(sorted(stem for stem in stems if ENVIRONMENT_NAME.fullmatch(stem)))


def databases_of(directory: Path) -> tuple[str, ...]:
    """The environments of a folder but those without a database, which are there to be extended.

    One whose file cannot be read is among them.
    """
    return tuple(name for name in environment_names(directory) if not _is_base(name, directory))


def _is_base(name: str, directory: Path) -> bool:
    try:
        value = read_yaml(directory / f"{name}.yaml").value
    except ConfigurationError:
        return False
    return bool(value) and "database" not in value


def read_environment(name: str, directory: Path, *, variables: Mapping[str, str]) -> Environment:
    """The environment of this name, with all that it extends.

    `variables`, the process environment, is looked into only when `engine` is not given and must
    be learned from a URL: so a job without the secret can still read the environment.

    Raises: UsageError when there is no such environment, ConfigurationError when it is wrong.
    """
    names = environment_names(directory)
    if name not in names:
        do = did_you_mean(name, list(names)).capitalize() if names else ""
        raise UsageError(f"there is no environment {name} in {directory}", do=do)
    document = read_extended_yaml(name, directory, names, own="database")
    file = parse_document(document, EnvironmentFile, HINTS)
    _refuse_loosened(document, file.policy, directory, names)
    _refuse_misplaced(document, file.policy, name, names)
    place = document.place(("engine",) if file.engine else ("database",))
    problem = ""
    try:
        engine = _engine(file, variables, directory)
    except ValueError as error:
        problem = str(error)
    if problem:
        raise ConfigurationError(problem, path=place.path, line=place.line)
    keys = {key: getattr(file, key) for key in EnvironmentFile.model_fields}
    return Environment(**keys | {"name": name, "engine": engine, "directory": directory})


def _refuse_loosened(
    document: Document, policy: PolicySettings, directory: Path, names: tuple[str, ...]
) -> None:
    """Raises ConfigurationError when a policy lets more pass than that of a file below it."""
    parent = document.value.get("extends")
    if parent is None:
        return
    below = read_extended_yaml(parent, directory, names, own="database")
    base = parse_document(below.without("database", "extends"), PolicyFile, HINTS).policy
    key = loosened(policy, base)
    if key is not None:
        place = document.place(("policy", key))
        raise ConfigurationError(
            f"policy.{key} lets more pass than {parent}.yaml, which this file extends",
            path=place.path,
            line=place.line,
            why="What extends an environment may be stricter than it, and never less strict.",
            do=f"Leave the key away, or loosen it in {parent}.yaml.",
        )
    _refuse_loosened(below, base, directory, names)


def _refuse_misplaced(
    document: Document, policy: PolicySettings, name: str, names: tuple[str, ...]
) -> None:
    """Raises ConfigurationError when a policy speaks of an environment that it cannot mean."""
    key, problem = misplaced(policy, name, names)
    if problem:
        place = document.place(("policy", key))
        raise ConfigurationError(f"policy.{problem}", path=place.path, line=place.line)


def resolve_database(environment: Environment, variables: Mapping[str, str]) -> DatabaseAddress:
    """The address of an environment's database; `variables` is the process environment.

    Raises: ConfigurationError when a variable, a file or the URL in it is missing or wrong.
    `database: embedded` has no address before `executors.embedded` starts it: a ValueError.
    """
    database = environment.database
    if not isinstance(database, Database):
        raise ValueError("an embedded database has no address before it is started")
    return _resolve(environment, "database", database, variables)


def resolve_rehearsal(
    environment: Environment, variables: Mapping[str, str]
) -> DatabaseAddress | None:
    """The address of the server to rehearse on; None: an embedded one is to be started for it.

    Raises: ConfigurationError as `resolve_database`, and when an engine cannot be embedded.
    """
    place = environment.rehearsal
    if isinstance(place, Database):
        return _resolve(environment, "rehearsal", place, variables)
    try:
        _agree(environment.engine, "postgresql")
    except ValueError:
        raise ConfigurationError(
            f"rehearsal: there is no embedded server for {environment.engine}",
            path=environment.path,
            why="A rehearsal needs a server where it may create a database.",
            do="Name one: `rehearsal: {url_env: REHEARSAL_DATABASE_URL}`.",
        ) from None
    return None


def _resolve(
    environment: Environment, key: str, database: Database, variables: Mapping[str, str]
) -> DatabaseAddress:
    try:
        address = _address(database, environment.engine, variables, environment.directory)
        _agree(environment.engine, address.engine)
    except ValueError as error:
        problem = str(error)
    else:
        return replace(address, engine=environment.engine)
    raise ConfigurationError(f"{key}: {problem}", path=environment.path)


def environment_schema() -> dict[str, Any]:
    """The JSON Schema of an environment file, as published in docs/reference/."""
    schema: dict[str, Any] = EnvironmentFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _engine(file: EnvironmentFile, variables: Mapping[str, str], directory: Path) -> Engine:
    if not isinstance(file.database, Database):
        _agree(file.engine, "postgresql")
        return "postgresql"
    if file.database.url is not None or file.engine is None:
        address = _address(file.database, file.engine, variables, directory)
        _agree(file.engine, address.engine)
        return file.engine or address.engine
    return file.engine


def _agree(stated: Engine | None, found: Engine) -> None:
    if stated in (None, found) or (stated, found) == ("mariadb", "mysql"):
        return
    raise ValueError(f"engine is {stated}, but the database is {found}")


def _address(
    database: Database, engine: Engine | None, variables: Mapping[str, str], directory: Path
) -> DatabaseAddress:
    url = database.url.get_secret_value() if database.url else None
    url = url or _secret(database, "url", variables, directory)
    if url is not None:
        return parse_url(url.strip())
    if engine is None:
        raise ValueError("engine is missing: postgresql, mysql or mariadb")
    password = _secret(database, "password", variables, directory)
    return DatabaseAddress(
        engine=engine,
        database=database.name or "",
        user=database.user or "",
        port=database.port or PORTS[engine],
        host=database.host,
        socket=database.socket,
        password=SecretStr(password) if password else None,
        options=database.options,
    )


def _secret(
    database: Database, kind: str, variables: Mapping[str, str], directory: Path
) -> str | None:
    """What <kind>_env or <kind>_file leads to; None when neither is given.

    A name that is not in upper case is not shown: it may be the secret, put in the wrong place.
    """
    variable, file = getattr(database, f"{kind}_env"), getattr(database, f"{kind}_file")
    if variable:
        shown = variable if variable.isupper() else "it names"
        if not variables.get(variable):
            state = "is empty" if variable in variables else "is not set"
            raise ValueError(f"{kind}_env: the variable {shown} {state}")
        return variables[variable]
    return _read_secret(directory / file, f"{kind}_file") if file else None


def _read_secret(path: Path, key: str) -> str:
    problem = "the file is empty"
    try:
        if text := path.read_text("utf-8").rstrip("\r\n"):
            return text
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "the file is not UTF-8"
    raise ValueError(f"{key}: {problem}")
