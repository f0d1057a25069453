"""A warning of a connection that others can read along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.views.terminal import tell

if TYPE_CHECKING:
    from lockgate.workspace import Workspace

CLEAR_TEXT = (
    "The connection is not encrypted, and the server is on another machine. Ask for TLS with the "
    "option `tls: verify-full`, or say `tls: off`."
)


def tell_clear_text(work: Workspace) -> None:
    """Says so where the environment does not ask for it."""
    if work.is_exposed:
        tell(CLEAR_TEXT, "yellow")
