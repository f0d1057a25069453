"""Durations and sizes as settings spell them, `5s` and `100MB`, and as numbers; moments for people.

Reads no file; a unit is always written, so that no reader guesses one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

DURATION = re.compile(r"(0|[1-9][0-9]{0,9})(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = re.compile(r"(0|[1-9][0-9]{0,9})(kB|MB|GB|TB)")
SIZES = {"kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def parse_duration(value: object) -> float:
    """The seconds that a duration such as `500ms`, `5s`, `2m`, `1h` or `7d` means.

    >>> parse_duration("500ms"), parse_duration("7d")
    (0.5, 604800.0)
    """
    if isinstance(value, float):
        return value
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is a whole number with a unit: 500ms, 5s, 2m, 1h or 7d")
    return int(match[1]) * UNITS[match[2]]


def format_duration(seconds: float) -> str:
    """The shortest spelling that `parse_duration` reads back as these seconds.

    >>> format_duration(604800.0), format_duration(90.0), format_duration(0.5)
    ('7d', '90s', '500ms')
    """
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms" if seconds else "0s"


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{DURATION.pattern}$"}),
]


def format_moment(moment: datetime) -> str:
    """A moment as people read it.

    >>> format_moment(datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    '2026-11-22 09:30:00 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def parse_size(value: object) -> float:
    """The bytes that a size such as `500kB`, `100MB` or `2GB` means, by powers of 1024.

    >>> parse_size("100MB")
    104857600.0
    """
    if isinstance(value, float):
        return value
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is a whole number with a unit: 500kB, 100MB, 2GB or 1TB")
    return float(int(match[1]) * SIZES[match[2]])


def format_size(size: float) -> str:
    """A size for people, with two digits that count.

    >>> format_size(104857600), format_size(1536), format_size(0)
    ('100MB', '1.5kB', '0kB')
    """
    unit = next((u for u in ("TB", "GB", "MB") if size >= SIZES[u]), "kB")
    amount = size / SIZES[unit]
    return f"{amount:.1f}{unit}" if amount < 10 and amount % 1 else f"{amount:.0f}{unit}"


Size = Annotated[
    float,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{SIZE.pattern}$"}),
]


def spell_digest(digest: str) -> str:
    """All of a digest, in groups that an eye can follow: where somebody compares or signs.

    >>> spell_digest("0123456789abcdef" * 4)[:26]
    '01234567 89abcdef 01234567'
    """
    return " ".join(digest[place : place + 8] for place in range(0, len(digest), 8))


def short_digest(digest: str) -> str:
    """The beginning of a digest, to tell one from another in a table. Nothing takes it as input:
    another plan with the same beginning can be made."""
    return digest[:16]
