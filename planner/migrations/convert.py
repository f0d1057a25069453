"""Conversion of migrations of any format into ours: the SQL of each section stays as it is written.

Writes no file: the caller does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.format import load_format, parse_sections
from lockgate.planner.migrations.formats.lockgate import FILENAME, read_migration
from lockgate.planner.migrations.migration import Migration, Section, Sections
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import Statement, split_statements
from lockgate.planner.value import frozen
from lockgate.planner.versions import REPEATABLE, as_number

OWN_HEADER = re.compile(r"^--[ \t]*migrate:(?!allow\b)[^\n]*\n?", re.MULTILINE)
BRACES = re.compile(r"\{[{%#]")
Texts = tuple[str, str | None]
"""The text of both sections; None: there is no way back."""


@frozen
class ConvertedFile:
    """A file in our format, and the migration that it was: `sources` are the names of its files."""

    filename: str
    version: str
    text: str
    sources: tuple[str, ...]
    source_version: str


def convert(
    migrations: Sequence[Migration], dialect: Dialect, variables: Mapping[str, str]
) -> tuple[ConvertedFile, ...]:
    """Each migration as a file in our format, in running order. Versions that are whole numbers
    stay; where one is none, all get new numbers.

    Raises:
        MigrationFileError: one cannot be read, or cannot be written in our format as it runs.
    """
    names = _names(migrations)
    return tuple(_convert(one, names, dialect, variables) for one in migrations)


def _names(migrations: Sequence[Migration]) -> dict[str, tuple[str, str]]:
    """The new version and the file's name of each, by its old version."""
    versioned = [one for one in migrations if not one.repeatable]
    is_kept = all(as_number(one.version) is not None for one in versioned)
    width = max(4, len(str(len(versioned))))
    found = {}
    for place, one in enumerate(versioned, 1):
        version = one.version if is_kept else str(place).zfill(width)
        found[one.version] = version, f"{version}_{_plain(one.name)}.sql"
    for one in migrations:
        if one.repeatable:
            name = _plain(one.name)
            found[one.version] = f"{REPEATABLE}{name}", f"{REPEATABLE}{name}.sql"
    return found


def _plain(name: str) -> str:
    """A name that a file of ours may have."""
    plain = re.sub(r"[^\w.-]+", "_", re.sub(r"^[\d._-]+(?=[^\d._-])", "", name)).strip("_")
    return plain if FILENAME.fullmatch(f"1_{plain}.sql") else "migration"


def _convert(
    migration: Migration,
    names: Mapping[str, tuple[str, str]],
    dialect: Dialect,
    variables: Mapping[str, str],
) -> ConvertedFile:
    version, filename = names[migration.version]
    wanted = parse_sections(migration, dialect, variables)
    requires = [names[one][0] for one in migration.requires if one in names]
    for texts in _candidates(migration, wanted, dialect):
        text = _composed(wanted, texts, requires, migration.template)
        if _runs_the_same(filename, text, wanted, dialect, variables):
            sources = tuple(file.name for file in migration.files if file.role != "header")
            return ConvertedFile(filename, version, text, sources, migration.version)
    raise MigrationFileError(
        "it cannot be written in lockgate's format as it runs",
        path=Path(migration.filename),
        do="Convert it by hand: copy what goes up below `-- migrate:up`.",
    )


def _candidates(migration: Migration, wanted: Sections, dialect: Dialect) -> Iterator[Texts]:
    """The texts to try, those that keep the most of the files first."""
    up = _text_of(migration, wanted.up)
    down = _text_of(migration, wanted.down) if wanted.down else None
    for first in (up, _unwrapped(up, dialect), _listed(wanted.up)):
        if wanted.down is None or down is None:
            yield first, None
        else:
            yield from (
                (first, second)
                for second in (down, _unwrapped(down, dialect), _listed(wanted.down))
            )


def _text_of(migration: Migration, section: Section) -> str:
    """The lines of the file that are the section's, with placeholders as ours."""
    file = next(one for one in migration.files if one.name == section.file)
    lines = file.text.split("\n")
    start = max(section.line - file.line + 1, 0)
    end = len(lines) if section.end is None else section.end - file.line
    text = OWN_HEADER.sub("", "\n".join(lines[start:end]))
    pattern = getattr(load_format(migration.format), "PLACEHOLDER", None)
    return _templated(text, pattern) if migration.template and pattern else text


def _templated(text: str, pattern: re.Pattern[str]) -> str:
    """The text as a template of Jinja, with what only looks like one kept."""
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [_raw(text[end : match.start()]), f"{{{{ {match['name']} }}}}"]
        end = match.end()
    return "".join([*parts, _raw(text[end:])])


def _raw(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if BRACES.search(text) else text


def _unwrapped(text: str, dialect: Dialect) -> str:
    """Without its first and its last statement: BEGIN and COMMIT, where they are around all."""
    try:
        statements = split_statements(text, dialect)
    except MigrationFileError:  # a placeholder that is no SQL: then the statements alone are tried
        return text
    for statement in (statements[-1:], statements[:1]) if len(statements) > 1 else ():
        text = _without(text, statement[0])
    return text


def _without(text: str, statement: Statement) -> str:
    """The text without a statement and its semicolon."""
    above = sum(len(line) for line in text.splitlines(keepends=True)[: statement.line - 1])
    start = text.index(statement.sql, above)
    end = text.find(";", start + len(statement.sql))
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _listed(section: Section) -> str:
    """The statements alone: comments between them are lost."""
    found = []
    for one in section.statements:
        data = "" if one.copy_data is None else f"\n{one.copy_data}\\."
        found.append(f"{one.sql};{data}\n")
    return "".join(found)


def _composed(sections: Sections, texts: Texts, requires: Sequence[str], template: bool) -> str:
    header = f"-- migrate:requires {' '.join(requires)}\n" if requires else ""
    header += "-- migrate:template jinja\n" if template else ""
    up, down = texts
    text = f"{header}-- migrate:up{_options(sections.up)}\n{_ended(up)}"
    if sections.down is None or down is None:
        return text
    nothing = "" if sections.down.statements else " nothing"
    return f"{text}\n-- migrate:down{nothing}{_options(sections.down)}\n" + (
        "" if nothing else _ended(down)
    )


def _options(section: Section) -> str:
    return "" if section.transactional else " transaction:false"


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def _runs_the_same(
    filename: str, text: str, wanted: Sections, dialect: Dialect, variables: Mapping[str, str]
) -> bool:
    try:
        migration = read_migration(filename, text.encode(), dialect)
        found = parse_sections(migration, dialect, variables)
    except MigrationFileError:
        return False
    return _is_same(found.up, wanted.up) and _is_same(found.down, wanted.down)


def _is_same(one: Section | None, other: Section | None) -> bool:
    if one is None or other is None:
        return one is other
    texts = [[(each.sql, each.copy_data) for each in sect.statements] for sect in (one, other)]
    return texts[0] == texts[1] and one.transactional == other.transactional
