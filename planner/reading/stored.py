"""Whether the code that a statement stores takes data away whenever it runs, or runs other code.

Reads words: code that is put together while it runs is not seen. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.sql.cursor import END, Token

TAKERS = frozenset({"delete", "truncate", "drop"})
# After these it is no statement: a trigger's or a foreign key's event, a column.
NOT_AFTER = frozenset({"before", "after", "on", "of", "or", "."})
# Before these it is a function, an event, or what is the session's own.
NOT_BEFORE = frozenset({"(", "on", "or", ".", "temporary", "prepare"})
RUNNERS = frozenset({"call", "execute", "perform", "prepare"})
# After these a statement begins in a body, or after a label.
STARTS = frozenset({"begin", "then", "else", "loop", "repeat", "do", ";", ":", ">"})
# After these a qualified name before a parenthesis is a table's, and its columns follow.
BEFORE_COLUMNS = frozenset(
    {
        *("into", "on", "table", "exists", "references", "view", "copy", "insert", "replace"),
        *("ignore", "delayed", "low_priority", "high_priority", "index", "type"),
    }
)
SERVER_SCHEMAS = frozenset({"pg_catalog", "information_schema", "sys", "mysql"})
# What PL/pgSQL's PERFORM calls of the server's own by these names is no code of the database.
SERVERS = ("pg_", "set_config", "setval", "nextval")


def takes_away(found: Sequence[Token]) -> bool:
    """Whether DELETE, TRUNCATE or DROP is a statement in this code, or a clause of ALTER TABLE."""
    around = zip((END, *found), found, (*found[1:], END), strict=False)
    return any(
        token.word in TAKERS and before.word not in NOT_AFTER and after.word not in NOT_BEFORE
        for before, token, after in around
    )


def takes_all(found: Sequence[Token]) -> bool:
    """Whether this code drops, truncates, or deletes what no condition names."""
    conditions = [False]
    around = zip((END, *found), found, (*found[1:], END), strict=False)
    for before, token, after in reversed(list(around)):
        if token.text == ")":
            conditions.append(False)
        elif token.text == "(" and len(conditions) > 1:
            conditions.pop()
        elif token.text == ";":
            conditions[-1] = False
        elif token.word == "where":
            conditions[-1] = True
        elif (
            token.word in TAKERS
            and before.word not in NOT_AFTER
            and after.word not in NOT_BEFORE
            and not (token.word == "delete" and conditions[-1])
        ):
            return True
    return False


def runs_other_code(found: Sequence[Token]) -> bool:
    """Whether this code calls a procedure, PERFORMs a function of the database, calls one by its
    schema, or runs a text."""
    around = zip((END, *found), found, (*found[1:], END), strict=False)
    return any(_runs(*three) for three in around) or calls_by_schema(found)


def calls_by_schema(found: Sequence[Token]) -> bool:
    """Whether it calls a function by a schema that is not one of the server's own: `a.f()`."""
    around = zip((END, *found), found, found[1:], found[2:], found[3:], strict=False)
    return any(_calls_own(*five) for five in around)


def _calls_own(before: Token, schema: Token, dot: Token, name: Token, opens: Token) -> bool:
    """Whether it is `a.f(`, and by what is before it no table with its columns."""
    return (
        (dot.text, opens.text) == (".", "(")
        and bool(schema.name and name.name)
        and schema.name.lower() not in SERVER_SCHEMAS
        and before.word not in BEFORE_COLUMNS
        and before.text != "."
    )


def _runs(before: Token, token: Token, after: Token) -> bool:
    if token.word == "call":  # also after FOR EACH ROW, and after FOLLOWS with a name
        return before.word != "." and after.kind in ("word", "name")
    if token.word not in RUNNERS or before.word not in STARTS:
        return False
    if token.word == "perform" and after.kind not in ("word", "name"):  # PERFORM 1 FROM t
        return False
    return token.word != "perform" or not (after.word or after.name).startswith(SERVERS)
