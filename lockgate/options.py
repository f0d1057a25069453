"""Command-line options that several commands share, and what they tell the entry point."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@dataclass
class Invocation:
    """What the entry point must know of the command that ran, to end it.

    `events` says that a program reads events on stdout, `document` that it waits for the one
    document that was not yet printed.
    """

    events: bool = False
    document: bool = False


_Command = TypeVar("_Command", bound=Callable[..., Any])

NAME = "LOCKGATE_ENVIRONMENT"
FOLDER = "LOCKGATE_ENVIRONMENTS"
COMMIT = "LOCKGATE_ENVIRONMENTS_FROM"


def gathered(name: str, *options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """Options that a command takes as one argument of this name: their values by their names."""

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def gathering(*arguments: Any, **values: Any) -> Any:
            values[name] = {key: values.pop(key) for key in keys}
            return command(*arguments, **values)

        others = len(getattr(gathering, "__click_params__", ()))
        for option in reversed(options):
            option(gathering)
        keys = [parameter.name for parameter in gathering.__click_params__[others:]]  # type: ignore[attr-defined]
        return gathering  # type: ignore[return-value]

    return decorate


def environment_option(command: _Command) -> _Command:
    """`-e NAME`, the environment to work on."""
    return click.option(
        "-e", "--environment", "name", default="dev", show_default=True, envvar=NAME,
        metavar="NAME", help="The environment: environments/NAME.yaml.",
        shell_complete=_complete_environment,
    )(command)  # fmt: skip


def wait_option(command: _Command) -> _Command:
    """`--wait DURATION`: for a server that is not up yet. The command runs after that."""

    @wraps(command)
    def waiting(*arguments: Any, wait: float, **values: Any) -> Any:
        if wait:
            from lockgate.workspace import await_server, load_environment

            await_server(load_environment(values["name"], values["folder"]), wait)
        return command(*arguments, **values)

    return duration_option(
        "--wait", default="0s", help="Wait for a server that does not answer yet."
    )(waiting)  # type: ignore[return-value]


def environments_option(command: _Command) -> _Command:
    """`--environments DIR` and `--environments-from COMMIT`, where the environments are: together
    the argument `folder`."""

    @wraps(command)
    def locating(*arguments: Any, folder: Path | None, ref: str | None, **values: Any) -> Any:
        return command(*arguments, folder=_locate(folder, ref), **values)

    at_commit = click.option(
        "--environments-from", "ref", envvar=COMMIT, metavar="COMMIT",
        help="Read the environments and allowed_signers as they are in this commit of git.",
    )  # fmt: skip
    at_path = click.option(
        "--environments", "folder", envvar=FOLDER, metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of the environments. [default: the nearest environments/ upwards]",
    )  # fmt: skip
    return at_path(at_commit(locating))  # type: ignore[return-value]


def _locate(folder: Path | None, ref: str | None) -> EnvironmentsFolder | None:
    """The folder of the environments, a copy where a commit is named; None: the nearest one."""
    if ref is not None:
        from lockgate.checkout import copy_environments

        copy = click.get_current_context().with_resource(TemporaryDirectory(prefix="lockgate-"))
        return copy_environments(folder, ref, Path(copy))
    if folder is None:
        return None
    from lockgate.planner.environments.folder import EnvironmentsFolder

    return EnvironmentsFolder(folder, folder.parent)


def _expect_document(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value and not ctx.resilient_parsing:
        ctx.obj.document = True
    return value


def _begin_events(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    """Shows the first line at once, so that whatever comes then is shown after it."""
    if value and not ctx.resilient_parsing:
        from lockgate.views.run import events

        events.show_start()
        ctx.obj.events = True
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, is_eager=True, callback=_expect_document,
    help="Print one JSON document on stdout.",
)  # fmt: skip
events_option = click.option(
    "--json", "as_json", is_flag=True, is_eager=True, callback=_begin_events,
    help="Print events on stdout, one JSON document a line.",
)  # fmt: skip
verbose_option = click.option(
    "-v", "--verbose", is_flag=True, help="Show each statement as it runs, its rows and time."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Print the SQL that would run, and change nothing."
)
skip_options = (
    click.option(
        "--skip-irreversible", multiple=True, metavar="VERSION",
        help="Pass over this version, which has no way back: take it out of the history, and run "
        "nothing; may be repeated.",
    ),
    click.option(
        "--reason", metavar="TEXT",
        help="Why it may be passed over; kept in the plan and in the history.",
    ),
)  # fmt: skip
from_database_option = click.option(
    "--from-database", is_flag=True,
    help="Roll back by the plans that the database keeps; open no migration file.",
)  # fmt: skip
fresh_option = click.option(
    "--fresh", is_flag=True,
    help="The database's tables are not of these migrations; asked once, at the first plan.",
)  # fmt: skip
max_time_option = click.option(
    "--max-time", metavar="TIME",
    help="Stop between two batches, or two targets of a fleet, after so long (30m, 2h), with exit "
    "code 12; the same command goes on there.",
)  # fmt: skip
non_atomic_option = click.option(
    "--allow-non-atomic", is_flag=True, help="Accept a plan that can stop half-way for good."
)


receipts_option = click.option(
    "--receipt", "receipts", multiple=True, metavar="FILE",
    type=click.Path(path_type=Path),
    help="A receipt of a run in the environment that it is promoted from; may be repeated.",
)  # fmt: skip


def delivery_options(default: str = "plan.json") -> Callable[[_Command], _Command]:
    """Where the plan goes that is made: `plans.delivery.Delivery` by these names."""
    return gathered(
        "delivery",
        click.option(
            "-o", "--out", default=default, show_default=True, metavar="FILE",
            type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
            help="The plan file; - for stdout.",
        ),
        click.option(
            "--force", is_flag=True, help="Write over a plan that was approved.",
        ),
        click.option(
            "--sign-with", "key", metavar="KEY", type=click.Path(path_type=Path),
            help="Sign the plan with this SSH key, as the job that made it; the signature is "
            "PLAN.sig.",
        ),
    )  # fmt: skip


detailed_option = click.option(
    "--detailed-exitcode", is_flag=True, help="Exit 2 when the plan has steps."
)
reviewed_option = click.option(
    "--reviewed", metavar="PLAN",
    help="Refuse what does not do the same as this plan file, or as the one of this intent digest.",
)  # fmt: skip


def duration_option(name: str, *, default: str, help: str) -> Callable[[_Command], _Command]:
    """An option whose value is a duration such as `5s`, in seconds."""

    def parse(ctx: click.Context, param: click.Parameter, value: str) -> float:
        if ctx.resilient_parsing:  # the shell asks what may come next
            return 0.0
        from lockgate.planner.quantities import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", ctx, param) from None

    return click.option(name, default=default, show_default=True, metavar="DURATION",
                        callback=parse, help=help)  # fmt: skip


def _complete_environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from lockgate.planner.environments.folder import environment_names, find_environments
    from lockgate.planner.errors import LockgateError

    try:
        folder = ctx.params.get("folder") or find_environments(Path.cwd())
    except LockgateError:
        return []
    return [name for name in environment_names(folder) if name.startswith(incomplete)]


def read_deadline(max_time: str | None) -> float | None:
    """The moment when `--max-time` ends, by the monotonic clock in seconds; None: there is
    none.

    Raises:
        UsageError: it is no duration.
    """
    if max_time is None:
        return None
    from lockgate.planner.errors import UsageError
    from lockgate.planner.quantities import parse_duration

    try:
        return time.monotonic() + parse_duration(max_time)
    except ValueError as error:
        raise UsageError(f"`--max-time {max_time}`: it {error}.") from error
