"""Catalogues of two servers of different versions: what both write alike of equal databases.

Seen on PostgreSQL 13 to 18, by a schema with every kind of object; a test holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.planner.database.catalogue import Catalogue

LEFT_OUT = (
    "names of NOT NULL constraints, the text of views, rules and BEGIN ATOMIC bodies, versions of "
    "extensions, the right MAINTAIN"
)
"""For people: what is not compared."""
REWORDED = ("view ", "materialized view ", "rule ")
"""Their queries are printed with the names of tables, or without."""
# Each a constraint since version 18, and a mark on the column before and since.
NOT_NULL = re.compile(r'constraint .*: definition "NOT NULL')
MAINTAIN = re.compile(r"(?<==)([^/\"]*?)m\*?(?=[^/\"]*/)")  # a right of tables since version 17
MULTIRANGE = re.compile(r', "multirange": (?:null|".*?")(?=})')  # of each range since version 14


def comparable(catalogue: Catalogue) -> Catalogue:
    """The catalogue without what servers of different versions write differently."""
    return Catalogue(
        {name: "\n".join(_alike(name, text)) for name, text in catalogue.objects.items()}
    )


def _alike(name: str, text: str) -> Iterator[str]:
    is_inside = False
    is_reworded = name.startswith(REWORDED) or "\n  BEGIN ATOMIC" in text
    for line in text.split("\n"):
        is_inside = is_inside and line.startswith("  ")
        if is_reworded and line.startswith("definition"):
            is_inside = line.endswith(":")
        elif not is_inside and not _is_own(name, line):
            yield MAINTAIN.sub(r"\1", MULTIRANGE.sub("", line))


def _is_own(name: str, line: str) -> bool:
    """Whether a line tells of the server rather than of the schema."""
    return (
        bool(NOT_NULL.match(line))
        or (name.startswith("publication ") and line.startswith("pubgencols "))
        or (name.startswith("extension ") and line.startswith("version "))
    )
