"""How a schema differs from what is expected of it: for people, and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from lockgate.views.json import show_document
from lockgate.views.plan.rehearsal import show_changes
from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.planner.database.catalogue import ObjectDifference


def show_text(found: Sequence[ObjectDifference], expected: str) -> None:
    """Object by object on stdout: `-` is expected, `+` is there."""
    if not found:
        say(f"No drift: the schema is what {expected}.", "green")
        return
    say(f"The schema is not what {expected}. - is expected, + is there:", "bold yellow")
    show_changes(found)
    count = len(found)
    say(f"{count} object{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}.")


def show_json(
    found: Sequence[ObjectDifference], expected: str, environment: str, note: str
) -> None:
    """One document on stdout; `note` says what could not be compared, or is empty."""
    show_document(
        {
            "format": "lockgate-drift",
            "format_version": "1.0",
            "environment": environment,
            "expected": expected,
            "note": note,
            "differences": [asdict(each) for each in found],
        }
    )
