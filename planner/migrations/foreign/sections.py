"""Sections of other tools' files: from pieces of text to statements, with our own directives.

Knows no format: a format says which lines of a file are whose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.format import naming
from lockgate.planner.migrations.migration import Section, SourceFile
from lockgate.planner.migrations.waiver import Waiver, read_waiver
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import DelimiterLeft, Directive, Statement, scan
from lockgate.planner.value import frozen

REQUIRES = re.compile(r"^--[ \t]*migrate:requires[ \t]+(?P<versions>[^\r\n]+)", re.MULTILINE)
BEGINS = (("begin",), ("start", "transaction"))
ENDS = (("commit",), ("end",))
FILLERS = frozenset({"work", "transaction"})


@frozen
class Piece:
    """Lines of a file that belong to one section: their text, and the number of the first."""

    text: str
    line: int


def whole(file: SourceFile) -> Piece:
    """All of a file."""
    return Piece(file.text, file.line)


def lines_of(piece: Piece) -> Iterator[tuple[int, str]]:
    """The lines of a piece with their numbers and ends."""
    return enumerate(piece.text.splitlines(keepends=True), piece.line)


def cut_at(piece: Piece, markers: re.Pattern[str]) -> Iterator[tuple[re.Match[str] | None, Piece]]:
    """The pieces between the lines that match, each with the match before it; None: none is. The
    markers themselves are in no piece."""
    marker, first, lines = None, piece.line, list[str]()
    for number, line in lines_of(piece):
        found = markers.match(line)
        if found is None:
            lines.append(line)
            continue
        yield marker, Piece("".join(lines), first)
        marker, first, lines = found, number + 1, []
    yield marker, Piece("".join(lines), first)


def read_required(file: SourceFile) -> tuple[str, ...]:
    """The versions that `-- migrate:requires` lines of a file name, which other tools pass over."""
    found = (match["versions"].replace(",", " ").split() for match in REQUIRES.finditer(file.text))
    return tuple(version for versions in found for version in versions)


def read_pieces(
    file: SourceFile,
    pieces: Iterable[Piece],
    dialect: Dialect,
    *,
    transactional: bool | None = None,
    line: int = 0,
    end: int | None = None,
) -> Section:
    """The section in these pieces of a file.

    `transactional` None: its format does not say. Then it is no transaction where one of its
    statements can run in none. BEGIN and COMMIT around all of it say that it is one, and are left
    out: lockgate begins and commits. So is a COMMIT at its end alone, which ends the tool's own.

    Raises:
        MigrationFileError: its SQL cannot be cut, or a directive of ours has no place in it.
    """
    statements: list[Statement] = []
    waivers: list[Waiver] = []
    left: DelimiterLeft | None = None
    with naming(file.name):
        for piece in pieces:
            for part in scan(piece.text, dialect, first_line=piece.line):
                if isinstance(part, Statement):
                    statements.append(part)
                elif isinstance(part, DelimiterLeft):
                    left = part
                elif waiver := _waiver(part, len(statements) + 1):
                    waivers.append(waiver)
    if len(statements) > 1 and _is_one(statements[-1], ENDS):
        del statements[-1]
        if _is_one(statements[0], BEGINS):
            del statements[0]
            transactional = True
            waivers = [_moved(waiver, -1) for waiver in waivers]
    if transactional is None:
        transactional = not _has_outside_only(statements, dialect)
    return Section(tuple(statements), transactional, line, tuple(waivers), left, file.name, end)


def _waiver(directive: Directive, statement: int) -> Waiver | None:
    """The one waiver that a directive spells; None: it is one of the header."""
    word = directive.text.partition(" ")[0]
    if word == "allow":
        return read_waiver(directive, statement)
    if word == "requires":
        return None
    raise MigrationFileError(
        f"`-- migrate:{word}` is lockgate's own, and the file is in another tool's format",
        line=directive.line,
        do="Remove it; of lockgate's directives only `allow` and `requires` can be here.",
    )


def _moved(waiver: Waiver, by: int) -> Waiver:
    return Waiver(waiver.code, waiver.reason, waiver.line, max(waiver.statement + by, 1))


def _is_one(statement: Statement, beginnings: tuple[tuple[str, ...], ...]) -> bool:
    """Whether it is one of these words, perhaps with a filler that changes nothing."""
    words = statement.words
    return any(
        words[: len(one)] == one and FILLERS.issuperset(words[len(one) :]) for one in beginnings
    )


def _has_outside_only(statements: list[Statement], dialect: Dialect) -> bool:
    if not dialect.transactional_ddl:
        return False
    # Only who reads sections loads what reads statements: `status` reads headers alone.
    from lockgate.planner.reading.reader import read_section as read_statements

    texts = (statement.sql for statement in statements)
    return any(one.outside_only for one in read_statements(texts, dialect, transactional=False))
