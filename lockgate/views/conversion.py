"""Which migration became which file of ours: for people, and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.views.json import show_document
from lockgate.views.terminal import say, say_table

if TYPE_CHECKING:
    from lockgate.planner.migrations.convert import ConvertedFile


def show_text(format_name: str, files: Sequence[ConvertedFile], output: Path | None) -> None:
    """The mapping as a table, and where the files are."""
    count = f"{len(files)} migration{'' if len(files) == 1 else 's'}"
    rows = [(one.source_version, ", ".join(one.sources), one.filename) for one in files]
    say_table(("version", "file", "becomes"), rows, [""] * len(rows))
    if output is None:
        say(f"Read {count} as {format_name}. Nothing is written: give `-o DIR`.")
    else:
        say(f"Wrote {count} of {format_name} to {output}.", "green")


def show_json(format_name: str, files: Sequence[ConvertedFile]) -> None:
    """The mapping as one document."""
    show_document(
        {
            "format": "lockgate-conversion",
            "format_version": "1.0",
            "from": format_name,
            "files": [
                {
                    "from": list(one.sources),
                    "from_version": one.source_version,
                    "to": one.filename,
                    "to_version": one.version,
                }
                for one in files
            ],
        }
    )
