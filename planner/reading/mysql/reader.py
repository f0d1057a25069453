"""The one reader of MySQL and MariaDB: a statement, cut into tokens once, as a value.

Knows no table: what depends on those that are there, `impact` weighs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from lockgate.planner.database.mentions import find_mentions
from lockgate.planner.reading.calls import own_calls
from lockgate.planner.reading.code_text import cut_statement, without_rows
from lockgate.planner.reading.mysql.algorithms import DROPS_LISTS_APART
from lockgate.planner.reading.mysql.clauses import ASKED
from lockgate.planner.reading.mysql.effects import WHOLE, read_effect
from lockgate.planner.reading.mysql.settings import LASTING_SCOPES
from lockgate.planner.reading.reaching import changes_rights, find_everyone, read_reaching
from lockgate.planner.reading.reading import (
    READ_ONCE,
    Commits,
    Hold,
    Leaves,
    Object,
    Reading,
    not_read,
)
from lockgate.planner.reading.stored import runs_other_code, takes_all, takes_away
from lockgate.planner.sql.cursor import MOST, Token
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import replace

# DO is none of them: here it only evaluates expressions, as SELECT does.
RUNNERS = ("call", "execute")
# PREPARE runs nothing yet: what it is given is a text, as that of BINLOG.
UNREAD = (*RUNNERS, "prepare", "binlog")
# They run the functions that their expressions call.
EVALUATES = frozenset({"delete", "do", "insert", "replace", "select", "set", "update", "with"})
# Engines that keep no rows, and that keep them in memory alone.
EMPTY, VOLATILE = frozenset({"blackhole", "example"}), frozenset({"memory", "heap"})
ACTING = ("event", "trigger")
ROUTINES = ("function", "procedure")
EMPTIED = ("drop partition", "truncate partition")


@lru_cache(maxsize=READ_ONCE)
def read(sql: str, dialect: Dialect) -> Reading:
    """What one statement does; never raises on what `planner.sql.statements` has cut.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> reading = read("alter table `t` add (a int), rename to u", MYSQL)
    >>> reading.kind, reading.columns_added
    ('alter table', ('a',))
    """
    text = cut_statement(sql, dialect)
    cursor, found, brief = text.cursor, text.found, without_rows(sql, text)
    reaches, gives = (find(sql, dialect, brief) for find in (read_reaching, changes_rights))
    if cursor.is_cut:
        unread = not_read(f"it has more than {MOST:,} words and signs besides rows of literals")
        return replace(unread, reaches_out=reaches, changes_rights=gives)
    words = [token.word for token in found]
    effect = read_effect(cursor.ahead())
    calls = _own_calls(words, effect, found, dialect)
    several = not dialect.atomic_accounts and _names_several_accounts(words)
    partial = effect.partial or several
    return replace(
        effect,
        mentions=find_mentions(found, dialect),
        kind=_kind(words, effect),
        opaque=_is_opaque(words, effect, found, calls),
        calls_own=calls,
        takes_when_called=_makes_routine(words, effect) and takes_all(found),
        reaches_out=reaches,
        changes_rights=gives,
        gives_everyone=find_everyone(sql, dialect) if gives else "",
        partial=partial,
        explicit=any(clause.action in ASKED for clause in effect.clauses),
        leaves_session=effect.leaves_session or _sets_variable(found),
        leaves=_leaves(effect, found),
        commits=_commits(effect, words),
        holds=effect.holds or tuple(_holds(effect)),
        loses=tuple(_loses(effect, found)),
        fails_whole=not partial and _fails_whole(effect, words, dialect),
    )


def _kind(words: list[str], effect: Reading) -> str:
    first = words[0] if words else ""
    if effect.objects and first in ("alter", "create", "drop", "rename"):
        is_index = effect.verb == "alter" and first != "alter"
        return f"{first} {'index' if is_index else effect.objects[0].kind}"
    return first


def _own_calls(
    words: list[str], effect: Reading, found: list[Token], dialect: Dialect
) -> frozenset[str]:
    """What it calls of the database's own, or what it stores does."""
    first = words[0] if words else ""
    if first == "create" and any(one.kind == "table" for one in effect.objects):
        found = found[words.index("select") :] if "select" in words else []
    elif (
        first not in EVALUATES
        and first != "call"
        and not (_acts(words, effect) or _makes_routine(words, effect))
    ):
        return frozenset()
    return own_calls(found, dialect.name)


def _makes_routine(words: list[str], effect: Reading) -> bool:
    return words[:1] == ["create"] and any(one.kind in ROUTINES for one in effect.objects)


def _acts(words: list[str], effect: Reading) -> bool:
    """Whether it makes or alters what runs by itself."""
    return any(one.kind in ACTING for one in effect.objects) and words[0] in ("create", "alter")


def _is_opaque(
    words: list[str], effect: Reading, found: list[Token], calls: frozenset[str]
) -> bool:
    """Whether it runs code that is not in it, or stores what does so by itself."""
    if words[:1] and words[0] in UNREAD:
        return True
    if _acts(words, effect):
        return bool(calls) or runs_other_code(found)
    return bool(calls) and not _makes_routine(words, effect)


def _names_several_accounts(words: list[str]) -> bool:
    """Whether it is about users or roles, and about more than one of them."""
    if words[:1] in (["grant"], ["revoke"]):
        places = [place for place, word in enumerate(words) if word in ("to", "from")]
        words = words[max(places, default=0) :]
    elif not {"user", "role"} & set(words[1:4]):
        return False
    return "," in words


def _sets_variable(found: list[Token]) -> bool:
    """Whether a user variable gets a value: `@x := 1`, SELECT … INTO @x."""
    return any(token.text[:1] == "@" for token in found) and any(
        following.text.startswith("=" if one.word == ":" else "@")
        for one, following in pairwise(found)
        if one.word in (":", "into")
    )


def _leaves(effect: Reading, found: list[Token]) -> Leaves:
    """Settings can be made again, if their values do not depend on when that is."""
    words = {token.word for token in found}
    first = found[0].word if found else ""
    if first in ("set", "use") and effect.verb == "set":
        depends = {"(", "select", "@@global", "@@persist"} & words
        return "unknown" if depends or _sets_variable(found) else "settings"
    makes = effect.temporary and effect.verb == "create"
    calls = first == "call" and any(token.text.startswith("@") for token in found)
    if makes or calls or first == "prepare" or (effect.verb != "other" and _sets_variable(found)):
        return "unknown"
    if first == "set" and effect.leaves_session:  # besides what lasts
        begins = found[1].word.lstrip("@") in LASTING_SCOPES
        own = {"session", "local"} & {word.lstrip("@") for word in words}
        named = any(token.text.startswith("@") and token.text[1:2] != "@" for token in found)
        return "unknown" if own or named or not begins else "nothing"
    return "nothing"


def _commits(effect: Reading, words: list[str]) -> Commits:
    if words[:1] and words[0] in (*RUNNERS, "begin"):  # MariaDB's compound statement
        return "may"
    if words[:2] == ["reset", "persist"]:
        return "never"
    keeps = effect.is_rows_only or effect.is_neutral or effect.verb == "set"
    return "never" if keeps and "autocommit" not in effect.settings else "itself"


def _fails_whole(effect: Reading, words: list[str], dialect: Dialect) -> bool:
    """Of rows the tables' storage engine decides; a list of objects is dropped one by one where
    DDL is atomic for one object alone.

    https://dev.mysql.com/doc/refman/9.7/en/atomic-ddl.html
    https://mariadb.com/kb/en/atomic-ddl/
    """
    if effect.verb in ("maintain", "read", "write"):
        return False
    if dialect.name in DROPS_LISTS_APART:
        targets = effect.objects or effect.tables_written
        if effect.verb == "drop" and len(targets) > 1:
            return False
        if words[:1] and words[0] in ("grant", "revoke"):
            return False
        if words[:3] == ["create", "or", "replace"] and "view" not in words[3:7]:
            return False
    return effect.verb != "other" or words[0] in WHOLE - {"flush", "kill"} or words[0] == "set"


def _holds(effect: Reading) -> Iterator[Hold]:
    dropped = [one for one in effect.objects if one.kind == "table"]
    tables = {"drop": dropped, "rename": dropped, "truncate": effect.tables_written}
    for table in tables.get(effect.verb, ()):
        yield Hold(table, "EXCLUSIVE", "reads")


def _loses(effect: Reading, found: list[Token]) -> Iterator[str]:
    tables = [one for one in effect.objects if one.kind == "table"]
    if effect.verb == "drop":
        yield from (f"the table {_shown(one)}" for one in tables)
    if effect.verb == "create" and effect.replaces:
        yield from (f"the table {_shown(one)}, if it was there" for one in tables)
    if effect.verb == "alter":
        yield from (f"the column {tables[0].name}.{one}" for one in effect.columns_dropped)
        yield from _taken(effect, tables[0], found) if tables else ()
    if effect.verb == "truncate" or (effect.every_row and found[0].word != "update"):
        yield from (f"every row of {_shown(one)}" for one in effect.tables_written)
    if effect.verb in ("create", "alter") and effect.objects[:1]:
        yield from _stored(effect.objects[0], found)
    if [one.word for one in found[:2]] in (["drop", "database"], ["drop", "schema"]):
        yield f"the database {found[-1].name}"


def _stored(one: Object, found: list[Token]) -> Iterator[str]:
    """What takes rows away without being called."""
    if one.kind in ACTING and takes_away(found):
        yield f"what the {one.kind} {_shown(one)} takes away, whenever it runs"


def _taken(effect: Reading, table: Object, found: list[Token]) -> Iterator[str]:
    """The rows that an ALTER TABLE takes away, of the table or of its partitions."""
    if effect.storage_engine in EMPTY:
        yield f"every row of {_shown(table)}"
    if effect.storage_engine in VOLATILE:
        yield f"every row of {_shown(table)}, when the server restarts"
    words = {one.word for one in found[:3]}
    if "ignore" in words:
        yield f"what does not fit {_shown(table)} any more, and rows that are not unique"
    if effect.columns_redefined and _sets_mode_for_itself(found):
        yield f"values of {_shown(table)} that do not fit their new types"
    for clause in effect.clauses:
        if clause.action in EMPTIED or (clause.words and clause.action == "change partitions"):
            yield f"the rows of partitions of {_shown(table)}"
        elif "discard" in clause.words:
            yield f"every row of {_shown(table)}"


def _sets_mode_for_itself(found: list[Token]) -> bool:
    """SET STATEMENT sql_mode = … FOR of MariaDB: without strict mode values are cut."""
    words = [one.word or one.name.lower() for one in found]
    return words[:2] == ["set", "statement"] and "sql_mode" in words[: words.index("for")]


def _shown(one: Object) -> str:
    return f"{one.schema}.{one.name}" if one.schema else one.name
