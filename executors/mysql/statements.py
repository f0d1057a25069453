"""What a statement of MySQL and MariaDB does, by how it begins; it is looked at, never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.planner.sql.cursor import read_tokens

if TYPE_CHECKING:
    from lockgate.planner.sql.dialect import Dialect

COMMENT = re.compile(r"/\*(?!M?!).*?\*/|(?:--\s|#)[^\n]*", re.DOTALL)
# Atomic when they fail: https://dev.mysql.com/doc/refman/9.7/en/atomic-ddl.html
ATOMIC = re.compile(
    r"(?:create|alter|drop(?!\s+(?:database|schema))|rename|truncate|grant|revoke|set|use|"
    r"savepoint|release|rollback)\b",
    re.IGNORECASE,
)
# Statements that leave nothing in the session; after others the session is replaced.
STATELESS = re.compile(
    r"(?:create|alter|drop|rename|truncate)\s+(?:table\b(?!.*\bselect\b)|view|"
    r"(?:unique\s+|fulltext\s+|spatial\s+)?index|trigger|procedure|function|event|"
    r"database|schema)\b",
    re.IGNORECASE | re.DOTALL,
)
# What a new session is told again when a step goes on; and what cannot be had again.
REPEATABLE = re.compile(
    r"use\b|set\b(?!\s+(?:global|persist|persist_only|password|default)\b)"
    r"(?!.*(?:\bselect\b|\(|@@global|@@persist))",
    re.IGNORECASE | re.DOTALL,
)
FLEETING = re.compile(
    r"create\s+(?:or\s+replace\s+)?temporary\b|prepare\b|set\b(?!\s+(?:global|persist|persist_only|"
    r"password|default)\b|\s+@@(?:global|persist|persist_only)\b[^,]*$)|call\b.*@|.*(?::=|\binto\s+@)",
    re.IGNORECASE | re.DOTALL,
)


def body_start(create_trigger: str, dialect: Dialect) -> int:
    """Where a trigger's order and body begin: the position behind FOR EACH ROW.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> body_start("create trigger g before insert on t for each row set @x = 1", MYSQL)
    48
    """
    cursor = read_tokens(create_trigger, dialect)
    while not cursor.at_end and not cursor.accept("for", "each"):
        cursor.take()
    return cursor.take().end


def without_comments(sql: str) -> str:
    """A statement without its comments, to look at how it begins; not to be run.

    >>> without_comments("create /* no */ table t")
    'create   table t'
    """
    return COMMENT.sub(" ", sql)
