"""Sqitch: `sqitch.plan`, with `deploy/name.sql` and `revert/name.sql` for each change.

https://sqitch.org/docs/manual/sqitch/#plan-file
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import parse_pair
from lockgate.planner.migrations.foreign.sections import read_required
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect

TOOL = "Sqitch"
LAYOUT = "sqitch.plan, deploy/name.sql and revert/name.sql"
NOT_TAKEN = "verify scripts, conflicts, and changes that other projects' changes require"

PLAN = "sqitch.plan"
CHANGE = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<name>[^\s@\[\]:#]+)(?:\s+\[(?P<requires>[^\]]*)\])?\s+\d{4}-\d\d-\d\dT.*"
)
TAG = re.compile(r"@(?P<name>\S+)\s.*")


@dataclass
class _Change:
    """A line of the plan; `version` tells a reworked change from the one before it, and its files
    have the first of the names `scripts` that is there."""

    version: str
    name: str
    scripts: tuple[str, ...]
    requires: tuple[str, ...]
    first_tag: int


def recognise(folder: Folder) -> bool:
    """Whether there is a plan."""
    return folder.has(PLAN)


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each change, in the order of the plan, with what the plan says of it."""
    for change in _changes(folder):
        there = (one for one in change.scripts if folder.has(f"deploy/{one}.sql"))
        script = next(there, change.scripts[0])
        deploy, revert = f"deploy/{script}.sql", f"revert/{script}.sql"
        if not folder.has(deploy):
            raise MigrationFileError(
                f"there is no {deploy}",
                path=Path(PLAN),
                do="Restore it. lockgate reads deploy/ and revert/ beside sqitch.plan.",
            )
        files = [SourceFile(deploy, folder.read(deploy), "up")]
        if folder.has(revert):
            files.append(SourceFile(revert, folder.read(revert), "down"))
        header = f"{change.version}\n{change.name}\n{' '.join(change.requires)}\n"
        yield (*files, SourceFile(PLAN, header, "header"))


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the plan says. A version is the change's name, with `~2` where it was reworked."""
    version, name, requires, *_ = files[-1].text.split("\n")
    return Header(version, name, (*requires.split(), *read_required(files[0])))


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A script is a section; a wrapped one, and one without a word, is a transaction."""
    return parse_pair(migration, dialect)


def _changes(folder: Folder) -> list[_Change]:
    changes: list[_Change] = []
    newest: dict[str, _Change] = {}
    tagged: dict[str, dict[str, _Change]] = {}
    tags: list[str] = []
    for number, line in enumerate(folder.read(PLAN).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        if text.startswith("@"):
            tags.append(text.split()[0])
            tagged[tags[-1]] = dict(newest)
            continue
        match = CHANGE.fullmatch(text)
        if match is None or match["sign"] == "-":
            raise _unread(number, f"`{text}` cannot be read")
        name = match["name"]
        requires = tuple(
            _required(one, newest, tagged, number) for one in (match["requires"] or "").split()
        )
        before = newest.get(name)
        version = name
        if before is not None:
            since = reversed(tags[before.first_tag :])
            before.scripts = tuple(f"{name}{tag}" for tag in since) or (name,)
            version = f"{name}~{sum(one.name == name for one in changes) + 1}"
        newest[name] = _Change(version, name, (name,), requires, len(tags))
        changes.append(newest[name])
    return changes


def _required(
    text: str, newest: Mapping[str, _Change], tagged: Mapping[str, Mapping[str, _Change]], line: int
) -> str:
    """The version that a dependency names: `users`, or `users@v1` for what it was at that tag."""
    if text.startswith("!") or ":" in text:
        raise _unread(line, f"{text} is a conflict, or a change of another project")
    name, at, tag = text.partition("@")
    known = newest if not at or tag == "HEAD" else tagged.get(f"@{tag}", {})
    if name not in known:
        raise _unread(line, f"{text} is no change before this one")
    return known[name].version


def _unread(line: int, what: str) -> MigrationFileError:
    return MigrationFileError(
        what, path=Path(PLAN), line=line, do="Correct the plan, or plan that change by hand."
    )
