"""Passwords, hidden from what is shown of a statement and of a server's message.

Plans are read as their server reads them: `planner.review.passwords`.
"""

from __future__ import annotations

import re

HIDDEN = "'***'"
# A string that is cut off ends with the text; one within a string has its quotes doubled.
STRING = (
    r"(?:''[^']+''|(?:[eE]|[uU]&|[nN])?(?:'(?:[^'\\]|''|\\.)*+(?:'|\Z)"
    r"|\"(?:[^\"\\]|\"\"|\\.)*+(?:\"|\Z)|\$(\w*)\$.*?(?:\$\2\$|\Z)))"
)
PASSWORD = re.compile(
    rf"(\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as))(?:\s+|\s*[=(]\s*))"
    rf"(?:{STRING}(?:\s+(?=['\"]))?)+",  # strings that follow each other are one
    re.IGNORECASE | re.DOTALL,
)
NEAR = re.compile(rf"(\bnear (?:'(?!' at line)|\"(?!\"))){STRING}", re.DOTALL)


def hide_passwords(sql: str) -> str:
    """The text without the strings that CREATE ROLE, CREATE USER and such take for a password.

    >>> hide_passwords("alter role a password 'it''s' login")
    "alter role a password '***' login"
    """
    return PASSWORD.sub(lambda found: found[1] + HIDDEN, sql)


def hide_in_message(message: str) -> str:
    """What a server says, without passwords: of a syntax error it repeats the statement from some
    place on, and a string that begins there may be the password whose keyword was cut off.

    >>> hide_in_message("syntax to use near ''hunter2' oops' at line 1")
    "syntax to use near ''***' oops' at line 1"
    >>> hide_in_message("syntax to use near '' at line 1")
    "syntax to use near '' at line 1"
    """
    return NEAR.sub(lambda found: found[1] + HIDDEN, hide_passwords(message))
