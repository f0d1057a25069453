"""Runs that stopped half-way, for people: statement by statement, and the ways out."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lockgate.planner.versions import titled
from lockgate.views.terminal import say, shorten

if TYPE_CHECKING:
    from lockgate.executors.resolve import HalfDone


def show_text(half_done: Collection[HalfDone]) -> None:
    """What runs left half done, statement by statement, and the ways out; on stdout."""
    if not half_done:
        say("Nothing is half done.", "green")
    for half in half_done:
        for number, step in enumerate(half.unit.steps, half.unit.first):
            place = f"{step.direction} {titled(step.version, step.name)} ({step.file})"
            say(f"{place} is half done:", "bold yellow")
            for count, statement in enumerate(step.statements, 1):
                state = half.state(number, count)
                say(f"  {count:>3} {state:<8}  line {statement.line}: {shorten(statement.sql)}")
        if half.error:
            say(half.error, "yellow")
        say(_ways_back(half) if half.compensated else _ways_out(half))


def _ways_back(half: HalfDone) -> str:
    version = half.unit.steps[-1].version
    first = (
        "Mend what is named there. Then\n"
        if half.is_stuck
        else "Apply the same plan again: what it had done is undone first. Or\n"
    )
    finish = "  migrate resolve --finish --reason TEXT    runs the rest of it\n" * half.can_finish
    return (
        f"{first}"
        "  migrate resolve --undo --reason TEXT      undoes all of it\n"
        f"{finish}"
        "  migrate resolve --out plan.json           writes that plan\n"
        "Or mend it by hand, and say how it ended:\n"
        f"  migrate resolve --mark-applied {version} --reason TEXT\n"
        f"  migrate resolve --mark-rolled-back {half.unit.steps[0].version} --reason TEXT"
    )


def _ways_out(half: HalfDone) -> str:
    version = half.unit.steps[0].version
    again = (
        "Look in the database whether the unknown statement happened.\nThen f"
        if half.unknown
        else "Remove the cause and apply the same plan again: it goes on where it stopped.\n"
        "  migrate resolve --finish --reason TEXT   does that, without the plan's file\n"
        "  migrate resolve --out plan.json          writes that plan\n"
        "Or f"
    )
    return (
        f"{again}inish or undo the migration by hand, and settle it:\n"
        f"  migrate resolve --mark-applied {version} --reason TEXT\n"
        f"  migrate resolve --mark-rolled-back {version} --reason TEXT"
    )
