"""Names as identifiers: how each engine quotes them.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
https://dev.mysql.com/doc/refman/9.7/en/identifiers.html
"""

from __future__ import annotations


def double_quoted(name: str) -> str:
    """A name as PostgreSQL's identifier.

    >>> double_quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def backquoted(name: str) -> str:
    """A name as an identifier of MySQL and MariaDB, under each sql_mode.

    >>> backquoted("a`b")
    '`a``b`'
    """
    return "`" + name.replace("`", "``") + "`"
