"""What `migrate fix` proposes, as one HTML page: the locks of both forms side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.views.findings.fix import diff_of, proof_of, rows_of
from lockgate.views.page import open_templates, render_page
from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.planner.rewriting.proposal import Proposal


def show_page(proposals: Sequence[Proposal]) -> None:
    """The page on stdout; it needs no network and no script."""
    environment = open_templates({"rows": rows_of, "proof": proof_of, "diff": diff_of})
    say(render_page(environment, "fix", "", proposals=proposals).rstrip("\n"))
