"""A fleet's plan as a comment of a pull request: its targets, each group's plan, who is left out.

Cuts what a comment cannot hold, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockgate.planner.quantities import spell_digest
from lockgate.views.fleet.text import by_reason, by_wave, describe_group, name_some, summarise_plan
from lockgate.views.markup import code, escape, table
from lockgate.views.plan.markdown import LONGEST, render_markdown
from lockgate.views.plan.review import count, review

if TYPE_CHECKING:
    from lockgate.planner.fleet.fleet_plan import FleetPlan
    from lockgate.trust.approvals import ApprovalState

LEAST = 2_000
"""Characters that a group's plan is given, or it is left to the text."""


def render_fleet_markdown(plan: FleetPlan, approvals: ApprovalState) -> str:
    """The comment, of at most `LONGEST` characters; its first line lets a job find the comment
    that it wrote before."""
    head = "\n\n".join(_head(plan, approvals))
    room = LONGEST - len(head) - LEAST
    parts = [head]
    for number, group in enumerate(plan.groups, 1):
        title = f"### Group {number}: {escape(describe_group(group))}"
        if room < LEAST + len(title):
            left = len(plan.groups) - number + 1
            parts.append(f"> **{count(left, 'more group')} not shown here**: see `migrate show`.")
            break
        body = render_markdown(review(group.plan), longest=room - len(title)).partition("\n")[2]
        parts.append(f"{title}\n{body.rstrip()}")
        room -= len(parts[-1])
    return "\n\n".join(parts) + "\n"


def _head(plan: FleetPlan, approvals: ApprovalState) -> Iterator[str]:
    from lockgate.views.plan.approvals import render_approvals

    yield f"<!-- lockgate-plan {re.sub(r'[^A-Za-z0-9_.]+', '-', plan.environment)} -->"
    yield f"## {escape(summarise_plan(plan))} on {code(plan.environment)}"
    waves = (
        (f"wave {wave}", f"{count(len(names), 'target')}: {escape(name_some(names))}")
        for wave, names in sorted(by_wave(plan).items())
    )
    rows = [
        ("intent", code(spell_digest(plan.intent_digest))),
        ("plan", code(spell_digest(plan.digest))),
        *waves,
    ]
    yield table(("", ""), rows)
    signed = render_approvals(approvals)
    if signed:
        yield signed
    left = [
        (reason, escape(name_some(names)), escape(detail))
        for (reason, detail), names in by_reason(plan.odd).items()
    ]
    if left:
        yield "#### Not included\n\n" + table(("reason", "targets", ""), left)
