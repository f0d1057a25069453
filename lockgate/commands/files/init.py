"""`migrate init`: a project's first files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockgate.planner.migrations.foreign.code_files import CodeFiles

SHOWN = 3
"""How many folders of code are named."""


@click.command(short_help="Make a project's first files.")
@click.option(
    "--database", metavar="WHERE",
    help="What environments/dev.yaml says: embedded, $VARIABLE, or a URL. "
    "[default: $DATABASE_URL where that is set, else embedded]",
)  # fmt: skip
def command(database: str | None) -> int:
    """Make environments/dev.yaml, migrations/ and the lines that .gitignore needs.

    What is there already stays as it is, so a second time changes nothing; migrations of another
    tool are read where they are.

    \b
    Examples:
      migrate init
      migrate init --database '$DATABASE_URL'
    """
    from lockgate.scaffold import find_code_folders, find_migrations, make_project
    from lockgate.views.terminal import say, tell
    from lockgate.workspace import database_url

    where = database or ("$DATABASE_URL" if database_url(Path.cwd()) else "embedded")
    made = make_project(Path.cwd(), where)
    for path in made:
        say(str(path))
    every = find_migrations(Path.cwd())
    found = [one for one in every if one != ("migrations", "lockgate")]
    code = {} if every else find_code_folders(Path.cwd())
    if code:
        _tell_way_in(code, where)
    elif not made:
        tell("All of it is there already.")
    elif len(found) > 1:
        tell(f"There are migrations in {' and '.join(place for place, _ in found)}.")
        tell("Name one folder as `migrations:` in environments/dev.yaml.")
    elif found:
        tell(f"The migrations in {found[0][0]} are read as they are (format: {found[0][1]}).")
        tell("Next: `migrate validate`, then `migrate status`.")
    else:
        tell("Next: `migrate new NAME`, then `migrate up`.")
    return 0


def _tell_way_in(code: Mapping[str, CodeFiles], database: str) -> None:
    """How a database is taken over whose migrations are code."""
    from lockgate.views.terminal import tell

    for place, found in list(code.items())[:SHOWN]:
        tell(f"{place} has {found}.")
    if len(code) > SHOWN:
        tell(f"Other folders like these: {len(code) - SHOWN}.")
    tell("lockgate runs no code, and cannot read what it would do.")
    if database == "embedded":
        tell("Next: name the database of that tool in environments/dev.yaml.")
    tell("The schema as it is becomes the first migration, which the database has already:")
    tell("  (echo '-- migrate:up'; migrate dump) > migrations/001_schema.sql")
    tell("  migrate adopt --baseline 001 -o adopt.json")
    tell("  migrate apply adopt.json")
