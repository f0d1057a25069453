"""`migrate fix`: which SQL does the same, and keeps less closed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Show, or write, the SQL that does the same and keeps less closed.")
@environment_option
@environments_option
@click.argument("file", required=False)
@click.option("--write", is_flag=True, help="Write the files; without it they are only shown.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "html"]),
    default="text",
    show_default=True,
    help="How to show it: `html` is one page for the browser, with the locks side by side.",
)
def command(
    name: str, folder: EnvironmentsFolder | None, file: str | None, write: bool, style: str
) -> int:
    """Show what a migration is with its long locks taken apart: as a diff of its file, and new
    files after the folder's last.

    FILE is a migration that is not applied, by its file or its version; without it all of them
    are looked at. The original and the rewritten files are run on two scratch databases. What does
    not leave the same objects is not offered, and the reason is shown. The locks of both are
    shown as they were seen there.

    \b
    Examples:
      migrate fix 007_add_email.sql
      migrate fix --write
      migrate fix --format html > fix.html
    """
    from lockgate.plans.fixing import propose
    from lockgate.scaffold import write_rewritten
    from lockgate.views.findings import fix
    from lockgate.workspace import load_environment, open_workspace

    environment = load_environment(name, folder)
    with open_workspace(environment) as work:
        proposals = []
        for proposal in propose(work, file):
            proposals.append(proposal)
            if style == "text":
                fix.show_proposal(proposal)
    if write:
        for proposal in proposals:
            write_rewritten(environment.migrations_directory, proposal.files)
    if style == "html":
        from lockgate.views.findings.fix_page import show_page

        show_page(proposals)
    else:
        fix.show_outcome(proposals, file, written=write)
    return 0
