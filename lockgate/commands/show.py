"""`migrate show`: a plan file for its reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from planner.plan import Plan


@click.command(short_help="Show a plan file.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "html", "json", "sql"]),
    default="text",
    show_default=True,
    help="How to show it: `markdown` is a pull request's comment, `html` one page for the browser, "
    "`sql` runs in psql or mysql.",
)
def command(plan_file: Path, style: str) -> int:
    """Show what a plan would do; needs neither a database nor the migrations.

    The plan's digest is checked first, so what is shown is what would be run.

    \b
    Examples:
      migrate show plan.json
      migrate show plan.json --format html > plan.html
      migrate show plan.json --format sql > review.sql
    """
    from planner.planfile import read_plan

    SHOWN[style](read_plan(plan_file))
    return 0


def _show_text(plan: Plan) -> None:
    from lockgate.views import text

    text.show_plan(plan)


def _show_markdown(plan: Plan) -> None:
    from lockgate.views.markdown import render_markdown
    from lockgate.views.review import review
    from lockgate.views.terminal import say

    say(render_markdown(review(plan)).rstrip("\n"))


def _show_html(plan: Plan) -> None:
    from lockgate.views.html import render_html
    from lockgate.views.review import review
    from lockgate.views.terminal import say

    say(render_html(review(plan)).rstrip("\n"))


def _show_json(plan: Plan) -> None:
    from lockgate.views import json

    json.show_plan(plan)


def _show_sql(plan: Plan) -> None:
    from lockgate.views import sql
    from lockgate.views.terminal import say_sql

    say_sql(sql.render_sql(plan))


SHOWN = {
    "text": _show_text,
    "markdown": _show_markdown,
    "html": _show_html,
    "json": _show_json,
    "sql": _show_sql,
}
