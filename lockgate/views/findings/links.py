"""Where a rule is explained: the address of its page."""

from __future__ import annotations

from lockgate.planner.review.rules import own_codes
from lockgate.planner.review.squawk_rules import RULES as SQUAWK_RULES

DOCUMENTATION = "https://github.com/lockgate/lockgate/blob/main/docs"
"""The documentation of the newest release."""

SQUAWK = "https://squawkhq.com/docs"


def page_of(code: str) -> str:
    """The page of a rule: lockgate's own, squawk's for its rules, and of what only a rehearsal or a
    failed linter finds the reference of all rules."""
    if code in own_codes():
        return f"{DOCUMENTATION}/rules/{code}.md"
    if code in SQUAWK_RULES:
        return f"{SQUAWK}/{code}"
    return f"{DOCUMENTATION}/reference/lint.md"
