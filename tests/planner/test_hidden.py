"""Characters that are not seen, and names that look like others."""

import unicodedata

import pytest

from lockgate.planner.hidden import hidden_in, is_hidden, is_lookalike, reveal

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200d"
    "\u202e\u2028\u2066\u2800\u3164\ufe0f\ufeff\uffa0"
)


@pytest.mark.parametrize("character", [*UNSEEN, "\U000e0001", "\U000e0041", "\U000e0101", "\x1b"])
def test_a_character_that_is_not_seen_is_written_out(character: str) -> None:
    assert reveal(f"drop{character}table") == f"drop⟨U+{ord(character):04X}⟩table"


def test_every_format_character_of_unicode_is_hidden() -> None:
    everything = map(chr, range(0x110000))
    assert not [
        one for one in everything if unicodedata.category(one) == "Cf" and not is_hidden(one)
    ]


@pytest.mark.parametrize("text", ["größe", "名前 表", "имя", "Straße\n\tx", "😀", "a\r\nb", "नाम"])
def test_letters_of_any_language_are_seen(text: str) -> None:
    assert not hidden_in(text)
    assert reveal(text) == text.replace("\r\n", "\n")


def test_a_carriage_return_within_a_line_is_hidden() -> None:
    assert reveal("-- safe\rdrop table t;\r\n") == "-- safe⟨U+000D⟩drop table t;\n"


@pytest.mark.parametrize(
    "name",
    [
        "us\u0435rs",
        "\u0430ccounts",
        "\u0441\u043e\u0440\u0443",
        "\uff55sers",
        "\U0001d42e",
        "\u03bfrders",
    ],
)
def test_a_name_of_foreign_letters_looks_like_another(name: str) -> None:
    assert is_lookalike(name)


@pytest.mark.parametrize("name", ["users", "größe", "имя", "данные_2", "表", "κλειδί", "名前table"])
def test_a_name_of_one_alphabet_looks_like_itself(name: str) -> None:
    assert not is_lookalike(name)
