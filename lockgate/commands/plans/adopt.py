"""`migrate adopt`: what another tool has applied, taken over by a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lockgate.options import (
    Invocation,
    delivery_options,
    environment_option,
    environments_option,
    json_option,
    wait_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Take over another tool's history.")
@environment_option
@environments_option
@wait_option
@click.option(
    "--from",
    "tool",
    default="auto",
    show_default=True,
    metavar="TOOL",
    help="Whose history: flyway, dbmate, alembic …; auto: the only one that is there.",
)
@click.option(
    "--table",
    metavar="NAME",
    help="With --from: its table, where that has not the name that the tool gives it.",
)
@click.option(
    "--baseline",
    metavar="VERSION",
    help="What is up to this version is what the other tool has made, whatever its rows say.",
)
@click.option(
    "--verify/--no-verify",
    "verify",
    default=None,
    help="Replay what is taken over on a scratch database and compare the schemas. Default: where "
    "one can be made: on PostgreSQL, or with `rehearsal:` in the environment.",
)
@click.option(
    "--rename",
    is_flag=True,
    help="After the plan was applied: give the other tool's table another name.",
)
@click.option(
    "--undo", is_flag=True, help="Drop lockgate's own tables; the other tool's are as they were."
)
@delivery_options("adopt.json")
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    folder: EnvironmentsFolder | None,
    tool: str,
    table: str | None,
    baseline: str | None,
    delivery: dict[str, Any],
    verify: bool | None,
    rename: bool,
    undo: bool,
    as_json: bool,
) -> int:
    """Write a plan that records what another tool has applied, and runs none of it.

    The other tool's table is found by its name and columns. Exactly what it says is applied is
    recorded, with its times, and what it has not applied stays pending. Reads only; `migrate apply`
    then records it in one transaction. After that a change in the other tool's table is exit 10.

    \b
    Examples:
      migrate adopt -e production -o adopt.json
      migrate apply adopt.json
      migrate adopt --from alembic --baseline 0001
      migrate adopt --rename
      migrate adopt --undo
    """
    _refuse_besides(click.get_current_context(), rename=rename, undo=undo)
    from lockgate.planner.environments.judgement import refuse_denied
    from lockgate.plans.adoption import Source, plan_adoption
    from lockgate.plans.delivery import Delivery
    from lockgate.runs.adopted import rename_adopted, undo_adoption
    from lockgate.workspace import load_environment

    environment = load_environment(name, folder)
    if rename or undo:
        (undo_adoption if undo else rename_adopted)(environment)
        invocation.document = False
        return 0
    deliver = Delivery(**delivery)
    deliver.refuse_impossible()
    plan = plan_adoption(environment, Source(tool, table), baseline, verify=verify)
    deliver.hand_out(plan, as_json=as_json)
    invocation.document = False
    refuse_denied(plan.decisions)
    return 0


def _refuse_besides(context: click.Context, *, rename: bool, undo: bool) -> None:
    """Refuses what `--undo` and `--rename` would pass over: they write no plan."""
    from lockgate.planner.errors import UsageError

    alone = "undo" if undo else "rename" if rename else None
    for parameter in context.command.params:
        key = parameter.name or ""
        given = context.get_parameter_source(key) is ParameterSource.COMMANDLINE
        if alone and given and key not in (alone, "name", "folder", "wait"):
            raise UsageError(
                f"`--{alone}` writes no plan, and takes no `{max(parameter.opts, key=len)}`.",
                do="`--undo` gives the other tool's table its old name back by itself."
                if key == "rename"
                else f"Give `migrate adopt --{alone}` alone.",
            )
