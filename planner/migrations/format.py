"""The formats that there are, and what is the same for all: from files to a migration's sections.

Knows no format by name but our own: each file of `planner.migrations.formats` is one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from lockgate.planner.errors import MigrationFileError, MigrationFileErrors
from lockgate.planner.migrations import formats
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.migration import (
    LONGEST,
    OWN,
    Migration,
    Section,
    Sections,
    SourceFile,
    checksum_of,
)
from lockgate.planner.migrations.mistakes import Mistakes
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.planner.migrations.waiver import Waiver
    from lockgate.planner.plan.contract import Contract
    from lockgate.planner.sql.statements import Statement

PLAIN = "plain"
"""The format that has no mark of its own."""

AUTO = "auto"
"""In an environment: the one format that recognises the folder."""


@frozen
class Header:
    """What a migration's files say of it above their SQL."""

    version: str
    name: str
    requires: tuple[str, ...] = ()
    template: bool = False
    contract: Contract | None = None


class Format(Protocol):
    """What a module of `planner.migrations.formats` has; see there."""

    TOOL: str
    LAYOUT: str
    NOT_TAKEN: str

    def recognise(self, folder: Folder) -> bool: ...
    def collect_files(
        self, folder: Folder, dialect: Dialect
    ) -> Iterator[tuple[SourceFile, ...]]: ...
    def read_header(self, files: tuple[SourceFile, ...], dialect: Dialect) -> Header: ...
    def read_sections(
        self, migration: Migration, dialect: Dialect, variables: Mapping[str, str]
    ) -> Sections: ...


FORMATS = tuple(
    sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(formats.__path__))
)
"""Their names. A format is imported when it is needed: most folders need one."""

ALIASES = {"dbmate": OWN}
"""Other names of formats: dbmate's files are read as ours."""


@cache
def load_format(name: str) -> Format:
    """The format of this name, one of `FORMATS`."""
    return cast(Format, importlib.import_module(f"{formats.__name__}.{name.replace('-', '_')}"))


def find_untaken_files(name: str, folder: Folder) -> Iterator[MigrationFileError]:
    """An error for each file that a format's tool would run and we do not."""
    known = getattr(load_format(name), "find_untaken", None)
    if known:
        yield from known(folder)


def find_warnings(name: str, folder: Folder) -> Iterator[str]:
    """A sentence for each file that a format passes over."""
    known = getattr(load_format(name), "warnings", None)
    if known:
        yield from known(folder)


def assemble_migration(name: str, files: tuple[SourceFile, ...], dialect: Dialect) -> Migration:
    """The migration in these files, with its header read and its sections left unread.

    Raises:
        MigrationFileError: a name or a header is wrong.
    """
    first = files[0].name
    with naming(first):
        header = load_format(name).read_header(files, dialect)
        _refuse_long(header)
    return Migration(
        header.version,
        header.name,
        first,
        checksum_of(name, files),
        header.requires,
        files,
        header.template,
        name,
        header.contract,
    )


def parse_sections(
    migration: Migration, dialect: Dialect, variables: Mapping[str, str]
) -> Sections:
    """Both sections of a migration, cut into statements. What does nothing is undone by nothing.

    Raises:
        MigrationFileError: with the file and the line; of a template in the rendered text.
    """
    sections, mistakes = _cut(migration, dialect, variables), Mistakes()
    for section in (sections.up, sections.down):
        if section:
            with mistakes.noting():
                _refuse_unfit(migration, section, dialect)
    mistakes.refuse()
    return Sections(sections.up, None) if migration.repeatable else sections


def recorded_sections(
    migration: Migration, dialect: Dialect, variables: Mapping[str, str]
) -> tuple[Sections, str]:
    """Both sections of a migration that is not going to run, and why its way back is not one of
    them: it could not run. Empty where it could, or there is none.

    Raises:
        MigrationFileError: the sections cannot be told apart.
    """
    sections = _cut(migration, dialect, variables)
    if migration.repeatable or sections.down is None:
        return Sections(sections.up, None), ""
    try:
        _refuse_unfit(migration, sections.down, dialect)
    except (MigrationFileError, MigrationFileErrors) as error:
        return Sections(sections.up, None), str(error).partition("\n")[0]
    return sections, ""


def _cut(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    sections = load_format(migration.format).read_sections(migration, dialect, variables)
    up = _unwrapped(sections.up, dialect)
    down = sections.down and _unwrapped(sections.down, dialect)
    return Sections(up, down if down or up.statements else up)


def _refuse_unfit(migration: Migration, section: Section, dialect: Dialect) -> None:
    """Raises MigrationFileError when a section holds what cannot run, or may not."""
    alone = getattr(
        load_format(migration.format), "ALONE", "it as its tool wants it outside of a transaction"
    )
    with naming(section.file or migration.filename):
        _refuse_control(section, dialect, alone)


@contextmanager
def naming(filename: str) -> Iterator[None]:
    """Adds the file's name to an error that was raised without one."""
    try:
        yield
    except MigrationFileErrors as several:
        for error in several.errors:
            error.path = error.path or Path(filename)
        raise MigrationFileErrors(several.errors) from several
    except MigrationFileError as error:
        error.path = error.path or Path(filename)
        raise


def _refuse_long(header: Header) -> None:
    for kind, text in (("version", header.version), ("name", header.name)):
        if len(text) > LONGEST:
            raise MigrationFileError(
                f"the {kind} is longer than {LONGEST} characters",
                why="The history table holds no longer one.",
                do="Shorten it.",
            )


def _unwrapped(section: Section, dialect: Dialect) -> Section:
    """A section without what lockgate does by itself."""
    from lockgate.planner.migrations.restrictions import without_own_transaction

    if not section.transactional:
        return section
    statements = without_own_transaction(section.statements)
    if not dialect.transactional_ddl:
        from lockgate.planner.reading.mysql.dumps import without_needless

        statements = without_needless(statements, dialect)
    return replace(section, statements=statements, waivers=_moved(section, statements))


def _moved(section: Section, kept: Sequence[Statement]) -> tuple[Waiver, ...]:
    """The waivers by the places that their statements have among those that are kept."""
    if not section.waivers or len(kept) == len(section.statements):
        return section.waivers
    places = {statement: place for place, statement in enumerate(kept, 1)}
    now = {old: places.get(one) for old, one in enumerate(section.statements, 1)}
    found = [(one, now.get(one.statement, one.statement)) for one in section.waivers]
    return tuple(replace(one, statement=place) for one, place in found if place is not None)


def _refuse_control(section: Section, dialect: Dialect, alone: str) -> None:
    # Only who reads sections loads what reads statements: `status` reads headers alone.
    from lockgate.planner.migrations.restrictions import (
        find_misplaced,
        refuse_copy_out,
        refuse_lock_release,
        refuse_package,
        refuse_transaction_control,
        unfilled_bounds,
    )
    from lockgate.planner.sql.placeholders import has_bounds

    mistakes = Mistakes()
    for statement in section.statements:
        refuse_package(statement, dialect)  # what seems to follow it is its body
        with mistakes.noting():
            if section.batch is None and has_bounds(statement.sql, dialect):
                raise unfilled_bounds(statement)
            refuse_transaction_control(statement, dialect)
            refuse_lock_release(statement, dialect)
            refuse_copy_out(statement)
    if dialect.transactional_ddl:
        mistakes.note(
            find_misplaced(
                section.statements, dialect, transactional=section.transactional, alone=alone
            )
        )
    mistakes.refuse()
