"""Plain SQL: `1_name.sql`, with what goes up and nothing else.

For what other tools write as SQL: structure.sql of Rails, `alembic upgrade --sql`, `sqlmigrate` of
Django, files of Atlas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import parse_pair
from lockgate.planner.migrations.foreign.plain_files import (
    collect_plain,
    is_plain,
    read_plain_header,
)
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "plain SQL"
LAYOUT = "1_name.sql, or 1-name.sql, with what goes up"
NOT_TAKEN = "a way back, which plain files do not have"


def recognise(folder: Folder) -> bool:
    """Whether there are numbered files without a marker, which are no other tool's."""
    if not is_plain(folder) or folder.has_above("Cargo.toml"):
        return False
    is_pair = any(name.endswith((".up.sql", ".down.sql")) for name in folder.names(".sql"))
    is_yoyos = any(name.endswith(".rollback.sql") for name in folder.names(".sql"))
    is_supabase = folder.path.resolve().parent.name == "supabase"
    return not (is_pair or is_yoyos or is_supabase or folder.has("meta/_journal.json"))


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each file with a version."""
    return collect_plain(folder)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says."""
    return read_plain_header(files, TOOL)


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The file is the up section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)
