"""Command-line options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

NAME = "LOCKGATE_ENVIRONMENT"
FOLDER = "LOCKGATE_ENVIRONMENTS"


def environment_option(command: Command) -> Command:
    """`-e NAME`, the environment to work on."""
    return click.option(
        "-e", "--environment", "name", default="dev", show_default=True, envvar=NAME,
        metavar="NAME", help="The environment: environments/NAME.yaml.",
        shell_complete=_complete_environment,
    )(command)  # fmt: skip


def environments_option(command: Command) -> Command:
    """`--environments DIR`, where the environments are."""
    return click.option(
        "--environments", "folder", envvar=FOLDER, metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of the environments. [default: the nearest environments/ upwards]",
    )(command)  # fmt: skip


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
verbose_option = click.option(
    "-v", "--verbose", is_flag=True, help="Show each statement as it runs, its rows and time."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Print the SQL that would run, and change nothing."
)


def _complete_environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from planner.environment import environment_names, find_environments
    from planner.errors import LockgateError

    try:
        folder = ctx.params.get("folder") or find_environments(Path.cwd())
    except LockgateError:
        return []
    return [name for name in environment_names(folder) if name.startswith(incomplete)]
