"""The programs that copy a table while it is used: how each is called, and what it makes beside the
table.

Runs none of them. The password is in a file of the run's own, never in a list of arguments.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.programs.program import find_program
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.statement import Online, PlannedStatement

VERSION = re.compile(r"\d+\.\d+[\w.-]*")
MISSING, UNPROVED, UNWRITABLE = "no program", "unverified", "unwritable"
HARD = re.compile(r'["\\`\r\n]')


@frozen
class OnlineTool:
    """A program: `tables` are the names of those that it makes, and `triggers` how the names of its
    triggers begin; empty where it has none. `escapes` says that it reads its file as the programs
    of MySQL do; others know of no way to write a quote."""

    program: str
    connect: Callable[[DatabaseAddress, Path, str], list[str]]
    tables: tuple[str, ...]
    triggers: str = ""
    escapes: bool = False


def _by_dsn(address: DatabaseAddress, file: Path, table: str) -> list[str]:
    return [f"F={file},D={address.database},t={table}"]


def _by_options(address: DatabaseAddress, file: Path, table: str) -> list[str]:
    place = [f"--host={address.host or 'localhost'}", f"--port={address.port}"]
    return [f"--conf={file}", *place, f"--database={address.database}", f"--table={table}"]


def _by_endpoint(address: DatabaseAddress, file: Path, table: str) -> list[str]:
    place = f"--host={address.host or 'localhost'}:{address.port}"
    return [f"--conf={file}", place, f"--database={address.database}", f"--table={table}"]


TOOLS = {
    # https://docs.percona.com/percona-toolkit/pt-online-schema-change.html
    "pt-osc": OnlineTool(
        "pt-online-schema-change", _by_dsn, ("_{}_new", "_{}_old"), triggers="pt_osc_", escapes=True
    ),
    # https://github.com/github/gh-ost/blob/master/doc/command-line-flags.md
    "gh-ost": OnlineTool("gh-ost", _by_options, ("_{}_gho", "_{}_ghc", "_{}_del")),
    # https://github.com/block/spirit/blob/main/USAGE.md
    "spirit": OnlineTool("spirit", _by_endpoint, ("_{}_new", "_{}_chkpnt", "_{}_old")),
}


def find_tool(online: Online) -> str:
    """The place of the program.

    Raises:
        ServerError: it is not there.
    """
    name = TOOLS[online.tool].program
    if path := find_program(name):
        return path
    raise ServerError(
        MISSING,
        f"There is no {name} in PATH, which is to copy {online.table.name}",
        hint=f"Install it: it is part of {online.tool}.",
    )


def with_versions(plan: Plan) -> Plan:
    """The plan with what each program says of itself that is here; not sealed again."""
    steps = tuple(
        step.model_copy(update={"statements": tuple(map(_with_version, step.statements))})
        for step in plan.steps
    )
    return plan.model_copy(update={"steps": steps})


def _with_version(statement: PlannedStatement) -> PlannedStatement:
    online = statement.online
    path = find_program(TOOLS[online.tool].program) if online else None
    if online is None or path is None:
        return statement
    asked = [path, "--version"]
    done = subprocess.run(
        asked, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
        check=False, timeout=60,
    )  # fmt: skip
    found = VERSION.search(done.stdout) if done.returncode == 0 else None
    told = online.model_copy(update={"version": found[0] if found else ""})
    return statement.model_copy(update={"online": told})


def command_line(online: Online, address: DatabaseAddress, file: Path) -> list[str]:
    """The program with all that it is given; how to connect is in the file.

    Raises:
        ServerError: the program is not there, or would give the password to any server.
    """
    if address.is_guarded and address.password:
        raise ServerError(
            UNPROVED,
            "The environment's file names the host, and its password is from another place, so "
            "it is given to no server that a program does not verify",
            hint="Put all of the address into one secret, with `url_env`.",
        )
    tool, table = TOOLS[online.tool], online.table.name
    return [find_tool(online), *online.arguments, *tool.connect(address, file, table)]


def option_file(online: Online, address: DatabaseAddress) -> str:
    """How to connect, as the programs of MySQL read it.

    Raises:
        ServerError: the program could not read the user or the password from a file.
    """
    place = (
        {"socket": address.socket}
        if address.socket
        else {"host": address.host or "", "port": str(address.port)}
    )
    password = address.password.get_secret_value() if address.password else ""
    login = {"user": address.user or "", "password": password}
    if not TOOLS[online.tool].escapes and HARD.search("".join(login.values())):
        raise ServerError(
            UNWRITABLE,
            f"The user or the password cannot be written into a file that {online.tool} reads",
            hint='Use a password without `"`, `\\`, a grave and line ends.',
        )
    lines = (f"{name}={_quoted(value)}\n" for name, value in (place | login).items() if value)
    return f"[client]\n{''.join(lines)}"


def _quoted(value: str) -> str:
    r"""A value of an option file.

    >>> _quoted('a"b\\c#')
    '"a\\"b\\\\c#"'
    """
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
