"""Comments that begin `--x`: some clients strip them, and MySQL takes them for arithmetic.

Changes no other text, and cuts nothing.
"""

from __future__ import annotations

import re

from lockgate.planner.sql.dialect import Dialect, tokens
from lockgate.planner.value import replace

BARE = re.compile(r"--[^\x00-\x20\x7f]")


def space_dashes(sql: str, dialect: Dialect) -> str:
    """The text with a blank after each `--` of a line comment that the engine would not take for
    one without it.

    https://dev.mysql.com/doc/refman/8.4/en/ansi-diff-comments.html

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> space_dashes("select 1 --one\\nfrom t -- two, '--x' /* --y */", MYSQL)
    "select 1 -- one\\nfrom t -- two, '--x' /* --y */"
    """
    if not dialect.dashes_need_space or "--" not in sql:
        return sql
    match = tokens(replace(dialect, dashes_need_space=False)).match
    parts, start, position = list[str](), 0, 0
    while position < len(sql):
        token = match(sql, position)
        assert token is not None
        begin, position = token.start(token.lastgroup or 0), token.end()
        if token.lastgroup == "block":
            end = sql.find("*/", position)
            position = len(sql) if end < 0 else end + 2
        elif token.lastgroup == "comment" and BARE.match(sql, begin):
            parts.append(sql[start : begin + 2])
            start = begin + 2
    return " ".join([*parts, sql[start:]])
