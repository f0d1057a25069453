"""`-- migrate:batch` and `-- migrate:until`: a statement that runs batch after batch along a key.

Asks no database: whether the key is one, the engine looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, get_args

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.statement import ASK, Batch, Limit, Named, Slot
from lockgate.planner.quantities import parse_duration, parse_size
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.placeholders import Misplaced, find_slots
from lockgate.planner.sql.statements import Directive, Statement

EXAMPLE = "-- migrate:batch key=id size=5000 pause=50ms throttle=lag<5s,running<40"
OPTION = re.compile(r"(?P<name>[a-z]+)=(?P<value>(?:\"[^\"]*\"|`[^`]*`|[^\s\"`])+)")
NAME = re.compile(r"\"(?P<quoted>[^\"]+)\"|`(?P<ticked>[^`]+)`|(?P<plain>[^\s\"`,.]+)")
THROTTLE = re.compile(r"(?P<gauge>[a-z]+)<(?P<below>\S+)")
OPTIONS = ("key", "size", "target", "pause", "throttle", "table")
GAUGES: tuple[str, ...] = get_args(Limit.model_fields["gauge"].annotation)
SIZE, TARGET = "1000", "100ms"
"""A write of a row that a batch has changed waits for its commit: the target bounds that wait."""
LARGEST = 10_000_000


def read_batch(
    directive: Directive,
    until: Directive | None,
    statements: Sequence[Statement],
    dialect: Dialect,
) -> Batch:
    """How the one statement of a section runs in batches.

    Raises:
        MigrationFileError: an option is wrong, the section has other statements, or the bounds are
            not where each row is in one batch.
    """
    options = _read_options(directive)
    if len(statements) != 1:
        _refuse_several(directive, statements)
    (statement,) = statements
    key = _names(options["key"], dialect, directive)
    given = _table(options["table"], dialect, directive) if "table" in options else None
    reading = _read_fit(statement, key, dialect)
    if given and _grows(reading, given):
        raise MigrationFileError(
            f"the statement adds rows to {given.name}, which it walks",
            line=statement.line,
            why="They would come into later batches, and those add rows again: it has no end.",
            do="Insert into a table of its own first, and from there in a later migration.",
        )
    return Batch(
        key=key,
        table=given or _written_table(reading, directive),
        size=_size(options.get("size", SIZE), directive),
        target_ms=_milliseconds("target", options.get("target", TARGET), directive),
        pause_ms=_milliseconds("pause", options.get("pause", "0s"), directive),
        throttles=tuple(
            _throttle(one, directive, dialect)
            for one in options.get("throttle", "").split(",")
            if one
        ),
        until=_condition(until, dialect) if until else "",
        slots=tuple(_slots(statement, dialect)),
    )


def refuse_misplaced(
    directive: Directive, word: str, taken: Mapping[str, Directive], *, below: bool
) -> None:
    """Raises MigrationFileError when a directive is a second one of its kind, is `below` the
    statement that it is about, or needs another one above it."""
    other = "online" if word == "batch" else "batch"
    if word in taken:
        _refuse(
            f"a second `-- migrate:{word}` (the first is on line {taken[word].line})",
            directive,
            "One section holds one such statement: split the file in two.",
        )
    if word != "until" and other in taken:
        _refuse(
            f"`-- migrate:{word}` beside `-- migrate:{other}`",
            directive,
            "A statement runs in one way: remove one of the two.",
        )
    if word != "until" and below:
        _refuse(
            f"`-- migrate:{word}` is below a statement",
            directive,
            "Write it above the statement that it is about, which is the only one of its section.",
        )
    if word == "until" and "batch" not in taken:
        _refuse(
            "`-- migrate:until` without `-- migrate:batch`",
            directive,
            "It says what must hold when the batches have ended: write it below them.",
        )


def _read_options(directive: Directive) -> dict[str, str]:
    text = directive.text.removeprefix("batch").strip()
    found, end = dict[str, str](), 0
    while end < len(text):
        match = OPTION.match(text, end)
        if match is None or match["name"] not in OPTIONS or match["name"] in found:
            word = text[end:].split()[0]
            _refuse(
                f"`{word}` is not an option of `batch`"
                if match is None or match["name"] not in OPTIONS
                else f"`batch` has `{match['name']}` twice",
                directive,
                f"The options are {', '.join(OPTIONS)}, each once: `{EXAMPLE}`.",
            )
        found[match["name"]] = match["value"]
        end = match.end()
        end += len(text[end:]) - len(text[end:].lstrip())
    if "key" not in found:
        _refuse(
            "`batch` names no key", directive, f"Name the columns of a unique key: `{EXAMPLE}`."
        )
    return found


def _names(text: str, dialect: Dialect, directive: Directive) -> tuple[str, ...]:
    """The columns in a list, as the server reads names."""
    names = split_names(text, ",", dialect)
    if not names:
        _refuse(
            f"`key={text}` is no list of columns",
            directive,
            "Write `key=id` or `key=tenant_id,id`.",
        )
    return names


def split_names(text: str, mark: str, dialect: Dialect) -> tuple[str, ...]:
    """Names with this mark between them, as the server reads names; none where it is no such list.

    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> split_names('App."Users".id', ".", POSTGRESQL)
    ('app', 'Users', 'id')
    """
    names, end = list[str](), 0
    while match := NAME.match(text, end):
        names.append(_name(match, dialect))
        end = match.end() + 1
        if match.end() == len(text):
            return tuple(names)
        if text[match.end()] != mark:
            break
    return ()


def _table(text: str, dialect: Dialect, directive: Directive) -> Named:
    parts = split_names(text, ".", dialect)
    if len(parts) not in (1, 2):
        _refuse(
            f"`table={text}` is no table", directive, "Write `table=users` or `table=app.users`."
        )
    return Named(kind="table", name=parts[-1], qualifier=parts[0] if len(parts) == 2 else "")


def _name(match: re.Match[str], dialect: Dialect) -> str:
    """A name; PostgreSQL reads one without quotes in lower case."""
    if match["plain"] is None:
        return str(match["quoted"] or match["ticked"])
    return match["plain"].lower() if dialect.transactional_ddl else match["plain"]


def _size(text: str, directive: Directive) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        _refuse(f"`size={text}` is no number of rows", directive, "Write `size=5000`.")
    return int(text)


def _milliseconds(name: str, text: str, directive: Directive) -> int:
    seconds = _quantity(parse_duration, f"{name}={text}", text, directive)
    if name == "target" and not seconds:
        _refuse("`target=0s` leaves a batch no time", directive, "Write `target=1s`.")
    return round(seconds * 1000)


def _throttle(text: str, directive: Directive, dialect: Dialect) -> Limit:
    match = THROTTLE.fullmatch(text)
    if match is None or match["gauge"] not in GAUGES:
        _refuse(
            f"`throttle={text}` is none",
            directive,
            "Write `lag<5s`, `running<40`, `oldest<10m` or `wal<2GB`, with commas between them.",
        )
    gauge, below = match["gauge"], match["below"]
    if gauge not in dialect.gauges:
        _refuse(
            f"`{text}`: a server of {dialect.name} does not tell it",
            directive,
            f"It tells {' and '.join(sorted(dialect.gauges))}; for others write a `pause`.",
        )
    if gauge == "running":
        if not below.isdecimal() or not int(below):
            _refuse(f"`{text}` is no number of sessions", directive, "Write `running<40`.")
        return Limit(gauge="running", below=int(below))
    if gauge == "wal":
        return Limit(gauge="wal", below=round(_quantity(parse_size, text, below, directive)))
    seconds = _quantity(parse_duration, text, below, directive)
    return Limit(gauge="lag" if gauge == "lag" else "oldest", below=round(seconds * 1000))


def _quantity(
    parse: Callable[[object], float], shown: str, text: str, directive: Directive
) -> float:
    try:
        return parse(text)
    except ValueError as error:
        _refuse(f"`{shown}`: it {error}", directive, f"As in `{EXAMPLE}`.")


def _read_fit(statement: Statement, key: Sequence[str], dialect: Dialect) -> Reading:
    """What the statement does, which can be done in a transaction with its place.

    Raises:
        MigrationFileError: it is none that changes rows and can be rolled back; or it changes the
            key, so that a row could be in two batches.
    """
    (reading,) = read_section([statement.sql], dialect)
    if reading.unread_at is not None:  # which of its characters, `find_misplaced` says
        return reading
    if reading.verb != "write" or reading.commits != "never" or reading.leaves != "nothing":
        raise MigrationFileError(
            f"`{reading.kind or reading.verb}` cannot run in batches",
            line=statement.line,
            why="A batch changes rows in a transaction, between two keys.",
            do="Write an UPDATE, DELETE or INSERT … SELECT below `-- migrate:batch`.",
        )
    written = {one.lower() for one in reading.columns_written or ()}
    if changed := [one for one in key if one.lower() in written]:
        raise MigrationFileError(
            f"the statement changes {', '.join(changed)}, by which its batches are cut",
            line=statement.line,
            why="A row could come into a second batch.",
            do="Walk by another unique key.",
        )
    return reading


def _written_table(reading: Reading, directive: Directive) -> Named:
    """The one table whose rows it changes, where that is also what it walks."""
    tables = tuple(dict.fromkeys(reading.tables_written))
    if reading.unread_at is None and (len(tables) != 1 or _inserts(reading)):
        _refuse(
            "`batch` does not say which table's key it walks",
            directive,
            "Name it: `-- migrate:batch key=id table=users …`.",
        )
    name, schema = (tables[0].name, tables[0].schema) if tables else ("", "")
    return Named(kind="table", name=name, qualifier=schema)


def _grows(reading: Reading, walked: Named) -> bool:
    """Whether it inserts into the table that it walks, by its name and, where both say one, its
    schema; one without a schema may be that of the default one."""
    schemas = {walked.qualifier.lower(), *(("", "public") if not walked.qualifier else ())}
    return _inserts(reading) and any(
        one.name.lower() == walked.name.lower()
        and (one.schema.lower() in schemas or not one.schema)
        for one in reading.tables_written
    )


def _inserts(reading: Reading) -> bool:
    return "insert" in (*reading.row_changes, reading.kind)


def _condition(until: Directive, dialect: Dialect) -> str:
    condition = until.text.removeprefix("until").strip().removesuffix(";").strip()
    if not condition:
        _refuse(
            "`until` names no condition",
            until,
            "Write what must hold at the end, on one line: "
            "`-- migrate:until not exists (select 1 from users where email_norm is null)`.",
        )
    (reading,) = read_section([ASK.format(condition)], dialect)
    if reading.unread or reading.verb != "read" or reading.tables_written:
        _refuse(
            f"`until {condition}` is no condition",
            until,
            "Write one that WHERE would take, on one line, such as "
            "`not exists (select 1 from users where email_norm is null)`.",
        )
    return condition


def _refuse_several(directive: Directive, statements: Sequence[Statement]) -> NoReturn:
    if not statements:
        _refuse("`batch` is above no statement", directive, "Write the statement below it.")
    raise MigrationFileError(
        f"a section in batches holds one statement, and this one has {len(statements)}",
        line=statements[1].line,
        why="Each batch is a transaction that is kept, so nothing else can be undone with it.",
        do="Put the others into migrations of their own.",
    )


def _slots(statement: Statement, dialect: Dialect) -> list[Slot]:
    found = find_slots(statement.sql, dialect)
    for one in found:
        if isinstance(one, Misplaced):
            raise MigrationFileError(
                one.what,
                line=statement.line + statement.sql[: one.start].count("\n"),
                why="A row would be in two batches, or in none.",
                do=one.do,
            )
    slots = [one for one in found if not isinstance(one, Misplaced)]
    for name in ("lo", "hi"):
        if name not in [one.name for one in slots]:
            raise MigrationFileError(
                f"a statement in batches has no `{{{{{name}}}}}`",
                line=statement.line,
                why="Each batch would work on the whole table.",
                do="Write `where key > {{lo}} and key <= {{hi}}`; for a key of several columns "
                "`where (a, b) > ({{lo}}) and (a, b) <= ({{hi}})`.",
            )
    return [Slot(name=one.name, start=one.start, end=one.end) for one in slots]


def _refuse(what: str, directive: Directive, do: str) -> NoReturn:
    raise MigrationFileError(what, line=directive.line, do=do)
