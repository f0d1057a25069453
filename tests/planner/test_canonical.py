"""Canonical JSON, held against the library that follows RFC 8785 to the letter."""

import random
from typing import Any

import pytest
import rfc8785

from lockgate.planner.canonical import canonical, canonical_pieces

CHARACTERS = '"\\/\b\t\n\f\r\x00\x1f\x7f aZ0é\u2028\ud7ff\ue000\uffff\U00010000\U0010ffff'


def made_up(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(8 if depth else 6)
    if kind == 6:
        return [made_up(chance, depth - 1) for _ in range(chance.randrange(5))]
    if kind == 7:
        return {
            made_up_text(chance): made_up(chance, depth - 1) for _ in range(chance.randrange(5))
        }
    simple = (None, True, False, made_up_text(chance), chance.randrange(-(2**53) + 1, 2**53))
    return [*simple, chance.uniform(-1e30, 1e30)][kind]


def made_up_text(chance: random.Random) -> str:
    return "".join(chance.choices(CHARACTERS, k=chance.randrange(6)))


def test_it_is_what_the_standard_asks_for() -> None:
    chance = random.Random(8785)
    for _ in range(3_000):
        value = made_up(chance, 4)
        assert canonical(value) == rfc8785.dumps(value)


def test_its_pieces_are_the_same_and_no_longer_than_they_must_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lockgate.planner.canonical.PIECE", 20)
    chance = random.Random(8785)
    for _ in range(1_000):
        value = made_up(chance, 4)
        assert "".join(canonical_pieces(value)).encode() == rfc8785.dumps(value)
    assert max(map(len, canonical_pieces({"a": [["b" * 9] * 100, {"c": {"d": ["e"] * 100}}]}))) < 99


@pytest.mark.parametrize(
    "value", [{"\U00010000": 1, "\ue000": 2}, [1.0, 1e21, 1e-7, -0.0], (1, "a"), {"a": {"b": []}}]
)
def test_what_python_sorts_or_writes_otherwise_is_written_by_the_standard(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), {1: 2}])
def test_what_canonical_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"in": [value]})


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}])
def test_half_of_a_surrogate_pair_is_refused(value: Any) -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical({"in": [value]})
