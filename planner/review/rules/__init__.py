"""Lint rules: one file a rule, found by being there; each reads a section and nothing else.

A rule has a `CODE`, `find(subject)`, which yields its findings, and, where squawk has rules for
the same, their names in `COVERED_BY`: then squawk's finding is shown and ours is not.
"""

from __future__ import annotations

import pkgutil
from functools import cache


@cache
def own_codes() -> frozenset[str]:
    """The codes of these rules, which are the names of their files; imports no rule."""
    return frozenset(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
