"""The files that a migration becomes, when its statements are pieces: one for each unit.

Reads and writes no file. What the first one had beside the statements stays: its head, its
comments and its way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from lockgate.planner.migrations.migration import Migration, Section, Sections
from lockgate.planner.rewriting.piece import Pieces, SafePart
from lockgate.planner.rewriting.way_back import Undone, divide
from lockgate.planner.sql.statements import last_line
from lockgate.planner.value import frozen

OUTSIDE = " transaction:false"
NO_WAY_BACK = "\n-- migrate:down nothing\n"
WHOLE = Undone()
"""In place of a way back that stays where it is."""


@frozen
class NewFile:
    """A file with its name, and what it holds."""

    name: str
    text: str


@dataclass(slots=True)
class _Unit:
    """What runs in one transaction, or alone."""

    alone: bool
    label: str = ""
    batch: str = ""
    contract: str = ""
    parts: list[str] = field(default_factory=list)
    pieces: list[SafePart] = field(default_factory=list)


def compose(
    migration: Migration, sections: Sections, replaced: Mapping[int, Pieces], last: str
) -> tuple[NewFile, ...]:
    """The file with its name of before, then those of the further units, with versions after
    `last`, the folder's last."""
    (file,) = migration.files
    lines = file.text.split("\n")
    up, end = sections.up, (sections.down.line - 1 if sections.down else len(lines))
    units = list(_units(up, lines, replaced))
    first, *others = units
    head = "\n".join([*lines[: up.line - 1], ""]) if up.line > 1 else ""
    flags = OUTSIDE if (first.alone and not first.batch) or not up.transactional else ""
    tail = "\n".join(lines[end:]).rstrip("\n")
    own, *back = _ways_back(sections.down, lines, units)
    tail = f"\n{tail}\n" if tail and own is WHOLE else _way_back(own, sections.down)
    text = head + _section(first, flags) + tail
    versions = [migration.version, *(_after(last, one) for one in range(1, len(units)))]
    return (
        NewFile(migration.filename, text),
        *(
            NewFile(
                f"{version}_{migration.name}_{unit.label}.sql",
                _head(unit, before)
                + _section(unit, "" if unit.batch or not unit.alone else OUTSIDE)
                + _way_back(undone, sections.down),
            )
            for (before, version), unit, undone in zip(
                pairwise(versions), others, back, strict=True
            )
        ),
    )


def _ways_back(
    down: Section | None, lines: Sequence[str], units: Sequence[_Unit]
) -> Sequence[Undone]:
    """What undoes each unit; batches, and what has conditions, stay in the first file."""
    nothing = [WHOLE, *[Undone()] * (len(units) - 1)]
    if down is None or not down.statements or len(units) == 1:
        return nothing
    if down.batch or down.online or down.conditions:
        return nothing
    return divide(down, _comments(down, lines, {}), [unit.pieces for unit in units])


def _way_back(undone: Undone, down: Section | None) -> str:
    if down is None:
        return ""
    if not undone.texts:
        return NO_WAY_BACK
    flags = OUTSIDE if undone.alone else ""
    return "\n".join([f"\n-- migrate:down{flags}", *undone.texts, ""])


def _head(unit: _Unit, before: str) -> str:
    """What is above the section of a new file."""
    return f"-- migrate:contract-of {before} {unit.contract}\n" if unit.contract else ""


def _section(unit: _Unit, flags: str) -> str:
    batch = f"-- migrate:batch {unit.batch}\n" if unit.batch else ""
    return f"-- migrate:up{flags}\n{batch}" + "\n".join(unit.parts) + "\n"


def _after(last: str, number: int) -> str:
    return str(int(last) + number).zfill(len(last))


def _units(
    section: Section, lines: Sequence[str], replaced: Mapping[int, Pieces]
) -> Iterator[_Unit]:
    """In a section that is no transaction all stay together: each statement is one by itself."""
    parts = list(_parts(section, lines, replaced))
    if not section.transactional:
        yield _Unit(False, parts=[text for text, _ in parts], pieces=[piece for _, piece in parts])
        return
    for (alone, contract, _), group in groupby(
        enumerate(parts),
        lambda one: (one[1][1].alone, one[1][1].contract, one[0] if one[1][1].alone else -1),
    ):
        found = [part for _, part in group]
        labels = [piece.label for _, piece in found if piece.label]
        texts, pieces = [text for text, _ in found], [piece for _, piece in found]
        yield _Unit(alone, (labels or ["rest"])[0], found[0][1].batch, contract, texts, pieces)


def _parts(
    section: Section, lines: Sequence[str], replaced: Mapping[int, Pieces]
) -> Iterator[tuple[str, SafePart]]:
    """Each text of the section with its piece; a statement that stays is one without a label."""
    above = _comments(section, lines, replaced)
    for place, statement in enumerate(section.statements, 1):
        pieces = replaced.get(place)
        if pieces is None:
            text = "\n".join([*above[place], statement.sql + ";"]).strip("\n")
            yield text, SafePart(statement.sql, "")
            continue
        for number, piece in enumerate(pieces):
            before = above[place] if number == 0 else []
            yield "\n".join([*before, piece.sql + ";"]).strip("\n"), piece


def _comments(
    section: Section, lines: Sequence[str], replaced: Mapping[int, Pieces]
) -> dict[int, list[str]]:
    """What is above each statement; above one that covers others, theirs too."""
    found, begin, owner = dict[int, list[str]](), section.line, 0
    for place, statement in enumerate(section.statements, 1):
        owner = owner if replaced.get(place) == () else place
        found.setdefault(owner, []).extend(lines[begin : statement.line - 1])
        begin = max(last_line(statement), begin)
    return found
