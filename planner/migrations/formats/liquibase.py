"""Liquibase formatted SQL: `--changeset author:id` in files that begin `--liquibase formatted sql`.

https://docs.liquibase.com/pro/user-guide/what-is-the-sql-changelog-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.changelogs import (
    find_changelogs,
    find_changesets,
    find_undecided,
    order_by,
    undecided,
)
from lockgate.planner.migrations.foreign.changesets import (
    ATTRIBUTE,
    CHANGESET,
    ROLLBACK,
    ROLLBACK_BLOCK,
    is_told,
    match_changeset,
    read_attributes,
    unquoted,
)
from lockgate.planner.migrations.foreign.contexts import CONTEXTS, LABELS, UNDECIDED
from lockgate.planner.migrations.foreign.sections import (
    Piece,
    lines_of,
    read_pieces,
    read_required,
    whole,
)
from lockgate.planner.migrations.format import Header, naming
from lockgate.planner.migrations.migration import Migration, Section, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.line_comments import space_dashes
from lockgate.planner.value import replace

TOOL = "Liquibase"
LAYOUT = "formatted SQL with --changeset author:id and --rollback; changelogs that include it"
NOT_TAKEN = (
    "changesets in XML, YAML or JSON, preconditions, runAlways, runWith, failOnError:false and "
    "--property; contexts and labels as the environment says"
)
ALONE = "`runInTransaction:false` after its `--changeset`"

FIRST = re.compile(r"\s*--\s*liquibase formatted sql(?P<rest>.*)", re.IGNORECASE)
UNTAKEN = re.compile(
    r"\s*--\s*(?P<word>preconditions?|property|ignoreLines|ignore)\b", re.IGNORECASE
)
PARAMETER = re.compile(r"\$\{(?P<name>\w[\w.-]*)\}")
NOTHING = frozenset({"empty", "not required"})
HARMLESS = frozenset({
    "runintransaction", "runonchange", "splitstatements", "enddelimiter", "stripcomments", "dbms",
    "rollbackenddelimiter", "rollbacksplitstatements", "logicalfilepath", "objectquotingstrategy",
    "created", "comment", *CONTEXTS, LABELS,
})  # fmt: skip
"""Attributes that we heed, or that change nothing here."""
MOST = 5
"""Changesets that a warning names."""
HARMLESS_VALUES = {"runalways": "false", "failonerror": "true", "ignore": "false"}


@dataclass
class _Draft:
    """What the lines of a changeset are: pieces of each direction."""

    up: list[Piece] = field(default_factory=list)
    down: list[Piece] = field(default_factory=list)
    undoes_nothing: bool = False


def recognise(folder: Folder) -> bool:
    """Whether a file is formatted SQL, or a changelog says in which order files run."""
    is_formatted = (_is_formatted(folder, one) for one in folder.tree if one.endswith(".sql"))
    return any(is_formatted) or bool(find_changelogs(folder))


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Changelogs that hold changesets themselves, and files of plain SQL that they include."""
    changelogs = find_changelogs(folder)
    yield from find_changesets(changelogs)
    yield from find_undecided(changelogs, folder.decided)
    yield from _undecided_changesets(folder)
    plain = [one for one in folder.tree if one.endswith(".sql") and not _is_formatted(folder, one)]
    for name in order_by(changelogs, plain, folder.decided) if changelogs else ():
        if name in plain:
            yield MigrationFileError(
                "it is included and is plain SQL: only formatted SQL is taken",
                path=Path(name),
                why="Liquibase runs it as one changeset, `raw` by `includeAll`.",
                do="Begin it with three lines, and to Liquibase it stays that: `--liquibase "
                "formatted sql`, `--changeset includeAll:raw`, `--validCheckSum: any`.",
            )


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each changeset for this engine and database, in the order in which changelogs include its
    file."""
    for name in _included(folder):
        for files in _changesets(name, folder.read(name)):
            attributes = _attributes(files[0])
            if _is_for(dialect, attributes) and _takes(folder, files[0], attributes):
                yield files


def warnings(folder: Folder) -> Iterator[str]:
    """A sentence for each SQL file that is not formatted, or not included, and one for the
    changesets of other contexts and labels."""
    included = _included(folder)
    for name in folder.tree:
        if name.endswith(".sql") and not _is_formatted(folder, name):
            yield f"{name} is passed over: it is not formatted SQL."
        elif name.endswith(".sql") and name not in included:
            here = "" if folder.decided == UNDECIDED else " for these contexts and labels"
            yield f"{name} is passed over: no changelog includes it{here}."
    left_out = [
        f"{name}:{file.line}"
        for name in included
        for file, *_ in _changesets(name, folder.read(name))
        if not _takes(folder, file, _attributes(file))
    ]
    if left_out:
        places = ", ".join([*left_out[:MOST], *(["…"] if left_out[MOST:] else [])])
        yield f"Left out by their context or labels ({len(left_out)}): {places}."


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """A changeset's version is `file::id::author`, as Liquibase writes it."""
    match = match_changeset(files[0])
    attributes = read_attributes(match["rest"])
    _refuse_attributes(files[0], attributes)
    path = attributes.get("logicalfilepath") or _logical_path(files) or files[0].name
    version = f"{path}::{unquoted(match['id'])}::{unquoted(match['author'])}"
    is_repeatable = attributes.get("runonchange", "").lower() == "true"
    return Header(
        f"R__{version}" if is_repeatable else version,
        unquoted(match["id"]),
        read_required(files[0]),
        template=PARAMETER.search(files[0].text) is not None,
    )


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The SQL of a changeset, and that of its `--rollback` lines."""
    file = migration.files[0]
    attributes = _attributes(file)
    text = PARAMETER.sub(lambda one: variables.get(one["name"], one[0]), file.text)
    draft = _stripped(_draft(replace(file, text=text)), attributes, dialect)
    transactional = attributes.get("runintransaction", "").lower() != "false"
    up = read_pieces(
        file,
        _delimited(draft.up, attributes.get("enddelimiter"), dialect),
        dialect,
        transactional=transactional,
        line=file.line,
        end=file.line + file.text.count("\n"),
    )
    delimiter = attributes.get("rollbackenddelimiter") or attributes.get("enddelimiter")
    pieces = _delimited(draft.down, delimiter, dialect)
    down = read_pieces(
        file, pieces, dialect, transactional=transactional, line=file.line, end=up.end
    )
    return Sections(up, _way_back(down, draft))


def _stripped(draft: _Draft, attributes: Mapping[str, str], dialect: Dialect) -> _Draft:
    """With comments that the engine takes for comments: Liquibase sends it none, unless the
    changeset keeps them."""
    if attributes.get("stripcomments", "true").lower() != "true":
        return draft
    up, down = (
        [Piece(space_dashes(piece.text, dialect), piece.line) for piece in pieces]
        for pieces in (draft.up, draft.down)
    )
    return replace(draft, up=up, down=down)


def _way_back(down: Section, draft: _Draft) -> Section | None:
    return down if down.statements or draft.undoes_nothing else None


def _included(folder: Folder) -> list[str]:
    """The formatted SQL files that run, in their order."""
    names = [name for name in folder.tree if name.endswith(".sql") and _is_formatted(folder, name)]
    ordered = order_by(find_changelogs(folder), names, folder.decided)
    return [name for name in ordered if name in names]


def _is_formatted(folder: Folder, name: str) -> bool:
    return FIRST.match(folder.read(name)) is not None


def _changesets(name: str, text: str) -> Iterator[tuple[SourceFile, ...]]:
    """The changesets of a file, each with the file's first line where that has a path."""
    header, first, lines = "", 0, list[str]()
    for number, line in lines_of(Piece(text, 1)):
        if CHANGESET.match(line):
            if first:
                yield _files(name, header, first, "".join(lines))
            first, lines = number, [line]
        elif first:
            lines.append(line)
        elif FIRST.match(line):
            header = line
        else:
            _refuse_above(name, number, line)
    if first:
        yield _files(name, header, first, "".join(lines))


def _refuse_above(name: str, number: int, line: str) -> None:
    if match := UNTAKEN.match(line):
        raise _untaken(name, number, f"`{match['word']}`")
    if line.strip() and not line.lstrip().startswith("--"):
        raise MigrationFileError(
            "SQL above the first `--changeset`",
            path=Path(name),
            line=number,
            do="Put a `--changeset author:id` line above it.",
        )


def _files(name: str, header: str, line: int, text: str) -> tuple[SourceFile, ...]:
    # Blank lines before the next changeset come with that one, and change nothing of this.
    file = SourceFile(name, text.rstrip() + "\n", "both", line)
    has_path = "logicalfilepath" in header.lower()
    return (file, SourceFile(name, header, "header")) if has_path else (file,)


def _attributes(file: SourceFile) -> dict[str, str]:
    return read_attributes(match_changeset(file)["rest"])


def _is_for(dialect: Dialect, attributes: Mapping[str, str]) -> bool:
    told = attributes.get("dbms", "")
    engines = [one.strip().lower() for one in told.split(",") if one.strip()]
    wanted = [one for one in engines if not one.startswith("!")]
    others = wanted and dialect.name not in (*wanted, "all")
    return not others and f"!{dialect.name}" not in engines


def _takes(folder: Folder, file: SourceFile, attributes: Mapping[str, str]) -> bool:
    """Whether a changeset is for the database; one that is not decided on was refused."""
    with naming(file.name):
        return bool(folder.decided.find_undecided(attributes)) or folder.decided.takes(attributes)


def _undecided_changesets(folder: Folder) -> Iterator[MigrationFileError]:
    for name in _included(folder):
        for file, *_ in _changesets(name, folder.read(name)):
            missing = folder.decided.find_undecided(_attributes(file))
            yield from undecided(missing, name, file.line)


def _logical_path(files: tuple[SourceFile, ...]) -> str | None:
    headers = (file.text for file in files if file.role == "header")
    first = FIRST.match(next(headers, ""))
    return read_attributes(first["rest"]).get("logicalfilepath") if first else None


def _refuse_attributes(file: SourceFile, attributes: Mapping[str, str]) -> None:
    first = ATTRIBUTE.finditer(file.text.partition("\n")[0])
    spelled = {match["key"].lower(): match["key"] for match in first}
    for key, value in attributes.items():
        if key not in HARMLESS and HARMLESS_VALUES.get(key) != value.lower():
            raise _untaken(file.name, file.line, f"`{spelled[key]}:{value}`")


def _untaken(name: str, line: int, what: str) -> MigrationFileError:
    return MigrationFileError(
        f"{what} is not taken",
        path=Path(name),
        line=line,
        why="A plan says what will run before it runs; this would be decided while it runs.",
        do="Remove it. In a database that must not run that changeset, apply those before it, then "
        "record it: `migrate plan --record VERSION`, with its version from `migrate status`.",
    )


def _draft(file: SourceFile) -> _Draft:
    draft = _Draft()
    in_block = False
    for number, line in lines_of(whole(file)):
        if number == file.line:
            continue
        rollback = ROLLBACK.match(line)
        if match := UNTAKEN.match(line):
            raise _untaken(file.name, number, f"`--{match['word']}`")
        if in_block:
            in_block = "*/" not in line
            draft.down.append(Piece(line.partition("*/")[0].rstrip("\r\n") + "\n", number))
        elif ROLLBACK_BLOCK.match(line):
            in_block = True
        elif rollback:
            _take_rollback(file, draft, number, rollback["sql"] or "")
        elif not is_told(line.rstrip("\r\n")):
            draft.up.append(Piece(line, number))
    return replace(draft, up=_joined(draft.up), down=_joined(draft.down))


def _take_rollback(file: SourceFile, draft: _Draft, number: int, rest: str) -> None:
    words = rest.strip().lower()
    if words.startswith("changeset"):
        raise _untaken(file.name, number, "a rollback by another changeset")
    if words in NOTHING:
        draft.undoes_nothing = True
    else:
        draft.down.append(Piece(f"{rest}\n", number))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring lines as one piece; lines between them keep the numbers right."""
    text, last = "", 0
    for piece in pieces:
        if last:
            text += "\n" * (piece.line - last - 1)
        text, last = text + piece.text, piece.line
    return [Piece(text, pieces[0].line)] if pieces else []


def _delimited(pieces: list[Piece], delimiter: str | None, dialect: Dialect) -> list[Piece]:
    """The pieces with the delimiter that they are written with."""
    if not delimiter or delimiter == ";":
        return pieces
    word = delimiter.replace("\\n", "").strip()
    if dialect.delimiter_lines and word not in ("", "GO"):
        return [
            Piece(f"DELIMITER {word}\n{one.text}\nDELIMITER ;\n", one.line - 1) for one in pieces
        ]
    alone = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*$", re.MULTILINE | re.IGNORECASE)
    return [Piece(alone.sub(";", one.text), one.line) for one in pieces]
