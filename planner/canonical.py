"""Canonical JSON (RFC 8785): the same bytes for the same value, for digests.

Python's own encoder writes the same bytes at a fiftieth of the cost for all that our documents
hold: texts, whole numbers, and keys that sort alike in UTF-16 and by code points. What else there
may be goes through `rfc8785`, which is exact for everything.
https://www.rfc-editor.org/rfc/rfc8785
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

LARGEST = 2**53 - 1  # beyond it a whole number is not exact in JSON, and is refused
PIECE = 1 << 19  # characters of text that may be written at once
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Any) -> bytes:
    r"""The value as canonical JSON.

    >>> canonical({"b": [1, None], "a": "\u20ac\n"}).decode()
    '{"a":"€\\n","b":[1,null]}'

    Raises:
        ValueError: it holds what canonical JSON cannot, or half of a surrogate pair.
        RecursionError: it is nested too deep.
    """
    if _is_plain(value):
        return _encode(value).encode()
    import rfc8785  # costs every command its start

    return rfc8785.dumps(value)


def canonical_pieces(value: Any, levels: int = 2) -> Iterator[str]:
    """`canonical` as texts, one after the other, so that it is never in memory as a whole: none has
    many more characters than `PIECE`, or than the longest text in the value.

    Its first `levels` are taken apart whatever their size, which then needs no second look.

    Raises:
        ValueError, RecursionError: as `canonical`.
    """
    size = None if levels > 0 else _measure(value)
    if size is not None and size < PIECE:
        yield _encode(value)
    elif type(value) is dict and all(map(_is_plain_key, value)):
        inner = ((f"{_encode(key)}:", value[key]) for key in sorted(value))
        yield from _joined("{", inner, "}", levels - 1)
    elif type(value) in (list, tuple):
        yield from _joined("[", (("", one) for one in value), "]", levels - 1)
    else:
        yield canonical(value).decode()


def _joined(first: str, inner: Iterable[tuple[str, Any]], last: str, levels: int) -> Iterator[str]:
    yield first
    for place, (key, value) in enumerate(inner):
        yield f",{key}" if place else key
        yield from canonical_pieces(value, levels)
    yield last


def _is_plain(value: Any) -> bool:
    """Whether Python's encoder writes it canonically."""
    return _measure(value) is not None


def _measure(value: Any) -> int | None:
    """The characters of all texts in it; None where Python's encoder does not write it
    canonically."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind is str:
            size += len(one)
        elif one is None or kind is bool:
            continue
        elif kind is dict:
            if not all(map(_is_plain_key, one)):
                return None
            waiting.extend(one.values())
        elif kind is list or kind is tuple:
            waiting.extend(one)
        elif kind is not int or not -LARGEST <= one <= LARGEST:
            return None
    return size


@lru_cache(maxsize=1024, typed=True)  # documents have few keys, each of them very often
def _is_plain_key(key: object) -> bool:
    return type(key) is str and _sorts_alike(key)


def _sorts_alike(key: str) -> bool:
    """Whether it is of the basic plane, whose characters sort by code points as in UTF-16."""
    return key.isascii() or max(key) <= "\uffff"
