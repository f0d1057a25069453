"""SipHash-1-3, by which Rust's standard library hashes; Python has it for its own strings alone.

https://www.aumasson.jp/siphash/siphash.pdf
"""

from __future__ import annotations

MASK = (1 << 64) - 1
START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
"""`somepseudorandomlygeneratedbytes`, with a key of zeros."""

State = tuple[int, int, int, int]


def siphash13(data: bytes) -> int:
    """The hash of these bytes with a key of zeros, as a number of 64 bits.

    >>> hex(siphash13(b""))
    '0xd1fba762150c532c'
    """
    ending = data[len(data) & ~7 :].ljust(7, b"\0") + bytes([len(data) & 0xFF])
    state: State = START
    for place in range(0, len(data) & ~7, 8):
        state = _absorb(state, data[place : place + 8])
    v0, v1, v2, v3 = _absorb(state, ending)
    state = v0, v1, v2 ^ 0xFF, v3
    for _ in range(3):
        state = _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _absorb(state: State, word: bytes) -> State:
    number = int.from_bytes(word, "little")
    v0, v1, v2, v3 = _round((*state[:3], state[3] ^ number))
    return v0 ^ number, v1, v2, v3


def _round(state: State) -> State:
    v0, v1, v2, v3 = state
    v0 = (v0 + v1) & MASK
    v1 = _turn(v1, 13) ^ v0
    v0 = _turn(v0, 32)
    v2 = (v2 + v3) & MASK
    v3 = _turn(v3, 16) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = _turn(v3, 21) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = _turn(v1, 17) ^ v2
    return v0, v1, _turn(v2, 32), v3


def _turn(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & MASK
