"""A check-up: for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lockgate.exits import Exit
from lockgate.planner.value import frozen
from lockgate.views.json import show_document
from lockgate.views.terminal import say

Grade = Literal["ok", "note", "warning", "problem"]
SIGNS = {"ok": "ok", "note": "note", "warning": "warning", "problem": "PROBLEM"}
STYLES = {"ok": "", "note": "", "warning": "yellow", "problem": "bold red"}


@frozen
class Check:
    """What was looked at, and how it is; `do` is the next step, and `exit` how a command that needs
    it would end."""

    name: str
    grade: Grade
    found: str
    do: str = ""
    exit: Exit = Exit.OK


def show_check(check: Check) -> None:
    """One check on stdout, with what to do."""
    say(f"{SIGNS[check.grade]:<8} {check.name}: {check.found}", STYLES[check.grade])
    for line in check.do.splitlines() if check.grade != "ok" else ():
        say(f"         {line}")


def show_json(checks: Iterable[Check]) -> None:
    """All checks."""
    listed = [
        {"name": each.name, "grade": each.grade, "found": each.found, "do": each.do}
        for each in checks
    ]
    show_document({"format": "lockgate-doctor", "format_version": "1.0", "checks": listed})
