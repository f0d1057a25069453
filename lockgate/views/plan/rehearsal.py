"""What a rehearsal has shown, for people: in a terminal, and as words for the other views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.views.terminal import say

if TYPE_CHECKING:
    from lockgate.planner.database.catalogue import ObjectDifference
    from lockgate.planner.plan.plan import Change, Measured, Plan, Rehearsal

STYLES = {"-": "red", "+": "green"}
GRADES = {"good": "green", "fair": "yellow", "poor": "bold red"}
SHOWN = 10
"""Statements whose locks a terminal or a comment shows."""
SHOWN_LINES = 40
"""Lines of a difference that they show."""


def show_rehearsal(plan: Plan) -> None:
    """How the rehearsal went, on stdout; nothing where there was none."""
    seen = plan.rehearsal
    if seen is None:
        return
    say(f"\n{headline(plan, seen)}")
    for grade, sentence in outcomes(seen):
        say(sentence, GRADES[grade])
    for one in costly(seen)[:SHOWN]:
        say(f"  {place(one)}, {one.ms} ms: {costs(one)}")
    if more := left_out(seen):
        say(f"  {more}")
    show_changes(seen.differences)
    show_changes(seen.unrepeated)


def show_changes(changes: Iterable[Change | ObjectDifference]) -> None:
    """Each object with the lines of its diff, on stdout."""
    for each in changes:
        say(f"{each.object} ({each.change})", "yellow")
        for line in each.lines[:SHOWN_LINES]:
            say(f"  {line}", STYLES.get(line[:1], ""))
        if len(each.lines) > SHOWN_LINES:
            say(f"  … and {len(each.lines) - SHOWN_LINES} more lines")


def headline(plan: Plan, seen: Rehearsal) -> str:
    """Where it was, and how long each way took."""
    parts = (("there", seen.there_ms), ("back", seen.back_ms), ("again", seen.again_ms))
    times = ", ".join(f"{name} {value} ms" for name, value in parts if value is not None)
    return f"Rehearsed on {plan.target.engine} {seen.server_version}: {times}."


def outcomes(seen: Rehearsal) -> Iterator[tuple[str, str]]:
    """What it has proved, as sentences, each with how good that is: `good`, `fair` or `poor`."""
    if seen.restored and seen.repeatable:
        yield "good", "The way back restores what was there, and the plan can be run again."
    if seen.restored is False:
        yield "poor", "The way back does not restore what was there."
    if seen.repeatable is False:
        yield "poor", "After the way back, the plan does not do the same again."
    if seen.obstacle:
        yield "fair", f"It ended early: {seen.obstacle}"


def costly(seen: Rehearsal) -> tuple[Measured, ...]:
    """The statements that shut others out of a table, or read or rewrote all of it, in running
    order."""
    return tuple(one for one in seen.measured if one.rewrites or one.scans or _blocking(one))


def left_out(seen: Rehearsal) -> str:
    """How many of them a short view does not show, as a sentence; empty: it shows all."""
    more = len(costly(seen)) - SHOWN
    return f"… and {more} more statement{'' if more == 1 else 's'}." if more > 0 else ""


def place(measured: Measured) -> str:
    """Where the statement is in the plan."""
    return f"step {measured.step} statement {measured.statement}"


def costs(measured: Measured) -> str:
    """The locks that shut others out, and the tables that were read or rewritten as a whole.

    >>> from lockgate.planner.plan.plan import Lock, Measured
    >>> lock = Lock(table="public.t", lock="ACCESS EXCLUSIVE", blocks="reads")
    >>> costs(Measured(step=1, statement=1, ms=2, locks=[lock], rewrites=["public.t"]))
    'ACCESS EXCLUSIVE on public.t, rewrites public.t'
    """
    locks = [f"{lock} on {table}" for lock, table in _blocking(measured)]
    written = measured.rewrites or ()
    read = [table for table in measured.scans or () if table not in written]
    return ", ".join([*locks, *(f"reads all of {table}" for table in read),
                      *(f"rewrites {table}" for table in written)])  # fmt: skip


def _blocking(measured: Measured) -> list[tuple[str, str]]:
    return [(held.lock, held.table) for held in measured.locks or () if held.blocks != "nothing"]
