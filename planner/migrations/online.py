"""`-- migrate:online`: an ALTER TABLE that a program of others does by a copy, while the table is
used.

Runs no program and asks no database: which options a program is given, the file says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, NoReturn

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.statement import Named, Online
from lockgate.planner.reading.mysql.spelling import clauses_of
from lockgate.planner.reading.reader import read_section
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Directive, Statement
from lockgate.planner.value import frozen

EXAMPLE = "-- migrate:online tool=pt-osc max-load=Threads_running=50"
INSTEAD = "Remove it; `migrate fix` shows what can be done there without a copy."
OPTION = re.compile(r"(?P<name>[a-z-]+)=(?P<value>[\w:=,.-]+)")
NAME = re.compile(r"[\w$]{1,56}")
"""With what a program adds, it is still a name."""

EXPLAIN_FORMAT = 80032
"""https://dev.mysql.com/doc/refman/9.7/en/server-system-variables.html#sysvar_explain_format"""

ToolName = Literal["pt-osc", "gh-ost", "spirit"]


@frozen
class ToolCall:
    """What a program is given: `always`, and the `options` that a file may set, some of which it is
    given in any case. No other: an option can name code that the program runs."""

    engines: frozenset[str]
    always: tuple[str, ...]
    options: frozenset[str]
    given: Mapping[str, str] = field(default_factory=dict)


CONTRACTS: dict[ToolName, ToolCall] = {
    # https://docs.percona.com/percona-toolkit/pt-online-schema-change.html
    "pt-osc": ToolCall(
        frozenset({"mysql", "mariadb"}),
        ("--execute", "--no-version-check", "--progress=time,5"),
        frozenset(
            ["alter-foreign-keys-method", "chunk-size", "chunk-time", "critical-load", "max-lag",
             "max-load", "recursion-method", "sleep"]
        ),
        # The rows of a chunk are locked until it is copied; by itself it takes half a second.
        {"chunk-time": "0.1"},
    ),
    # https://github.com/github/gh-ost/blob/master/doc/command-line-flags.md
    "gh-ost": ToolCall(
        frozenset({"mysql"}),
        # By itself it leaves the old table; a socket is left where it was killed.
        ("--execute", "--allow-on-master", "--ok-to-drop-table", "--initially-drop-socket-file"),
        frozenset(["chunk-size", "critical-load", "max-lag-millis", "max-load", "nice-ratio"]),
    ),
    # https://github.com/block/spirit/blob/main/USAGE.md
    "spirit": ToolCall(
        frozenset({"mysql"}),
        (),
        frozenset(["lock-wait-timeout", "replica-max-lag", "target-chunk-time", "threads"]),
    ),
}  # fmt: skip


def read_online(directive: Directive, statements: Sequence[Statement], dialect: Dialect) -> Online:
    """How a program does the one statement of a section.

    Raises:
        MigrationFileError: there is no such program for the engine, an option is none of its own,
            or the section has something else than one ALTER TABLE.
    """
    options = dict(_options(directive))
    tool = _tool(options.pop("tool", ""), directive, dialect)
    contract = CONTRACTS[tool]
    if wrong := sorted(options.keys() - contract.options):
        _refuse(
            f"`{wrong[0]}` is not an option of {tool} that a file may set", directive,
            f"These are: {', '.join(sorted(contract.options))}.",
        )  # fmt: skip
    statement = _only(directive, statements)
    table = _altered(statement, dialect)
    if "chunk-size" not in options:  # which says that chunks are of one size
        options = {**contract.given, **options}
    return Online(
        tool=tool,
        table=table,
        arguments=(
            f"--alter={clauses_of(statement.sql, dialect)}",
            *contract.always,
            *_explained(tool, dialect),
            *(f"--{name}={value}" for name, value in options.items()),
        ),
    )


def _explained(tool: ToolName, dialect: Dialect) -> tuple[str, ...]:
    """What lets pt-osc read how many rows there are, where the server may explain by a tree: there
    it finds none, and it copies the table as one chunk, whose rows are all locked."""
    knows = tool == "pt-osc" and dialect.name == "mysql" and dialect.version >= EXPLAIN_FORMAT
    return ("--set-vars=explain_format=TRADITIONAL",) if knows else ()


def _options(directive: Directive) -> list[tuple[str, str]]:
    found = []
    for word in directive.text.split()[1:]:
        match = OPTION.fullmatch(word)
        if match is None:
            _refuse(f"`{word}` is not an option of `online`", directive, f"As in `{EXAMPLE}`.")
        found.append((match["name"], match["value"]))
    return found


def _tool(name: str, directive: Directive, dialect: Dialect) -> ToolName:
    known = [tool for tool, one in CONTRACTS.items() if dialect.name in one.engines]
    if found := next((tool for tool in known if tool == name), None):
        return found
    if not known:
        what = f"`-- migrate:online` is not for {dialect.name}"
    elif name:
        what = f"`online` names the tool `{name}`, which copies no tables of {dialect.name}"
    else:
        what = "`online` names no tool"
    do = f"Write `tool={known[0]}`; known are {', '.join(known)}." if known else INSTEAD
    raise MigrationFileError(what, line=directive.line, do=do)


def _only(directive: Directive, statements: Sequence[Statement]) -> Statement:
    if not statements:
        _refuse("`online` is above no statement", directive, "Write the ALTER TABLE below it.")
    if len(statements) > 1:
        raise MigrationFileError(
            f"a section with `online` holds one statement, and this one has {len(statements)}",
            line=statements[1].line,
            why="The program makes the copy outside of every transaction.",
            do="Put the others into migrations of their own.",
        )
    return statements[0]


def _altered(statement: Statement, dialect: Dialect) -> Named:
    (reading,) = read_section([statement.sql], dialect)
    if reading.kind != "alter table" or reading.renames:
        raise MigrationFileError(
            f"`{reading.kind or reading.verb}` cannot be done by a copy",
            line=statement.line,
            why="The program makes a copy of a table, alters that, and exchanges the two.",
            do="Write one ALTER TABLE below `-- migrate:online`, which does not rename the table.",
        )
    table = reading.objects[0]
    if not NAME.fullmatch(table.name) or table.schema:
        raise MigrationFileError(
            f"`{table.name}` cannot be named to the program",
            line=statement.line,
            do="Name a table of the connection's database, by at most 56 letters, digits, "
            "`_` and `$` alone.",
        )
    return Named(kind="table", name=table.name)


def _refuse(what: str, directive: Directive, do: str) -> NoReturn:
    raise MigrationFileError(what, line=directive.line, do=do)
