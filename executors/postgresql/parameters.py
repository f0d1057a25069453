"""Values as PostgreSQL's protocol wants them: numbered, in text, and the advisory lock's key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def lock_key(history_table: str) -> int:
    """The advisory lock's key: 64 bits of a hash, as PostgreSQL's signed bigint."""
    digest = hashlib.sha256(f"lockgate:{history_table}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def halves(key: int) -> tuple[int, int]:
    """A bigint key as pg_locks shows it: classid and objid, both unsigned."""
    return (key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF


def numbered(sql: str) -> str:
    """SQL with `%s` as PostgreSQL's protocol wants it.

    >>> numbered("values (%s, %s)")
    'values ($1, $2)'
    """
    head, *rest = sql.split("%s")
    return head + "".join(f"${place}{part}" for place, part in enumerate(rest, 1))


def as_texts(values: Iterable[object]) -> tuple[str | None, ...]:
    """Parameters in the protocol's text format."""
    return tuple(None if value is None else str(value) for value in values)
