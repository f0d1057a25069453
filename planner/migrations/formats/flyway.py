"""Flyway: `V2.1__name.sql`, with `U2.1__name.sql` to undo it, and `R__name.sql`, which is repeated.

https://documentation.red-gate.com/flyway/flyway-concepts/migrations
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.pairs import way_back
from lockgate.planner.migrations.foreign.placeholders import fill
from lockgate.planner.migrations.foreign.sections import read_pieces, read_required, whole
from lockgate.planner.migrations.format import Header
from lockgate.planner.migrations.migration import Migration, Sections, SourceFile
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.versions import version_key

TOOL = "Flyway"
LAYOUT = "V1__name.sql, U1__name.sql, R__name.sql and V1__name.sql.conf, in folders too"
NOT_TAKEN = (
    "migrations in Java or as scripts, callbacks, Flyway's own placeholders (${flyway:…}), and "
    "shouldExecute; B files where the V files that they replace are there too"
)
ALONE = "`executeInTransaction=false` into its .conf file"

NAME = re.compile(r"(?:(?P<kind>[VUB])(?P<version>[0-9]+(?:[._][0-9]+)*)|R)__(?P<name>.+)\.sql")
SETTINGS = ".conf"
CALLBACK = re.compile(r"(?:(?:before|after)[A-Z]\w*|createSchema)(?:__.*)?\.\w+")
CODE = re.compile(r"[VURB][0-9._]*__.*\.(?:java|class|kt|groovy|sh|bash|ps1|py|cmd|bat)")
PLACEHOLDER = re.compile(r"\$\{(?P<name>[^}\s]+)\}")
IGNORED = frozenset({"encoding", "detectEncoding"})


def recognise(folder: Folder) -> bool:
    """Whether a file is named so. A U file without its V file is refinery's."""
    files = dict(_named(folder))
    versions = {_version(one) for one in files.values() if one["kind"] == "V"}
    undoing = {_version(one) for one in files.values() if one["kind"] == "U"}
    is_rust = folder.has_above("Cargo.toml") or any(name.endswith(".rs") for name in folder.tree)
    return bool(files) and undoing <= versions and not is_rust


def find_untaken(folder: Folder) -> Iterator[MigrationFileError]:
    """Callbacks, and migrations that are no SQL."""
    for name in folder.tree:
        last = name.rpartition("/")[2]
        if CALLBACK.fullmatch(last):
            yield MigrationFileError(
                "a callback runs with every migration, and would be in no plan",
                path=Path(name),
                do="Make it a migration, or R__name.sql if it is to run again when it changes.",
            )
        elif CODE.fullmatch(last):
            yield MigrationFileError(
                "a migration that is no SQL cannot be planned: lockgate cannot read it",
                path=Path(name),
                do="Write it as SQL in its place: where it has run, `migrate adopt` records it.",
            )


def collect_files(folder: Folder, dialect: Dialect) -> Iterator[tuple[SourceFile, ...]]:
    """The files of each version by version, then the repeatable ones by name."""
    files = dict(_named(folder))
    undoing = {_version(match): name for name, match in files.items() if match["kind"] == "U"}
    applying = {name: match for name, match in files.items() if match["kind"] in ("V", "B")}
    for name, match in sorted(applying.items(), key=lambda one: version_key(_version(one[1]))):
        if match["kind"] == "V" or not _is_covered(match, applying.values()):
            yield _files(folder, name, undoing.pop(_version(match), None))
    for name in undoing.values():
        raise MigrationFileError(
            "it undoes a version that no V file has",
            path=Path(name),
            do="Correct its version, or remove it.",
        )
    for name, match in files.items():
        if match["kind"] is None:
            yield _files(folder, name, None)


def warnings(folder: Folder) -> Iterator[str]:
    """A sentence for each B file that is passed over."""
    files = dict(_named(folder))
    for name, match in files.items():
        if match["kind"] == "B" and _is_covered(match, files.values()):
            yield f"{name} is passed over: the V files that it replaces are there."


def read_header(files: tuple[SourceFile, ...], dialect: Dialect) -> Header:
    """What the name says, with dots in the version as Flyway's history has them."""
    file = files[0]
    match = NAME.fullmatch(file.name.rpartition("/")[2])
    if match is None or match["kind"] == "U":
        raise MigrationFileError("not the name of a migration of Flyway")
    settings = _settings(files)
    has_placeholders = any(PLACEHOLDER.search(one.text) for one in files if one.role != "settings")
    return Header(
        _version(match) if match["kind"] else f"R__{match['name']}",
        match["name"],
        read_required(file),
        template=has_placeholders and settings.get("placeholderReplacement") != "false",
    )


def read_sections(migration: Migration, dialect: Dialect, variables: Mapping[str, str]) -> Sections:
    """A file is a section, with its placeholders filled from the environment's variables."""
    told = _settings(migration.files).get("executeInTransaction")
    transactional = None if told is None else told == "true"
    found = {}
    for file in migration.files:
        if file.role != "settings":
            filled = _filled(file, variables) if migration.template else file
            found[file.role] = read_pieces(
                file, [whole(filled)], dialect, transactional=transactional
            )
    return Sections(found["up"], way_back(found.get("down")))


def _named(folder: Folder) -> Iterator[tuple[str, re.Match[str]]]:
    for name in folder.tree:
        if match := NAME.fullmatch(name.rpartition("/")[2]):
            yield name, match


def _version(match: re.Match[str]) -> str:
    return (match["version"] or "").replace("_", ".")


def _is_covered(baseline: re.Match[str], others: Iterable[re.Match[str]]) -> bool:
    """Whether a V file is there that a B file replaces: then all that it sums up is."""
    last = version_key(_version(baseline))
    return any(one["kind"] == "V" and version_key(_version(one)) <= last for one in others)


def _files(folder: Folder, up: str, down: str | None) -> tuple[SourceFile, ...]:
    files = [SourceFile(up, folder.read(up), "up")]
    if down is not None:
        files.append(SourceFile(down, folder.read(down), "down"))
    if folder.has(up + SETTINGS):
        files.append(SourceFile(up + SETTINGS, folder.read(up + SETTINGS), "settings"))
    return tuple(files)


def _settings(files: tuple[SourceFile, ...]) -> dict[str, str]:
    """What a .conf file says, as `key=value` lines."""
    found = {}
    for file in files:
        if file.role != "settings":
            continue
        for number, line in enumerate(file.text.splitlines(), 1):
            key, _, value = (part.strip() for part in line.partition("="))
            if key in ("executeInTransaction", "placeholderReplacement"):
                found[key] = value.lower()
            elif key and not key.startswith("#") and key not in IGNORED:
                raise MigrationFileError(
                    f"the setting {key} is not taken",
                    path=Path(file.name),
                    line=number,
                    do="Remove it: of a script's settings only executeInTransaction and "
                    "placeholderReplacement count here.",
                )
    return found


def _filled(file: SourceFile, variables: Mapping[str, str]) -> SourceFile:
    way = f", or say `placeholderReplacement=false` in {file.name}{SETTINGS}"
    return fill(file, PLACEHOLDER, variables, do=way)
