"""Whether PostgreSQL keeps a table's rows as they are when a column's type or default changes.

Knows neither domains nor the types of extensions: what it does not know rewrites the table.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

import re

from lockgate.planner.reading.postgresql.nodes import Node, calls
from lockgate.planner.reading.reading import Volatility

SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
TYPE = re.compile(r"\s*([a-z_0-9 ]+?)\s*(?:\(([\d, -]+)\))?\s*(with(?:out)? time zone)?\s*")
SAME = {
    "varchar": "character varying",
    "bpchar": "character",
    "decimal": "numeric",
    "varbit": "bit varying",
    "timestamp without time zone": "timestamp",
    "timestamptz": "timestamp with time zone",
    "time without time zone": "time",
    "timetz": "time with time zone",
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "float4": "real",
    "float8": "double precision",
}
# A longer one holds the shorter as it is; one without a length holds any.
LENGTHS = frozenset({"character varying", "bit varying"})
LIMITED = LENGTHS | {"character", "bit"}
FRACTIONS = frozenset({"timestamp", "timestamp with time zone", "time", "time with time zone"})
FINEST = (6,)  # digits of a second; it has no more without a limit
TIMESTAMPS = {"timestamp", "timestamp with time zone"}
Limits = tuple[int, ...]
# https://www.postgresql.org/docs/current/catalog-pg-cast.html: castmethod b
SAME_BYTES = frozenset({("cidr", "inet"), ("integer", "oid"), ("oid", "integer")})
# What each row may get another value from: https://www.postgresql.org/docs/current/xfunc-volatility.html
VOLATILE = frozenset(
    [
        *("clock_timestamp", "gen_random_uuid", "nextval", "random", "setval", "timeofday"),
        *("uuid_generate_v1", "uuid_generate_v4", "uuidv4", "uuidv7"),
        *("array_sample", "array_shuffle", "currval", "lastval", "query_to_xml", "random_normal"),
        *("current_query", "loread", "lowrite", "set_config", "setseed", "ts_rewrite", "ts_stat"),
    ]
)
# Some of them are not, and no one has them for a default.
VOLATILE_KINDS = ("pg_", "lo_", "txid_", "cursor_to_", "query_to_", "brin_", "gin_")
STABLE = frozenset(
    [
        *("array", "coalesce", "concat", "date_trunc", "decode", "format", "jsonb_build_object"),
        *("json_build_object", "lower", "make_date", "make_interval", "md5", "now", "nullif"),
        *("row", "statement_timestamp", "timezone", "to_jsonb", "transaction_timestamp", "upper"),
        *("current_setting", "jsonb_build_array", "json_build_array", "date", "interval"),
    ]
)
# A value of these is its own spelling; any other is spelled in full.
SPELLED = frozenset({"text", "character varying", "character", "citext"})
NARROW = frozenset({"name", "char"})  # they take the first characters of a longer text
# Every value has its like in the types on the right and can be converted back, or is refused.
# Between others of OWN, and from them, an assignment or a cast may lose a part of it.
KEPT = {
    "smallint": frozenset({"integer", "bigint", "numeric", "real", "double precision", "oid"}),
    "integer": frozenset({"smallint", "bigint", "numeric", "double precision", "oid", "money"}),
    "bigint": frozenset({"smallint", "integer", "numeric", "oid", "money"}),
    "oid": frozenset({"integer", "bigint"}),
    "money": frozenset({"numeric"}),
    "real": frozenset({"double precision"}),
    "boolean": frozenset({"integer"}),
    "date": frozenset({"timestamp", "timestamp with time zone"}),
    "timestamp": frozenset({"timestamp with time zone"}),
    "timestamp with time zone": frozenset({"timestamp"}),
    "time": frozenset({"time with time zone", "interval"}),
    "cidr": frozenset({"inet"}),
    "bit": frozenset({"bit varying"}),
    "bit varying": frozenset({"bit"}),
    "macaddr": frozenset({"macaddr8"}),
    "macaddr8": frozenset({"macaddr"}),
    "json": frozenset({"jsonb"}),
    "jsonb": frozenset({"json"}),
}
OWN = frozenset(KEPT) | frozenset(
    [
        *("numeric", "double precision", "time with time zone", "interval"),
        *("inet", "bytea", "uuid", "xml", "point", "box", "circle"),
        *("path", "polygon", "lseg", "line", "jsonpath", "name", "char"),
    ]
)
SCALES = {"money": 2}


def keeps_rows(old: str, new: str, *, utc: bool = True) -> bool:
    """Whether a column of the type `old` becomes one of type `new` without a rewrite.

    With `utc` the session's time zone is UTC, and a timestamp is the same with a zone.

    >>> keeps_rows("character varying(50)", "varchar(100)"), keeps_rows("integer", "bigint")
    (True, False)
    """
    before, after = _read(old), _read(new)
    if before is None or after is None:
        return old == new
    (name, limits), (other, others) = before, after
    if {name, other} <= {"text", "character varying"}:
        return not others or (name == other and bool(limits) and limits <= others)
    if utc and {name, other} == TIMESTAMPS:
        other = name
    if name != other:
        return (name, other) in SAME_BYTES
    if name == "numeric":
        return not others or (bool(limits) and limits[1:] == others[1:] and limits <= others)
    if name in FRACTIONS:
        return (limits or FINEST) <= (others or FINEST)
    if name in LENGTHS:
        return not others or (bool(limits) and limits <= others)
    return limits == others


def full_name(name: str) -> str:
    """A type without a limit as the server prints it; any other as it is."""
    return SAME.get(name, name)


def is_compared_alike(old: str, new: str) -> bool:
    """Whether an index of a column of the type `old` is one of the type `new` too.

    >>> is_compared_alike("character varying(9)", "text"), is_compared_alike("integer", "oid")
    (True, False)
    """
    before, after = _read(old), _read(new)
    if before is None or after is None:
        return old == new
    names = {before[0], after[0]}
    return len(names) == 1 or names in ({"text", "character varying"}, {"cidr", "inet"})


def cuts_values(old: str, new: str) -> bool:
    """Whether a value of the type `old` may lose a part when it is assigned to one of type `new`;
    one that is too long is refused.

    >>> cuts_values("timestamp without time zone", "date"), cuts_values("integer", "bigint")
    (True, False)
    >>> cuts_values("text", "varchar(3)"), cuts_values("text", "name")
    (False, True)
    """
    if old.endswith("[]") and new.endswith("[]"):
        return cuts_values(old.removesuffix("[]"), new.removesuffix("[]"))
    before, after = _read(old), _read(new)
    if before is None or after is None:
        return False
    (name, limits), (other, others) = before, after
    if other in NARROW:
        return name != other
    if name in SPELLED or other in SPELLED:
        return False
    if name != other and {name, other} <= OWN and other not in KEPT.get(name, ()):
        return True
    return _is_finer(name, limits, other, others)


def cuts_by_cast(old: str, new: str) -> bool:
    """The same of an explicit cast, which cuts what is too long for a limit. That is said whatever
    the old type is: who reads the SQL alone says it too.

    >>> cuts_by_cast("text", "varchar(3)"), cuts_by_cast("text", "varchar")
    (True, False)
    """
    after = _read(new)
    is_limited = after is not None and after[0] in LIMITED and bool(after[1])
    return is_limited or cuts_values(old, new)


def is_spelled(name: str) -> bool:
    """Whether the values of a type are texts, each spelled as it was written."""
    found = _read(name)
    return found is not None and found[0] in SPELLED


def _is_finer(name: str, limits: Limits, other: str, others: Limits) -> bool:
    """Whether a value has more digits after the point than the other type keeps."""
    if other == "numeric":
        scale = limits[1] if name == "numeric" and limits else SCALES.get(name, 0)
        is_any = name == "numeric" and not limits
        return bool(others) and (is_any or scale > others[1])
    if other == "interval" and others:
        # Its fields, such as `day to minute`, are a limit too.
        return name in ("interval", "time") and limits != others
    return {name, other} <= FRACTIONS and (limits or FINEST) > (others or FINEST)


def _read(text: str) -> tuple[str, Limits] | None:
    match = TYPE.fullmatch(text.lower())
    if match is None:
        return None
    name = f"{match[1]} {match[3]}" if match[3] else match[1]
    limits = tuple(int(limit) for limit in (match[2] or "").split(",") if limit.strip())
    name = SAME.get(name, name)
    if name == "numeric" and len(limits) == 1:
        limits = (*limits, 0)
    if name in ("character", "bit") and not limits:
        limits = (1,)
    return name, limits


def volatility(default: Node) -> Volatility:
    """Whether each row gets a value of its own by this expression."""
    called = {name for name, _ in calls(default)}
    if called & VOLATILE or any(name.startswith(VOLATILE_KINDS) for name in called):
        return "volatile"
    return "unknown" if called - STABLE else "stable"


def unknown_calls(default: Node) -> tuple[str, ...]:
    """The functions that may be the database's own, which says whether they are volatile."""
    return tuple(sorted({name for name, _ in calls(default)} - VOLATILE - STABLE))
