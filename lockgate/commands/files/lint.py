"""`migrate lint`: what is risky in the migration files? Without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.planner.finding import Located


@click.command(short_help="Find what is risky in the migration files, without a database.")
@environment_option
@environments_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sarif", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="How to show it; `github`: annotations in a workflow, `gitlab`: a Code Quality report.",
)
@click.option("--from", "first", metavar="VERSION", help="Pass over the versions before this one.")
def command(name: str, folder: EnvironmentsFolder | None, style: str, first: str | None) -> int:
    """Find locks, rewrites, lost data and broken promises in every migration file.

    No database is asked, so no size is known. A finding is waived in its file, above the
    statement or for all of it above `-- migrate:up`: `-- migrate:allow CODE reason`.
    Exits 3 when a danger is not waived, unless the environment's policy lets findings pass.

    \b
    Examples:
      migrate lint
      migrate lint -e production --format sarif > lint.sarif
    """
    from lockgate.exits import Exit
    from lockgate.planner.policies.findings import fails_lint
    from lockgate.plans.linting import lint_environment
    from lockgate.workspace import load_environment

    environment = load_environment(name, folder)
    found = lint_environment(environment, first)
    _show(found, style)
    denies = fails_lint(environment.policy.findings)
    return Exit.DENIED if denies and any(one.finding.is_refused for one in found) else Exit.OK


def _show(found: tuple[Located, ...], style: str) -> None:
    from lockgate.views import json
    from lockgate.views.findings import github, gitlab, listing, sarif

    if style == "json":
        listing.show_json(found)
    elif style == "sarif":
        json.show_document(sarif.render_sarif(found))
    elif style == "gitlab":
        json.show_document(gitlab.render_code_quality(found))
    elif style == "github":
        github.show_annotations(found)
    else:
        listing.show_text(found)
