"""Which statements of a section have a safe form, and what that is: the rewritings are asked.

Proves nothing: what a scratch database does not confirm must not be offered.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType

from lockgate.planner.reading.mysql.algorithms import OFFERS
from lockgate.planner.reading.postgresql.grammar import NotRead
from lockgate.planner.reading.postgresql.spelling import NotSpelled
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.review.section import Reviewed, Subject
from lockgate.planner.rewriting.mysql.guarding import rewrite_all
from lockgate.planner.rewriting.piece import (
    DependsOnTables,
    NoSafeForm,
    Original,
    Pieces,
    SafePart,
    parsed,
)
from lockgate.planner.value import frozen

UNKNOWN = "lockgate knows no form of it that keeps less closed"


@frozen
class Rewriting:
    """What may take the place of a statement, the `place`th of its section from 1, and of those
    that follow it if it `covers` several; empty where nothing may, for the reason in `why`."""

    place: int
    line: int
    pieces: Pieces = ()
    why: str = ""
    depends: bool = False
    """Whether something may, as the tables are."""
    covers: int = 1
    offers: tuple[Pieces, ...] = ()
    """What the server is asked for in place of `pieces`, from the best on: the first one counts
    that it takes."""


def rewrite_section(subject: Subject, down: Sequence[str] = ()) -> tuple[Rewriting, ...]:
    """One for each statement that keeps others out for long, or that fails where it is; `down`
    are the statements of the way back."""
    if subject.terms.dialect.name in OFFERS:
        return tuple(
            Rewriting(
                group[0].place,
                group[0].line,
                covers=len(group),
                offers=tuple((SafePart(sql, ""),) for sql in asked),
            )
            for group, asked in rewrite_all(subject)
        )
    found = (_rewrite(subject, one, down) for one in subject.statements)
    return tuple(one for one in found if one is not None)


def _rewrite(subject: Subject, statement: Reviewed, down: Sequence[str]) -> Rewriting | None:
    if not (_is_long(subject, statement) or statement.impact.reading.kind == "alter type"):
        return None
    place, line = statement.place, statement.line
    try:
        pieces = _pieces(subject, statement, down)
    except NoSafeForm as none:
        return Rewriting(place, line, why=str(none), depends=isinstance(none, DependsOnTables))
    except (NotSpelled, NotRead) as error:
        return Rewriting(place, line, why=f"its safe form cannot be written: {error}")
    if pieces is None:
        is_long = _is_long(subject, statement)
        return Rewriting(place, line, why=UNKNOWN) if is_long else None
    return Rewriting(place, line, pieces)


def _is_long(subject: Subject, statement: Reviewed) -> bool:
    holds = statement.impact.holds
    return any(hold.is_long and not subject.is_new(hold.on, statement) for hold in holds)


def _pieces(subject: Subject, statement: Reviewed, down: Sequence[str]) -> Pieces | None:
    terms, later = subject.terms, subject.statements[statement.place :]
    original = Original(
        statement.sql, statement.impact.reading, terms.facts, terms.dialect,
        later=tuple(one.sql for one in later), down=tuple(down),
    )  # fmt: skip
    original = parsed(original)
    return _of_alter(original) if original.kind == "AlterTableStmt" else _ask(original)


def _of_alter(original: Original) -> Pieces | None:
    """Command by command; those that stay as they are stay together."""
    pieces, kept, is_changed = list[SafePart](), list[dict[str, object]](), False
    commands: Sequence[dict[str, object]] = original.tree["cmds"]
    for command in commands:
        one = original.with_tree("AlterTableStmt", {**original.tree, "cmds": [command]})
        found = _ask(one) if _takes_long(one) else None
        if found is None:
            kept.append(command)
            continue
        pieces += [*_together(original, kept), *found]
        kept, is_changed = [], True
    return (*pieces, *_together(original, kept)) if is_changed else None


def _together(original: Original, commands: list[dict[str, object]]) -> Iterator[SafePart]:
    if commands:
        yield SafePart(
            original.with_tree("AlterTableStmt", {**original.tree, "cmds": commands}).sql, "alter"
        )


def _takes_long(original: Original) -> bool:
    (impact,) = read_impacts([original.sql], original.dialect, original.facts)
    return any(hold.is_long for hold in impact.holds)


def _ask(original: Original) -> Pieces | None:
    """What the first rewriting says that has a word on it."""
    for module in _modules(original.dialect.name):
        if original.kind in module.KINDS:
            pieces: Pieces | None = module.rewrite(original)
            if pieces is not None:
                return pieces
    return None


@cache
def _modules(engine: str) -> tuple[ModuleType, ...]:
    package = importlib.import_module(f"lockgate.planner.rewriting.{engine}")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names)
