"""`migrate init`: a project's first files."""

from __future__ import annotations

from pathlib import Path

import click


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
    from lockgate.scaffold import find_migrations, make_project
    from lockgate.views.terminal import say, tell
    from lockgate.workspace import database_url

    where = database or ("$DATABASE_URL" if database_url(Path.cwd()) else "embedded")
    made = make_project(Path.cwd(), where)
    for path in made:
        say(str(path))
    found = [one for one in find_migrations(Path.cwd()) if one != ("migrations", "lockgate")]
    if not made:
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
