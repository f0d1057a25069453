"""The entry point: finds the command, runs it, and turns errors into exit codes.

Imports as little as `migrate --help` needs; a command imports what it uses when it runs.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from dataclasses import dataclass

import click

from lockgate import __version__, commands
from lockgate.exits import Exit, exit_code
from planner.errors import LockgateError


@dataclass
class Invocation:
    """What the entry point must know of the command that ran, to end it."""

    json: bool = False


class CommandFolder(click.Group):
    """A group whose commands are the modules of `lockgate.commands`, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"lockgate.commands.{name}").command
        return command


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lockgate")
def cli() -> None:
    """Plan SQL migrations, review the plan, apply exactly that plan.

    PostgreSQL, MySQL and MariaDB. Start with `migrate new NAME`, then `migrate plan` and
    `migrate apply plan.json`; `migrate up` does both at once.
    """


def run() -> None:
    """Runs the command line of this process and ends it."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Runs a command line; its exit code."""
    invocation = Invocation()
    try:
        code = cli.main(arguments, prog_name="migrate", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
        return int(code or Exit.OK)
    except LockgateError as error:
        _show(error, invocation)
        return exit_code(error)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left: `migrate status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        _show_bug(error)
        return Exit.BUG


def _show(error: LockgateError, invocation: Invocation) -> None:
    from lockgate.views import text

    text.show_error(error)
    if invocation.json:
        from lockgate.views import events

        events.show_outcome(exit_code(error), str(error))


def _show_bug(error: Exception) -> None:
    if os.environ.get("LOCKGATE_DEBUG"):
        raise error
    click.echo(
        f"Unexpected error: {type(error).__name__}: {error}\n"
        "This is a bug in lockgate. LOCKGATE_DEBUG=1 shows where it happened.",
        err=True,
    )
