"""Whether PostgreSQL keeps a table's rows as they are when a column's type or default changes.

Knows neither domains nor the types of extensions: what it does not know rewrites the table.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from lockgate.planner.sql.cursor import Cursor, Token

SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
TYPE = re.compile(r"\s*([a-z_ ]+?)\s*(?:\(([\d, ]+)\))?\s*(with(?:out)? time zone)?\s*")
SAME = {
    "varchar": "character varying",
    "decimal": "numeric",
    "varbit": "bit varying",
    "timestamp without time zone": "timestamp",
    "timestamptz": "timestamp with time zone",
    "time without time zone": "time",
    "timetz": "time with time zone",
}
# A longer one holds the shorter as it is; one without a length holds any.
LENGTHS = frozenset({"character varying", "bit varying"})
FRACTIONS = frozenset({"timestamp", "timestamp with time zone", "time", "time with time zone"})
# What each row may get another value from: https://www.postgresql.org/docs/current/xfunc-volatility.html
VOLATILE = frozenset(
    [
        *("clock_timestamp", "gen_random_uuid", "nextval", "random", "setval", "timeofday"),
        *("uuid_generate_v1", "uuid_generate_v4", "uuidv4", "uuidv7"),
    ]
)
STABLE = frozenset(
    [
        *("array", "coalesce", "concat", "date_trunc", "decode", "format", "jsonb_build_object"),
        *("json_build_object", "lower", "make_date", "make_interval", "md5", "now", "nullif"),
        *("row", "statement_timestamp", "timezone", "to_jsonb", "transaction_timestamp", "upper"),
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_setting", "jsonb_build_array", "json_build_array", "cast", "date", "interval"),
    ]
)


def keeps_rows(old: str, new: str) -> bool:
    """Whether a column of the type `old` becomes one of type `new` without a rewrite.

    >>> keeps_rows("character varying(50)", "varchar(100)"), keeps_rows("integer", "bigint")
    (True, False)
    """
    before, after = _read(old), _read(new)
    if before is None or after is None:
        return False
    (name, limits), (other, others) = before, after
    if {name, other} <= {"text", "character varying"}:
        return not others or (name == other and bool(limits) and limits <= others)
    if name != other:
        return (name, other) == ("cidr", "inet")
    if name == "numeric":
        return not others or (bool(limits) and limits[1:] == others[1:] and limits <= others)
    if name in LENGTHS or name in FRACTIONS:
        return not others or (bool(limits) and limits <= others)
    return limits == others


def _read(text: str) -> tuple[str, tuple[int, ...]] | None:
    match = TYPE.fullmatch(text.lower())
    if match is None:
        return None
    name = f"{match[1]} {match[3]}" if match[3] else match[1]
    limits = tuple(int(limit) for limit in (match[2] or "").split(",") if limit.strip())
    if name in ("numeric", "decimal") and len(limits) == 1:
        limits = (*limits, 0)
    return SAME.get(name, name), limits


def volatility(default: Cursor) -> bool | None:
    """Whether each row gets a value of its own by this expression; None: the SQL does not tell."""
    called = frozenset(_calls(list(default.rest())))
    if called & VOLATILE:
        return True
    return None if called - STABLE else False


def _calls(found: list[Token]) -> Iterator[str]:
    """What is called in it; the `varchar(10)` of a cast is no call."""
    for place, (one, after) in enumerate(pairwise(found)):
        is_cast = place > 0 and found[place - 1].word in (":", "as")
        if one.name and after.word == "(" and not is_cast:
            yield one.name.lower()
