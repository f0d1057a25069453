"""`migrate history`: who ran what, when, and how it ended."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import environment_option, environments_option, json_option


@click.command(short_help="Show who ran what, when, and how it ended.")
@environment_option
@environments_option
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs."
)
@json_option
def command(name: str, folder: Path | None, limit: int, as_json: bool) -> int:
    """Show the runs of a database, the newest first."""
    from lockgate.views import json, text
    from lockgate.work import load_environment, open_work

    with open_work(load_environment(name, folder)) as work:
        runs = work.engine.read_runs(limit)
    (json if as_json else text).show_history(runs)
    return 0
