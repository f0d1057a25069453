"""`migrate diff-plan`: what differs between the reviewed plan and the released one."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import json_option


@click.command("diff-plan", short_help="Show what differs between two plan files.")
@click.argument("before", metavar="REVIEWED", type=click.Path(path_type=Path))
@click.argument("after", metavar="RELEASED", type=click.Path(path_type=Path))
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when the intent is another.")
@json_option
def command(before: Path, after: Path, detailed_exitcode: bool, as_json: bool) -> int:
    """Show what differs between two plan files; needs neither a database nor the migrations.

    The intent is the SQL that runs, with its order and direction, on whatever database. Where it
    is the same, what was reviewed is what is released.

    \b
    Examples:
      migrate diff-plan reviewed.json fresh.json
      migrate diff-plan reviewed.json fresh.json --detailed-exitcode && migrate apply fresh.json
    """
    from lockgate.exits import Exit
    from lockgate.planner.plan.difference import compare_plans
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.views.plan import difference as plan_diff
    from lockgate.views.plan.review import masked

    difference = compare_plans(masked(read_plan(before)), masked(read_plan(after)))
    (plan_diff.show_json if as_json else plan_diff.show_text)(difference)
    return Exit.CHANGES if detailed_exitcode and not difference.same_intent else Exit.OK
