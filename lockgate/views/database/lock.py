"""Who holds the migration lock: for people, and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.views.json import show_document
from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.executors.events import LockHolder


def show_text(holder: LockHolder | None) -> None:
    """Who holds the migration lock, on stdout."""
    if holder is None:
        say("The migration lock is free.", "green")
    else:
        say(f"The migration lock is held by {holder}.", "yellow")
        say(holder.standing, "" if holder.is_migrator else "yellow")
        if holder.ending:
            say(f"To end it, if it is no run of yours: {holder.ending}")


def show_json(holder: LockHolder | None) -> None:
    """Who holds the migration lock."""
    fields = ("pid", "user", "host", "since", "program", "is_migrator", "ending")
    shown = {name: getattr(holder, name) for name in fields} if holder else None
    show_document({"format": "lockgate-lock", "format_version": "1.1", "holder": shown})
