"""The difference of two plans: for people, with the SQL as a diff, and as one JSON document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from lockgate.planner.plan.difference import FieldChange, PlanDifference, StepChange
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.quantities import spell_digest
from lockgate.planner.versions import titled
from lockgate.views.json import show_document
from lockgate.views.terminal import say, spell_moment

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
STYLES = {"added": "green", "removed": "red", "changed": "yellow", "moved": "yellow"}
DIGEST = re.compile(r"[0-9a-f]{64}")
LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show_text(difference: PlanDifference) -> None:
    """Whether the intent is the same, then what differs; on stdout."""
    before, after = difference.before, difference.after
    if difference.same_intent:
        say(
            f"Same intent {spell_digest(after.intent_digest)}: both plans run the same SQL.",
            "bold green",
        )
    else:
        say(
            f"Another intent: {spell_digest(before.intent_digest)} -> "
            f"{spell_digest(after.intent_digest)}.",
            "bold red",
        )
    say(f"  before  {_name(before)}")
    say(f"  after   {_name(after)}")
    for change in difference.changes:
        say(f"  {change.field}: {_value(change.before)} -> {_value(change.after)}")
    for step in difference.steps:
        _show_step(step)
    if not difference.steps:
        say("No step differs.", "green")


def show_json(difference: PlanDifference) -> None:
    """The difference as one document on stdout."""
    before, after = difference.before, difference.after
    show_document(
        {
            "format": "lockgate-plan-diff",
            "format_version": "1.0",
            "same_intent": difference.same_intent,
            "before": {"digest": before.digest, "intent_digest": before.intent_digest},
            "after": {"digest": after.digest, "intent_digest": after.intent_digest},
            "changes": [_change(change) for change in difference.changes],
            "steps": [_step(step) for step in difference.steps],
        }
    )


def _name(plan: Plan) -> str:
    made = spell_moment(plan.created_at)
    return f"plan {spell_digest(plan.digest)} for {plan.environment}, made {made}"


def _value(value: Any) -> str:
    if value in (None, "", ()):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {value[name]}" for name in sorted(value))
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return spell_digest(value) if isinstance(value, str) and DIGEST.fullmatch(value) else str(value)


def _show_step(change: StepChange) -> None:
    say("")
    say(f"{SIGNS[change.kind]} {spell_head(change)}", STYLES[change.kind])
    for note in spell_notes(change):
        say(f"    {note}")
    for line in sql_lines(change):
        say(f"    {line}", LINE_STYLES.get(line[:1], ""))


def spell_head(change: StepChange) -> str:
    """What has become of which step."""
    return f"{change.kind}: {change.step.direction} {titled(change.step.version, change.step.name)}"


def spell_notes(change: StepChange) -> Iterator[str]:
    """What of it differs beside its SQL."""
    for field in change.changes:
        yield f"{field.field}: {_value(field.before)} -> {_value(field.after)}"
    for words, codes in (("gone", change.findings_gone), ("new", change.findings_new)):
        if codes:
            yield f"findings {words}: {', '.join(codes)}"


def sql_lines(change: StepChange) -> Iterator[str]:
    """The SQL that differs, as the lines of a diff."""
    before, after = change.before, change.after
    if before is None or after is None or change.runs_otherwise:
        yield from _diff(before.statements if before else (), after.statements if after else ())
    if before and after and change.returns_otherwise:
        yield "the way back:"
        yield from _diff(before.rollback or (), after.rollback or ())


def _diff(before: Sequence[PlannedStatement], after: Sequence[PlannedStatement]) -> Iterator[str]:
    """The lines of a unified diff, without the names of the two files."""
    found = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=3)
    yield from islice(found, 2, None)


def _lines(statements: Sequence[PlannedStatement]) -> list[str]:
    lines: list[str] = []
    for statement in statements:
        lines += f"{statement.sql};".split("\n")
        lines += (statement.copy_data or "").splitlines()
    return lines


def _change(change: FieldChange) -> dict[str, Any]:
    return {"field": change.field, "before": change.before, "after": change.after}


def _step(change: StepChange) -> dict[str, Any]:
    step = change.step
    return {
        "kind": change.kind,
        "direction": step.direction,
        "version": step.version,
        "name": step.name,
        "changes": [_change(field) for field in change.changes],
        "findings_gone": list(change.findings_gone),
        "findings_new": list(change.findings_new),
        "sql_diff": list(sql_lines(change)),
    }
