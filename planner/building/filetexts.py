"""The text of a migration's file within a plan: kept beside the statements, and put together again.

Cuts nothing and checks nothing; see `planner.review.rereading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.format import FORMATS, assemble_migration
from lockgate.planner.migrations.migration import OWN, Migration, SourceFile
from lockgate.planner.plan.filetext import FilePart, FileText, Sources
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.sql.dialect import Dialect

BEGINNING = 100
"""Characters of a statement that are looked for first."""


def with_text(step: Step, migration: Migration, variables: Mapping[str, str]) -> Step:
    """The step with the text of its files; a template's with the variables of the environment."""
    sources = _sources(migration)
    if migration.template:
        noted = dict(sorted(variables.items()))
        whole = FileText(parts=(migration.text,), variables=noted, sources=sources)
        return step.model_copy(update={"text": whole})
    parts = _cut(migration.text, step)
    return step.model_copy(update={"text": FileText(parts=parts, sources=sources)})


def with_text_of(step: Step, other: Step) -> Step:
    """The step with the text of another one of the same file, which may have kept none."""
    if other.text is None:
        return step
    whole, variables = restore_text(other), other.text.variables
    parts = _cut(whole, step) if variables is None else (whole,)
    text = FileText(parts=parts, variables=variables, sources=other.text.sources)
    return step.model_copy(update={"text": text})


def restore_migration(step: Step, dialect: Dialect) -> Migration:
    """The migration of a step that carries its text, read again by its format.

    Raises:
        MigrationFileError: it cannot be read, or its format is not known.
    """
    assert step.text is not None, "a step of format 1.0 carries none"
    text, sources = restore_text(step), step.text.sources
    if sources is None:
        return assemble_migration(OWN, (SourceFile(step.file, text),), dialect)
    if sources.format not in FORMATS or not sources.files:
        raise MigrationFileError(f"the format {sources.format!r} is not known")
    return assemble_migration(sources.format, tuple(_files(text, sources.files)), dialect)


def _sources(migration: Migration) -> Sources | None:
    if migration.format == OWN:
        return None
    parts = (
        FilePart(name=file.name, role=file.role, line=file.line, length=len(file.text))
        for file in migration.files
    )
    return Sources(format=migration.format, files=tuple(parts))


def _files(text: str, parts: Iterable[FilePart]) -> Iterator[SourceFile]:
    start = 0
    for part in parts:
        end = start + part.length
        yield SourceFile(part.name, text[start:end], part.role, part.line)
        start = end
    if start != len(text):
        raise MigrationFileError("its files are not all of its text")


def without_statements(step: Step) -> Step:
    """The step of a baseline: it runs nothing, and its file's text stays."""
    text = step.text
    if text is not None:
        text = text.model_copy(update={"parts": (restore_text(step),)})
    return step.model_copy(update={"statements": (), "text": text})


def restore_text(step: Step) -> str:
    """The text of the step's files, one after the other; empty where it is not kept.

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
    """What is around the step's statements; the whole text where they are not found in it."""
    parts = []
    end = 0
    for piece in _pieces(step):
        # Where it begins: to look for so long a text takes many times as long as to compare it.
        start = text.find(piece[:BEGINNING], end)
        if not text.startswith(piece, max(start, 0)):
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
