"""Versions of migrations: any text names one, and numbers are compared as numbers.

Knows no file and no order of a folder: where a tool keeps its order in a journal, its format does.
"""

from __future__ import annotations

import re
from functools import lru_cache

VersionKey = tuple[tuple[int, int, str], ...]
"""What versions are compared by: equal for two spellings of one version; it can be sorted."""

REPEATABLE = "R__"
"""Begins the version of a migration that runs again when it changes: it has no number."""

NUMBERS = re.compile(r"(?=.{1,255}\Z)[0-9]+(?:\.[0-9]+)*")  # what a column of the history holds


@lru_cache(maxsize=1 << 14)  # a folder's are asked for again and again
def version_key(version: str) -> VersionKey:
    """What a version is compared by: `1` and `001` are the same, and texts come after numbers.

    >>> sorted(["10", "b", "9", "2.10", "a", "2.9", "2"], key=version_key)
    ['2', '2.9', '2.10', '9', '10', 'a', 'b']
    >>> version_key("007") == version_key("7"), version_key("a01") == version_key("a1")
    (True, False)
    """
    if not is_numbered(version):
        return ((1, 0, version),)
    return tuple((0, int(part), "") for part in version.split("."))


def is_numbered(version: str) -> bool:
    """Whether a version is a number, or several with dots between them: so its order is known."""
    return NUMBERS.fullmatch(version) is not None


def as_number(version: str) -> int | None:
    """The version as one whole number; None where it is none."""
    return int(version) if version.isascii() and version.isdecimal() else None


def plain_version(version: str) -> str:
    """The version without the zeros that do not count.

    >>> plain_version("001"), plain_version("02.1"), plain_version("a01")
    ('1', '2.1', 'a01')
    """
    if not is_numbered(version):
        return version
    return ".".join(str(int(part)) for part in version.split("."))


def titled(version: str, name: str) -> str:
    """A migration for people, by both; by one where its tool has one word for it.

    >>> titled("001", "users"), titled("users", "users")
    ('001 users', 'users')
    """
    return version if name == version else f"{version} {name}"


def is_repeatable(version: str) -> bool:
    """Whether a version is that of a repeatable migration, which runs again when it changes."""
    return version.startswith(REPEATABLE)
