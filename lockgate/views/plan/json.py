"""A plan as the JSON document that its file is."""

from __future__ import annotations

from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import render_plan
from lockgate.views.terminal import say_json


def show_plan(plan: Plan) -> None:
    """A plan on stdout, as its file holds it."""
    say_json(render_plan(plan).rstrip("\n"))
