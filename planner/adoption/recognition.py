"""Whose history a table is: every file in `tools` is asked."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from lockgate.planner.adoption.tool import MigrationTool
from lockgate.planner.database.occupancy import FoundTable


@cache
def known_tools() -> tuple[MigrationTool, ...]:
    """Every tool, by its name."""
    package = importlib.import_module(f"{__package__}.tools")
    modules = (module.name for module in pkgutil.iter_modules(package.__path__))
    found = [importlib.import_module(f"{package.__name__}.{name}").TOOL for name in modules]
    return tuple(sorted(found, key=lambda tool: tool.name.lower()))


def find_histories(tables: Iterable[FoundTable]) -> tuple[tuple[MigrationTool, FoundTable], ...]:
    """The tables that are the history of a tool, with the tool."""
    listed = list(tables)
    neighbours: dict[str, set[str]] = defaultdict(set)
    for table in listed:
        neighbours[table.schema].add(table.name.lower())
    return tuple(
        (tool, table)
        for table in listed
        for tool in known_tools()
        if tool.is_history(table, frozenset(neighbours[table.schema]))
    )
