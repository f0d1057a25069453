"""Which operations an ALTER TABLE of MySQL and MariaDB is made of, clause by clause.

Knows no table and not how a server carries them out: `impact` does. What has no name is `unknown`.
https://dev.mysql.com/doc/refman/en/alter-table.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lockgate.planner.reading.reading import Clause, Object
from lockgate.planner.sql.cursor import END, Cursor, Token

DEFAULT = "change column's default or comment"
KEYS = ("index", "key", "fulltext", "spatial", "unique", "vector", "primary", "foreign",
        "constraint", "check")  # fmt: skip
INDEXES = {"index": "add index", "key": "add index", "unique": "add index",
           "fulltext": "add fulltext index", "spatial": "add spatial index",
           "vector": "add vector index", "primary": "add primary key",
           "foreign": "add foreign key", "check": "add check"}  # fmt: skip
DROPPED = {"index": "drop index", "key": "drop index", "primary": "drop primary key",
           "foreign": "drop foreign key", "check": "drop check",
           "constraint": "drop check"}  # fmt: skip
RECODES = frozenset({"charset", "set", "collate"})
"""As table options, they say what a new column's character set and collation are."""
REBUILDING = frozenset({"row_format", "key_block_size", "encryption", "page_compressed"})
PARTITION_CHANGES = {"drop": "drop partition", "truncate": "truncate partition"}
INDEX_WORDS = frozenset({"unique", "fulltext", "spatial", "vector", "index"})
UNKNOWN = "unknown"
EXPRESSION_INDEX, UNIQUE_EXPRESSION = "add expression index", "add unique expression index"
VERSIONING = {"add": "add system versioning", "drop": "drop system versioning"}
PLACES = frozenset({"first", "after"})
# What takes a table's rows or those of partitions away.
MOVES = frozenset({"discard"})
# Their values depend on the table: the column's old definition, the engine that it has.
REDEFINE, CHANGE_ENGINE = "redefine column", "change engine"
CONVERT = "convert character set"
WHOLE = {"force": "rebuild", "convert": CONVERT, "order": UNKNOWN,
         "discard": UNKNOWN, "import": UNKNOWN}  # fmt: skip
BY_EXPRESSION, BY_ROW = "add column with an expression", "add column with a computed default"
BY_ROW_FUNCTIONS = frozenset(
    {"lastval", "nextval", "random_bytes", "setval", "sys_guid", "sysdate", "utc_timestamp", "uuid",
     "uuid_short", "uuid_v4", "uuid_v7"}
)  # fmt: skip
"""Those of which MariaDB calls the default for each row, and copies the table. Measured; of a
default by others, RAND() too, all rows that are there have one value."""
OPERATORS = frozenset(
    {"and", "as", "between", "binary", "case", "char", "current_date", "current_role",
     "current_time", "current_timestamp", "current_user", "date", "datetime", "day", "decimal",
     "div", "else", "end", "false", "hour", "int", "integer", "interval", "is", "like",
     "localtime", "localtimestamp", "minute", "mod", "month", "not", "null", "or", "second",
     "signed", "then", "time", "timestamp", "true", "unsigned", "week", "when", "xor", "year"}
)  # fmt: skip
"""The words of an expression that may be no column's name, or only its type's or a unit's."""
# What the statement asks for, and no operation.
ASKED = ("algorithm", "lock")


def read_partition(cursor: Cursor, table: Object) -> Clause | None:
    """What the partition clause ahead does; None: none is. Nothing is passed."""
    word, second = cursor.peek().word, cursor.peek(1).word
    if (word, second) in (("partition", "by"), ("remove", "partitioning")):
        return Clause("partition", table)
    if second != "partition":
        return None
    if word == "add":
        is_listed = cursor.peek(2).word == "("
        return Clause("add list partition" if is_listed else "change partitions", table)
    if word == "exchange":
        seen = "without" not in [token.word for token in cursor.rest()]
        action = "exchange partition" if seen else "exchange unseen partition"
        return Clause(action, table, others=tuple(_exchanged(cursor.ahead())))
    action = PARTITION_CHANGES.get(word, "change partitions")
    return Clause(action, table, words=frozenset({word}) & MOVES)


def _exchanged(clause: Cursor) -> Iterator[Object]:
    clause.until("with")
    if clause.accept("with", "table"):
        schema, name = clause.qualified_name()
        yield Object("table", name, schema)


def read_clause(clause: Cursor, table: Object) -> Iterator[Clause]:
    """The operations of one clause, or several, where it lists columns or options."""
    yield from read_asked(clause, table)
    word = clause.take().word
    if word in ("modify", "change"):
        yield _redefine(clause, word, table)
    elif word in VERSIONING and clause.sees("system", "versioning"):
        yield Clause(VERSIONING[word], table)
    elif word in VERSIONING and clause.sees("period", "for"):
        yield Clause(UNKNOWN, table)
    elif word == "add":
        yield from _add(clause, table)
    elif action := _single(word, clause):
        named = {CONVERT: _charset, DEFAULT: _altered_column}.get(action, _dropped_key)
        yield Clause(action, table, named(clause), words=frozenset({word}) & MOVES)
    elif word not in (*ASKED, "enable", "disable", "with", "without"):
        yield from _options(word, clause, table)


def read_asked(clause: Cursor, table: Object) -> Iterator[Clause]:
    """ALGORITHM and LOCK, if these are ahead; nothing is passed."""
    tokens = [token.word for token in clause.rest()]
    if tokens[:1] and tokens[0] in ASKED:
        yield Clause(tokens[0], table, "".join(tokens[1:3]).lstrip("="))


def created_index(cursor: Cursor) -> str:
    """What a CREATE INDEX does, by the words before its name and by what it lists."""
    cursor.until(*INDEX_WORDS)
    word = cursor.peek().word
    cursor.until("on")
    cursor.take()
    cursor.qualified_name()
    return _computing(word, cursor)


def _computing(word: str, columns: Cursor) -> str:
    """The action of an index, by the parentheses ahead: an expression has its own inside."""
    listed = columns.ahead().group() if columns.sees("(") else columns.until()
    while not listed.at_end:
        if listed.clause().sees("("):
            return UNIQUE_EXPRESSION if word == "unique" else EXPRESSION_INDEX
    return INDEXES.get(word, UNKNOWN)


def asked_in(cursor: Cursor, table: Object) -> Iterator[Clause]:
    """What an index's statement asks for after its columns."""
    while not cursor.at_end:
        yield from read_asked(cursor, table)
        cursor.pass_one()


def _dropped_key(clause: Cursor) -> str:
    """The name of what is dropped, if it is an index or may be a foreign key; empty: it is none."""
    found = clause.accept("foreign", "key") or clause.accept_any("constraint", "index", "key")
    if not found:
        return ""
    clause.accept("if", "exists")
    return clause.name()


def _single(word: str, clause: Cursor) -> str:
    """The operation of a clause that is one; empty: table options."""
    if word == "drop":
        return DROPPED.get(clause.peek().word, "drop column")
    if word == "rename":
        return "change index" if clause.peek().word in ("index", "key") else "rename"
    if word == "alter":
        return _alter(clause)
    return WHOLE.get(word, "")


def _charset(clause: Cursor) -> str:
    """The character set of CONVERT TO; empty for the default one."""
    clause.until("set", "charset")
    clause.take()
    clause.accept("=")
    token = clause.take()
    return (token.name or token.text.strip("'\"")).lower()


def _add(clause: Cursor, table: Object) -> Iterator[Clause]:
    if not clause.accept("column") and clause.peek().word in KEYS:
        yield _add_key(clause, table)
        return
    clause.accept("if", "not", "exists")
    columns = clause.group() if clause.sees("(") else clause
    while not columns.at_end:
        item = columns.clause()
        is_key = item.peek().word in KEYS
        yield _add_key(item, table) if is_key else _add_column(item, table)


def _add_key(clause: Cursor, table: Object) -> Clause:
    if clause.accept("constraint") and clause.peek().word not in INDEXES:
        clause.name()
    word, definition = clause.peek().word, in_short(clause)
    action = INDEXES.get(word, UNKNOWN)
    clause.until("(")
    if word in INDEX_WORDS or word == "key":
        action = _computing(word, clause.ahead())
    columns = clause.group() if action != "add check" else clause.until()
    listed = tuple(_listed(columns))
    return Clause(action, table, columns=listed, definition=definition)


def in_short(clause: Cursor) -> str:
    """What is ahead, on one line."""
    return " ".join(clause.text().split())


def listed_index(action: str, table: Object, name: str, cursor: Cursor) -> Clause:
    """What a CREATE INDEX of this name does; its columns are ahead."""
    text = in_short(cursor.ahead().until("algorithm", "lock", "comment", "key_block_size"))
    columns = tuple(_listed(cursor.group()))
    return Clause(action, table, columns=columns, definition=f"{name} {text}")


def _listed(columns: Cursor) -> Iterator[str]:
    while not columns.at_end:
        yield columns.clause().name()


def read_outline(cursor: Cursor) -> Iterator[str]:
    """The columns and keys of a new table, a line each."""
    inner = cursor.ahead()
    if inner.sees("(") and not inner.sees("(", "like"):
        listed = inner.group()
        while not listed.at_end:
            yield f"+ {in_short(listed.clause())}"


def _add_column(clause: Cursor, table: Object) -> Clause:
    name, definition = clause.name(), in_short(clause)
    placed = PLACES & {token.word for token in list(clause.rest())[-2:]}
    return Clause(_added(clause), table, words=placed, definition=f"{name}: {definition}")


def _added(clause: Cursor) -> str:
    words = set(_outer_words(clause.ahead()))
    if "auto_increment" in words:
        return "add auto_increment column"
    if "as" in words:
        return "add stored column" if words & {"stored", "persistent"} else "add virtual column"
    if "references" in words:
        return "add column with a reference"
    filled = _default(clause)
    if filled == BY_ROW:
        return filled
    if words & {"unique", "primary", "key"}:
        return f"{filled} and an index" if filled == BY_EXPRESSION else "add column with an index"
    return "add column with a check" if "check" in words else filled


def _outer_words(clause: Cursor) -> Iterator[str]:
    while not clause.at_end:
        yield clause.peek().word
        clause.pass_one()


def _default(clause: Cursor) -> str:
    """The action of adding a column, by its default: an expression needs no parentheses on
    MariaDB."""
    clause.until("default")
    if not clause.accept("default"):
        return "add column"
    if clause.sees("("):
        return BY_ROW if _varies(clause.group()) else BY_EXPRESSION
    first = clause.peek()
    if first.kind not in ("word", "name") or clause.peek(1).kind == "string":
        return "add column"
    is_call = clause.peek(1).word == "("
    inner = clause.ahead()
    inner.take()
    varies = _names_row(first, is_call=is_call) or (is_call and _varies(inner.group()))
    return BY_ROW if varies else "add column"


def _varies(expression: Cursor) -> bool:
    """Whether a default may have another value for each row that is there; a word that is not
    known is taken for a column."""
    tokens = [*expression.rest(), END]
    return any(
        one.word.startswith("@") or _names_row(one, is_call=after.word == "(")
        for one, after in pairwise(tokens)
        if after.kind != "string"
    )


def _names_row(token: Token, *, is_call: bool) -> bool:
    if token.kind == "name":
        return True
    is_known = token.word not in BY_ROW_FUNCTIONS if is_call else token.word in OPERATORS
    return token.kind == "word" and not is_known


def _redefine(clause: Cursor, word: str, table: Object) -> Clause:
    clause.accept("column")
    clause.accept("if", "exists")
    old = clause.name()
    renamed = word == "change" and clause.name() != old
    return Clause(REDEFINE, table, old, words=frozenset({"rename"} if renamed else ()))


def _alter(clause: Cursor) -> str:
    """A default, a visibility, or whether a check is enforced."""
    if clause.accept("index"):
        return "change index"
    if clause.sees("check") or clause.sees("constraint"):
        words = [token.word for token in clause.rest()]
        return "drop check" if "not" in words else "add check"
    return DEFAULT


def _altered_column(clause: Cursor) -> str:
    clause.accept("column")
    clause.accept("if", "exists")
    return clause.name()


def _options(word: str, clause: Cursor, table: Object) -> Iterator[Clause]:
    """Table options, which need no commas between them."""
    while word:
        if word in ("default", "character"):
            word = clause.take().word
            continue
        clause.accept("=")
        value = clause.take()
        named = (value.name or value.text.strip("'\"")).lower()
        if word == "engine":
            yield Clause(CHANGE_ENGINE, table, named)
        elif word in RECODES:
            yield Clause("change options", table, named, words=frozenset({word}))
        else:
            yield Clause("rebuild" if word in REBUILDING else "change options", table)
        word = clause.take().word
