"""`migrate dump`: the schema as SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option, json_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Write the schema as SQL.")
@environment_option
@environments_option
@click.option("-o", "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="The file to write. [default: stdout]")  # fmt: skip
@click.option("--check", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write nothing; exit 2 when this file is not the schema.")  # fmt: skip
@json_option
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    out: Path | None,
    check: Path | None,
    as_json: bool,
) -> int:
    """Write the schema as SQL: for git, or to make another database.

    Without lockgate's own tables, and those of a tool whose history was or can be taken over.
    Equal schemas give equal files. It is made by pg_dump, mysqldump or mariadb-dump. With `--json`
    it is a text for each object, as lockgate compares them, and needs none of these.

    \b
    Examples:
      migrate dump -o schema.sql
      migrate dump --check schema.sql
    """
    from lockgate.exits import Exit
    from lockgate.planner.errors import UsageError
    from lockgate.runs.schema_file import differs, read_objects, read_schema, write_schema
    from lockgate.views.json import show_document
    from lockgate.views.terminal import say_document, tell
    from lockgate.workspace import load_environment

    if as_json and (out or check):
        raise UsageError(
            "`--json` is printed, and neither written by `-o` nor compared by `--check`.",
            do="Leave one of them out, or write `migrate dump --json > FILE`.",
        )
    if check is not None and not check.exists():
        raise UsageError(f"{check} does not exist.", do=f"Make it: migrate dump -o {check}")
    environment = load_environment(name, folder)
    if as_json:
        objects = read_objects(environment)
        show_document({"format": "lockgate-schema", "format_version": "1.0", "objects": objects})
        return Exit.OK
    text = read_schema(environment)
    if check is not None:
        if not differs(check, text):
            return Exit.OK
        tell(f"{check} is not the schema of {name}. Write it again: migrate dump -o {check}")
        return Exit.CHANGES
    if out is None:
        say_document(text.removesuffix("\n"), is_exact=True)
    else:
        write_schema(out, text)
        tell(f"Written to {out}.")
    return Exit.OK
