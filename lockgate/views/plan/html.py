"""A plan as one HTML file that needs no network and, to be read, no script.

Decides nothing: `review` digests the plan, the template lays it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup, escape

from lockgate.planner.hidden import reveal
from lockgate.planner.plan.plan import Measured, Plan
from lockgate.planner.quantities import spell_digest
from lockgate.planner.review.sql_runs import cut_sql
from lockgate.planner.versions import version_key
from lockgate.views import since
from lockgate.views.batches import describe_batch
from lockgate.views.findings.links import page_of
from lockgate.views.page import open_templates, render_page
from lockgate.views.plan import changes, rehearsal, summary
from lockgate.views.plan.approvals import spell_approvals
from lockgate.views.plan.dependencies import draw_dependencies
from lockgate.views.plan.difference import sql_lines
from lockgate.views.plan.review import (
    WORST_FIRST,
    Remark,
    Review,
    ShownLock,
    count,
    find_locks,
    spell_lock,
    spell_rows,
)

if TYPE_CHECKING:
    from lockgate.planner.plan.difference import PlanDifference
    from lockgate.trust.approvals import ApprovalState

LONGEST_OPEN = 12
"""Rows of a list that is unfolded from the beginning."""
STEPS_OPEN = 20
"""Steps that are all unfolded; of more, only those that a reviewer must read."""


def render_html(
    review: Review,
    approvals: ApprovalState | None = None,
    difference: PlanDifference | None = None,
) -> str:
    """The page; `difference` is what differs from an earlier plan."""
    dialect = review.plan.target.dialect
    return render_page(
        open_plan_templates(),
        "plan",
        "plan.js",
        review=review,
        plan=review.plan,
        drawing=draw_dependencies(review.plan),
        longest_open=LONGEST_OPEN,
        seen=review.plan.rehearsal,
        approvals=approvals,
        signed=spell_approvals(approvals) if approvals else [],
        changes=review.changes,
        **_since(difference),
        changes_heading=changes.HEADING,
        measured=_measured(review),
        headline=rehearsal.headline,
        outcomes=rehearsal.outcomes,
        costly=rehearsal.costly,
        page_of=page_of,
        costs=rehearsal.costs,
        spell_place=rehearsal.place,
        highlight=lambda sql: highlight(cut_sql(sql, dialect)),
        **_summary(review),
        **_steps(review),
    )


def _since(difference: PlanDifference | None) -> dict[str, Any]:
    """What has changed since an earlier plan."""
    steps = difference.steps if difference else ()
    told = [(each, since.notes_of(each), list(sql_lines(each))) for each in steps]
    return {"difference": difference, "since": told, "since_heading": since.HEADING,
            "same": since.SAME}  # fmt: skip


def _summary(review: Review) -> dict[str, Any]:
    """What is before the steps."""
    topics = summary.find_topics(review.remarks)
    numbers = {topic.subject: topic.number for topic in topics}
    return {
        "facts": summary.find_facts(review),
        "graded": [(grade, list(same)) for grade, same in groupby(topics, lambda one: one.grade)],
        "topic_of": lambda remark: numbers[summary.subject(remark)],
        "lost": summary.gather_losses(review.losses),
        "locks": summary.gather_locks(review.locks),
        "commit": summary.spell_commit(review.plan.source),
        "longest_first": summary.LONGEST_FIRST,
        "kept": summary.KEPT if review.keeps_locks else "",
    }


def _steps(review: Review) -> dict[str, Any]:
    """What the steps are shown by, each by the number of a step."""
    return {
        "remarks": _by_step(review.remarks),
        "locks_of": _by_statement(review.plan),
        "meanings": summary.MEANINGS,
        "way_back": lambda step: summary.spell_way_back(review.plan, step),
        "usual": find_usual_of_steps(review),
        "unfolded": _unfolded(review),
        "step_of": _numbers(review).get,
    }


def highlight(cut: Iterable[tuple[str, str]]) -> Markup:
    """SQL by its runs, in spans of a class each."""
    spans = (
        (kind, "".join(text for _, text in runs))
        for kind, runs in groupby(cut, key=lambda run: run[0])
    )
    shown = ((kind, escape(reveal(text))) for kind, text in spans)
    return Markup(
        "".join(f'<span class="{kind}">{text}</span>' if kind else text for kind, text in shown)
    )


def gravest(remarks: Iterable[Remark]) -> str:
    """The gravest grade among findings; empty without any that is not allowed."""
    found = {remark.grade for remark in remarks}
    return next((severity for severity in WORST_FIRST if severity in found), "")


FILTERS = {
    "changes_source": changes.source,
    "grouped": spell_digest,
    "count": count,
    "effects": summary.spell_effects,
    "gravest": gravest,
    "guarantees": summary.count_guarantees,
    "batch": describe_batch,
    "lock": spell_lock,
    "rows": spell_rows,
    "size": summary.spell_size,
}
TESTS = {"mixed": summary.is_mixed, "unusual": summary.is_unusual}


@cache
def open_plan_templates() -> Environment:
    """The templates of a plan, each compiled once a process."""
    templates = open_templates(FILTERS)
    templates.tests |= TESTS
    return templates


def find_usual_of_steps(review: Review) -> dict[int, str]:
    """The guarantee that needs no word at each statement, by the number of its step."""
    return {
        number: usual
        for part in review.parts
        for usual in [summary.find_usual(part)]
        for number in range(part.unit.first, part.last + 1)
    }


def _unfolded(review: Review) -> set[int]:
    """The numbers of the steps that are open from the beginning."""
    steps = review.plan.steps
    if len(steps) <= STEPS_OPEN:
        return set(range(1, len(steps) + 1))
    graded = {one.place.number for one in review.remarks if one.grade in ("danger", "warning")}
    return graded | {one.place.number for one in review.locks if one.touch.is_long}


def _numbers(review: Review) -> dict[str, int]:
    """The number of the step that a required version is, whatever zeros precede it."""
    steps = {step.key: number for number, step in enumerate(review.plan.steps, 1)}
    required = {version for step in review.plan.steps for version in step.requires}
    found = {version: steps.get(version_key(version)) for version in required}
    return {version: number for version, number in found.items() if number}


def _measured(review: Review) -> dict[tuple[int, int], Measured]:
    """What was measured of a statement, by the numbers of its step and its own."""
    seen = review.plan.rehearsal
    return {(one.step, one.statement): one for one in seen.measured} if seen else {}


def _by_statement(plan: Plan) -> dict[tuple[int, int], list[ShownLock]]:
    """The locks by the numbers of their step and statement, in the order of the statement."""
    found: dict[tuple[int, int], list[ShownLock]] = {}
    for lock in find_locks(plan):
        found.setdefault((lock.place.number, lock.place.statement), []).append(lock)
    return found


def _by_step(remarks: Iterable[Remark]) -> dict[int, list[Remark]]:
    found: dict[int, list[Remark]] = {}
    for remark in remarks:
        found.setdefault(remark.place.number, []).append(remark)
    return found
