"""A fleet's plan as one HTML file: its waves, who is left out, and each group's plan in short.

Decides nothing: `review` digests each group's plan, the template lays it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lockgate.planner.quantities import spell_digest
from lockgate.planner.review.sql_runs import cut_sql
from lockgate.views.fleet.text import by_reason, by_wave, describe_group, name_some, summarise_plan
from lockgate.views.page import open_templates, render_page
from lockgate.views.plan import summary
from lockgate.views.plan.approvals import spell_approvals
from lockgate.views.plan.html import highlight
from lockgate.views.plan.review import review, spell_lock, spell_rows

if TYPE_CHECKING:
    from lockgate.planner.fleet.fleet_plan import FleetPlan, Group
    from lockgate.trust.approvals import ApprovalState

OPEN = 5
"""Steps of a group that are all unfolded from the beginning."""


def render_fleet_plan(plan: FleetPlan, approvals: ApprovalState) -> str:
    """The page: needs no network and no script."""
    return render_page(
        open_templates(FILTERS),
        "fleet_plan",
        "",
        plan=plan,
        title=summarise_plan(plan),
        waves=sorted(by_wave(plan).items()),
        odd=list(by_reason(plan.odd).items()),
        groups=[_group(group) for group in plan.groups],
        signed=spell_approvals(approvals),
        missing=approvals.missing,
        open_steps=OPEN,
    )


def _group(group: Group) -> dict[str, Any]:
    """A group for the template."""
    seen, dialect = review(group.plan), group.plan.target.dialect
    return {
        "title": describe_group(group),
        "facts": summary.find_facts(seen),
        "lost": summary.gather_losses(seen.losses),
        "topics": summary.find_topics(seen.remarks),
        "locks": summary.gather_locks(seen.locks),
        "steps": [
            (step, [highlight(cut_sql(one.sql, dialect)) for one in step.statements])
            for step in seen.plan.steps
        ],
    }


FILTERS = {
    "grouped": spell_digest,
    "some": name_some,
    "effects": summary.spell_effects,
    "lock": spell_lock,
    "rows": spell_rows,
    "size": summary.spell_size,
}
