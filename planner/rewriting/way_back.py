"""The way back of a migration, divided among the files that it becomes: each undoes its own part.

Reads and writes no file. Whether each way back leaves what was there before its file, a scratch
database proves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockgate.planner.migrations.migration import Section
from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.nodes import Node, only, texts, walk
from lockgate.planner.reading.postgresql.spelling import NotSpelled, spell_tree
from lockgate.planner.rewriting.piece import Pieces, SafePart
from lockgate.planner.value import frozen

Aim = tuple[str, ...]
Spot = tuple[int, int]
KEPT = frozenset({"", "alter"})
"""The labels of statements that stay as they are."""
NAMES = frozenset(
    {"relname", "schemaname", "name", "colname", "sval", "idxname", "conname", "trigname"}
)


@frozen
class Undone:
    """What one file runs to undo its part; `alone` says that it is no transaction."""

    texts: tuple[str, ...] = ()
    alone: bool = False


@dataclass(slots=True)
class _Command:
    """A command of the way back that is written, and where it goes: the unit, and the piece in it,
    that it undoes."""

    sql: str
    subject: Aim | None
    place: Spot = (0, 0)
    instead: Pieces | None = None
    """What undoes the piece that it was written for; None: it stays."""

    @property
    def stays(self) -> bool:
        """Whether it stays as it is written: nothing is in its place, or the same."""
        found = self.instead
        return found is None or (len(found) == 1 and subject_of(found[0].sql) == self.subject)


@frozen
class _Written:
    """A statement of the way back with the comments above it, and its commands."""

    comments: tuple[str, ...]
    sql: str
    commands: tuple[_Command, ...]


def divide(
    down: Section, above: dict[int, list[str]], units: Sequence[Sequence[SafePart]]
) -> tuple[Undone, ...]:
    """What each unit's file runs; `above` are the comments of each statement of the way back."""
    written = [
        _Written(
            tuple(above[number]),
            one.sql,
            tuple(_Command(sql, subject_of(sql)) for sql in commands_of(one.sql)),
        )
        for number, one in enumerate(down.statements, 1)
    ]
    commands = [command for one in written for command in one.commands]
    made = dict[Spot, Pieces]()
    kept = list[tuple[Spot, frozenset[str]]]()
    for place, piece in _places(units):
        if piece.label in KEPT:
            kept.append((place, _words(piece.sql)))
        elif not _takes(commands, piece, place):
            made[place] = piece.back
    for command in commands:
        if command.instead is None:
            command.place = _nearest(_words(command.sql), kept)
    return tuple(_undone(number, written, made, down.transactional) for number in range(len(units)))


def _places(units: Sequence[Sequence[SafePart]]) -> Iterator[tuple[Spot, SafePart]]:
    """The pieces with their places, from the last one on."""
    for number, pieces in enumerate(units):
        for place, piece in reversed(list(enumerate(pieces))):
            yield (number, place), piece


def _takes(commands: Sequence[_Command], piece: SafePart, place: Spot) -> bool:
    """Whether a command that is written undoes the piece; it goes where that is."""
    wanted = {subject_of(one.sql) for one in piece.back} | {piece.undone_by or None}
    for command in commands:
        if command.instead is None and command.subject and command.subject in wanted:
            command.place, command.instead = place, piece.back
            return True
    return False


def _nearest(words: frozenset[str], kept: Sequence[tuple[Spot, frozenset[str]]]) -> Spot:
    """The place of the statement that is about the same, the last of those that are so alike."""
    nothing: Spot = (0, -1)
    alike = max(((len(words & one), place) for place, one in kept), default=(0, nothing))
    return alike[1] if alike[0] else nothing


def _words(sql: str) -> frozenset[str]:
    """What kind of statement it is, and what it names.

    >>> sorted(_words("alter table t add column c int"))
    ['AlterTableStmt', 'c', 'int4', 'pg_catalog', 't']
    """
    try:
        kind, node = parse(sql)
    except NotRead:
        return frozenset()
    nodes = [node, *(one for _, one in walk(node))]
    return frozenset([kind, *(str(one[key]) for one in nodes for key in NAMES & one.keys())])


def _undone(
    unit: int, written: Sequence[_Written], made: Mapping[Spot, Pieces], transactional: bool
) -> Undone:
    """In the order in which it was written, where that is all; else the last piece first."""
    found = [(place, _spelled(back)) for place, back in made.items() if place[0] == unit and back]
    parts = [part for place, back in made.items() if place[0] == unit for part in back]
    alone, is_written = any(part.alone for part in parts), not found
    for one in written:
        mine = [command for command in one.commands if command.place[0] == unit]
        if not mine:
            continue
        stays = all(command.stays for command in mine)
        alone |= not transactional
        alone |= any(part.alone for each in mine for part in each.instead or ())
        is_written &= stays
        is_whole = stays and len(mine) == len(one.commands)
        told = f"{one.sql};" if is_whole else "\n".join(map(_text, mine))
        text = "\n".join([*one.comments, told]).strip("\n")
        found.append((max(command.place for command in mine), text))
    ordered = found if is_written else sorted(found, key=lambda each: each[0], reverse=True)
    return Undone(tuple(text for _, text in ordered), alone)


def _text(command: _Command) -> str:
    return f"{command.sql};" if command.instead is None else _spelled(command.instead)


def _spelled(pieces: Pieces) -> str:
    return "\n".join(f"{one.sql};" for one in pieces)


def commands_of(sql: str) -> tuple[str, ...]:
    """The statement; an ALTER TABLE of several commands as one of each.

    >>> commands_of("alter table t drop column a, drop b")
    ('ALTER TABLE t DROP a', 'ALTER TABLE t DROP b')
    """
    try:
        kind, node = parse(sql)
        if kind == "AlterTableStmt":
            return tuple(spell_tree(kind, {**node, "cmds": [one]}) for one in node["cmds"])
        return (spell_tree(kind, node),)
    except (NotRead, NotSpelled):
        return (sql,)


def subject_of(sql: str) -> Aim | None:
    """What a command takes away or changes, by the names that tell it from others; None: that is
    not known here.

    >>> subject_of("alter table s.t drop constraint if exists c cascade")
    ('AT_DropConstraint', 't', 'c')
    >>> subject_of("drop index s.i")
    ('OBJECT_INDEX', 'i')
    """
    try:
        kind, node = parse(sql)
    except NotRead:
        return None
    if kind == "AlterTableStmt" and len(node["cmds"]) == 1:
        command = node["cmds"][0]["AlterTableCmd"]
        return (command["subtype"], node["relation"]["relname"], _named(command))
    if kind == "DropStmt" and len(node["objects"]) == 1:
        form, one = only(node["objects"][0])
        return (node["removeType"], texts(one["items"])[-1]) if form == "List" else None
    return None


def _named(command: Node) -> str:
    partition = command.get("def", {}).get("PartitionCmd")
    return str(partition["name"]["relname"] if partition else command.get("name", ""))
