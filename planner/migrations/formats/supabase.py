"""Supabase: `supabase/migrations/20240101000000_name.sql`, with what goes up and nothing else.

https://supabase.com/docs/guides/deployment/database-migrations
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

TOOL = "Supabase"
LAYOUT = "supabase/migrations/20240101000000_name.sql"
NOT_TAKEN = "seed files, schemas/ and functions/ beside the migrations"


def recognise(folder: Folder) -> bool:
    """Whether the folder is supabase/migrations."""
    return folder.path.resolve().parent.name == "supabase" and is_plain(folder)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """Each file with a version."""
    return collect_plain(folder)


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says."""
    return read_plain_header(files, TOOL)


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """The file is the up section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)
