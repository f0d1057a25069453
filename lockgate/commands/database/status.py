"""`migrate status`: each migration, and whether it is applied, in one environment or in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import (
    Invocation,
    environment_option,
    environments_option,
    json_option,
    wait_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Show which migrations are applied.")
@environment_option
@environments_option
@wait_option
@click.option("--targets", "each", is_flag=True, help="Each target of a fleet, not their numbers.")
@click.option("--cached", is_flag=True, help="Of a fleet: what is noted of its last run.")
@click.option("--verify", is_flag=True, help="Of a fleet: ask all, and correct what is noted.")
@click.option("--all", "everywhere", is_flag=True, help="All environments, side by side.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="How to show it: `html` is one page for the browser, of all environments.",
)
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    folder: EnvironmentsFolder | None,
    each: bool,
    cached: bool,
    verify: bool,
    everywhere: bool,
    style: str,
    as_json: bool,
) -> int:
    """Show each migration and whether it is applied.

    Exits 10 when an applied file was changed or is gone, 7 when a run stopped half-way, 12 when
    it has stopped between two batches and goes on by the same command. A run that is still under
    way is shown as that. With --all, an environment that cannot be reached is named, and the
    others are shown. Of a fleet it exits 0: the states of its targets tell, as numbers, with
    --targets or in --json.

    \b
    Examples:
      migrate status
      migrate status -e production --json
      migrate status --all
      migrate status --all --format html > status.html
    """
    from lockgate.workspace import load_environment

    chosen = "json" if as_json else style
    if everywhere:
        code = _show_all(folder, chosen)
        invocation.document = False
        return code
    environment = load_environment(name, folder)
    if environment.fleet is not None:
        from lockgate.fleet.showing import show_status

        show_status(environment, chosen, each=each, cached=cached, verify=verify)
        invocation.document = False
        return 0
    return _show_one(invocation, environment, chosen)


def _show_one(invocation: Invocation, environment: Environment, style: str) -> int:
    from lockgate.planner.errors import UsageError
    from lockgate.status import read_stand
    from lockgate.views.database import lock, migrations

    if style == "html":
        raise UsageError("The page shows all environments.", do="Add `--all`.")
    stand = read_stand(environment)
    show = migrations.show_json if style == "json" else migrations.show_text
    show(stand.standings, stand.ledger, stand.warnings, stand.batches)
    invocation.document = False
    if stand.holder and style == "text":
        lock.show_text(stand.holder)
    if stand.problem:
        raise stand.problem
    return 0


def _show_all(folder: EnvironmentsFolder | None, style: str) -> int:
    from lockgate.planner.building.matrix import lay_out
    from lockgate.status import read_columns
    from lockgate.views.database import matrix
    from lockgate.workspace import nearest_environments

    columns, end = read_columns(folder or nearest_environments())
    matrix.SHOWN[style](lay_out(columns))
    return end
