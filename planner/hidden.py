"""Characters that a reader of SQL does not see, and names that look like others.

Judges nothing: views write such characters out, and lint rules report them.
"""

from __future__ import annotations

import re
import unicodedata

CONTROLS = frozenset(map(chr, (*range(0x09), *range(0x0B, 0x20), 0x7F)))
# Drawn as nothing or as a blank, though Unicode calls them letters, marks and symbols.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
# Control, format, line and paragraph separator, private use, surrogate, unassigned; spaces that
# are no space to a server.
HIDDEN_CATEGORIES = ("Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cs", "Cn")
SEEN = frozenset("\t\n ")
# They turn the direction of a text, or spell another one. https://trojansource.codes/
DECEIVING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")

SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
# Letters that are drawn like Latin ones. https://www.unicode.org/reports/tr39/#Confusable_Detection
LATIN_SHAPES = frozenset(
    "авеѕіјһкмнорсԁгтуԛԝхѵАВЕЅІЈКМНОРСТУХԌԚԜ" + "αικνορυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "օսՕՍ"  # noqa: RUF001
)


def is_visible(text: str) -> bool:
    r"""Whether a reader sees anything of a text.

    >>> [is_visible(one) for one in ("why", "\u3164", " \u200b\U000e0041 ", "")]
    [True, False, False, False]
    """
    return any(not is_hidden(one) and not one.isspace() for one in text)


def is_hidden(character: str) -> bool:
    r"""Whether a reader does not see a character, or takes it for a space.

    >>> [is_hidden(one) for one in ("a", "\n", "\u202e", "\u3164", "\U000e0041", "\xa0", "é")]
    [False, False, True, True, True, True, False]
    """
    if character in SEEN:
        return False
    return character in BLANK or unicodedata.category(character) in HIDDEN_CATEGORIES


def hidden_in(text: str) -> frozenset[str]:
    r"""The hidden characters of a text; a line may end with CRLF.

    >>> sorted(hidden_in("select\u200b 1;\r\n\x1b"))
    ['\x1b', '\u200b']
    """
    if text.isascii() and text.isprintable():
        return frozenset()
    alphabet = [one for one in CONTROLS if one in text] if text.isascii() else set(text)
    found = frozenset(filter(is_hidden, alphabet))
    return found - {"\r"} if "\r" in found and _ends_lines_only(text) else found


def reveal(text: str) -> str:
    r"""The text with what no reader would see written out.

    >>> reveal("a\u202eb\r\nc\x1b\U000e0041")
    'a⟨U+202E⟩b\nc⟨U+001B⟩⟨U+E0041⟩'
    """
    text = text.replace("\r\n", "\n")
    hidden = hidden_in(text)
    return text.translate({ord(one): spell(one) for one in hidden}) if hidden else text


def spell(character: str) -> str:
    """A character by its number, as Unicode writes it."""
    return f"⟨U+{ord(character):04X}⟩"


def is_lookalike(name: str) -> bool:
    """Whether a name mixes alphabets, or is drawn like one of ASCII letters.

    >>> [is_lookalike(one) for one in ("users", "\uff55sers", "\u0441\u043e\u0440\u0443", "имя")]
    [False, True, True, False]
    """
    if name.isascii():
        return False
    folded = unicodedata.normalize("NFKC", name)
    if folded.isascii():
        return True
    letters = [one for one in folded if one.isalpha()]
    scripts = {script for script in map(_script, letters) if script}
    return len(scripts) > 1 or (scripts != {"LATIN"} and LATIN_SHAPES.issuperset(letters))


def _script(letter: str) -> str:
    script = unicodedata.name(letter, "").partition(" ")[0]
    return script if script in SCRIPTS else ""


def _ends_lines_only(text: str) -> bool:
    return text.count("\r") == text.count("\r\n")
