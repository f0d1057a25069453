"""`-- migrate:if not exists column users.age`: a statement that runs only where that holds.

Asks no database: the executor looks, right before the statement.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NoReturn

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.batch import split_names
from lockgate.planner.plan.statement import Condition, Named
from lockgate.planner.reading.reader import read_section
from lockgate.planner.reading.reading import Reading
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Directive, Statement

EXAMPLE = "-- migrate:if not exists column users.age"
FORM = re.compile(
    r"if\s+(?P<absent>not\s+)?exists\s+(?P<kind>column|index|constraint)\s+(?P<path>\S.*)",
    re.IGNORECASE,
)
ASKED = frozenset({"algorithm", "lock"})
BUILDS = frozenset({"name index", "build index"})
DROPS = frozenset(
    {"drop column", "drop index", "drop constraint", "drop foreign key", "drop check"}
)


def read_conditions(
    directives: Iterable[tuple[int, Directive]],
    statements: Sequence[Statement],
    ways: Container[str],
    dialect: Dialect,
) -> Mapping[int, Condition]:
    """The condition of a statement by its line; each directive has the place of its own, from 0.

    Raises:
        MigrationFileError: a directive names nothing that could be looked for, or its statement
            does something else than to make or to drop that.
    """
    found: dict[int, Condition] = {}
    for place, directive in directives:
        if place >= len(statements) or ways:
            _refuse(
                "`if` beside another way to run" if ways else "`if` is above no statement",
                directive, "Write it right above the ALTER TABLE that it is about.",
            )  # fmt: skip
        line = statements[place].line
        if sum(one.line == line for one in statements) > 1 or line in found:
            _refuse(
                "`if` does not say about which statement it is", directive,
                "Write one above each such statement, and each of these on lines of its own.",
            )  # fmt: skip
        found[line] = _read_condition(directive, statements[place], dialect)
    return found


def _read_condition(directive: Directive, statement: Statement, dialect: Dialect) -> Condition:
    match = FORM.fullmatch(directive.text.strip())
    path = split_names(match["path"], ".", dialect) if match else ()
    if match is None or len(path) not in (2, 3):
        _refuse(
            f"`{directive.text}` is no condition", directive,
            "Name a column, an index or a constraint of a table, as in "
            f"`{EXAMPLE}` or `-- migrate:if exists index users.users_email`.",
        )  # fmt: skip
    *schema, table, name = path
    condition = Condition(
        exists=match["absent"] is None,
        part=Named(kind=match["kind"].lower(), name=name),
        table=Named(kind="table", name=table, qualifier="".join(schema)),
    )
    (reading,) = read_section([statement.sql], dialect)
    if reading.unread_at is None and not _fits(condition, reading):
        _refuse_other(condition, statement)
    return condition


def _fits(condition: Condition, reading: Reading) -> bool:
    """Whether the statement makes or drops that, and does nothing that its absence would hide from
    what is judged of later statements."""
    if reading.kind == "drop index" and reading.verb == "drop":
        return condition.exists and [one.name for one in reading.objects] == [condition.part.name]
    actions = [one.action for one in reading.clauses if one.action not in ASKED]
    table = condition.table.qualifier, condition.table.name
    if not actions or [(one.schema, one.name) for one in reading.objects] != [table]:
        return False
    columns = reading.columns_dropped if condition.exists else reading.columns_added
    named = condition.part.kind != "column" or _holds(columns, condition.part.name)
    if condition.exists:
        return named and len(actions) == 1 and actions[0] in DROPS
    return named and all(map(_makes, actions))


def _holds(columns: Iterable[str], name: str) -> bool:
    return name.lower() in map(str.lower, columns)


def _makes(action: str) -> bool:
    return action in BUILDS or (action.startswith("add ") and "partition" not in action)


def _refuse_other(condition: Condition, statement: Statement) -> NoReturn:
    if condition.exists:
        do = f"Write one statement that drops the {condition.part.kind} and does nothing else."
    else:
        do = f"Write an ALTER TABLE that adds the {condition.part.kind}, or CREATE INDEX."
    raise MigrationFileError(
        f"the statement does not just {'drop' if condition.exists else 'make'} the "
        f"{condition.part.kind} {condition.part.name} of {condition.table.name}",
        line=statement.line,
        why="Whether the rest of it has run would not be known.",
        do=do,
    )


def _refuse(what: str, directive: Directive, do: str) -> NoReturn:
    raise MigrationFileError(what, line=directive.line, do=do)
