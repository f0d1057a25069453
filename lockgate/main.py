"""The entry point: finds the command, runs it, and turns errors into exit codes.

Imports as little as `migrate --help` needs; a command imports what it uses when it runs.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator

import click

from lockgate import __version__, commands
from lockgate.exits import Exit, exit_code
from lockgate.options import Invocation
from lockgate.planner.errors import Interrupted, LockgateError, RunError, UsageError
from lockgate.signals import catch_signals, ignore_signals
from lockgate.views.terminal import flush, prepare_streams, tell

RARELY = 100_000, 50, 100
"""How often to look for rings of objects: a plan is large, has none, and ends with the process."""
# What other tools call our commands, and no command of ours is called.
ALIASES = {"rollback": "down", "migrate": "up", "generate": "new", "create": "new"}


class CommandFolder(click.Group):
    """A group whose commands are the modules in the folders of `lockgate.commands`.

    The command `diff-plan` is the module `diff_plan`; it is imported when it is asked for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(find_commands())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = find_commands().get(name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            if args[0] in ALIASES:
                return super().resolve_command(ctx, [ALIASES[args[0]], *args[1:]])
            near = get_close_matches(args[0], self.list_commands(ctx), 1, 0.7)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from error


def find_commands() -> dict[str, str]:
    """The module of each command, by the command's name; imports none of them."""
    return {
        module.name.replace("_", "-"): f"lockgate.commands.{folder.name}.{module.name}"
        for folder in pkgutil.iter_modules(commands.__path__)
        for module in pkgutil.iter_modules([f"{commands.__path__[0]}/{folder.name}"])
    }


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, asked: _show_version(context) if asked else None,
    help="Show the versions of lockgate, of Python and of the drivers.",
)
def cli() -> None:
    """Plan SQL migrations, review the plan, apply exactly that plan.

    PostgreSQL, MySQL and MariaDB. Start with `migrate new NAME`, then `migrate plan` and
    `migrate apply plan.json`; `migrate up` does both at once.
    """


def _show_version(context: click.Context) -> None:
    """What a bug report needs, and ends."""
    import platform
    from importlib.metadata import version

    click.echo(f"lockgate, version {__version__}")
    click.echo(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    click.echo(", ".join(f"{driver} {version(driver)}" for driver in ("psycopg", "PyMySQL")))
    context.exit()


def run() -> None:
    """Runs the command line of this process and ends it."""
    gc.set_threshold(*RARELY)
    catch_signals()
    prepare_streams()
    try:
        code = main(sys.argv[1:])
    except Interrupted as interrupted:  # while the end was being told
        code = exit_code(interrupted)
    ignore_signals()
    sys.exit(code)


def main(arguments: list[str]) -> int:
    """Runs a command line; its exit code."""
    invocation = Invocation()
    try:
        code = cli.main(
            _spelled_out(arguments), prog_name="migrate", standalone_mode=False, obj=invocation
        )
        flush(sys.stdout)
        return int(code or Exit.OK)
    except click.ClickException as error:
        return _show_usage(error, invocation)
    except SystemExit:  # click's way to say that its reader has left: `migrate --help | head`
        return Exit.OK
    except Exception as error:
        ended = _end_of_run(error) or _interruption(error)
        if ended:
            return _show(ended, invocation)
        if isinstance(error, LockgateError):
            return _show(error, invocation)
        refused = _refusal(error)
        return _show(refused, invocation) if refused else _show_bug(error, invocation)


def _spelled_out(arguments: list[str]) -> list[str]:
    """`help up` as `up --help`, and `version` as `--version`."""
    match arguments:
        case ["version"]:
            return ["--version"]
        case ["help", *words]:
            return [*words, "--help"]
    return arguments


def _end_of_run(error: BaseException) -> RunError | None:
    """How a run had ended, where a signal came while that was passed on. Who raises Interrupted
    from another error knows better: that of a rehearsal is the plan's end."""
    if not isinstance(error, Interrupted) or error.__cause__:
        return None
    return next((each for each in _causes(error) if isinstance(each, RunError)), None)


def _interruption(error: BaseException) -> Interrupted | None:
    """The signal that caused an error: a driver stopped in its work may complain of that."""
    if isinstance(error, Interrupted | RunError):
        return None
    cause = next((each for each in _causes(error) if isinstance(each, Interrupted)), None)
    if cause is None:
        return None
    interrupted = Interrupted(cause.signal_number, f"Interrupted: {error}")
    interrupted.why = "What was not committed is undone by the server."
    interrupted.do = "See `migrate status`."
    return interrupted


def _refusal(error: Exception) -> UsageError | None:
    """What to say when the server refuses what lockgate itself asks."""
    from lockgate.executors.failure import ServerError, advice

    if not isinstance(error, ServerError):
        return None
    return UsageError(
        f"The server refused what lockgate asked: {error}.",
        why="Nothing was changed.",
        do=advice(
            error,
            "Give the role its rights: SELECT on the history table, lockgate_target, "
            "lockgate_runs, lockgate_plans and lockgate_journal to plan; to apply also INSERT, "
            "UPDATE and DELETE. `migrate doctor` shows the GRANT to copy.",
        ),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what caused it, and so on; a chain may lead back into itself."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _show(error: LockgateError, invocation: Invocation) -> int:
    from lockgate.views import errors

    errors.show_text(error)
    return _tell_program(error, exit_code(error), invocation)


def _show_usage(error: click.ClickException, invocation: Invocation) -> int:
    error.show()
    return _tell_program(UsageError(error.format_message()), Exit.USAGE, invocation)


def _show_bug(error: Exception, invocation: Invocation) -> int:
    what = f"Unexpected error: {type(error).__name__}: {error}"
    if os.environ.get("LOCKGATE_DEBUG"):
        import traceback

        tell("".join(traceback.format_exception(error)).rstrip())
    tell(what, "bold red")
    for note in getattr(error, "__notes__", ()):
        tell(note)
    tell("This is a bug in lockgate. LOCKGATE_DEBUG=1 shows where it happened; `migrate status` "
         "shows whether a run is half done.")  # fmt: skip
    return _tell_program(LockgateError(what), Exit.BUG, invocation)


def _tell_program(error: LockgateError, code: int, invocation: Invocation) -> int:
    """The code, after a program that waits for JSON has got the error too."""
    if invocation.events:
        from lockgate.views.run import events

        events.show_error(error, code)
    elif invocation.document:
        from lockgate.views import errors

        errors.show_json(error, code)
    return code
