"""A plan as the JSON document that its file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.document import render_document
from lockgate.views.terminal import say_json

if TYPE_CHECKING:
    from lockgate.trust.approvals import Signable


def show_plan(plan: Signable) -> None:
    """A plan on stdout, as its file holds it."""
    say_json(render_document(plan).rstrip("\n"))
