"""Environments: what `environments/<name>.yaml` says about one database and how to change it.

Must not connect, and must not read the process environment: the caller hands it in. The keys are
those of `planner.environments.keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from lockgate.planner.database.address import (
    PORTS,
    DatabaseAddress,
    Elsewhere,
    EngineName,
    complete_url,
    parse_url,
)
from lockgate.planner.environments.fleet_keys import ControlDatabase
from lockgate.planner.environments.folder import FOLDER, EnvironmentsFolder, environment_files
from lockgate.planner.environments.keys import OWN, Database, EnvironmentFile, ExtendedFile
from lockgate.planner.environments.libpq import read_defaults
from lockgate.planner.environments.policy import PolicySettings, loosened, misplaced
from lockgate.planner.environments.secrets import read_command, read_secret
from lockgate.planner.environments.tightening import KEPT, loosened_key
from lockgate.planner.environments.yaml_file import (
    YamlDocument,
    did_you_mean,
    parse_yaml,
    read_extended_yaml,
    read_yaml,
)
from lockgate.planner.errors import ConfigurationError, UsageError
from lockgate.planner.fleet.place import TargetPlace
from lockgate.planner.migrations.foreign.contexts import UNDECIDED, Decided
from lockgate.planner.migrations.migration import OWN as OWN_FORMAT
from lockgate.planner.value import replace

BARE = "dev"
"""The environment that needs no file, where DATABASE_URL says where the database is."""
HINTS = {
    "database": "write `database: embedded` or `database: $DATABASE_URL`; it is never inherited",
    "url": "write `database: $DATABASE_URL`, with the URL in that variable",
    "name": "an environment is named by its file",
    "allow_out_of_order": "say it in `policy:`, as `out_of_order: warn`",
    "non_atomic": "it is in `policy:`",
    "require_plan": "it is in `policy:`",
    "password": "name its place with password_env or password_file",
    "database.password": "name its place with password_env or password_file",
}


class Environment(EnvironmentFile):
    """One environment as read. Its dump and its repr hold no password."""

    name: str
    engine: EngineName
    folder: EnvironmentsFolder
    place: TargetPlace | None = None
    """Which database of a fleet it is; None: a whole fleet, or the one database that there is."""

    def member(self, place: TargetPlace) -> Environment:
        """One target of this fleet, as an environment of its own."""
        own: dict[str, object] = {"place": place, "fleet": None}
        if place.schema is not None:  # what is beside it in the database is of other targets
            history = self.history.model_copy(update={"schema_": place.schema})
            own |= {"history": history, "drift_scope": "schema"}
        return self.model_copy(update=own)

    @property
    def directory(self) -> Path:
        """The folder that it was read from, with the keys of who may sign."""
        return self.folder.path

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return environment_files(self.directory).get(
            self.name, self.directory / f"{self.name}.yaml"
        )

    @property
    def migrations_directory(self) -> Path:
        """The folder of the migrations, whether it exists or not."""
        return self.folder.project / self.migrations_place

    @property
    def migrations_place(self) -> str:
        """The same as its file spells it."""
        return self.migrations if isinstance(self.migrations, str) else self.migrations.directory

    @property
    def migrations_format(self) -> str:
        """The format of the migrations, or `auto`."""
        return OWN_FORMAT if isinstance(self.migrations, str) else self.migrations.format

    @property
    def decided(self) -> Decided:
        """What is said of contexts and labels."""
        if isinstance(self.migrations, str):
            return UNDECIDED
        contexts = self.migrations.contexts
        return Decided(None if contexts is None else tuple(contexts), self.migrations.labels)

    @property
    def embedded_directory(self) -> Path:
        """Where `database: embedded` keeps this environment's private server."""
        return self.folder.project / ".lockgate" / self.name


def databases_of(directory: Path) -> tuple[str, ...]:
    """The environments of a folder but those without a database that others extend: one whose file
    cannot be read is among them, and one that lacks its database by mistake."""
    said = {name: _said_in(path) for name, path in environment_files(directory).items()}
    bases = {str(keys.get("extends")) for keys in said.values()}
    return tuple(one for one in said if one not in bases or "database" in said[one])


def _said_in(path: Path) -> Mapping[str, object]:
    try:
        return read_yaml(path).value
    except ConfigurationError:
        return {"database": None}


def read_environment(
    name: str, directory: Path, *, variables: Mapping[str, str], project: Path | None = None
) -> Environment:
    """The environment of this name, with all that it extends.

    `project` is the folder that it is for, where that is not the one around `directory`.
    `variables`, the process environment, is looked into only when `engine` is not given and must
    be learned from a URL: so a job without the secret can still read the environment.

    Raises: UsageError when there is no such environment, ConfigurationError when it is wrong.
    """
    folder = EnvironmentsFolder(directory, project or directory.parent)
    files = environment_files(directory)
    if name not in files:
        near = did_you_mean(name, list(files)).capitalize() if files else ""
        do = f"Write {name}.yaml there: `database: embedded` or `database: $DATABASE_URL`. {near}"
        raise UsageError(f"there is no environment {name} in {directory}", do=do)
    document = read_extended_yaml(name, files, own=OWN)
    file = parse_yaml(document, EnvironmentFile, HINTS)
    _refuse_loosened(document, files)
    _refuse_misplaced(document, file.policy, name, tuple(files))
    place = document.place(("engine",) if file.engine else ("database",))
    problem = ""
    try:
        engine = _engine(file, variables, folder)
    except ValueError as error:
        problem = str(error)
    if problem:
        raise ConfigurationError(problem, path=place.path, line=place.line)
    return _environment(file, name, engine, folder)


def bare_environment(
    url: str, project: Path, *, source: str, elsewhere: Elsewhere | None
) -> Environment:
    """The environment `dev` of a project that has no file for one: a URL, and all else by default.

    Raises: UsageError when the URL is wrong; it names the `source` that has given it.
    """
    folder, reason = EnvironmentsFolder(project / FOLDER, project), ""
    try:
        file = EnvironmentFile.model_validate({"database": {"url": complete_url(url, elsewhere)}})
        return _environment(file, BARE, _engine(file, {}, folder), folder)
    except ValidationError:  # shows what it was given
        pass
    except ValueError as error:
        reason = f": {error}"
    do = "It looks like postgresql://user:password@localhost/name, or mysql://…; "
    do += "percent-encode what is special in the password."
    raise UsageError(f"{source} is not the URL of a database{reason}.", do=do)


def _environment(
    file: EnvironmentFile, name: str, engine: EngineName, folder: EnvironmentsFolder
) -> Environment:
    """All of it is checked, and to check it again would cost every command a second validator."""
    keys = {key: getattr(file, key) for key in EnvironmentFile.model_fields}
    return Environment.model_construct(
        **keys | {"name": name, "engine": engine, "folder": folder, "place": None}
    )


def _refuse_loosened(document: YamlDocument, files: Mapping[str, Path]) -> None:
    """Raises ConfigurationError when a policy or another key lets more pass than that of a file
    below it."""
    parent = document.value.get("extends")
    if parent is None:
        return
    below = read_extended_yaml(parent, files, own=OWN)
    own, base = (
        parse_yaml(one.without(*OWN, "extends"), ExtendedFile, HINTS) for one in (document, below)
    )
    key = loosened(own.policy, base.policy)
    if key is not None:
        raise _looser(document, key, parent)
    other = loosened_key(own, base, below.value)
    if other is not None:
        raise _looser_key(document, other, parent)
    _refuse_loosened(below, files)


def _looser_key(document: YamlDocument, key: tuple[str, ...], parent: str) -> ConfigurationError:
    place = document.place(key)
    is_kept = key in KEPT
    return ConfigurationError(
        f"{'.'.join(key)} is {'not that of' if is_kept else 'looser than in'} {parent}.yaml, "
        "which this file extends",
        path=place.path,
        line=place.line,
        why="It would lead to another ledger, another lock or other files."
        if is_kept
        else "What extends an environment may be stricter than it, and never less strict.",
        do=f"Leave the key away, or change it in {parent}.yaml.",
    )


def _looser(document: YamlDocument, key: str, parent: str) -> ConfigurationError:
    """Only `transaction: step` loosens a policy that no file states."""
    is_stated = key in document.value.get("policy", {})
    cause = ("policy", key) if is_stated else ("transaction",)
    place = document.place(cause)
    return ConfigurationError(
        f"{'.'.join(cause)} lets more pass than {parent}.yaml, which this file extends",
        path=place.path,
        line=place.line,
        why="What extends an environment may be stricter than it, and never less strict."
        + ("" if is_stated else f" A transaction a step allows what policy.{key} denies."),
        do=f"Leave the key away, or loosen it in {parent}.yaml."
        if is_stated
        else f"Say `policy: {{{key}: deny}}` here, or `{key}: allow` in {parent}.yaml.",
    )


def _refuse_misplaced(
    document: YamlDocument, policy: PolicySettings, name: str, names: tuple[str, ...]
) -> None:
    """Raises ConfigurationError when a policy speaks of an environment that it cannot mean."""
    key, problem = misplaced(policy, name, names)
    if problem:
        place = document.place(("policy", key))
        raise ConfigurationError(f"policy.{problem}", path=place.path, line=place.line)


RunCommand = Callable[[Sequence[str], Environment], str]
"""Runs the command of an environment that prints a secret, which is its answer."""


def run_no_command(command: Sequence[str], environment: Environment) -> str:
    """Where no program is to be started."""
    raise ValueError("the secret is from a command, and none is run here")


def resolve_database(
    environment: Environment, variables: Mapping[str, str], run: RunCommand = run_no_command
) -> DatabaseAddress:
    """The address of an environment's database; `variables` is the process environment, and `run`
    runs a command that prints a secret.

    Raises: ConfigurationError when a variable, a file or the URL in it is missing or wrong.
    `database: embedded` has no address before `executors.programs.embedded` starts it: a
    ValueError.
    """
    database = environment.database
    if not isinstance(database, Database):
        raise ValueError("an embedded database has no address before it is started")
    return _resolve(environment, "database", database, variables, run)


def resolve_control(
    environment: Environment, key: str, control: ControlDatabase, variables: Mapping[str, str]
) -> DatabaseAddress:
    """The address of a database that is asked about a fleet; `key` is where the file names it.

    Raises: ConfigurationError as `resolve_database`.
    """
    try:
        url = read_secret(control, "url", variables, environment.folder.place) or ""
        return parse_url(url.strip())
    except ValueError as error:
        problem = str(error)
    raise ConfigurationError(f"{key}: {problem}", path=environment.path)


def resolve_rehearsal(
    environment: Environment, variables: Mapping[str, str], run: RunCommand = run_no_command
) -> DatabaseAddress | None:
    """The address of the server to rehearse on; None: an embedded one is to be started for it.

    Raises: ConfigurationError as `resolve_database`, and when an engine cannot be embedded.
    """
    place = environment.rehearsal
    if isinstance(place, Database):
        return _resolve(environment, "rehearsal", place, variables, run)
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
    environment: Environment,
    key: str,
    database: Database,
    variables: Mapping[str, str],
    run: RunCommand,
) -> DatabaseAddress:
    def resolve() -> DatabaseAddress:
        try:
            told = _run_commands(database, variables, environment, run)
            address = _address(database, environment.engine, variables, environment.folder, told)
            _agree(environment.engine, address.engine)
        except ValueError as error:
            problem = str(error)
        else:
            address = replace(address, engine=environment.engine)
            place = environment.place if database is environment.database else None
            return place.over(address) if place else address
        raise ConfigurationError(f"{key}: {problem}", path=environment.path)

    address = resolve()
    if not (database.url_command or database.password_command):
        return address
    asked = [address]  # the first connection takes what was just asked for
    return replace(address, renew=lambda: asked.pop() if asked else resolve())


def _run_commands(
    database: Database, variables: Mapping[str, str], environment: Environment, run: RunCommand
) -> dict[str, str]:
    """What the commands of an address print: its URL, or its password."""
    commands = {
        kind: read_command(database, kind, variables, environment.folder)
        for kind in ("url", "password")
    }
    return {kind: run(command, environment) for kind, command in commands.items() if command}


def _engine(
    file: EnvironmentFile, variables: Mapping[str, str], folder: EnvironmentsFolder
) -> EngineName:
    if not isinstance(file.database, Database):
        _agree(file.engine, "postgresql")
        return "postgresql"
    if file.database.url is not None or file.engine is None:
        address = _address(file.database, file.engine, variables, folder, {})
        _agree(file.engine, address.engine)
        return file.engine or address.engine
    return file.engine


def _agree(stated: EngineName | None, found: EngineName) -> None:
    if stated in (None, found) or (stated, found) == ("mariadb", "mysql"):
        return
    raise ValueError(f"engine is {stated}, but the database is {found}")


def _address(
    database: Database,
    engine: EngineName | None,
    variables: Mapping[str, str],
    folder: EnvironmentsFolder,
    told: Mapping[str, str],
) -> DatabaseAddress:
    """`told` is what commands have printed."""
    if database.url is not None:
        address = parse_url(database.url.get_secret_value().strip())
        return replace(address, has_own_password=address.password is not None)
    url = told.get("url") or read_secret(database, "url", variables, folder.place)
    if url is not None:
        return parse_url(url.strip(), lambda service: read_defaults(service, variables))
    if engine is None:
        raise ValueError("engine is missing: postgresql, mysql or mariadb")
    password = told.get("password") or read_secret(database, "password", variables, folder.place)
    return DatabaseAddress(
        engine=engine,
        database=database.name or "",
        user=database.user or "",
        port=database.port or PORTS[engine],
        host=database.host,
        socket=database.socket,
        password=SecretStr(password) if password else None,
        options=database.options,
        has_own_password=False,
    )
