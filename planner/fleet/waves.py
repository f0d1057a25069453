"""The waves of a fleet: which targets are first, as counts, shares and names say.

Decides by names alone: who is canary must not depend on the moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SHARE = re.compile(r"(100|[1-9]?[0-9])%")

Share = int | str
"""So many targets, or `5%` of all."""
Wave = Share | list[str]
"""The targets that are done when a wave ends, counted from the first; or targets by name."""


def parse_share(value: object) -> Share:
    """A count or a percentage as settings spell it.

    >>> parse_share(1), parse_share("5%")
    (1, '5%')
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and SHARE.fullmatch(value):
        return value
    raise ValueError("is a whole number of targets, or a share such as 5%")


def share_of(share: Share, total: int) -> int:
    """How many of `total` a share is: of a percentage at least one.

    >>> share_of("5%", 1000), share_of("1%", 30), share_of("0%", 30), share_of(3, 2)
    (50, 1, 0, 3)
    """
    if isinstance(share, int):
        return share
    percent = int(share[:-1])
    return max(1, total * percent // 100) if percent and total else 0


def number_waves(names: Iterable[str], waves: Sequence[Wave]) -> dict[str, int]:
    """The wave of each target, from 1, in the order in which they are applied: those that a wave
    names, and of the others by their names; who is in no wave is in the last.

    >>> number_waves(["a", "b", "c", "d"], [["c"], "50%", "100%"])
    {'c': 1, 'a': 2, 'b': 3, 'd': 3}
    >>> number_waves(["b", "a"], ["10%"])
    {'a': 1, 'b': 2}
    """
    left = sorted(names)
    total, number = len(left), 0
    found: dict[str, int] = {}
    for wave in [*waves, total]:
        if isinstance(wave, list):
            chosen = [name for name in left if name in set(wave)]
        else:
            chosen = left[: max(0, share_of(wave, total) - len(found))]
        number += bool(chosen)
        found |= dict.fromkeys(chosen, number)
        taken = set(chosen)
        left = [name for name in left if name not in taken]
    return found
