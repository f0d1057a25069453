"""A plan as one HTML file that needs no network and, to be read, no script.

Decides nothing: `review` digests the plan, the template lays it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from markupsafe import Markup, escape

from lockgate.views import rehearsal
from lockgate.views.dependencies import draw_dependencies
from lockgate.views.highlight import cut_sql
from lockgate.views.page import open_templates, render_page
from lockgate.views.review import SEVERITIES, Remark, Review, count, reveal, spell_lock, spell_rows
from planner.dialect import DIALECTS, POSTGRESQL, Dialect
from planner.plan import Measured
from planner.quantities import format_size

LONGEST_OPEN = 40
"""Rows of a list that is unfolded from the beginning."""
ANSWERED = {"allow": "info", "warn": "warning", "require-approval": "warning", "deny": "danger"}
WORKS = {"none": "", "scan": "reads all rows", "rewrite": "rewrites all rows"}
BLOCKS = {"nothing": "", "writes": "writes wait", "reads": "reads and writes wait"}


def render_html(review: Review) -> str:
    """The page."""
    dialect = DIALECTS.get(review.plan.target.engine, POSTGRESQL)
    return render_page(
        open_templates(FILTERS),
        "plan",
        "plan.js",
        review=review,
        plan=review.plan,
        drawing=draw_dependencies(review.plan),
        remarks=_by_step(review.remarks),
        step_of=_numbers(review).get,
        longest_open=LONGEST_OPEN,
        seen=review.plan.rehearsal,
        measured=_measured(review),
        headline=rehearsal.headline,
        outcomes=rehearsal.outcomes,
        costly=rehearsal.costly,
        costs=rehearsal.costs,
        spell_place=rehearsal.place,
        highlight=lambda sql: highlight(sql, dialect),
    )


def highlight(sql: str, dialect: Dialect) -> Markup:
    """SQL with its runs in spans of a class each."""
    spans = (
        (kind, "".join(text for _, text in runs))
        for kind, runs in groupby(cut_sql(sql, dialect), key=lambda run: run[0])
    )
    return Markup("").join(
        Markup('<span class="{}">{}</span>').format(kind, reveal(text))
        if kind
        else escape(reveal(text))
        for kind, text in spans
    )


def gravest(remarks: Iterable[Remark]) -> str:
    """The gravest grade among findings; empty without any that is not allowed."""
    found = {remark.grade for remark in remarks}
    return next((severity for severity in SEVERITIES if severity in found), "")


FILTERS = {
    "answered": ANSWERED.__getitem__,
    "blocks": BLOCKS.__getitem__,
    "count": count,
    "gravest": gravest,
    "lock": spell_lock,
    "rows": spell_rows,
    "size": lambda size: "unknown" if size is None else f"~{format_size(size)}",
    "works": WORKS.__getitem__,
}


def _numbers(review: Review) -> dict[str, int]:
    """The number of the step that a required version is, whatever zeros stand before it."""
    steps = {int(step.version): number for number, step in enumerate(review.plan.steps, 1)}
    required = {version for step in review.plan.steps for version in step.requires}
    return {version: steps[int(version)] for version in required if int(version) in steps}


def _measured(review: Review) -> dict[tuple[int, int], Measured]:
    """What was measured of a statement, by the numbers of its step and its own."""
    seen = review.plan.rehearsal
    return {(one.step, one.statement): one for one in seen.measured} if seen else {}


def _by_step(remarks: Iterable[Remark]) -> dict[int, list[Remark]]:
    found: dict[int, list[Remark]] = {}
    for remark in remarks:
        found.setdefault(remark.place.number, []).append(remark)
    return found
