"""lockgate talks: the command line, what it prints, and nothing that it decides.

agent/            Tools for agents: what a program that writes SQL may ask of lockgate
api.py            lockgate from Python
checkout.py       What git has of the project
ci_job.py         The job of a CI system that runs this process
commands/         The commands: one a file, in folders by subject, found by being there
executors/        Executors run plans and talk to databases and other programs; they decide nothing
exits.py          Exit codes: what a shell learns of how a command ended
fleet/            Fleets: one plan for many databases, for the commands
main.py           The entry point: finds the command, runs it, and turns errors into exit codes
options.py        Command-line options that several commands share
planner/          The planner decides: values in, values out
plans/            Plans in the making: an environment, its database and its files brought together
pytest_plugin.py  The pytest plugin
runs/             Runs, for the commands
scaffold.py       New migration files, and the first files of a project
signals.py        SIGINT and SIGTERM as an exception, so that what runs is undone on the way out
status.py         The states of an environment's migrations: its files held against its database
testing.py        Databases for tests: one is migrated, and each test gets a clone of it
threads.py        Work in a thread of its own, for what only waits for others
trust/            Whether a plan may begin, and who says so
views/            Everything that is printed: values in, text or one document out
workspace.py      What most commands begin with, and `.env`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lockgate.api import Database, Plan, Report, Stand, open, read_plan, write_plan

__all__ = ["Database", "Plan", "Report", "Stand", "open", "read_plan", "write_plan"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The names of `lockgate.api`, imported when they are asked for: a command needs none."""
    if name not in __all__:
        raise AttributeError(f"module 'lockgate' has no attribute {name!r}")
    from lockgate import api

    return getattr(api, name)
