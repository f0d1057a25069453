"""Finds statements that would make the server read the rest of the text by other rules.

Knows the settings of lexing alone, and only judges: the caller refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.planner.sql.dialect import Dialect, tokens

CONFORMING = "standard_conforming_strings"
CONFORMING_SET = re.compile(
    rf'set\s+(?:session\s+|local\s+)?"?{CONFORMING}"?(?:\s*=|\s+to\s)\s*\'?(\w+)\'?\s*',
    re.IGNORECASE,
)
ON = frozenset({"1", "on", "t", "tr", "tru", "true", "y", "ye", "yes"})
# A function's or a role's own setting ends with the call, or begins with the next session.
KEEPS_SESSION = frozenset({"alter", "comment", "create", "drop", "show"})

SCOPES = "global|local|persist|persist_only|session"
ASSIGNED = re.compile(rf"(?:set )?(?:({SCOPES}) |@@(?:({SCOPES}) \.)?)?`?sql_mode`? (?:: )?= (.+)")
SAVED = re.compile(r"(?:set )?(@[\w$]+) (?:: )?= (.+)")
CURRENT = re.compile(r"@@(?:(?:session|local|global) \.)?sql_mode")
LITERAL = re.compile(r"(['\"]?)([\w, ]*)\1")
PART = re.compile(r"'[^']*'|\"[^\"]*\"|@?[\w$]+")
EDITS = frozenset({"concat", "concat_ws", "replace", "select", "trim"})
ANSI_MODES = frozenset({"ansi", "ansi_quotes", "db2", "maxdb", "mssql", "oracle", "postgresql"})
ANSI_BITS = 0x4 | 0x100 | 0x200 | 0x400 | 0x800 | 0x1000 | 0x40000
NO_BACKSLASH_BIT = 0x100000


class ModeGuard:
    """Judges the statements of one text in their order.

    It remembers the variables that hold the session's own sql_mode, as dumps save and restore it.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._saved: set[str] = set()

    def is_changed_by(self, sql: str, words: tuple[str, ...]) -> bool:
        """Whether the text after this statement could be read in another way than before it."""
        if not words:
            return False
        if self._dialect.lexing_setting == CONFORMING:
            return self._sets_conforming(sql, words[0])
        if words[0] != "set" or words[1:2] == ("statement",):
            return False
        return self._sets_sql_mode(sql)

    def _sets_conforming(self, sql: str, verb: str) -> bool:
        text = sql.lower()
        if CONFORMING not in text or verb in KEEPS_SESSION:
            return False
        if verb == "set":
            value = CONFORMING_SET.fullmatch(sql)
            return value is None or (value[1].lower() in ON) == self._dialect.backslash_escapes
        return verb in ("do", "reset") or "set_config" in text

    def _sets_sql_mode(self, sql: str) -> bool:
        scope = "session"
        for assignment in _assignments(sql, self._dialect):
            if found := ASSIGNED.fullmatch(assignment):
                scope = found[1] or scope
                session = (found[2] or scope) in ("session", "local")
                if session and self._differs(found[3]):
                    return True
            elif found := SAVED.fullmatch(assignment):
                keeps = CURRENT.fullmatch(found[2]) is not None
                (self._saved.add if keeps else self._saved.discard)(found[1])
        return False

    def _differs(self, value: str) -> bool:
        """DEFAULT is the global value, which the session began with."""
        if value == "default":
            return False
        literal = LITERAL.fullmatch(value)
        if literal is None:
            return self._edit_differs(value)
        ansi, backslash = _literal_rules(literal[2])
        return (ansi, backslash) != (self._dialect.ansi_quotes, self._dialect.backslash_escapes)

    def _edit_differs(self, value: str) -> bool:
        """An expression is safe if it edits the session's own modes, and none that matters here."""
        based = CURRENT.search(value) is not None
        for part in PART.findall(CURRENT.sub("", value)):
            if part[0] in "'\"":
                if any(mode in part for mode in (*ANSI_MODES, "no_backslash_escapes")):
                    return True
            elif part in self._saved:
                based = True
            elif part not in EDITS:
                return True
        return not based and (self._dialect.ansi_quotes or not self._dialect.backslash_escapes)


def _literal_rules(modes: str) -> tuple[bool, bool]:
    """What a list of modes, or its number, says: (ANSI quotes, backslashes).

    >>> _literal_rules("strict_all_tables,ansi"), _literal_rules("1048576")
    ((True, True), (False, False))
    """
    if modes.strip().isdigit():
        bits = int(modes)
        return bool(bits & ANSI_BITS), not bits & NO_BACKSLASH_BIT
    names = {mode.strip() for mode in modes.split(",")}
    return bool(names & ANSI_MODES), "no_backslash_escapes" not in names


def _assignments(sql: str, dialect: Dialect) -> Iterator[str]:
    """The assignments of a SET statement, in lower case, a space between tokens."""
    parts: list[str] = []
    depth = 0
    for token in _code(sql, dialect):
        depth += (token in "([") - (token in ")]")
        if token == "," and not depth:
            yield " ".join(parts)
            parts.clear()
        else:
            parts.append(token)
    yield " ".join(parts)


def _code(sql: str, dialect: Dialect) -> Iterator[str]:
    """The tokens without comments; what is in a conditional comment that runs is code."""
    match = tokens(dialect).match
    position = 0
    while (token := match(sql, position)) and token.lastgroup != "end":
        position = token.end()
        kind = token.lastgroup or ""
        if kind == "block" or (kind == "condition" and not dialect.runs_comment(token[kind])):
            position = sql.index("*/", position) + 2
        elif kind not in ("comment", "condition", "condition_end"):
            yield token[kind].lower()
