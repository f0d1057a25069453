"""An engine's lexical rules and capabilities as a frozen value, and the tokens that follow from it.

Holds no connection and asks no server: `with_server` takes what the server said.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lockgate.planner.value import frozen, replace

SPACE = r"[ \t\n\r\f\v]"
# Classes of letters and of all that is not ASCII, spelled by what is not in them: so they compile
# in a hundredth of the time.
LETTER = r"[^\x00-@\[-^`{-\x7f]"
LETTER_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
LETTER_DOLLAR = r"[^\x00-#%-@\[-^`{-\x7f]"
IN_WORD = r"[^\x00-#%-/:-@\[-^`{-\x7f]"  # a letter, a digit or a dollar
# In the order in which they are tried: first what one character tells, since each try costs.
# A newline must be between the parts of a continued string; comments may, directives may not.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
CONTINUED = re.compile(
    r"(?>(?:[ \t\f\v]|--(?!(?<=\n--)[ \t]*migrate:)[^\n\r]*+)*+)[\n\r]"
    r"(?>(?:[ \t\n\r\f\v]|--(?!(?<=\n--)[ \t]*migrate:)[^\n\r]*+[\n\r])*+)(?=')"
)
ESCAPED = re.compile(r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'", re.DOTALL)
TOKEN_KINDS = (
    *("group", "open", "close", "mark", "semicolon"),
    *("directive", "comment", "condition", "block", "condition_end"),
    *("escape", "quoted", "dollar", "command", "word"),
    *("other", "stray", "end", "operator"),
)
# Parentheses in parentheses that one step passes over; what is nested deeper is cut into tokens.
NESTED = 3
# Of the server alone: no stored function is called by such a name without its schema.
NATIVE = (
    "current_timestamp|from_base64|json_array|json_object|now|point|st_geomfromtext|str_to_date"
    "|unhex|utc_timestamp|uuid"
)


@frozen
class Dialect:
    """How an engine reads SQL text, and what it can do; asked instead of the engine's name.

    The defaults are those of standard SQL. `version` counts as the server itself does: 180006 for
    PostgreSQL 18.6, 90704 for MySQL 9.7.4, 101106 for MariaDB 10.11.6.
    """

    name: str
    version: int
    transactional_ddl: bool = False
    """DDL is undone by ROLLBACK; the planner builds its guarantees on it."""

    atomic_accounts: bool = True
    """A GRANT, REVOKE or CREATE, ALTER, DROP USER for several happens for all or for none."""

    sequences: bool = False
    """NEXTVAL and NEXT VALUE FOR take a value of a sequence, which no ROLLBACK gives back."""

    lexing_setting: str = ""
    """The session variable that changes how later text is read."""
    backslash_escapes: bool = False
    """A backslash escapes within plain quotes."""
    ansi_quotes: bool = True
    """Double quotes make an identifier, not a string."""
    backtick_quotes: bool = False
    escape_strings: bool = False
    """E'...' has backslash escapes, whatever the plain quotes have."""
    dollar_quotes_since: int | None = 0
    """The first server version with $tag$...$tag$; None: never."""
    dollar_tag: str = rf"(?:{LETTER}{LETTER_DIGIT}*+)?"
    null_escape: bool = False
    r"""A bare \N is NULL: MySQL 8.0 dropped it, MariaDB keeps it."""

    nested_comments: bool = False
    hash_comments: bool = False
    dashes_need_space: bool = False
    """`--` opens a comment only before white space, a control character or the end."""
    return_ends_comment: bool = False
    """A carriage return alone ends a line comment."""
    conditional_comments: tuple[str, ...] = ()
    """The openers of comments that are code from a server version on."""
    comment_version: str = ""
    """The digits after such an opener that are a version; what follows them is code."""
    foreign_versions: range = range(0)
    r"""Versions that /*!NNNNN names and this engine always skips."""

    rule_actions: bool = False
    """CREATE RULE may list actions within parentheses, divided by semicolons."""
    compound_bodies: bool = False
    """Bodies hold blocks, loops and conditions; without it they are BEGIN ATOMIC ... END."""
    body_kinds: frozenset[str] = frozenset()
    """The words that say that a statement may have a body; `planner.sql.bodies` has the grammar."""
    copy_data: bool = False
    """COPY ... FROM STDIN is followed by its data."""
    delimiter_lines: bool = False
    """DELIMITER, a command of the client, is understood in a file."""
    gauges: frozenset[str] = frozenset()
    """What the server tells of its load, by the words of a `throttle`."""
    client_commands: frozenset[str] = frozenset()
    """Words that begin a command of the client, and no statement."""

    def __hash__(self) -> int:
        """Of what tells dialects apart as a rule: what is read is kept by its dialect, and that is
        looked up for each statement."""
        return hash((self.name, self.version))

    @property
    def dollar_quotes(self) -> bool:
        """Whether this server version reads $tag$...$tag$ as a string."""
        return self.dollar_quotes_since is not None and self.version >= self.dollar_quotes_since

    def with_server(self, version: int, sql_mode: str = "") -> Dialect:
        """The dialect of a live server; `sql_mode` is the session's, as the server shows it.

        https://dev.mysql.com/doc/refman/en/sql-mode.html
        """
        if self.lexing_setting != "sql_mode":
            return replace(self, version=version)
        modes = sql_mode.upper().split(",")
        return replace(
            self,
            version=version,
            backslash_escapes="NO_BACKSLASH_ESCAPES" not in modes,
            ansi_quotes="ANSI_QUOTES" in modes,
        )

    @property
    def sql_mode(self) -> str:
        """What of a server's sql_mode `with_server` must be told to make this dialect."""
        modes = {
            "NO_BACKSLASH_ESCAPES": not self.backslash_escapes,
            "ANSI_QUOTES": self.ansi_quotes,
        }
        is_set = self.lexing_setting == "sql_mode"
        return ",".join(mode for mode, is_on in modes.items() if is_set and is_on)

    def runs_comment(self, opener: str) -> bool:
        r"""Whether this server runs what is in the conditional comment that `opener` begins.

        MariaDB skips /*!50700 to /*!99999, which speak to MySQL alone, but not /*M!50700:
        https://mariadb.com/kb/en/comment-syntax/

        >>> MYSQL.runs_comment("/*!50100"), MYSQL.runs_comment("/*!99999")
        (True, False)
        """
        version = int(opener.strip("/*M!") or 0)
        foreign = "M" not in opener and version in self.foreign_versions
        return version <= self.version and not foreign


POSTGRESQL = Dialect(
    name="postgresql",
    version=180006,
    transactional_ddl=True,
    lexing_setting="standard_conforming_strings",
    escape_strings=True,
    nested_comments=True,
    return_ends_comment=True,
    rule_actions=True,
    gauges=frozenset({"lag", "running", "oldest", "wal"}),
    body_kinds=frozenset({"function", "procedure"}),
    copy_data=True,
)

MYSQL = Dialect(
    name="mysql",
    version=90704,
    lexing_setting="sql_mode",
    backslash_escapes=True,
    ansi_quotes=False,
    backtick_quotes=True,
    dollar_quotes_since=90000,
    dollar_tag=rf"{LETTER_DIGIT}*+",
    hash_comments=True,
    dashes_need_space=True,
    conditional_comments=(r"/\*!",),
    comment_version=rf"\d{{6}}(?={SPACE})|\d{{5}}",
    compound_bodies=True,
    body_kinds=frozenset({"procedure", "function", "trigger", "event"}),
    delimiter_lines=True,
    gauges=frozenset({"running", "oldest"}),
    client_commands=frozenset(
        [
            "charset",
            "clear",
            "connect",
            "edit",
            "ego",
            "exit",
            "go",
            "nopager",
            "notee",
            "nowarning",
            "pager",
            "print",
            "prompt",
            "quit",
            "rehash",
            "resetconnection",
            "source",
            "status",
            "system",
            "tee",
            "warnings",
        ]
    ),
)

MARIADB = replace(
    MYSQL,
    name="mariadb",
    atomic_accounts=False,
    sequences=True,
    version=101106,
    dollar_quotes_since=None,
    null_escape=True,
    conditional_comments=(r"/\*!", r"/\*M!"),
    comment_version=r"\d{5,6}",
    foreign_versions=range(50700, 100000),
    body_kinds=MYSQL.body_kinds | {"atomic", "case", "for", "if", "loop", "repeat", "while"},
)

DIALECTS = {dialect.name: dialect for dialect in (POSTGRESQL, MYSQL, MARIADB)}


def _quoted(quote: str, *, backslash: bool) -> str:
    """A quoted text: unrolled and possessive, so that a missing end costs one pass, not many."""
    if backslash:
        return rf"{quote}[^{quote}\\]*+(?:(?:\\.|{quote}{quote})[^{quote}\\]*+)*+{quote}"
    return rf"{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}"


def _quotes(dialect: Dialect) -> str:
    single = _quoted("'", backslash=dialect.backslash_escapes)
    double = _quoted('"', backslash=dialect.backslash_escapes and not dialect.ansi_quotes)
    kinds = [single, double]
    if dialect.escape_strings:
        kinds = [rf"(?:[bBxXnN]|[uU]&)?{single}", rf"(?:[uU]&)?{double}"]
    if dialect.backtick_quotes:
        kinds.append(_quoted("`", backslash=False))
    return "|".join(kinds)


def _condition(dialect: Dialect) -> str:
    openers = "|".join(dialect.conditional_comments)
    return rf"(?:{openers})(?:{dialect.comment_version})?" if openers else ""


def _line_comment(dialect: Dialect) -> str:
    tail = r"[^\n\r]*+" if dialect.return_ends_comment else r"[^\n]*+"
    guard = r"(?=[\x00-\x20\x7f]|\Z)" if dialect.dashes_need_space else ""
    return rf"--{guard}{tail}" + (rf"|\#{tail}" if dialect.hash_comments else "")


def _word(dialect: Dialect) -> str:
    return rf"{LETTER if dialect.escape_strings else LETTER_DOLLAR}{IN_WORD}*"


def _other(dialect: Dialect) -> str:
    """What begins with a digit, a dollar, a dot or an at sign, so is no keyword; operators."""
    rest = rf"{IN_WORD}*"
    kinds = [rf"[0-9][0-9.]*(?:{LETTER}{rest})?", r"\$[0-9]++", rf"\.++{rest}", "[=<>+%]+"]
    if dialect.backtick_quotes:
        kinds.append(rf"@++{rest}")
    if dialect.null_escape:
        kinds.append(r"\\N")
    return "|".join(kinds)


# Characters with which nothing else begins; those without a meaning of their own as a run.
MARK = r",|[:&|!^~{}?\x00-\x08\x0e-\x1f\x7f]++"


def _operator(dialect: Dialect) -> str:
    """Any character; as a run, where no comment begins or ends in it."""
    spaced = r"(?!--(?:[\x00-\x20\x7f]|\Z))" if dialect.dashes_need_space else "(?!--)"
    return rf"-(?:{spaced}-)*|(?:/(?!\*))+|(?:\*(?!/))+|."


def _group(dialect: Dialect) -> str:
    """Parentheses, or a list of them, in which only brackets and quotes must be told apart.

    Possessive, with alternatives that begin differently: a failure costs one pass. What could
    open a comment, a dollar quote or an E string lets it fail, and is then cut into tokens.
    """
    special = r"()\[\]'\"`\\;/*\-#$"
    strings = _quotes(replace(dialect, escape_strings=False))
    if dialect.escape_strings:
        strings = f"(?<![eE])(?:{strings})"
    inner = rf"[^{special}]++|{strings}|[-/*][0-9A-Za-z_ .,]|\(\*\)"
    group = rf"[(\[](?:{inner})*+[)\]]"
    for _ in range(NESTED - 1):
        group = rf"[(\[](?:{inner}|{group})*+[)\]]"
    return _listed(group)


def _listed(item: str) -> str:
    return rf"{item}(?:{SPACE}*+,{SPACE}*+{item})*+"


@lru_cache(maxsize=64)
def literal_rows(dialect: Dialect) -> re.Pattern[str]:
    """The pattern of rows of a VALUES list which name and call nothing that a database has."""
    strings = _quoted("'", backslash=dialect.backslash_escapes)
    if not dialect.ansi_quotes:
        strings += "|" + _quoted('"', backslash=dialect.backslash_escapes)
    simple = (
        r"[-+]?[0-9.][0-9a-zA-Z.]*+(?:(?<=[eE])[-+][0-9]++)?"
        rf"|(?:_[0-9a-zA-Z]++{SPACE}*+|[xXbBnN])?(?:{strings})"
        rf"|(?i:null|true|false|default|current_timestamp)(?!\(|{IN_WORD})"
    )
    call = rf"(?i:{NATIVE})\({SPACE}*+(?:{_listed(f'(?:{simple})')})?+{SPACE}*+\)"
    row = rf"\({SPACE}*+{_listed(f'(?:{simple}|{call})')}{SPACE}*+\)"
    return re.compile(_listed(row), re.DOTALL)


@lru_cache(maxsize=64)
def tokens(dialect: Dialect) -> re.Pattern[str]:
    """The pattern of one token after white space, which always matches; its group is its kind.

    PostgreSQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
    MySQL: https://dev.mysql.com/doc/refman/en/language-structure.html
    """
    return _one_of(_rules(dialect))


@lru_cache(maxsize=64)
def pieces(dialect: Dialect) -> re.Pattern[str]:
    """`tokens`, but with parentheses as one piece where what they hold cannot end a statement."""
    return _one_of(_rules(dialect) | {"group": _group(dialect)})


def _one_of(rules: dict[str, str]) -> re.Pattern[str]:
    named = "|".join(f"(?P<{kind}>{rules[kind]})" for kind in TOKEN_KINDS if rules.get(kind))
    return re.compile(rf"{SPACE}*+(?:{named})", re.MULTILINE | re.DOTALL)


def _rules(dialect: Dialect) -> dict[str, str]:
    return {
        "directive": r"^--[ \t]*migrate:[^\n]*",
        "comment": _line_comment(dialect),
        "condition": _condition(dialect),
        "block": r"/\*",
        "mark": MARK,
        "condition_end": r"\*/" if dialect.conditional_comments else "",
        "escape": "[eE]'" if dialect.escape_strings else "",
        "quoted": _quotes(dialect),
        "dollar": rf"\${dialect.dollar_tag}\$" if dialect.dollar_quotes else "",
        "command": rf"(?i:delimiter)(?!{IN_WORD})" if dialect.delimiter_lines else "",
        "word": _word(dialect),
        "semicolon": ";",
        "open": r"[(\[]",
        "close": r"[)\]]",
        "other": _other(dialect),
        "stray": r"['\"\\]" + ("|`" if dialect.backtick_quotes else ""),
        "end": r"\Z",
        "operator": _operator(dialect),
    }
