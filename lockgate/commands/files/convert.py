"""`migrate convert`: write another tool's migrations as files in lockgate's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Write another tool's migrations in lockgate's format.")
@environment_option
@environments_option
@click.option("--to", "target", type=click.Choice(["lockgate"]), default="lockgate",
              show_default=True, help="The format to write.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder to write to; it must be empty. Without it nothing is written.",
)
@click.option("--json", "as_json", is_flag=True, help="Show the mapping as one JSON document.")
def command(
    name: str,
    folder: EnvironmentsFolder | None,
    target: str,
    output: Path | None,
    as_json: bool,
) -> int:
    """Write the migrations of an environment as files in lockgate's format, and show which file
    became which.

    The SQL of each section stays as it is written; each new file is read again, and must run the
    same. Nothing of the other tool's files is changed.

    \b
    Examples:
      migrate convert
      migrate convert -o migrations
    """
    from lockgate.planner.migrations.convert import convert
    from lockgate.planner.sql.dialect import DIALECTS
    from lockgate.scaffold import write_converted
    from lockgate.views import conversion
    from lockgate.views.terminal import tell
    from lockgate.workspace import load_environment, load_migrations

    environment = load_environment(name, folder)
    directory = load_migrations(environment)
    for warning in directory.warnings:
        tell(f"Warning: {warning}", "yellow")
    converted = convert(directory.migrations, DIALECTS[environment.engine], environment.variables)
    if output is not None:
        write_converted(output, converted)
    if as_json:
        conversion.show_json(directory.format, converted)
    else:
        conversion.show_text(directory.format, converted, output)
    return 0
