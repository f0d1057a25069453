"""Which faults to do, in which order: the same ones each time, however many there is time for.

It must not be random: a fault that was done yesterday is done today.
"""

import hashlib
from collections.abc import Iterator, Sequence

from tests.faults.case import Collection
from tests.faults.fault import Variant

TURNS = (
    ("kill", "before"),
    ("cut", "after"),
    ("term", "during"),
    ("kill", "during"),
    ("cut-one", "after"),
    ("cut", "during"),
    ("term", "before"),
    ("server", ""),
    ("kill", "during"),
    ("cut", "before"),
    ("term", "after"),
    ("cut-one", "during"),
)
"""A fault's kind and side, in turn. Killing a server is dear, so it has one turn in twelve, and
each of the sides in turn."""

SERVER_SIDES = ("during", "after", "before")

GOLDEN = 0.618033988749895
"""Its multiples, modulo 1, are spread evenly, however many they are."""

LATENESS = 0.7
"""The first messages of a run only look; with an exponent below 1 the later ones come oftener."""


def list_variants(engine: str, collection: Collection) -> list[Variant]:
    """Each plan as it stands, and with a refused statement at each place; well shuffled."""
    found = [
        Variant(engine, case.name, direction, fail)
        for case in collection.cases
        for direction in case.directions
        for fail in (None, *range(1, len(case.places(direction)) + 1))
    ]
    return sorted(found, key=_number)


def list_failing(variants: Sequence[Variant]) -> list[Variant]:
    """Those with a refused statement."""
    return [variant for variant in variants if variant.fail is not None]


def choose_sample(variants: Sequence[Variant], count: int) -> list[Variant]:
    """The first few, half of them plans that succeed."""
    whole = [variant for variant in variants if variant.fail is None]
    return whole[: count // 2] + list_failing(variants)[: count - count // 2]


def choose_rounds(variants: Sequence[Variant]) -> Iterator[tuple[Variant, int]]:
    """Plans in turn, without end; plans that succeed come as often as those that fail."""
    failing = list_failing(variants)
    whole = [variant for variant in variants if variant.fail is None]
    turn = 0
    while variants:
        for group in filter(None, (whole, failing)):
            yield group[turn % len(group)], turn // len(group)
        turn += 1


def choose_place(variant: Variant, turn: int, messages: int) -> tuple[str, int, str]:
    """The kind, the message from 1, and the side of the `turn`-th fault to a plan, from 0."""
    start = _number(variant)
    kind, side = TURNS[(start + turn) % len(TURNS)]
    side = side or SERVER_SIDES[(start // len(TURNS) + turn) % len(SERVER_SIDES)]
    fraction = (start % 1000 / 1000 + turn * GOLDEN) % 1
    return kind, 1 + int(fraction**LATENESS * messages), side


def _number(variant: Variant) -> int:
    return int.from_bytes(hashlib.sha256(str(variant).encode()).digest()[:6])
