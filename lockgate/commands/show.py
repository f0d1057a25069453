"""`migrate show`: a plan file for its reader."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Show a plan file.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sql"]),
    default="text",
    show_default=True,
    help="How to show it; `sql` runs in psql or mysql.",
)
def command(plan_file: Path, style: str) -> int:
    """Show what a plan would do; needs neither a database nor the migrations.

    The plan's digest is checked first, so what is shown is what would be run.

    \b
    Examples:
      migrate show plan.json
      migrate show plan.json --format sql > review.sql
    """
    from lockgate.views import json, sql, text
    from lockgate.views.terminal import say_sql
    from planner.planfile import read_plan

    plan = read_plan(plan_file)
    if style == "json":
        json.show_plan(plan)
    elif style == "sql":
        say_sql(sql.render_sql(plan))
    else:
        text.show_plan(plan)
    return 0
