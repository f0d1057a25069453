"""Changelogs of Liquibase in XML, YAML or JSON, as far as they say in which order SQL files run.

Takes no changeset from them: what such a file would do only Liquibase knows.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.contexts import CONTEXTS, LABELS, Decided

ENDINGS = (".xml", ".yaml", ".yml", ".json")
ROOT = "databaseChangeLog"
INCLUDES = ("include", "includeAll")
PASSED_OVER = frozenset({"property", "preConditions"})

_Item = tuple[str, dict[str, str]]
"""An element of a changelog: its name, and its attributes."""


def find_changelogs(folder: Folder) -> dict[str, list[_Item]]:
    """The items of each changelog in a folder, by its name.

    Raises:
        MigrationFileError: one cannot be read.
    """
    found = {}
    for name in folder.tree:
        if name.endswith(ENDINGS) and ROOT in (text := folder.read(name)):
            found[name] = list(_items(name, text))
    return found


def find_changesets(changelogs: dict[str, list[_Item]]) -> Iterator[MigrationFileError]:
    """An error for each changelog that holds more than the order of SQL files."""
    for name, items in changelogs.items():
        if odd := sorted({kind for kind, _ in items} - {*INCLUDES, *PASSED_OVER}):
            yield MigrationFileError(
                f"it holds {', '.join(odd)}: only changesets in formatted SQL are taken",
                path=Path(name),
                why="What another would do is known only to Liquibase, which makes the SQL.",
                do="Write it as formatted SQL: `liquibase update-sql` prints the SQL. Or take over "
                "what is there as a whole: `migrate dump`, `migrate adopt --baseline VERSION`.",
            )


def find_undecided(
    changelogs: dict[str, list[_Item]], decided: Decided
) -> Iterator[MigrationFileError]:
    """An error for each file that is included for some databases, where it is not said for which
    this one is."""
    for name, items in changelogs.items():
        for kind, attributes in items:
            if kind in INCLUDES:
                yield from undecided(decided.find_undecided(attributes), name, 1)


def undecided(attributes: Sequence[str], name: str, line: int) -> Iterator[MigrationFileError]:
    """It is not said whether a context or a label is one of the database's."""
    for what in attributes:
        is_label = what.lower().startswith(LABELS)
        key, example = ("labels", '"v1 or v2"') if is_label else ("contexts", "[NAME]")
        yield MigrationFileError(
            f"`{what}` needs a decision",
            path=Path(name),
            line=line,
            why="Liquibase decides while it runs, and runs all of them when none is given.",
            do=f"Say in the environment which {key} this database has, as you tell Liquibase: "
            f"`migrations: {{directory: …, format: liquibase, {key}: {example}}}`.",
        )


def order_by(
    changelogs: dict[str, list[_Item]], names: Sequence[str], decided: Decided
) -> list[str]:
    """Of the SQL files those that are included, in that order; all by name without a changelog."""
    if not changelogs:
        return sorted(names)
    included = {
        one for name, items in changelogs.items() for one in _included(name, items, changelogs)
    }
    roots = [name for name in changelogs if name not in included]
    found: list[str] = []
    for root in roots:
        _follow(root, changelogs, names, decided, found, ())
    return list(dict.fromkeys(found))


def _follow(
    name: str,
    changelogs: dict[str, list[_Item]],
    names: Sequence[str],
    decided: Decided,
    found: list[str],
    above: tuple[str, ...],
) -> None:
    if name in above:
        raise MigrationFileError(
            "changelogs include each other in a circle", path=Path(name), do="Remove an include."
        )
    items = [item for item in changelogs[name] if decided.takes(item[1])]
    for one in _included(name, items, [*changelogs, *names]):
        if one in changelogs:
            _follow(one, changelogs, names, decided, found, (*above, name))
        else:
            found.append(one)


def _included(
    name: str, items: Sequence[_Item], known: Sequence[str] | dict[str, list[_Item]]
) -> Iterator[str]:
    """The names of the folder that a changelog includes. A path may begin in a folder around it."""
    for kind, attributes in items:
        path = posixpath.normpath(attributes.get("file") or attributes.get("path") or ".")
        if attributes.get("relativeToChangelogFile", "").lower() == "true":
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if kind == "include":
            yield from (one for one in known if f"/{path}".endswith(f"/{one}"))
        elif kind == "includeAll":
            inside = "" if path == "." else f"/{path.rpartition('/')[2]}"
            yield from sorted(
                one for one in known if one != name and _is_in(posixpath.dirname(one), inside)
            )


def _is_in(place: str, folder: str) -> bool:
    """Whether a place is a folder, or one within it."""
    return f"{folder}/" in f"/{place}/"


def _items(name: str, text: str) -> Iterator[_Item]:
    try:
        yield from _xml(text) if name.endswith(".xml") else _yaml(text)
    except (ElementTree.ParseError, yaml.YAMLError, ValueError, AttributeError) as error:
        raise MigrationFileError(
            "the changelog cannot be read", path=Path(name), do="Correct it."
        ) from error


def _xml(text: str) -> Iterator[_Item]:
    if "<!" in text.replace("<!--", ""):
        raise ValueError("a document type can hold entities without end")
    root = ElementTree.fromstring(text)
    if {key.lower() for key in root.attrib} & {*CONTEXTS, LABELS}:
        yield "a context or labels for all of it", {}
    for element in root:
        if isinstance(element.tag, str):
            yield element.tag.rpartition("}")[2], dict(element.attrib)


def _yaml(text: str) -> Iterator[_Item]:
    loaded: Any = yaml.safe_load(text)
    for item in loaded[ROOT] or ():
        for kind, attributes in item.items():
            about = attributes if isinstance(attributes, dict) else {}
            yield kind, {str(key): str(value) for key, value in about.items()}
