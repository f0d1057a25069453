"""A fleet's plan as the JSON document that its file is."""

from __future__ import annotations

from lockgate.planner.document import render_document
from lockgate.planner.fleet.fleet_plan import FleetPlan
from lockgate.views.terminal import say_json


def show_plan(plan: FleetPlan) -> None:
    """A fleet's plan on stdout, as its file holds it."""
    say_json(render_document(plan).rstrip("\n"))
