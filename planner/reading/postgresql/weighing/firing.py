"""Which code of the database runs when rows are written: triggers and rules that were not read.

Reads no SQL. https://www.postgresql.org/docs/current/trigger-definition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts, FiredFacts
from lockgate.planner.reading.calls import are_servers_own
from lockgate.planner.reading.postgresql.weighing.relations import below, layout_at

WrittenTable = tuple[str, frozenset[str]]
"""The key of a table, and how its rows change: `insert`, `update`, `delete`, `truncate`."""


def fired_by(written: Iterable[WrittenTable], facts: Facts) -> tuple[str, ...]:
    """What fires, as nouns; without triggers whose code only changes the row that is written."""
    return tuple(dict.fromkeys(_fired_by(written, facts)))


def _fired_by(written: Iterable[WrittenTable], facts: Facts) -> Iterator[str]:
    for key, events in written:
        for each in below(key, facts) if key else ():
            for name, one in layout_at(each, facts).fires.items():
                if one.enabled and not _is_plain(one) and events & {*one.events}:
                    code = f" (function {one.code})" if one.code else ""
                    yield f"the {one.kind} {name} of {each}{code}"


def _is_plain(one: FiredFacts) -> bool:
    """Whether it is known that it only changes the row that is written."""
    return one.calls is not None and are_servers_own(one.calls, "postgresql")
