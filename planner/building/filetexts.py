"""The text of a migration's file within a plan: kept beside the statements, and put together again.

Cuts nothing and checks nothing; see `planner.review.rereading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.plan import FileText, Step
from lockgate.planner.plan.statement import PlannedStatement


def with_text(step: Step, migration: Migration, variables: Mapping[str, str]) -> Step:
    """The step with the text of its file; a template's with the variables of the environment."""
    if migration.template:
        whole = FileText(parts=(migration.text,), variables=dict(sorted(variables.items())))
        return step.model_copy(update={"text": whole})
    return step.model_copy(update={"text": FileText(parts=_cut(migration.text, step))})


def with_text_of(step: Step, other: Step) -> Step:
    """The step with the text of another one of the same file, which may have kept none."""
    if other.text is None:
        return step
    whole, variables = restore_text(other), other.text.variables
    parts = _cut(whole, step) if variables is None else (whole,)
    return step.model_copy(update={"text": FileText(parts=parts, variables=variables)})


def without_statements(step: Step) -> Step:
    """The step of a baseline: it runs nothing, and its file's text stays."""
    text = step.text
    if text is not None:
        text = text.model_copy(update={"parts": (restore_text(step),)})
    return step.model_copy(update={"statements": (), "text": text})


def restore_text(step: Step) -> str:
    """The text of the step's file, with LF line ends and without a BOM; empty where it is not kept.

    >>> from types import SimpleNamespace as Some
    >>> one = Some(sql="select 1", copy_data=None)
    >>> restore_text(Some(text=Some(parts=("a ", ";")), statements=(one,), rollback=None))
    'a select 1;'
    """
    if step.text is None:
        return ""
    parts = step.text.parts
    pieces = tuple(_pieces(step)) if len(parts) != 1 else ()
    filled = [text for pair in zip(parts, (*pieces, ""), strict=False) for text in pair]
    return "".join(filled)


def _cut(text: str, step: Step) -> tuple[str, ...]:
    """What stands around the step's statements; the whole text where they are not found in it."""
    parts = []
    end = 0
    for piece in _pieces(step):
        start = text.find(piece, end)
        if start < 0:
            return (text,)
        parts.append(text[end:start])
        end = start + len(piece)
    return (*parts, text[end:])


def _pieces(step: Step) -> Iterator[str]:
    """In the order of the file, where the down section comes after the up section."""
    yield from _texts(step.statements)
    yield from _texts(step.rollback or ())


def _texts(statements: Iterable[PlannedStatement]) -> Iterator[str]:
    for statement in statements:
        yield statement.sql
        if statement.copy_data:
            yield statement.copy_data
