"""Mutations of a text: of its bytes, and of the values in it where it is JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

BITS = (
    b"\0", b"\xff", b"\r\n", b"\t", b"'", b'"', b"`", b"$$", b"/*", b"*/",
    b"--", b"{{", b"}}", b"{%", b"%}",
    b"&a", b"*a", b"!!python/object:os.system", b"<<: ", b"- ", b": ",
    b"[", b"]", b"{", b"}", b"e'\\",
    b"99999999999999999999", b"-1", b"1e999", b"NaN", b"null", b"true", b"\\ud800", b"\xed\xa0\x80",
    b"migrate:up", b"migrate:down", b"\xef\xbb\xbf", b"(" * 99, b"range(10**9)", b".ljust(10**9)",
)  # fmt: skip
BIGGEST = 200_000  # bytes of a text
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**53, 1.5, "", "x" * 9999, "\ud800", "\0", [], {}, [[]], {"a": {}}, "⟨",
    "2026-11-22T09:30:00Z", "1.0", "1.9", "2.0", "up", "0" * 64,
)  # fmt: skip


def mutate(data: bytes, random: Random) -> bytes:
    """The text with one to eight changes."""
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        data = random.choice(CHANGES)(data, random)[:BIGGEST]
    return data


def _cut(data: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(data) + 1) for _ in "ab")
    return data[:start] + data[end:]


def _insert(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice(BITS) * random.choice((1, 1, 1, 3, 500)) + data[place:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(data) + 1) for _ in "ab")
    return data[:end] + data[start:end] * random.choice((1, 2, 30)) + data[end:]


def _flip(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]


def _revalue(data: bytes, random: Random) -> bytes:
    """Another value, key or element somewhere in a JSON document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(data, random)
    node = document
    while isinstance(node, dict | list) and node:
        key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
        child = node[key]
        if not child or not isinstance(child, dict | list) or random.random() < 0.2:
            _change(node, key, random)
            break
        node = child
    return json.dumps(document).encode()


def _change(node: Any, key: Any, random: Random) -> None:
    action = random.randrange(4)
    if action == 0:
        del node[key]
    elif action == 1 and isinstance(node, dict):
        node[random.choice(("x", "sql", "digest", "")) + str(random.randrange(9))] = node[key]
    elif action == 2 and isinstance(node, list):
        node.extend([node[key]] * random.choice((1, 50)))
    else:
        node[key] = random.choice(VALUES)


CHANGES: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _insert, _repeat, _flip, _revalue)
