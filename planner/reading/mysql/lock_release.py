"""Whether a statement of MySQL or MariaDB releases every lock of its session, the migration's too.

https://dev.mysql.com/doc/refman/9.7/en/locking-functions.html
"""

from __future__ import annotations

from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.sql.cursor import END, read_tokens
from lockgate.planner.sql.dialect import Dialect

RELEASE_ALL = "release_all_locks"


def releases_all_locks(sql: str, dialect: Dialect) -> bool:
    """Whether it calls the function, and does not only define what would; so it may where it has
    more tokens than are read.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> releases_all_locks("select RELEASE_ALL_LOCKS()", MYSQL)
    True
    >>> releases_all_locks("create view v as select release_all_locks()", MYSQL)
    False
    """
    if RELEASE_ALL not in sql.lower():
        return False
    effect = read(sql, dialect)
    only_defines = effect.verb in ("create", "alter") and effect.objects[0].kind != "table"
    return not only_defines and _calls(sql, dialect, RELEASE_ALL)


def _calls(sql: str, dialect: Dialect, function: str) -> bool:
    """Whether a function of the server is called: its name comes after no schema's."""
    cursor = read_tokens(sql, dialect)
    found = [END, *cursor.rest()]
    return cursor.is_cut or any(
        before.word != "." and token.name.lower() == function and after.word == "("
        for before, token, after in zip(found, found[1:], found[2:], strict=False)
    )
