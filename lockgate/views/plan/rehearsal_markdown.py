"""What a rehearsal has shown, as a part of the comment that `markdown` makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from lockgate.planner.plan.plan import Change, Plan, Rehearsal
from lockgate.views.markup import code, escape, fenced, folded, table
from lockgate.views.plan.rehearsal import (
    SHOWN,
    SHOWN_LINES,
    costly,
    costs,
    headline,
    left_out,
    outcomes,
    place,
)
from lockgate.views.plan.review import count

SHARE = 8_000
"""Characters of a comment that a difference may take."""
WIDTH = 160
"""Characters of a line of it that are shown."""
SIGNS = {"good": "🟢", "fair": "🟡", "poor": "🔴"}


def render_rehearsal(plan: Plan) -> str:
    """The part with its heading; empty where there was no rehearsal."""
    seen = plan.rehearsal
    return "" if seen is None else "\n\n".join(["#### Rehearsal", *_blocks(plan, seen)])


def _blocks(plan: Plan, seen: Rehearsal) -> Iterator[str]:
    yield escape(headline(plan, seen))
    yield from (f"{SIGNS[grade]} {escape(sentence)}" for grade, sentence in outcomes(seen))
    if costly(seen):
        rows = [(place(one), f"{one.ms} ms", escape(costs(one))) for one in costly(seen)[:SHOWN]]
        yield table(("where", "took", "cost others"), rows)
    if more := left_out(seen):
        yield more
    yield from _changes("left otherwise by the way back", seen.differences)
    yield from _changes("left otherwise by the second run", seen.unrepeated)


def _changes(how: str, changes: Sequence[Change]) -> Iterator[str]:
    """The objects that differ, folded; as many of them as their share of a comment can hold."""
    if not changes:
        return
    blocks = [_change(each) for each in changes]
    fitting = sum(size <= SHARE for size in accumulate(len(block) + 2 for block in blocks))
    left = len(blocks) - fitting
    note = [f"… and {count(left, 'more object')}."] if left else []
    summary = f"{count(len(changes), 'object')} {how}"
    yield folded(summary, "\n\n".join([*blocks[:fitting], *note]))


def _change(change: Change) -> str:
    head = f"{code(change.object)} {change.change}"
    if not change.lines:
        return head
    lines = [line[:WIDTH] for line in change.lines[:SHOWN_LINES]]
    more = [f"… {len(change.lines) - SHOWN_LINES} more"] * (len(change.lines) > SHOWN_LINES)
    diff = fenced("\n".join([*lines, *more]), "diff")
    return f"{head}\n\n{diff}"
