"""Where the secrets that an environment's file names may come from.

The file may be a stranger's, of a pull request: what it names is not looked for everywhere. Where
a secret may be sent to, `DatabaseAddress.is_guarded` tells the drivers.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from lockgate.planner.environments.fleet_keys import ControlDatabase
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.environments.keys import Database
from lockgate.planner.project import find_checkout

ALLOWED = "LOCKGATE_SECRETS"
"""The variables that an environment's file may name, as `NAME` or `NAME@host`; or `@file`."""
COMMANDS = "LOCKGATE_COMMANDS"
"""The commands that an environment's file may have run, a line each; or `@file`."""
FOLDERS = "LOCKGATE_SECRETS_DIR"
USUAL_FOLDERS = ("/run/secrets", "/var/run/secrets")
URL_LIKE = "it holds a URL such as postgresql://user:password@host/database"
LONGEST = 65_536
"""Bytes of a file with a secret."""


def read_secret(
    database: Database | ControlDatabase, kind: str, variables: Mapping[str, str], directory: Path
) -> str | None:
    """What <kind>_env or <kind>_file leads to; None when neither is given.

    A name that is not in upper case is not shown: it may be the secret, put in the wrong place.

    Raises:
        ValueError: it may not be read, or there is none.
    """
    host = database.host if isinstance(database, Database) else None
    variable, file = getattr(database, f"{kind}_env"), getattr(database, f"{kind}_file")
    if variable:
        shown = variable if variable.isupper() else "it names"
        if not _is_allowed(variable, host, variables, directory):
            raise ValueError(f"{kind}_env: {ALLOWED} does not allow the variable {shown} here")
        if not variables.get(variable):
            state = "is empty" if variable in variables else "is not set"
            like = f"; {URL_LIKE}" if kind == "url" else ""
            raise ValueError(f"{kind}_env: the variable {shown} {state}{like}")
        return variables[variable]
    if not file:
        return None
    named = [folder for folder in variables.get(FOLDERS, "").split(os.pathsep) if folder]
    folders = [_project(directory), *map(Path, (*USUAL_FOLDERS, *named))]
    return _read_file(directory / file, f"{kind}_file", folders)


def read_command(
    database: Database, kind: str, variables: Mapping[str, str], folder: EnvironmentsFolder
) -> list[str] | None:
    """The <kind>_command of an environment, which may run; None where none is given.

    A command in a file is code of who writes the file. It may run where the environments are those
    of a commit that was named to us, and else where LOCKGATE_COMMANDS lists it, a password's with
    the host that it may go to.

    Raises:
        ValueError: it may not run.
    """
    command: list[str] | None = getattr(database, f"{kind}_command")
    if command is None or folder.path != folder.place:
        return command
    host = database.host or database.socket
    wanted = [*command, f"@{host}"] if kind == "password" else [*command]
    lines = allowed_names(variables.get(COMMANDS, ""), folder.place, COMMANDS, r"\n")
    if any(_words(line) == wanted for line in lines):
        return command
    raise ValueError(
        f"{kind}_command: {command[0]} may not run, since a file of the project asks for it. Read "
        f"the environments of a commit (--environments-from), or set {COMMANDS} to this command"
        + (f" and @{host} after it" if kind == "password" else "")
    )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _is_allowed(
    variable: str, host: str | None, variables: Mapping[str, str], directory: Path
) -> bool:
    if ALLOWED not in variables:
        return True
    found = allowed_names(variables[ALLOWED], directory, ALLOWED, r"[\s,]+")
    entries = (entry.partition("@") for entry in found)
    return any(name == variable and bound in ("", host or "") for name, _, bound in entries)


def allowed_names(text: str, directory: Path, variable: str, between: str) -> Collection[str]:
    """The names in a list, separated as a pattern says, or with `@` in a file, a line each, which
    no commit can change.

    Raises:
        ValueError: the file of this variable cannot be read, or lies in the project.
    """
    if not text.startswith("@"):
        return re.split(between, text.strip())
    path = Path(text[1:])
    if path.resolve().is_relative_to(_project(directory)):
        raise ValueError(f"{variable}: the file lies in the project, where a commit can change it")
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{variable}: the file cannot be read") from None
    return [line.strip() for line in lines if not line.lstrip().startswith("#")]


def _project(directory: Path) -> Path:
    """The checkout around the environments, or the folder around them."""
    checkout = find_checkout(directory)
    return checkout.top if checkout else directory.resolve().parent


def _read_file(path: Path, key: str, folders: Iterable[Path]) -> str:
    if not any(path.resolve().is_relative_to(folder.resolve()) for folder in folders):
        raise ValueError(
            f"{key}: the file is neither in the project nor in /run/secrets, "
            f"nor in a folder of {FOLDERS}"
        )
    try:
        return _only_line(path)
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "the file is not UTF-8"
    except ValueError as error:
        problem = str(error)
    raise ValueError(f"{key}: {problem}")


def _only_line(path: Path) -> str:
    """A secret is one line; a private key, for one, has several."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError("it is no file")
    with path.open("rb") as file:
        text = file.read(LONGEST).decode("utf-8").rstrip("\r\n")
    if not text:
        raise ValueError("the file is empty")
    if "\n" in text or "\r" in text:
        raise ValueError("the file has several lines, and a secret has one")
    return text
