"""Our own format, which is dbmate's: one file a migration, with `-- migrate:up` and `down` in it.

Reads text, never a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder, decode
from lockgate.planner.migrations.format import Header, assemble_migration, naming
from lockgate.planner.migrations.heading import read_contract, read_requires, read_template
from lockgate.planner.migrations.migration import (
    LONGEST,
    OWN,
    Migration,
    Section,
    Sections,
    SourceFile,
)
from lockgate.planner.migrations.template import render, with_bounds
from lockgate.planner.migrations.waiver import Waiver, read_waiver
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import DelimiterLeft, Directive, Scanned, Statement, scan
from lockgate.planner.versions import REPEATABLE

if TYPE_CHECKING:
    from lockgate.planner.plan.contract import Contract
    from lockgate.planner.plan.statement import Batch, Condition, Online

TOOL = "lockgate or dbmate"
LAYOUT = "001_name.sql with `-- migrate:up` and `-- migrate:down`; R__name.sql runs when it changes"
NOT_TAKEN = "nothing is left out"
ALONE = "`transaction:false` after `-- migrate:up` and `-- migrate:down`"

# A lone surrogate is how Python shows a byte of a name that is not valid UTF-8.
FILENAME = re.compile(r"(?P<version>[0-9]+)[_-](?P<name>(?!\s)[^/\\\x00-\x1f\ud800-\udfff]+)\.sql")
REPEATABLE_NAME = re.compile(r"R__(?P<name>(?!\s)[^/\\\x00-\x1f\ud800-\udfff]+)\.sql")
MARKER = "-- migrate:up"
REPEATED = re.compile(r"^--[ \t]*migrate:repeatable\b", re.MULTILINE)
MARKED = re.compile(r"^--[ \t]*migrate:(?:up|down)\b", re.MULTILINE)
NOTHING = "nothing"
"""`-- migrate:down nothing`: so that rollbacks pass a migration that has nothing to undo."""

HEADER_DIRECTIVES = ("requires", "contract-of", "template", "repeatable")
WAYS = ("batch", "until", "online")
DIRECTIVES = (*HEADER_DIRECTIVES, *WAYS, "if", "allow", "up", "down")


def recognise(folder: Folder) -> bool:
    """Whether one of its files has our markers."""
    return any(MARKED.search(folder.read(name)) for name in folder.names(".sql"))


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each file with a name that begins with a version, or that is repeatable; or all where there
    is none."""
    for name in sql_files(folder):
        yield (SourceFile(name, folder.read(name)),)


def sql_files(folder: Folder) -> tuple[str, ...]:
    """The names of migrations, `001_a.SQL` too, to be refused by name.

    Where no name begins with a version, all are taken: so the first error names one.
    """
    names = folder.names(".sql")
    return tuple(name for name in names if _is_migration(folder, name)) or names


def _is_migration(folder: Folder, name: str) -> bool:
    is_named = name[0].isdigit() or name.startswith(REPEATABLE)
    return is_named or _is_repeatable(folder.read(name))


def _is_repeatable(text: str) -> bool:
    # The pattern looks at each line of a text, which may have megabytes.
    return "migrate:repeatable" in text and REPEATED.search(text) is not None


def warnings(folder: Folder) -> Iterator[str]:
    """A sentence for each file that is passed over."""
    taken = frozenset(sql_files(folder))
    for name in folder.names(".sql"):
        if name not in taken:
            yield f"{name} is no migration, since its name begins with no version."


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name and the text above `-- migrate:up` say."""
    (file,) = files
    if _is_repeatable(file.text) and not file.name.startswith(REPEATABLE):
        version, name = _repeatable(file)
    else:
        version, name = parse_filename(file.name)
    requires, template, contract = _read_header(file.text, dialect)
    return Header(version, name, requires, template, contract)


def _repeatable(file: SourceFile) -> tuple[str, str]:
    """The version and the name of a file that says itself that it is repeatable."""
    if file.name[0].isdigit():
        raise MigrationFileError(
            "`-- migrate:repeatable` in a file whose name begins with a version",
            do=f"A repeatable migration has none: name it {REPEATABLE}name.sql.",
        )
    return parse_filename(REPEATABLE + file.name)


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """Both sections, rendered if the file is a template; then lines count in the rendered text."""
    (file,) = migration.files
    with naming(file.name):
        text = file.text
        if migration.template:
            text = render(text, with_bounds(text, variables))
        sections = _collect_sections(scan(text, dialect), file.name, dialect)
        if migration.repeatable and sections.down:
            raise MigrationFileError(
                "a repeatable migration has no `-- migrate:down`",
                line=sections.down.line,
                why="It is never rolled back: its file of before, run again, is the way back.",
                do="Remove the section.",
            )
        return sections


def read_migration(filename: str, data: bytes, dialect: Dialect) -> Migration:
    """The migration in a file's bytes, with its header read and its sections left unread.

    Raises:
        MigrationFileError: the name, the encoding or the header is wrong.
    """
    parse_filename(filename)
    return assemble_migration(OWN, (SourceFile(filename, decode(filename, data)),), dialect)


def parse_filename(filename: str) -> tuple[str, str]:
    """The version and the name in `{version}_{name}.sql`, or with `-`, or in `R__{name}.sql`.

    >>> parse_filename("001_create_users.sql"), parse_filename("2-add-age.sql")
    (('001', 'create_users'), ('2', 'add-age'))
    >>> parse_filename("R__views.sql")
    ('R__views', 'views')
    """
    match = FILENAME.fullmatch(filename) or REPEATABLE_NAME.fullmatch(filename)
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
    return match.groupdict().get("version") or f"{REPEATABLE}{match['name']}", match["name"]


def _read_header(text: str, dialect: Dialect) -> tuple[tuple[str, ...], bool, Contract | None]:
    """What is above `-- migrate:up`: the required versions, whether it is a template, and what
    it takes away."""
    if text[:64].partition("\n")[0].rstrip() == MARKER:  # as in most files: nothing is above it
        return (), False, None
    requires: list[str] = []
    template, contract = False, None
    for part in scan(text, dialect):
        if isinstance(part, Statement):
            raise _sql_above(part)
        if isinstance(part, DelimiterLeft):
            continue
        word, arguments = _words(part)
        if word == "up":
            return tuple(requires), template, contract
        if word == "down":
            raise MigrationFileError(
                "`-- migrate:down` is above `-- migrate:up`",
                line=part.line,
                do="Write the up section first.",
            )
        if word == "allow":
            read_waiver(part)
        elif word in (*WAYS, "if"):
            _refuse_early_directive(part, word, opened=False)
        elif word == "requires":
            requires += read_requires(part, arguments)
        elif word == "contract-of":
            contract = read_contract(part, arguments)
            requires.append(contract.version)
        elif word == "template":
            template = read_template(part, arguments)
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


@dataclass
class _Draft:
    """A section that is being read."""

    marker: Directive
    transactional: bool
    statements: list[Statement] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    delimiter_left: DelimiterLeft | None = None
    ways: dict[str, Directive] = field(default_factory=dict)
    conditions: list[tuple[int, Directive]] = field(default_factory=list)
    """With the place of its statement, from 0."""

    def section(
        self, general: list[Waiver], file: str, end: int | None, dialect: Dialect
    ) -> Section:
        """What was read, with the waivers of the file as a whole."""
        batch = self._read_batch(dialect) if "batch" in self.ways else None
        online = self._read_online(dialect) if "online" in self.ways else None
        return Section(
            tuple(self.statements), self.transactional and not self.ways, self.marker.line,
            (*general, *self.waivers), self.delimiter_left, file, end, batch, online,
            self._read_conditions(dialect) if self.conditions else {},
        )  # fmt: skip

    def take_way(self, directive: Directive, word: str) -> None:
        """Notes a directive about how its statement runs."""
        from lockgate.planner.migrations.batch import refuse_misplaced

        refuse_misplaced(directive, word, self.ways, below=bool(self.statements))
        self.ways[word] = directive

    def _read_batch(self, dialect: Dialect) -> Batch:
        from lockgate.planner.migrations.batch import read_batch

        return read_batch(self.ways["batch"], self.ways.get("until"), self.statements, dialect)

    def _read_online(self, dialect: Dialect) -> Online:
        from lockgate.planner.migrations.online import read_online

        return read_online(self.ways["online"], self.statements, dialect)

    def _read_conditions(self, dialect: Dialect) -> Mapping[int, Condition]:
        from lockgate.planner.migrations.condition import read_conditions

        return read_conditions(self.conditions, self.statements, self.ways, dialect)


def _collect_sections(parts: Iterator[Scanned], file: str, dialect: Dialect) -> Sections:
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
    down = opened.get("down")
    up = opened["up"].section(general, file, down.marker.line if down else None, dialect)
    has_way_back = down is not None and (_undoes_nothing(down) or down.statements)
    return Sections(
        up, down.section(general, file, None, dialect) if down and has_way_back else None
    )


def _undoes_nothing(down: _Draft) -> bool:
    """Whether it says that there is nothing to undo."""
    says_so = NOTHING in down.marker.text.split()
    if says_so and down.statements:
        raise MigrationFileError(
            f"SQL under `-- migrate:down {NOTHING}`",
            line=down.statements[0].line,
            do=f"Remove it, or leave `{NOTHING}` away.",
        )
    return says_so


def _last(opened: Mapping[str, _Draft]) -> _Draft:
    return list(opened.values())[-1]


def _take_directive(part: Directive, opened: dict[str, _Draft], general: list[Waiver]) -> None:
    word, arguments = _words(part)
    if word == "allow" and not opened:
        general.append(read_waiver(part))
    elif word == "allow":
        draft = _last(opened)
        draft.waivers.append(read_waiver(part, len(draft.statements) + 1))
    elif word in (*WAYS, "if"):
        _refuse_early_directive(part, word, bool(opened))
        draft = _last(opened)
        if word == "if":
            draft.conditions.append((len(draft.statements), part))
        else:
            draft.take_way(part, word)
    elif word in HEADER_DIRECTIVES:
        _refuse_late_directive(part, word, bool(opened))
    else:
        _refuse_second_section(part, word, opened)
        opened[word] = _Draft(part, _parse_transaction(part, arguments))


def _refuse_late_directive(directive: Directive, word: str, late: bool) -> None:
    if late:
        raise MigrationFileError(
            f"`-- migrate:{word}` is inside a section",
            line=directive.line,
            do="Move it above `-- migrate:up`.",
        )


def _refuse_early_directive(directive: Directive, word: str, opened: bool) -> None:
    if not opened:
        raise MigrationFileError(
            f"`-- migrate:{word}` is above `-- migrate:up`",
            line=directive.line,
            do="Move it into the section, above its statement.",
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
            "`-- migrate:down` is above `-- migrate:up`",
            line=directive.line,
            do="Write the up section first.",
        )


def _parse_transaction(directive: Directive, arguments: list[str]) -> bool:
    transactional = True
    for argument in arguments:
        if argument == NOTHING and directive.text.startswith("down"):
            continue
        if argument not in ("transaction:true", "transaction:false"):
            raise MigrationFileError(
                f"`{argument}` is not an option of a section",
                line=directive.line,
                do="The options are `transaction:false` and, of `down`, `nothing`.",
            )
        transactional = argument == "transaction:true"
    return transactional
