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


def quoted_account(name: str) -> str:
    """`user@host` of MySQL and MariaDB as SQL; a user without a host is one of any.

    >>> quoted_account("ann@10.%"), quoted_account("bob")
    ('`ann`@`10.%`', '`bob`@`%`')
    """
    user, at, host = name.rpartition("@")
    return f"{backquoted(user)}@{backquoted(host)}" if at else f"{backquoted(name)}@`%`"


def spelled_out(text: str) -> str:
    """A text in the SQL of PostgreSQL, whatever the server does with backslashes, in any quotes."""
    decoded = f"pg_catalog.decode('{text.encode().hex()}', 'hex')"
    return f"pg_catalog.convert_from({decoded}, 'UTF8')"
