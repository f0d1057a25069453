"""`migrate show`: a plan file for its reader."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from lockgate.options import environments_option
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.planner.plan.difference import PlanDifference
    from lockgate.planner.plan.plan import Plan
    from lockgate.trust.approvals import ApprovalState, Signable


FINDINGS = ("sarif", "github", "gitlab")
"""Formats in which a code host reads findings."""


@click.command(short_help="Show a plan file.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "html", "json", "sql", *FINDINGS]),
    default="text",
    show_default=True,
    help="How to show it: `markdown` is a pull request's comment, `html` one page for the browser, "
    "`sql` runs in psql or mysql, `sarif`, `github` and `gitlab` are its findings for a code host.",
)
@click.option(
    "--migrations",
    default="migrations",
    show_default=True,
    metavar="FOLDER",
    help="Where the migrations lie from the repository's root, for findings: a plan does not say.",
)
@click.option(
    "--since",
    "earlier",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="An earlier plan: a comment or page says first what has changed since.",
)
@environments_option
def command(
    plan_file: Path,
    style: str,
    migrations: str,
    earlier: Path | None,
    folder: EnvironmentsFolder | None,
) -> int:
    """Show what a plan would do; needs neither a database nor the migrations.

    The plan's digest is checked first, so what is shown is what would be run. As text, as a
    comment and as a page it tells too who has approved the plan, and who is missing.

    \b
    Examples:
      migrate show plan.json
      migrate show plan.json --format html > plan.html
      migrate show plan.json --format markdown --since reviewed.json > comment.md
      migrate show plan.json --format sql > review.sql
    """
    from lockgate.planner.fleet.fleet_plan import is_fleet_plan, read_fleet_plan
    from lockgate.planner.plan.planfile import read_plan

    is_fleet = is_fleet_plan(plan_file)
    if earlier and (is_fleet or style not in REVIEWED):
        raise UsageError(
            "`--since` is for a comment or a page of one database's plan.",
            do=f"Add `--format {' or '.join(REVIEWED)}`, or leave `--since` away.",
        )
    if is_fleet:
        from lockgate.fleet.showing import show_fleet_plan

        fleet = read_fleet_plan(plan_file)
        show_fleet_plan(fleet, style, _read_approvals(fleet, plan_file, folder))
        return 0
    plan = read_plan(plan_file)
    if style in FINDINGS:
        _show_findings(plan, style, migrations)
    elif style == "text":
        _show_text(plan, _read_approvals(plan, plan_file, folder))
    elif style in REVIEWED:
        approvals = _read_approvals(plan, plan_file, folder)
        REVIEWED[style](plan, approvals, _compare(earlier, plan))
    else:
        SHOWN[style](plan)
    return 0


def _show_text(plan: Plan, approvals: ApprovalState) -> None:
    from lockgate.views.plan import text
    from lockgate.views.plan.approvals import show_approvals

    text.show_plan(plan)
    show_approvals(approvals)


def _read_approvals(
    plan: Signable, plan_file: Path, folder: EnvironmentsFolder | None
) -> ApprovalState:
    """What is signed and what is missing, by this machine's clock; unverified signatures where
    there is no environment that says whose keys are good. Where nothing is signed and the plan asks
    for nothing, no environment is read."""
    from datetime import UTC, datetime

    from lockgate.trust.approvals import (
        Approval,
        ApprovalState,
        find_approvals,
        read_approval_state,
    )

    asks = any(decision.answer == "require-approval" for decision in plan.decisions)
    if not asks and not find_approvals(plan_file):
        return ApprovalState()
    from lockgate.workspace import load_environment

    try:
        environment = load_environment(plan.environment, folder)
    except UsageError as error:
        unverified = f"not verified: {error.what}"
        found = find_approvals(plan_file)
        return ApprovalState(tuple(Approval(path, problem=unverified) for path in found))
    return read_approval_state(plan, plan_file, environment, datetime.now(UTC))


def _compare(earlier: Path | None, plan: Plan) -> PlanDifference | None:
    """What differs from an earlier plan, if one is given."""
    if earlier is None:
        return None
    from lockgate.planner.plan.difference import compare_plans
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.views.plan.review import masked

    return compare_plans(masked(read_plan(earlier)), masked(plan))


def _show_markdown(plan: Plan, approvals: ApprovalState, since: PlanDifference | None) -> None:
    from lockgate.views.plan.markdown import render_markdown
    from lockgate.views.plan.review import review
    from lockgate.views.terminal import say_document

    say_document(render_markdown(review(plan), approvals, since).rstrip("\n"))


def _show_html(plan: Plan, approvals: ApprovalState, since: PlanDifference | None) -> None:
    from lockgate.views.plan.html import render_html
    from lockgate.views.plan.review import review
    from lockgate.views.terminal import say_document

    say_document(render_html(review(plan), approvals, since).rstrip("\n"))


def _show_json(plan: Plan) -> None:
    from lockgate.views.plan import json

    json.show_plan(plan)


def _show_findings(plan: Plan, style: str, migrations: str) -> None:
    from lockgate.planner.finding import locate_finding
    from lockgate.views import json
    from lockgate.views.findings import github, gitlab, sarif

    folder = PurePosixPath(migrations)
    found = [
        locate_finding((folder / step.file).as_posix(), step.direction, finding, at.sql, at.line)
        for step in plan.steps
        for finding in step.findings
        for at in step.statements[max(finding.statement - 1, 0) :][:1]
    ]
    if style == "github":
        github.show_annotations(found)
    elif style == "gitlab":
        json.show_document(gitlab.render_code_quality(found))
    else:
        json.show_document(sarif.render_sarif(found))


def _show_sql(plan: Plan) -> None:
    from lockgate.views.plan import sql
    from lockgate.views.terminal import say_sql

    say_sql(sql.render_sql(plan))


REVIEWED = {"markdown": _show_markdown, "html": _show_html}
SHOWN = {
    "json": _show_json,
    "sql": _show_sql,
}
