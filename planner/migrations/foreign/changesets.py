"""Changesets of Liquibase's formatted SQL: their first line, and what its checksum is over.

https://github.com/liquibase/liquibase/blob/master/liquibase-standard/src/main/java/liquibase/parser/AbstractFormattedChangeLogParser.java
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.foreign.sections import lines_of, whole
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration, SourceFile

CHANGESET = re.compile(
    r'\s*--\s*changeset\s+(?P<author>"[^"]+"|[^:\r\n]+):\s*(?P<id>"[^"]+"|\S+)(?P<rest>.*)',
    re.IGNORECASE,
)
ATTRIBUTE = re.compile(r'(?P<key>\w+):\s*(?P<value>"[^"]*"|\S+)')
ROLLBACK = re.compile(r"\s*--\s*rollback(?:\s(?P<sql>.*))?$", re.IGNORECASE)
ROLLBACK_BLOCK = re.compile(r"\s*/\*\s*liquibase\s+rollback\s*$", re.IGNORECASE)
COMMENT = re.compile(r"--\s*comment:? .*", re.IGNORECASE)
VALID = re.compile(r"--\s*validCheckSum:? (?P<sum>.*)", re.IGNORECASE)


@frozen
class Changeset:
    """A changeset's SQL with the attributes of its first line, by their names in lower case, and
    the checksums that it says are valid too."""

    text: str
    attributes: Mapping[str, str]
    valid: tuple[str, ...] = ()


def match_changeset(file: SourceFile) -> re.Match[str]:
    """The first line of a changeset.

    Raises:
        MigrationFileError: it is none.
    """
    match = CHANGESET.match(file.text)
    if match is None:
        raise MigrationFileError("there is no `--changeset author:id` line", line=file.line)
    return match


def read_attributes(text: str) -> dict[str, str]:
    """The attributes in a line, by their names in lower case."""
    return {one["key"].lower(): unquoted(one["value"]) for one in ATTRIBUTE.finditer(text)}


def read_changeset(migration: Migration) -> Changeset:
    """What a migration's changeset says, without its comments and its way back."""
    file, lines, valid, in_block = migration.files[0], list[str](), list[str](), False
    for number, line in lines_of(whole(file)):
        text = line.rstrip("\r\n")
        if in_block or ROLLBACK_BLOCK.match(text):
            in_block = "*/" not in text
        elif match := VALID.fullmatch(text):
            valid.append(match["sum"].strip().lower())
        elif number > file.line and not (COMMENT.fullmatch(text) or ROLLBACK.match(text)):
            lines.append(text)
    attributes = read_attributes(match_changeset(file)["rest"])
    return Changeset("\n".join(lines), attributes, tuple(valid))


def is_told(line: str) -> bool:
    """Whether a line of a changeset says something of it, and is no SQL."""
    return bool(COMMENT.fullmatch(line) or VALID.fullmatch(line))


def unquoted(text: str) -> str:
    """A name without the quotes around it."""
    return text.strip().strip('"')
