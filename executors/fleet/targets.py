"""Finding the targets of a fleet: by asking a server, a file or a program.

Changes nothing: queries run read-only, and a program only where somebody outside of the checkout
has allowed it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.control import open_control
from lockgate.executors.programs.program import find_program
from lockgate.planner.environments.secrets import COMMANDS, allowed_names
from lockgate.planner.environments.yaml_file import read_yaml_list
from lockgate.planner.errors import ConfigurationError, UsageError
from lockgate.planner.fleet.place import TargetPlace, read_place, refuse_unusable
from lockgate.planner.project import is_outside

if TYPE_CHECKING:
    from lockgate.executors.engine import Session, Survey
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment

LONGEST = 60.0
"""Seconds of a program."""
DATABASES = {
    "postgresql": "select datname::text from pg_catalog.pg_database where datname like %s "
    "and datallowconn and not datistemplate order by 1",
    "mysql": "select schema_name from information_schema.schemata where schema_name like %s "
    "and schema_name not in ('mysql', 'sys', 'information_schema', 'performance_schema') "
    "order by 1",
}
SCHEMAS = "select nspname::text from pg_catalog.pg_namespace where nspname like %s " \
    "and nspname !~ '^pg_' and nspname <> 'information_schema' order by 1"  # fmt: skip


def find_places(
    environment: Environment, address: DatabaseAddress, variables: Mapping[str, str]
) -> list[TargetPlace]:
    """The places of a fleet's targets, by name; `address` is that of the environment's database,
    and `variables` the process environment.

    Raises:
        UsageError: a target has no usable name, two have the same, or there is none.
        ConfigurationError: what is to be asked may not be.
    """
    found = list(_find(environment, address, variables))
    names = [place.name for place in found]
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    if twice:
        raise UsageError(
            f"The fleet has the target {twice[0]} twice.",
            why="A target is known by its name.",
            do="Give each a name of its own.",
        )
    if not found:
        raise UsageError(
            f"The fleet of {environment.name} has no target.",
            do="See `fleet: {targets: …}` in the environment.",
        )
    return sorted(found, key=lambda place: place.name)


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _find(
    environment: Environment, address: DatabaseAddress, variables: Mapping[str, str]
) -> Iterable[TargetPlace]:
    targets = environment.fleet.targets if environment.fleet else None
    if targets is None:
        raise UsageError(f"{environment.name} is one database, and no fleet.")
    if targets.schemas is not None:
        if environment.engine != "postgresql":
            raise _wrong(environment, "schemas are databases here: write `databases:`")
        with open_control(environment, address, variables) as engine:
            found = _names(engine.session, SCHEMAS, targets.schemas)
        return (TargetPlace(name, schema=name) for name in found)
    if targets.databases is not None:
        family = "postgresql" if environment.engine == "postgresql" else "mysql"
        with open_control(environment, address, variables) as engine:
            found = _names(engine.session, DATABASES[family], targets.databases)
        return (TargetPlace(name, database=name) for name in found)
    if targets.query is not None:
        key = "fleet.targets.query"
        with open_control(environment, address, variables, key, targets.query) as engine:
            return list(map(read_place, _rows(engine.survey, targets.query.sql)))
    if targets.file is not None:
        return map(read_place, _entries(environment, targets.file))
    return map(read_place, _printed(environment, targets.command or [], variables))


def _names(session: Session, sql: str, pattern: str) -> list[str]:
    found = [str(name) for (name,) in session.query_all(sql, (pattern,))]
    for name in found:
        refuse_unusable("name", name)
    return found


def _rows(survey: Survey, sql: str) -> list[dict[str, Any]]:
    try:
        return survey.query_read_only(sql)
    except ServerError as refused:
        raise UsageError(
            f"The query for the targets of the fleet was refused: {refused}.",
            why="It is run in a transaction that is read-only.",
            do="Correct `fleet: {targets: {query: …}}` in the environment.",
        ) from refused


def _entries(environment: Environment, name: str) -> Iterator[dict[str, Any]]:
    """Those of a list; one that is a text is a database of that name."""
    if is_outside(Path(name), environment.folder.project):
        raise _wrong(environment, f"the file {name} is outside of the project")
    for entry in read_yaml_list(environment.folder.project / name):
        yield {"name": entry, "database": entry} if isinstance(entry, str) else entry


def _printed(
    environment: Environment, command: list[str], variables: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """What a program prints: a JSON object a line. It gets no variable of ours but PATH and HOME:
    what it asks with, it must have by itself."""
    lines = _run(environment, command, variables).splitlines()
    for number, line in enumerate(filter(None, map(str.strip, lines)), 1):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UsageError(
                f"Line {number} of what {command[0]} printed is no JSON object.",
                do='It prints a target a line, such as {"name": "a", "database": "tenant_a"}.',
            )
        yield found


def _run(environment: Environment, command: list[str], variables: Mapping[str, str]) -> str:
    spelled = " ".join(command)
    if spelled not in _allowed(environment, variables):
        raise _wrong(
            environment,
            f"{COMMANDS} does not allow the command {spelled}",
            "The file's author would decide what runs here. Set the variable where no commit "
            "can: to the command as it is spelled, or to @FILE with one a line.",
        )
    program = command[0]
    found = str(environment.folder.project / program) if "/" in program else find_program(program)
    kept = {key: variables[key] for key in ("PATH", "HOME", "LANG") if key in variables}
    try:
        ended = subprocess.run(
            [found or program, *command[1:]], cwd=environment.folder.project, env=kept,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=True,
        )  # fmt: skip
        return ended.stdout.decode()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The command {spelled} did not give the targets of the fleet: {_why(error)}.",
            do="Run it by hand: it must end with 0 and print a JSON object a line.",
        ) from None


def _allowed(environment: Environment, variables: Mapping[str, str]) -> Collection[str]:
    try:
        place = environment.folder.place
        return allowed_names(variables.get(COMMANDS, ""), place, COMMANDS, "\n")
    except ValueError as error:
        problem = str(error)
    raise _wrong(environment, problem)


def _why(error: Exception) -> str:
    """Without what the program printed, which may be a secret."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it did not end within {LONGEST:g} s"
    return os.strerror(error.errno or 0) if isinstance(error, OSError) else "it printed no UTF-8"


def _wrong(environment: Environment, what: str, why: str = "") -> ConfigurationError:
    return ConfigurationError(f"fleet.targets: {what}", path=environment.path, why=why)
