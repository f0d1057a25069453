"""The difference between two states, for people."""

import difflib

SHOWN = 40
"""Lines."""


def show_difference(wanted: str, found: str) -> str:
    """The first lines of a unified diff."""
    lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), "wanted", "found", n=1)
    return "\n".join(list(lines)[:SHOWN])
