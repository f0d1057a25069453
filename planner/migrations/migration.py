"""A migration: one file of SQL with its identity, its directives and its two sections.

Takes text and bytes, never a path to open; `directory` reads the files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.template import render
from lockgate.planner.migrations.waiver import Waiver, read_waiver
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import DelimiterLeft, Directive, Item, Statement, scan
from lockgate.planner.versions import VersionKey, version_key

# A lone surrogate is how Python shows a byte of a name that is not valid UTF-8.
FILENAME = re.compile(r"(?P<version>[0-9]+)[_-](?P<name>(?!\s)[^/\\\x00-\x1f\ud800-\udfff]+)\.sql")
LONGEST = 255  # characters: the width of the history table's columns
VERSION = re.compile(rf"[0-9]{{1,{LONGEST}}}")
BOM = b"\xef\xbb\xbf"
MARKER = "-- migrate:up"
HEADER_DIRECTIVES = ("requires", "template")
DIRECTIVES = (*HEADER_DIRECTIVES, "allow", "up", "down")


@dataclass(frozen=True, slots=True)
class Section:
    """What one direction of a migration runs. `line` is its marker's, from 1."""

    statements: tuple[Statement, ...]
    transactional: bool
    line: int
    waivers: tuple[Waiver, ...] = ()
    """Those of the file as a whole first; `lint` applies them."""
    delimiter_left: DelimiterLeft | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file's identity and text; `parse_sections` reads the SQL when it is needed."""

    version: str
    name: str
    filename: str
    checksum: str
    requires: tuple[str, ...]
    text: str
    template: bool = False

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared: `1` and `001` are the same."""
        return version_key(self.version)


@dataclass(frozen=True, slots=True)
class Sections:
    """Both directions of a migration; `down` is None when it has no statement."""

    up: Section
    down: Section | None


def checksum(data: bytes) -> str:
    """SHA-256, in hex, of a file's bytes without a BOM and with CRLF as LF.

    For a file with LF line ends it is what `sha256sum` prints; a checkout on Windows
    does not change it.

    >>> checksum(b"select 1;\\r\\n") == checksum(b"select 1;\\n")
    True
    """
    return hashlib.sha256(data.removeprefix(BOM).replace(b"\r\n", b"\n")).hexdigest()


def read_migration(filename: str, data: bytes, dialect: Dialect) -> Migration:
    """The migration in a file's bytes, with its header read and its sections left unread.

    Raises:
        MigrationFileError: the name, the encoding or the header is wrong.
    """
    version, name = parse_filename(filename)
    text = _decode(filename, data)
    with _named(filename):
        requires, template = _read_header(text, dialect)
    return Migration(version, name, filename, checksum(data), requires, text, template)


def parse_filename(filename: str) -> tuple[str, str]:
    """The version and the name in `{version}_{name}.sql` or `{version}-{name}.sql`.

    >>> parse_filename("001_create_users.sql"), parse_filename("2-add-age.sql")
    (('001', 'create_users'), ('2', 'add-age'))
    """
    match = FILENAME.fullmatch(filename)
    if not match:
        raise MigrationFileError(
            "not a migration's name",
            path=Path(filename),
            do="Name it {version}_{name}.sql, for example 001_create_users.sql, "
            "or move it out of the migrations directory.",
        )
    if len(filename) > LONGEST:
        raise MigrationFileError(
            f"the name is longer than {LONGEST} characters", path=Path(filename), do="Shorten it."
        )
    return match["version"], match["name"]


def parse_sections(
    migration: Migration, dialect: Dialect, variables: Mapping[str, str]
) -> Sections:
    """Both sections of a migration, rendered if it is a template, cut into statements.

    Raises:
        MigrationFileError: with the file and the line, counted in the rendered text.
    """
    with _named(migration.filename):
        text = render(migration.text, variables) if migration.template else migration.text
        sections = _collect_sections(scan(text, dialect))
        for section in (sections.up, sections.down):
            if section:
                _refuse_control(section, dialect)
    return sections


def _decode(filename: str, data: bytes) -> str:
    """The text without a BOM. Its line ends stay: a literal, a body or rows may hold CRLF."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MigrationFileError(
            f"byte {error.start} (0x{data[error.start]:02x}) is not valid UTF-8",
            path=Path(filename),
            line=data.count(b"\n", 0, error.start) + 1,
            do="Save the file as UTF-8.",
        ) from error
    return text.removeprefix("\ufeff")


def _read_header(text: str, dialect: Dialect) -> tuple[tuple[str, ...], bool]:
    """What stands above `-- migrate:up`: the required versions, and whether it is a template."""
    if text[:64].partition("\n")[0].rstrip() == MARKER:  # as in most files: nothing stands above it
        return (), False
    requires: list[str] = []
    template = False
    for part in scan(text, dialect):
        if isinstance(part, Statement):
            raise _sql_above(part)
        if isinstance(part, DelimiterLeft):
            continue
        word, arguments = _words(part)
        if word == "up":
            return tuple(requires), template
        if word == "down":
            raise MigrationFileError(
                "`-- migrate:down` stands above `-- migrate:up`",
                line=part.line,
                do="Write the up section first.",
            )
        if word == "allow":
            read_waiver(part)
        elif word == "requires":
            requires += _parse_requires(part, arguments)
        else:
            template = _parse_template(part, arguments)
    raise _no_up()


def _sql_above(statement: Statement) -> MigrationFileError:
    return MigrationFileError(
        "SQL above `-- migrate:up`",
        line=statement.line,
        do="Put `-- migrate:up` on a line of its own above it.",
    )


def _no_up() -> MigrationFileError:
    return MigrationFileError(
        "there is no `-- migrate:up` line",
        line=1,
        do="Put `-- migrate:up` above the SQL that makes the change, "
        "and `-- migrate:down` above the SQL that undoes it.",
    )


def _words(directive: Directive) -> tuple[str, list[str]]:
    word, *arguments = directive.text.split() or [""]
    if word in DIRECTIVES:
        return word, arguments
    near = get_close_matches(word, DIRECTIVES, n=1)
    raise MigrationFileError(
        f"`-- migrate:{word}` is not a directive",
        line=directive.line,
        do=f"Did you mean `-- migrate:{near[0]}`?"
        if near
        else f"The directives are {', '.join(DIRECTIVES)}.",
    )


def _parse_requires(directive: Directive, arguments: list[str]) -> list[str]:
    versions = [version for argument in arguments for version in argument.split(",") if version]
    wrong = [version for version in versions if not VERSION.fullmatch(version)]
    if wrong or not versions:
        raise MigrationFileError(
            f"`requires` names {wrong[0]!r}, which is not a version"
            if wrong
            else "`requires` names no version",
            line=directive.line,
            do="Write versions, for example `-- migrate:requires 003 005`.",
        )
    return versions


def _parse_template(directive: Directive, arguments: list[str]) -> bool:
    if arguments != ["jinja"]:
        raise MigrationFileError(
            f"{' '.join(arguments) or 'nothing'} is not a template language",
            line=directive.line,
            do="Write `-- migrate:template jinja`.",
        )
    return True


@dataclass
class _Draft:
    """A section that is being read."""

    marker: Directive
    transactional: bool
    statements: list[Statement] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    delimiter_left: DelimiterLeft | None = None

    def section(self, general: list[Waiver]) -> Section:
        """What was read, with the waivers of the file as a whole."""
        waivers = (*general, *self.waivers)
        return Section(
            tuple(self.statements), self.transactional, self.marker.line, waivers,
            self.delimiter_left,
        )  # fmt: skip


def _collect_sections(parts: Iterator[Item]) -> Sections:
    opened: dict[str, _Draft] = {}
    general: list[Waiver] = []
    for part in parts:
        if isinstance(part, Directive):
            _take_directive(part, opened, general)
        elif isinstance(part, DelimiterLeft):
            if opened:
                _last(opened).delimiter_left = part
        elif not opened:  # a template may render what its source does not show
            raise _sql_above(part)
        else:
            _last(opened).statements.append(part)
    if "up" not in opened:
        raise _no_up()
    sections = {word: draft.section(general) for word, draft in opened.items()}
    down = sections.get("down")
    return Sections(sections["up"], down if down and down.statements else None)


def _last(opened: Mapping[str, _Draft]) -> _Draft:
    return list(opened.values())[-1]


def _take_directive(part: Directive, opened: dict[str, _Draft], general: list[Waiver]) -> None:
    word, arguments = _words(part)
    if word == "allow" and not opened:
        general.append(read_waiver(part))
    elif word == "allow":
        draft = _last(opened)
        draft.waivers.append(read_waiver(part, len(draft.statements) + 1))
    elif word in HEADER_DIRECTIVES:
        _refuse_late_directive(part, word, bool(opened))
    else:
        _refuse_second_section(part, word, opened)
        opened[word] = _Draft(part, _parse_transaction(part, arguments))


def _refuse_control(section: Section, dialect: Dialect) -> None:
    # Only who reads sections loads what reads statements: `status` reads headers alone.
    from lockgate.planner.migrations.restrictions import (
        refuse_copy_out,
        refuse_in_section,
        refuse_lock_release,
        refuse_transaction_control,
    )

    for statement in section.statements:
        refuse_transaction_control(statement, dialect)
        refuse_lock_release(statement, dialect)
        refuse_copy_out(statement)
    if dialect.transactional_ddl:
        refuse_in_section(section.statements, dialect, transactional=section.transactional)


def _refuse_late_directive(directive: Directive, word: str, late: bool) -> None:
    if late:
        raise MigrationFileError(
            f"`-- migrate:{word}` stands inside a section",
            line=directive.line,
            do="Move it above `-- migrate:up`.",
        )


def _refuse_second_section(directive: Directive, word: str, opened: Mapping[str, _Draft]) -> None:
    if word in opened:
        raise MigrationFileError(
            f"a second `-- migrate:{word}` (the first is on line {opened[word].marker.line})",
            line=directive.line,
            do="Split the file in two: one migration has one up and one down section.",
        )
    if word == "up" and "down" in opened:
        raise MigrationFileError(
            "`-- migrate:down` stands above `-- migrate:up`",
            line=directive.line,
            do="Write the up section first.",
        )


def _parse_transaction(directive: Directive, arguments: list[str]) -> bool:
    transactional = True
    for argument in arguments:
        if argument not in ("transaction:true", "transaction:false"):
            raise MigrationFileError(
                f"`{argument}` is not an option of a section",
                line=directive.line,
                do="The only option is `transaction:false`.",
            )
        transactional = argument == "transaction:true"
    return transactional


@contextmanager
def _named(filename: str) -> Iterator[None]:
    """Adds the file's name to an error that was raised without one."""
    try:
        yield
    except MigrationFileError as error:
        error.path = error.path or Path(filename)
        raise
