"""ALTER TABLE and indexes with the ALGORITHM and LOCK that the server takes, and several rebuilds
of a table as one.

Which way that is, a server says: here are those that it is asked for, from the best on.
https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from lockgate.planner.reading.mysql.algorithms import OFFERS
from lockgate.planner.reading.mysql.spelling import joined, with_way
from lockgate.planner.review.section import Reviewed, Subject

KINDS = frozenset({"alter table", "create index"})
Neighbours = tuple[Reviewed, ...]


def rewrite_all(subject: Subject) -> Iterator[tuple[Neighbours, tuple[str, ...]]]:
    """The statements that name no way, alone or as one, each with what may take their place."""
    dialect = subject.terms.dialect
    found = [one for one in subject.statements if _is_unguarded(subject, one)]
    for group in _groups(found):
        sql = joined((one.sql for one in group), dialect) if len(group) > 1 else group[0].sql
        offers = OFFERS[dialect.name]
        yield group, tuple(with_way(sql, one, dialect) for one in offers)


def _is_unguarded(subject: Subject, statement: Reviewed) -> bool:
    impact = statement.impact
    return (
        impact.reading.kind in KINDS
        and not impact.reading.explicit
        and any(one.algorithm and not subject.is_new(one.on, statement) for one in impact.holds)
    )


def _groups(found: list[Reviewed]) -> Iterator[Neighbours]:
    """Neighbours that rebuild the same table online, which one statement does at once."""

    def key(numbered: tuple[int, Reviewed]) -> tuple[object, ...]:
        number, one = numbered
        if not _rebuilds(one):
            return ("alone", one.place)
        return ("rebuild", one.impact.reading.objects[0], one.place - number)

    for _, group in groupby(enumerate(found), key):
        yield tuple(one for _, one in group)


def _rebuilds(statement: Reviewed) -> bool:
    reading, holds = statement.impact.reading, statement.impact.holds
    is_rebuilt = any(one.work == "rewrite" and not one.is_long for one in holds)
    return reading.kind == "alter table" and not reading.renames and is_rebuilt
