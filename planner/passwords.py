"""Passwords that stand in a statement, hidden from what is shown of it."""

from __future__ import annotations

import re

HIDDEN = "'***'"
# A string that is cut off ends with the text; one within a string has its quotes doubled.
STRING = (
    r"(?:''[^']+''|(?:[eE]|[uU]&|[nN])?(?:'(?:[^'\\]|''|\\.)*+(?:'|\Z)|\$(\w*)\$.*?(?:\$\2\$|\Z)))"
)
PASSWORD = re.compile(
    rf"(\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as))(?:\s+|\s*[=(]\s*)){STRING}",
    re.IGNORECASE | re.DOTALL,
)


def hide_passwords(sql: str) -> str:
    """The text without the strings that CREATE ROLE, CREATE USER and such take for a password.

    >>> hide_passwords("alter role a password 'it''s' login")
    "alter role a password '***' login"
    """
    return PASSWORD.sub(lambda found: found[1] + HIDDEN, sql)
