"""`-- migrate:contract-of VERSION min_age=TIME`: what a file says of what it takes away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.contract import Contract
from lockgate.planner.quantities import parse_duration
from lockgate.planner.sql.statements import Directive

OPTION = re.compile(r"min_age=(\S+)")


def read_contract(directive: Directive, arguments: Sequence[str]) -> Contract:
    """Which version has replaced it, and how old that has to be.

    Raises:
        MigrationFileError: it does not say both.
    """
    try:
        version, option = arguments
        (age,) = OPTION.fullmatch(option).groups()  # type: ignore[union-attr]
        if not version[:1].isdigit():
            raise ValueError(version)
        return Contract(version=version, min_age=parse_duration(age))
    except (ValueError, AttributeError) as error:
        raise MigrationFileError(
            "`contract-of` does not say of which version, and how old that has to be",
            line=directive.line,
            do="Write `-- migrate:contract-of 041 min_age=7d`.",
        ) from error
