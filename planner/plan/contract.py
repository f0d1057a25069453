"""What a migration takes away that an older one has replaced: only when that is old enough, and
nothing reads what goes.

Asks no database: who reads, the engine looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from lockgate.planner.errors import Denied
from lockgate.planner.plan.statement import Model
from lockgate.planner.quantities import format_duration, format_moment
from lockgate.planner.value import frozen
from lockgate.planner.versions import version_key

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.plan.plan import Plan, Step


class Contract(Model):
    """What a migration takes away: what another one has replaced."""

    version: str = Field(description="The other migration; it has to be applied before.")
    min_age: float = Field(description="Seconds since it was applied, by the database's clock.")


@frozen
class Retired:
    """A table that goes, or a column of it; `column` is empty for a table."""

    table: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table


FindReaders = Callable[[Sequence[Retired], datetime], Sequence[str]]
"""The statements that have read one of these since a moment, as far as the server remembers."""


def refuse_early(plan: Plan, ledger: Ledger, now: datetime, find_readers: FindReaders) -> None:
    """Raises Denied when a step takes away what is replaced too short a time, or is still read."""
    for step in plan.steps:
        if step.contract is not None and step.direction == "up":
            since = _refuse_young(step, step.contract, ledger, now)
            dropped = tuple(_dropped(plan, step))
            if readers := find_readers(dropped, since) if dropped else ():
                raise _still_read(step, dropped, readers)


def _refuse_young(step: Step, contract: Contract, ledger: Ledger, now: datetime) -> datetime:
    """When the other migration was applied."""
    key = version_key(contract.version)
    applied = next((one.applied_at for one in ledger.entries if one.key == key), None)
    age = format_duration(contract.min_age)
    if applied is None:
        raise Denied(
            f"{step.file} may run only {age} after {contract.version}, which is not applied.",
            why="Until all applications use what has replaced it, the old is in use.",
            do=f"Apply {contract.version} first: `migrate plan --to {contract.version}`.",
        )
    # The server's clock is read in whole seconds.
    ripe = applied.replace(microsecond=0) + timedelta(seconds=contract.min_age)
    if now < ripe:
        raise Denied(
            f"{step.file} may run only {age} after {contract.version}: from "
            f"{format_moment(ripe)} on.",
            why=f"That was applied at {format_moment(applied)}, and the database's clock says "
            f"{format_moment(now)}.",
            do="Wait, or plan what is before it: `migrate plan --to VERSION`.",
        )
    return applied


def _dropped(plan: Plan, step: Step) -> Iterator[Retired]:
    from lockgate.planner.reading.reader import read_section

    dialect = plan.target.dialect
    assert dialect is not None, "the plan's statements were read"
    for reading in read_section([one.sql for one in step.statements], dialect):
        for one in reading.objects:
            if reading.verb == "drop" and one.kind == "table":
                yield Retired(one.name)
            elif reading.verb == "alter":
                yield from (Retired(one.name, column) for column in reading.columns_dropped)


def _still_read(step: Step, dropped: Sequence[Retired], readers: Sequence[str]) -> Denied:
    names, first = ", ".join(map(str, dropped)), readers[0]
    version = step.contract.version if step.contract else ""
    return Denied(
        f"{step.file} takes {names} away, which was read since {version} was applied: {first}",
        why=f"The server remembers {len(readers)} such statement{'s' * (len(readers) != 1)}.",
        do="Find the application that runs them. When it does not any more, reset the server's "
        "statistics of statements, and plan again.",
    )
