"""The directives above `-- migrate:up`: what a file requires, takes away, and is written in.

Reads directives, never the text around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import LONGEST
from lockgate.planner.quantities import parse_duration
from lockgate.planner.sql.statements import Directive
from lockgate.planner.versions import REPEATABLE

if TYPE_CHECKING:
    from lockgate.planner.plan.contract import Contract

OPTION = re.compile(r"min_age=(\S+)")
VERSION = re.compile(rf"[0-9]{{1,{LONGEST}}}|{REPEATABLE}\S+")


def read_contract(directive: Directive, arguments: Sequence[str]) -> Contract:
    """Which version has replaced it, and how old that has to be.

    Raises:
        MigrationFileError: it does not say both.
    """
    from lockgate.planner.plan.contract import Contract  # `status` seldom needs such a model

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


def read_requires(directive: Directive, arguments: Sequence[str]) -> list[str]:
    """The versions that have to run first.

    Raises:
        MigrationFileError: it names none, or what is none.
    """
    versions = [version for argument in arguments for version in argument.split(",") if version]
    wrong = [version for version in versions if not VERSION.fullmatch(version)]
    if wrong or not versions:
        raise MigrationFileError(
            f"`requires` names {wrong[0]!r}, which is not a version"
            if wrong
            else "`requires` names no version",
            line=directive.line,
            do="Write versions, for example `-- migrate:requires 003 005`.",
        )
    return versions


def read_template(directive: Directive, arguments: Sequence[str]) -> bool:
    """Whether the file is a template.

    Raises:
        MigrationFileError: it names another language.
    """
    if list(arguments) != ["jinja"]:
        raise MigrationFileError(
            f"{' '.join(arguments) or 'nothing'} is not a template language",
            line=directive.line,
            do="Write `-- migrate:template jinja`.",
        )
    return True
