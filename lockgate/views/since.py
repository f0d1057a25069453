"""What has changed since an earlier plan of the same pull request, as a part of its comment.

Decides nothing: `planner.plan.difference` compares the two plans.
"""

from __future__ import annotations

from lockgate.planner.plan.difference import PlanDifference, StepChange
from lockgate.views.markup import code, escape, fenced
from lockgate.views.plan.difference import spell_head, spell_notes, sql_lines
from lockgate.views.plan.review import count

HEADING = "Since the last review"
SAME = "The same SQL runs as in the plan before."
SHARE = 8_000
"""Characters of a comment that it may take."""
SHOWN_LINES = 40
"""Of the SQL of one step."""
WIDTH = 160
"""Characters of a line."""


def render_since(difference: PlanDifference) -> str:
    """The part with its heading; as many steps as its share of a comment can hold."""
    parts, room = [], SHARE
    for change in difference.steps:
        block = _step(change)
        if len(block) > room:
            break
        parts.append(block)
        room -= len(block)
    left = len(difference.steps) - len(parts)
    if left:
        parts.append(f"… and {count(left, 'more step')}.")
    if difference.same_intent:
        parts.insert(0, SAME)
    return "\n\n".join([f"#### {HEADING}", *parts])


def notes_of(change: StepChange) -> list[str]:
    """What of a step differs; another checksum says no more than the SQL that differs."""
    return [note for note in spell_notes(change) if not note.startswith("checksum: ")]


def _step(change: StepChange) -> str:
    kind, _, name = spell_head(change).partition(": ")
    notes = [f"- {escape(note)}" for note in notes_of(change)]
    lines = [line[:WIDTH] for line in sql_lines(change)]
    more = [f"… {len(lines) - SHOWN_LINES} more lines"] * (len(lines) > SHOWN_LINES)
    diff = [fenced("\n".join([*lines[:SHOWN_LINES], *more]), "diff")] if lines else []
    return "\n\n".join([f"**{kind}** {code(name)}", *(["\n".join(notes)] if notes else []), *diff])
