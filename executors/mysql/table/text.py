"""The words of a definition in a SHOW CREATE TABLE text of MySQL or MariaDB.

It must not know what a definition means. The texts are of sessions with neither ANSI_QUOTES nor
NO_BACKSLASH_ESCAPES: https://dev.mysql.com/doc/refman/9.7/en/sql-mode.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

STRING = r"'(?:[^'\\]|\\.|'')*'"
NAME = r"`(?:[^`]|``)+`"
TOKEN = re.compile(rf"(?s){STRING}|{NAME}|[(),]|[^'`(),]+")
DEFAULT = re.compile(r" DEFAULT ?[\w.+-]*")
HIDDEN = re.compile(r" (?:/\*!80000 INVISIBLE \*/|IGNORED\b)")


def read_words(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of a text, each with the number of parentheses around it.

    Raises:
        ValueError: a quote has no end.
    """
    position = depth = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"A quote has no end in {text[position : position + 60]!r}.")
        depth -= token[0] == ")"
        yield token[0], depth
        depth += token[0] == "("
        position = token.end()


def outline(definition: str) -> str:
    """A definition without its strings, names and what is in parentheses.

    >>> outline("enum('NOT NULL') COMMENT 'x' CHECK (`a` > 1)")
    'enum() COMMENT  CHECK ()'
    """
    shown = (
        token for token, depth in read_words(definition) if depth == 0 and token[0] not in "'`"
    )
    return "".join(shown)


def mentioned(definition: str, depth: int = 0) -> frozenset[str]:
    """The names in at least as many parentheses, in lower case: columns have no case."""
    found = (
        token for token, within in read_words(definition) if token[0] == "`" and within >= depth
    )
    return frozenset(unquote(token).lower() for token in found)


def listed_names(definition: str) -> Iterator[str]:
    """The names in a definition's outer parentheses, in order: a key's columns."""
    for token, depth in read_words(definition):
        if depth == 1 and token.startswith("`"):
            yield unquote(token)


def without_hiding(key: str) -> str:
    """A key's definition as that of a key which the optimizer sees.

    >>> without_hiding("KEY `k` (`a`) COMMENT ' IGNORED' IGNORED")
    "KEY `k` (`a`) COMMENT ' IGNORED'"
    """
    return without_words(HIDDEN, key)


def without_words(words: re.Pattern[str], definition: str) -> str:
    """A definition without some words that are neither in quotes nor in parentheses."""
    return "".join(
        token if depth or token[0] in "`'" else words.sub("", token)
        for token, depth in read_words(definition)
    )


def without_check(definition: str) -> str:
    """A column's definition without the check that MariaDB shows in it."""
    parts: list[str] = []
    in_check = False
    for token, depth in read_words(definition):
        in_check = in_check and (depth > 0 or token in "()")
        if not in_check:
            parts.append(token.removesuffix("CHECK "))
            in_check = token.endswith(" CHECK ")
    return "".join(parts).rstrip()


def without_default(definition: str) -> str:
    """A column's definition without its default, of whatever form.

    >>> without_default("char(36) NOT NULL DEFAULT (uuid()) COMMENT ' DEFAULT 1'")
    "char(36) NOT NULL COMMENT ' DEFAULT 1'"
    >>> without_default("timestamp DEFAULT current_timestamp() ON UPDATE current_timestamp()")
    'timestamp ON UPDATE current_timestamp()'
    >>> without_default("bit(1) DEFAULT b'0'"), without_default("int(11) DEFAULT -1")
    ('bit(1)', 'int(11)')
    """
    parts: list[str] = []
    in_value = False
    for token, depth in read_words(definition):
        is_text = depth == 0 and token[0] not in "()'`"
        if in_value and not is_text:
            in_value = depth > 0 or token == "("
        elif is_text and (found := DEFAULT.search(token)):
            parts += token[: found.start()], token[found.end() :]
            in_value = found.end() == len(token)
        else:
            in_value = False
            parts.append(token)
    return "".join(parts)


def unquote(identifier: str) -> str:
    """The name that an identifier quotes."""
    return identifier[1:-1].replace("``", "`")
