"""What a statement changes or names beyond its own database, on the server that holds it.

Reads words, also in the strings that are code; SQL that is put together while it runs is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.planner.reading.code_text import CodeText, begins, each_text
from lockgate.planner.sql.dialect import Dialect

# https://www.postgresql.org/docs/current/manage-ag-overview.html
POSTGRESQL = (
    *((verb, kind) for verb in ("create", "alter", "drop")
      for kind in ("role", "user", "group", "database", "tablespace")),
    ("alter", "system"),
)  # fmt: skip
# A schema is a database, and accounts are the server's.
MYSQL = (
    *((verb, kind) for verb in ("create", "alter", "drop", "rename")
      for kind in ("user", "role", "database", "schema", "server", "tablespace", "undo", "logfile",
                   "instance")),
    *(("set", scope) for scope in ("global", "persist", "persist_only", "password")),
    ("set", "default", "role"),
    *((verb,) for verb in ("install", "uninstall", "flush", "reset", "kill", "shutdown", "purge",
                           "change")),
)  # fmt: skip
REPLACING = ["or", "replace"]
ALL_DATABASES = ["*", ".", "*"]
ROLES = ("role", "user", "group")


def changes_server(sql: str, dialect: Dialect) -> bool:
    """Whether a statement changes what all databases of a server share, such as its roles.

    >>> from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
    >>> changes_server("create /* why */ role app", POSTGRESQL)
    True
    >>> changes_server("grant select on *.* to app", MYSQL)
    True
    >>> changes_server("grant select on t to app", MYSQL)
    False
    """
    texts = each_text(sql, dialect)
    return any(text.is_cut or _changes(text.words, dialect) for text in texts)


def named_databases(sql: str, dialect: Dialect) -> frozenset[str]:
    """What a statement names that may be a database: before a dot, or after USE. On PostgreSQL a
    database cannot name another.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> named_databases("insert into `Shop` . t values (1.5)", MYSQL)
    frozenset({'Shop'})
    """
    if dialect.name == "postgresql":
        return frozenset()
    return frozenset(name for text in each_text(sql, dialect) for name in _named(text))


def created_roles(sql: str, dialect: Dialect) -> frozenset[str]:
    """The roles that a statement of PostgreSQL creates.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> sorted(created_roles('do $$ begin create role App; create user "Ann" login; end $$',
    ...     POSTGRESQL))
    ['Ann', 'app']
    """
    return frozenset(name for text in each_text(sql, dialect) for name in _created(text))


def named_words(sql: str, dialect: Dialect) -> frozenset[str]:
    """All words and names in a statement, and in its code.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> sorted(named_words('drop table App."T"', POSTGRESQL))
    ['.', 'T', 'app', 'drop', 'table']
    """
    texts = each_text(sql, dialect)
    return frozenset(one.word or one.name for text in texts for one in text.found)


def created_names(sql: str, kind: str, dialect: Dialect) -> frozenset[str]:
    """What may be a schema, or another kind of object, that a statement of PostgreSQL creates: the
    words after CREATE SCHEMA.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> sorted(created_names("create schema if not exists App", "schema", POSTGRESQL))
    ['app', 'exists', 'if', 'not']
    """
    return frozenset(
        token.word or token.name
        for text in each_text(sql, dialect)
        for place in range(len(text.words) - 2)
        if [*text.words[place : place + 2]] == ["create", kind]
        for token in text.found[place + 2 : place + 6]
    )


def _changes(words: Sequence[str], dialect: Dialect) -> bool:
    return any(_is_shared(words, place, dialect) for place in (0, *begins(words)))


def _is_shared(words: Sequence[str], place: int, dialect: Dialect) -> bool:
    head = list(words[place : place + 4])
    if head[1:3] == REPLACING:
        del head[1:3]
    is_postgresql = dialect.name == "postgresql"
    if head[:1] in (["grant"], ["revoke"]):
        return _grants_beyond(words[place:])
    if tuple(head[1:3]) == ("user", "mapping"):
        return False
    phrases = POSTGRESQL if is_postgresql else MYSQL
    if head[:1] == ["set"]:
        head[1:] = [word.lstrip("@") for word in head[1:]]
    return any(tuple(head[: len(phrase)]) == phrase for phrase in phrases)


def _grants_beyond(words: Sequence[str]) -> bool:
    """Whether a GRANT or REVOKE is of roles, or of rights on all databases."""
    end = words.index(";") if ";" in words else len(words)
    if "on" not in words[:end]:
        return True
    on = words.index("on") + 1
    return list(words[on : on + 3]) == ALL_DATABASES


def _named(text: CodeText) -> Iterator[str]:
    for place, (token, after) in enumerate(zip(text.found, text.words[1:], strict=False)):
        if after == "." and token.name:
            yield token.name
        elif token.word == "use" and place in {0, *begins(text.words)}:
            yield text.found[place + 1].name


def _created(text: CodeText) -> Iterator[str]:
    for place, word in enumerate(text.words[:-2]):
        kind, after = text.words[place + 1 : place + 3]
        if word == "create" and kind in ROLES and (kind, after) != ("user", "mapping"):
            token = text.found[place + 2]
            yield token.word or token.name
