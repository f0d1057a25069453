"""What a statement reaches outside of its database, and whether it changes who may do what.

Reads words, also those in the text that DO, EXECUTE, PREPARE and functions hold as a string. SQL
that is put together while it runs is not seen: only the rights of the role keep it from reaching
out. Says nothing about whether the server would allow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from lockgate.planner.reading.code_text import (
    DEEPEST,
    CodeText,
    begins,
    content,
    cut_statement,
    cut_string,
    each_text,
)
from lockgate.planner.sql.cursor import END, Token
from lockgate.planner.sql.dialect import Dialect

PROGRAM = "runs a program on the server"
FILES = "reads or writes files of the server"
SERVERS = "connects to another server"
CODE = "loads code into the server"
SETTINGS = "changes the server's settings"
OTHER_SESSIONS = "ends or holds up other sessions"
LOGS = "changes the server's logs"
STOPS = "stops the server"
FLUSHES = "empties caches, logs or locks of the whole server"
RESETS = "resets what the whole server keeps"
UNSEEN = "has too many words and signs to be looked through"

Phrases = Mapping[tuple[str, ...], str]

# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE
POSTGRESQL_CALLS = {
    **dict.fromkeys(
        (
            *("lo_import", "lo_export", "pg_read_file", "pg_read_binary_file", "pg_stat_file"),
            *(
                "pg_ls_dir",
                "pg_ls_logdir",
                "pg_ls_waldir",
                "pg_ls_tmpdir",
                "pg_ls_archive_statusdir",
                "pg_ls_logicalsnapdir",
                "pg_ls_logicalmapdir",
                "pg_ls_replslotdir",
            ),
            *("pg_file_read", "pg_file_write", "pg_file_rename", "pg_file_unlink", "pg_file_sync"),
            *("pg_logdir_ls", "pg_file_length"),
        ),
        FILES,
    ),
    **dict.fromkeys(
        (
            *("dblink", "dblink_connect", "dblink_connect_u", "dblink_exec", "dblink_open"),
            *("dblink_send_query", "postgres_fdw_get_connections"),
        ),
        SERVERS,
    ),
    **dict.fromkeys(("pg_reload_conf", "pg_promote"), SETTINGS),
    **dict.fromkeys(("pg_terminate_backend", "pg_cancel_backend"), OTHER_SESSIONS),
    # https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
    **dict.fromkeys(
        (
            *("pg_rotate_logfile", "pg_switch_wal", "pg_create_restore_point"),
            *("pg_backup_start", "pg_backup_stop", "pg_start_backup", "pg_stop_backup"),
            *("pg_wal_replay_pause", "pg_wal_replay_resume"),
            *("pg_create_physical_replication_slot", "pg_create_logical_replication_slot"),
            *("pg_copy_physical_replication_slot", "pg_copy_logical_replication_slot"),
            *("pg_drop_replication_slot", "pg_replication_slot_advance"),
        ),
        LOGS,
    ),
}
POSTGRESQL_PHRASES: Phrases = {
    ("alter", "system"): SETTINGS,
    ("create", "tablespace"): FILES,
    ("create", "server"): SERVERS,
    ("create", "foreign", "data", "wrapper"): SERVERS,
    ("create", "subscription"): SERVERS,
    ("alter", "subscription"): SERVERS,
    ("import", "foreign", "schema"): SERVERS,
    ("create", "language"): CODE,
    ("create", "trusted", "language"): CODE,
    ("create", "or", "replace", "language"): CODE,
    ("create", "procedural", "language"): CODE,
    ("pg_execute_server_program",): PROGRAM,
    ("pg_read_server_files",): FILES,
    ("pg_write_server_files",): FILES,
}
EXTENSIONS = {
    **dict.fromkeys(
        ("dblink", "postgres_fdw", "mysql_fdw", "oracle_fdw", "http", "pg_net"), SERVERS
    ),
    **dict.fromkeys(("file_fdw", "adminpack", "pg_cron"), FILES),
}
UNTRUSTED = re.compile(r"c|internal|\w+u")
"""Languages whose code may do all that the server's account may, such as plpython3u."""

# https://dev.mysql.com/doc/refman/en/load-data.html
MYSQL_CALLS = {"load_file": FILES, **dict.fromkeys(("sys_exec", "sys_eval"), PROGRAM)}
MYSQL_PHRASES: Phrases = {
    ("into", "outfile"): FILES,
    ("into", "dumpfile"): FILES,
    ("load", "xml"): FILES,
    ("load", "data"): FILES,
    ("data", "directory"): FILES,
    ("index", "directory"): FILES,
    ("install", "plugin"): CODE,
    ("install", "soname"): CODE,
    ("install", "component"): CODE,
    ("uninstall",): CODE,
    ("soname",): CODE,
    ("create", "server"): SERVERS,
    ("create", "or", "replace", "server"): SERVERS,
    ("alter", "server"): SERVERS,
    ("change", "master"): SERVERS,
    ("change", "replication"): SERVERS,
    ("clone", "instance"): SERVERS,
    ("set", "global"): SETTINGS,
    ("set", "persist"): SETTINGS,
    ("set", "persist_only"): SETTINGS,
    ("alter", "instance"): SETTINGS,
}
# At the beginning of a statement alone: each is also the name of a column or a function.
MYSQL_BEGINNINGS: Phrases = {
    ("shutdown",): STOPS,
    ("restart",): STOPS,
    ("kill",): OTHER_SESSIONS,
    ("lock", "instance"): OTHER_SESSIONS,
    ("backup", "stage"): OTHER_SESSIONS,
    ("backup", "lock"): OTHER_SESSIONS,
    ("flush",): FLUSHES,
    ("reset",): RESETS,
    ("purge",): LOGS,
    ("binlog",): LOGS,
    **dict.fromkeys([(verb, what) for verb in ("start", "stop")
                     for what in ("slave", "replica", "all", "group_replication")], SERVERS),
}  # fmt: skip
ENGINES = {
    **dict.fromkeys(("federated", "federatedx", "spider", "s3", "mroonga"), SERVERS),
    **dict.fromkeys(("connect", "csv"), FILES),
}
SHARED_SETTINGS = frozenset({"global", "persist", "persist_only"})
# https://www.postgresql.org/docs/current/user-manag.html
# https://dev.mysql.com/doc/refman/en/account-management-statements.html
RIGHTS: frozenset[tuple[str, ...]] = frozenset(
    [
        ("grant",),
        *((verb, kind) for verb in ("create", "alter") for kind in ("role", "user", "group")),
        ("create", "or", "replace", "role"),
        ("create", "or", "replace", "user"),
        ("alter", "default", "privileges"),
        # What it runs has the rights of everybody who changes the schema.
        *((verb, "event", "trigger") for verb in ("create", "alter")),
        ("security", "label"),
        *((verb, "policy") for verb in ("create", "alter", "drop")),
        ("reassign", "owned"),
        *(("set", *scope, "role") for scope in ((), ("local",), ("session",), ("default",))),
        ("set", "session", "authorization"),
        ("set", "password"),
        ("rename", "user"),
    ]
)
LONGEST_RIGHT = 5
"""So many words of a statement say whether it is one of them."""
# PostgreSQL's set_config() takes on a role by these settings, whose names are strings.
ROLE_SETTINGS = frozenset({"role", "session_authorization", "session_replication_role"})
HAVE_PUBLIC = ("postgresql", "mariadb")
"""To MySQL it is an account as any other. https://mariadb.com/kb/en/grant/#to-public"""
RIGHTS_PAIRS = frozenset({("security", "definer"), ("owner", "to"), ("level", "security")})
RIGHTS_WORDS = (
    *("grant", "role", "user", "group", "privileges", "owned", "authorization", "password"),
    *("session_replication_role", "session_authorization", "set_config", "definer"),
    *("event", "label", "owner", "database", "policy", "security"),
)
RIGHTS_WORD = re.compile(rf"\b(?:{'|'.join(RIGHTS_WORDS)})\b")


def read_reaching(sql: str, dialect: Dialect, brief: str = "") -> tuple[str, ...]:
    """What one statement reaches out for, as clauses with it as their subject; each once. `brief`
    is the statement without rows of literals, where the caller has it.

    >>> from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
    >>> read_reaching("copy (select 1) to program 'id'", POSTGRESQL)
    ('runs a program on the server',)
    >>> read_reaching("select a from t into outfile '/tmp/a'", MYSQL)
    ('reads or writes files of the server',)
    """
    if not _suspicious(brief or sql, dialect):
        return ()
    return tuple(dict.fromkeys(_found(cut_statement(sql, dialect), dialect, 0)))


def changes_rights(sql: str, dialect: Dialect, brief: str = "") -> bool:
    """Whether one statement gives rights, makes or changes roles, takes on another one, or sets
    what later sessions begin with. `brief` is as of `read_reaching`.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> changes_rights("grant all on t to app", POSTGRESQL)
    True
    >>> changes_rights("revoke all on t from public", POSTGRESQL)
    False
    """
    seen = _may_change_rights(brief or sql)
    return seen and _changes_rights(cut_statement(sql, dialect), dialect, 0)


def _changes_rights(text: CodeText, dialect: Dialect, depth: int) -> bool:
    if text.is_cut:
        return True
    words = text.words
    begun = [words[place : place + LONGEST_RIGHT] for place in (0, *begins(words))]
    if any(tuple(each[: end + 1]) in RIGHTS for each in begun for end in range(len(each))):
        return True
    if dialect.name == "postgresql" and (
        "session_replication_role" in words
        or not RIGHTS_PAIRS.isdisjoint(pairwise(words))
        or any(map(_sets_for_later, begun))
        or ("grant" in words and ["create", "schema"] in [each[:2] for each in begun])
        or _sets_role(text)
    ):
        return True
    return depth < DEEPEST and any(
        _may_change_rights(one) and _changes_rights(cut_string(one, dialect), dialect, depth + 1)
        for one in text.codes()
    )


def find_everyone(sql: str, dialect: Dialect) -> str:
    """By which name everyone gets rights from one statement: PUBLIC is every role, and on MySQL and
    MariaDB a right on a database that the account without a name has is every account's. Empty: not
    everyone does.

    >>> from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
    >>> find_everyone("grant select on t to app, public", POSTGRESQL)
    'PUBLIC'
    >>> find_everyone("grant select on shop.* to ''@'%'", MYSQL)
    "''"
    """
    texts = each_text(sql, dialect)
    return next((name for text in texts for name in _everyone(text.found, dialect)), "")


def _everyone(found: Sequence[Token], dialect: Dialect) -> Iterator[str]:
    gives = lists = False
    for before, one, after in zip(found, found[1:], (*found[2:], END), strict=False):
        gives = (gives or before.word == "grant") and before.text != ";"
        lists = gives and (lists or before.word == "to")
        if lists and (before.word in ("to", "group") or before.text == ","):
            name = content(one.text).lower()
            is_public = name == "public" and not after.text.startswith("@")
            yield from ["PUBLIC"] * (is_public and dialect.name in HAVE_PUBLIC)
            yield from ["''"] * (one.text != name == "")


def _sets_role(text: CodeText) -> bool:
    """Whether it calls set_config() for a setting that takes on a role, or for one that it names
    by no string."""
    if "set_config" not in text.words:
        return False
    names = {content(one.text).lower() for one in text.found if one.kind == "string"}
    return not names or bool(names & ROLE_SETTINGS)


def _sets_for_later(words: Sequence[str]) -> bool:
    """Whether a statement that begins with these words is ALTER DATABASE … SET or RESET, which says
    what later sessions begin with: https://www.postgresql.org/docs/current/sql-alterdatabase.html"""
    alters = tuple(words[:2]) == ("alter", "database")
    return alters and tuple(words[3:4]) in (("set",), ("reset",)) and words[4:5] != ["tablespace"]


def _found(text: CodeText, dialect: Dialect, depth: int) -> Iterator[str]:
    find = _postgresql if dialect.name == "postgresql" else _mysql
    yield from find(text.found, text.words)
    yield from [UNSEEN] * text.is_cut
    for one in text.codes() if depth < DEEPEST else ():
        if _suspicious(one, dialect):
            yield from _found(cut_string(one, dialect), dialect, depth + 1)


def _postgresql(found: Sequence[Token], words: Sequence[str]) -> Iterator[str]:
    yield from _phrases(words, POSTGRESQL_PHRASES, POSTGRESQL_CALLS)
    copies, begun = False, {0, *begins(words)}
    for place, word in enumerate(words):
        after = words[place + 1 : place + 6]
        copies = word == "copy" or (copies and word != ";")
        if copies and word in ("to", "from") and after:
            # Those of STDIN and STDOUT are ours.
            yield from [PROGRAM] * (after[0] == "program")
            yield from [FILES] * (found[place + 1].kind == "string")
        elif word == "language" and after:
            if UNTRUSTED.fullmatch(content(found[place + 1].text).lower()):
                yield CODE
        elif word == "extension" and words[place - 1] == "create":
            yield from (EXTENSIONS[name] for name in after if name in EXTENSIONS)
            yield from (CODE for name in after if re.fullmatch(r"pl\w+u", name))
        elif word == "load" and place in begun and found[place + 1 :]:
            yield from (CODE for one in found[place + 1 : place + 2] if one.kind == "string")


def _mysql(found: Sequence[Token], words: Sequence[str]) -> Iterator[str]:
    yield from _phrases(words, MYSQL_PHRASES, MYSQL_CALLS)
    for place in (0, *begins(words)):
        first = words[place : place + 2]
        yield from (MYSQL_BEGINNINGS[one] for one in (tuple(first), tuple(first[:1]))
                    if one in MYSQL_BEGINNINGS)  # fmt: skip
    sets = False
    for place, word in enumerate(words):
        sets = sets or word == "set"
        if word == "engine":
            names = [content(one.text).lower() for one in found[place + 1 : place + 3]]
            yield from (ENGINES[name] for name in names if name in ENGINES)
        elif word.lstrip("@") in SHARED_SETTINGS and sets:
            dot, _, equals = (*words[place + 1 : place + 4], "", "", "")[:3]
            yield from [SETTINGS] * (dot == "." and equals in ("=", ":"))


def _phrases(words: Sequence[str], phrases: Phrases, calls: Mapping[str, str]) -> Iterator[str]:
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        by_first.setdefault(phrase[0], []).append(phrase)
    for place, word in enumerate(words):
        for phrase in by_first.get(word, ()):
            if tuple(words[place : place + len(phrase)]) == phrase:
                yield phrases[phrase]
        if word in calls and words[place + 1 : place + 2] == ["("]:
            yield calls[word]


def _suspicious(sql: str, dialect: Dialect) -> bool:
    """Whether a text has a word that no statement lacks that reaches out: most are not looked into.

    Looked for one by one: as alternatives of one pattern they would take a hundred times as long.
    """
    text = sql.lower()
    words = POSTGRESQL_WORDS if dialect.name == "postgresql" else MYSQL_WORDS
    return any(map(text.__contains__, words))


def _may_change_rights(sql: str) -> bool:
    text = sql.lower()
    return any(map(text.__contains__, RIGHTS_PARTS)) and bool(RIGHTS_WORD.search(text))


def _parts(words: Iterable[str], *stems: str) -> tuple[str, ...]:
    """As few texts as it takes, so that each word contains one of them."""
    found: list[str] = []
    for word in sorted({*words, *stems}, key=lambda one: (len(one), one)):
        if not any(shorter in word for shorter in found):
            found.append(word)
    return tuple(found)


def _lasts(phrases: Phrases, calls: Mapping[str, str]) -> set[str]:
    return {phrase[-1] for phrase in phrases} | calls.keys()


POSTGRESQL_WORDS = _parts(
    _lasts(POSTGRESQL_PHRASES, POSTGRESQL_CALLS),
    *("copy", "language", "extension", "load", "pg_", "lo_", "dblink"),
)
MYSQL_WORDS = _parts(
    _lasts({**MYSQL_PHRASES, **MYSQL_BEGINNINGS}, MYSQL_CALLS), "engine", "@@", "sys_"
)
RIGHTS_PARTS = _parts(RIGHTS_WORDS)
