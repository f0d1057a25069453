"""Placeholders of other tools in SQL, filled from the environment's variables.

Reads no process environment: what a plan was reviewed with is what runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import SourceFile
from lockgate.planner.value import replace


def fill(
    file: SourceFile, pattern: re.Pattern[str], variables: Mapping[str, str], *, do: str = ""
) -> SourceFile:
    """The file with each match of a pattern, whose group `name` names a variable, replaced by its
    value. Names are compared without regard to case.

    Raises:
        MigrationFileError: a variable is not set; `do` says what else would help.
    """
    known = {name.casefold(): value for name, value in variables.items()}

    def value(match: re.Match[str]) -> str:
        found = known.get(match["name"].casefold())
        if found is None:
            raise MigrationFileError(
                f"the placeholder {match[0]} has no value",
                path=Path(file.name),
                line=file.line + file.text.count("\n", 0, match.start()),
                do=f"Set `{match['name']}` under `variables:` in the environment's file{do}.",
            )
        return found

    return replace(file, text=pattern.sub(value, file.text))
