"""yoyo: `0001.name.sql`, with `0001.name.rollback.sql` to undo it.

https://ollycope.com/software/yoyo/latest/#migrations-as-sql-scripts
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.code_files import untaken_code
from lockgate.planner.migrations.foreign.pairs import pair, parse_pair
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "yoyo"
LAYOUT = "0001.name.sql and 0001.name.rollback.sql"
NOT_TAKEN = "migrations in Python, and post-apply hooks"
ALONE = "`-- transactional: false` at its top"

UNDOING = ".rollback.sql"
DIRECTIVE = re.compile(
    r"^[ \t]*--\s*(?P<word>transactional|depends)\s*:[ \t]*(?P<text>.*)$", re.MULTILINE
)


def recognise(folder: Folder) -> bool:
    """Whether a file undoes another, or says what it depends on."""
    names = folder.names(".sql")
    return any(name.endswith(UNDOING) for name in names) or any(
        match["word"] == "depends" for name in names for match in _directives(folder.read(name))
    )


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Migrations in Python, and hooks."""
    names = (one for one in folder.names(".py") if not one.startswith(("_", "post-apply")))
    yield from untaken_code(names, "Python")
    for name in folder.names(".py", ".sql"):
        if name.startswith("post-apply"):
            yield MigrationFileError(
                "a hook runs after every migration, and would be in no plan",
                path=Path(name),
                do="Write it as a migration. If it has run everywhere, move it out of the folder.",
            )


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each migration, by name; what each depends on runs before it."""
    for name in folder.names(".sql"):
        if not name.endswith(UNDOING) and not name.startswith("post-apply"):
            down = name.removesuffix(".sql") + UNDOING
            yield pair(folder, name, down if folder.has(down) else None)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """The version is the name without its ending, as in yoyo's history."""
    identifier = files[0].name.removesuffix(".sql")
    depends = [one for match in _directives(files[0].text) if match["word"] == "depends"
               for one in match["text"].split()]  # fmt: skip
    return Header(identifier, identifier, (*depends, *read_required(files[0])))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A file is a section; `-- transactional: false` in the first counts for both."""
    words = [one["text"].strip().lower() for one in _directives(migration.files[0].text)
             if one["word"] == "transactional"]  # fmt: skip
    transactional = words[-1:] != ["false"]
    return parse_pair(migration, dialect, {"up": transactional, "down": transactional})


def _directives(text: str) -> Iterator[re.Match[str]]:
    """Those above the first statement."""
    for match in DIRECTIVE.finditer(text):
        above = text[: match.start()].splitlines()
        if any(line.strip() and not line.lstrip().startswith("--") for line in above):
            return
        yield match
