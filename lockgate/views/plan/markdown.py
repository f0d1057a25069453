"""A plan as a comment of a pull request: summary, findings, and the SQL of each step, folded.

Cuts what a comment cannot hold, and says so; the HTML view shows all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.quantities import format_moment, format_size, spell_digest
from lockgate.planner.versions import titled
from lockgate.views.batches import describe_batch
from lockgate.views.findings.links import page_of
from lockgate.views.markup import code, escape, fenced, folded, html_code, table
from lockgate.views.online import describe_copy
from lockgate.views.plan.approvals import render_approvals
from lockgate.views.plan.changes import render_schema_changes
from lockgate.views.plan.rehearsal_markdown import render_rehearsal
from lockgate.views.plan.review import (
    WORTH_A_LOOK,
    Place,
    Remark,
    Review,
    ShownLock,
    count,
    spell_lock,
    spell_rows,
)
from lockgate.views.plan.summary import (
    KEPT,
    LONGEST_FIRST,
    Topic,
    find_facts,
    find_topics,
    find_worst,
    gather_losses,
    spell_commit,
    spell_effects,
    spell_guarantees,
    spell_way_back,
)
from lockgate.views.since import render_since

if TYPE_CHECKING:
    from lockgate.planner.plan.difference import PlanDifference
    from lockgate.trust.approvals import ApprovalState

# GitHub and GitLab refuse or cut longer ones.
# https://docs.github.com/en/rest/issues/comments
LONGEST = 65_536
LIST_SHARE = LONGEST // 4
LOCKS_SHOWN = 10
PLACES_SHOWN = 12
NO_WAY_BACK = "There is no way back: the file has no down section"
SQL_SHOWN = 2_000
"""Characters of a statement that are shown when the whole of it does not fit."""
ROOM_FOR_NOTE = 300
SIGNS = {"good": "🟢", "fair": "🟡", "poor": "🔴", "": "⚪"}
GRADES = {
    "danger": "🔴 danger",
    "warning": "🟡 warning",
    "info": "🔵 info",
    "allowed": "⚪ allowed",
}
ANSWERS: dict[Answer, str] = {"allow": "⚪", "warn": "🟡", "require-approval": "🟠", "deny": "🔴"}


def render_markdown(
    review: Review,
    approvals: ApprovalState | None = None,
    since: PlanDifference | None = None,
    longest: int = LONGEST,
) -> str:
    """The comment, of at most `longest` characters; its first line is invisible and lets a job
    find the comment that it wrote before. `since` is what differs from the plan of that."""
    room = longest - ROOM_FOR_NOTE
    parts = []
    for block in _head(review, approvals, since):
        if len(block) + 2 <= room:
            parts.append(block)
            room -= len(block) + 2
    steps = list(_fitting(review.plan.steps, room, partial(_step_both_ways, review)))
    cut = ""
    if len(steps) < len(review.plan.steps):
        steps = list(_fitting(review.plan.steps, room, partial(_step, review)))
        cut = _cut(len(review.plan.steps) - len(steps))
    return "\n\n".join(filter(None, [*parts, *steps, cut])) + "\n"


def _fitting(
    steps: Sequence[Step], room: int, render: Callable[[int, Step, int | None], str]
) -> Iterator[str]:
    """The steps in order, until one does not fit even with its statements cut."""
    for number, step in enumerate(steps, 1):
        block = render(number, step, None)
        if len(block) + 2 > room:
            block = render(number, step, SQL_SHOWN)
        if len(block) + 2 > room:
            return
        yield block
        room -= len(block) + 2


def _cut(left: int) -> str:
    verb = "is" if left == 1 else "are"
    what = f"{count(left, 'more step')} of this plan {verb}" if left else "The ways back are"
    return (
        f"> **{what} not shown here**: a comment can hold no more. "
        "`migrate show PLAN --format html` shows all."
    )


def _head(
    review: Review, approvals: ApprovalState | None, since: PlanDifference | None
) -> Iterator[str]:
    plan = review.plan
    yield f"<!-- lockgate-plan {re.sub(r'[^A-Za-z0-9_.]+', '-', plan.environment)} -->"
    sign = SIGNS[find_facts(review)[0].grade]
    yield (
        f"### {sign} {escape(review.title)} on {code(plan.environment)}: "
        f"{escape(plan.verdict)} · intent {code(spell_digest(plan.intent_digest))}"
    )
    if review.is_production:
        yield f"> [!CAUTION]\n> This plan is for **{escape(plan.environment)}**."
    if worst := find_worst(review):
        yield " ".join(f"{SIGNS[fact.grade]} **{escape(str(fact))}.**" for fact in worst)
    if plan.decisions:
        yield "\n".join(f"- {_decision(decision)}" for decision in plan.decisions)
    if approvals and (told := render_approvals(approvals)):
        yield told
    if since:
        yield render_since(since)
    yield table(("", ""), _facts(review))
    yield from (f"> ⚠️ {escape(warning)}" for warning in plan.warnings)
    if review.changes:
        yield render_schema_changes(review.changes)
    if review.losses:
        yield "#### Data that is lost\n\n" + _listed(
            map(_loss, gather_losses(review.losses)), "row"
        )
    if review.remarks:
        yield "#### Findings\n\n" + _listed(_topics(review.remarks), "kind")
    if review.locks:
        yield f"#### Locks and sizes\n\n{LONGEST_FIRST}\n\n" + _locks(review)
    if len(review.parts) > 1 or review.grade != "good":
        yield "#### If it fails\n\n" + _parts(review)
    if plan.rehearsal:
        yield render_rehearsal(plan)
    if plan.steps:
        yield "#### Steps"


def _facts(review: Review) -> Iterator[tuple[str, str]]:
    plan, target = review.plan, review.plan.target
    yield (
        "target",
        f"{escape(target.engine)} {escape(target.server_version)}, {code(target.database)}",
    )
    yield "runs", f"{count(len(plan.steps), 'step')}, {count(review.statements, 'statement')}"
    yield (
        "promised",
        spell_guarantees(review.guarantees) or "nothing runs",
    )
    yield "findings", _severities(review)
    yield "history", f"serial {plan.base.serial} → {plan.result.serial}"
    yield "made", f"{format_moment(plan.created_at)}{_expiry(review)}"
    if plan.source.commit:
        dirty = ", **with uncommitted changes**" if plan.source.dirty else ""
        told = f"{code(plan.source.commit[:12])} {escape(spell_commit(plan.source))}".rstrip()
        yield "commit", f"{told}{dirty}"
    yield "plan", code(spell_digest(plan.digest))


def _expiry(review: Review) -> str:
    expires = review.plan.expires_at
    return f", expires {format_moment(expires)}" if expires else ""


def _severities(review: Review) -> str:
    found = review.severities
    return (
        ", ".join(f"{found[grade]} {shown}" for grade, shown in GRADES.items() if found[grade])
        or "none"
    )


def _listed(items: Iterable[str], noun: str) -> str:
    """A list of as many items as its share of the room can hold, the first ones first."""
    items = tuple(f"- {item}" for item in items)
    sizes = accumulate(len(item) + 1 for item in items)
    fitting = sum(size <= LIST_SHARE for size in sizes)
    left = len(items) - fitting
    return "\n".join(
        [*items[:fitting], *([f"- … and {count(left, f'more {noun}')}"] if left else [])]
    )


def _decision(decision: Decision) -> str:
    reason = f"{code(decision.policy)}: {escape(decision.reason)}"
    return f"{ANSWERS[decision.answer]} **{decision.answer}** {reason}"


def _loss(told: tuple[tuple[str, ...], list[Place]]) -> str:
    lost, places = told
    versions = ", ".join(dict.fromkeys(code(place.step.version) for place in places[:PLACES_SHOWN]))
    more = " …" if len(places) > PLACES_SHOWN else ""
    where = str(places[0]) if len(places) == 1 else count(len(places), "statement")
    return f"{where} ({versions}{more}): {escape(', '.join(lost))}"


def _topics(remarks: Iterable[Remark]) -> Iterator[str]:
    """Findings of one cause once, with their places; the first of a rule links to the rule's page,
    since a comment is short."""
    linked: set[str] = set()
    for topic in find_topics(remarks):
        name = topic.finding.code
        yield _topic(topic, code(name) if name in linked else f"[{code(name)}]({page_of(name)})")
        linked.add(name)


def _topic(topic: Topic, rule: str) -> str:
    finding, messages = topic.finding, topic.messages
    head = f"**{GRADES[topic.grade]}** {rule}"
    if len(messages) == 1:
        head = f"{head} {_saying(*messages[0])}"
        places = []
    else:
        head = f"{head} {len(topic.remarks):,} times"
        places = [f"- {_saying(*one)}" for one in messages[:PLACES_SHOWN]]
        more = len(messages) - PLACES_SHOWN
        places += [f"- … and {count(more, 'more place')}"] if more > 0 else []
    if finding.allowed is not None:
        told = [f"*Allowed:* {escape(finding.allowed)}"]
    else:
        parts = (("Why", finding.why), ("Safer", finding.safer))
        told = [f"*{word}:* {escape(text)}" for word, text in parts if text]
    lines = "  \n  ".join([head, *told])
    return "\n  ".join([lines, *places])


def _saying(message: str, same: Sequence[Remark]) -> str:
    """Where a message is said, and the message."""
    found = [f"{code(one.place.step.file)} line {one.finding.line}" for one in same]
    more = f" and {count(len(found) - 3, 'more place')}" if len(found) > 3 else ""
    return f"{', '.join(found[:3])}{more}: {escape(message)}"


def _locks(review: Review) -> str:
    rows = [_lock(lock) for lock in review.locks[:LOCKS_SHOWN]]
    headers = ("where", "table", "lock", "meanwhile", "rows", "size")
    more = len(review.locks) - LOCKS_SHOWN
    note = f"\n\n… and {count(more, 'more lock')}." if more > 0 else ""
    kept = f"\n\n{KEPT}" if review.keeps_locks else ""
    return table(headers, rows) + note + kept


def _lock(lock: ShownLock) -> tuple[str, ...]:
    touch = lock.touch
    effects = f"**{spell_effects(lock)}**" if touch.is_long else spell_effects(lock)
    size = "unknown" if touch.bytes is None else f"~{format_size(touch.bytes)}"
    return (
        str(lock.place),
        code(touch.table),
        escape(spell_lock(touch) or "none"),
        effects,
        "a view" if lock.is_view else spell_rows(touch.rows),
        "" if lock.is_view else size,
    )


def _parts(review: Review) -> str:
    rows = [
        (_range(part.unit.first, part.last), part.kind, part.leaves)
        for part in review.parts[:LOCKS_SHOWN]
    ]
    more = len(review.parts) - LOCKS_SHOWN
    note = f"\n\n… and {count(more, 'more unit')}." if more > 0 else ""
    weak = _listed(_weak(review), "statement")
    return "\n\n".join(
        [table(("steps", "unit", "a failure there"), rows) + note, *([weak] if weak else [])]
    )


def _weak(review: Review) -> Iterator[str]:
    """The statements whose guarantee a reviewer should have seen, and why it is no better."""
    for part in review.parts:
        for place, statement in part.statements:
            if statement.guarantee in WORTH_A_LOOK:
                why = f": {escape(statement.reason)}" if statement.reason else ""
                yield f"{place}: {statement.guarantee}{why}"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _step(review: Review, number: int, step: Step, longest: int | None) -> str:
    return folded(_summary(review, number, step), _forth(step, longest))


def _step_both_ways(review: Review, number: int, step: Step, longest: int | None) -> str:
    back = "\n".join(_sql(statement, longest) for statement in step.rollback or ())
    if back:
        missing = spell_way_back(review.plan, step)
        head = f"The way back {missing}:" if missing else "The way back:"
        told = f"{escape(head)}\n\n{fenced(back)}"
    elif step.direction == "up":
        told = f"{NO_WAY_BACK}."
    else:
        return _step(review, number, step, longest)
    return folded(_summary(review, number, step), f"{_forth(step, longest)}\n\n{told}")


def _summary(review: Review, number: int, step: Step) -> str:
    sign = "+" if step.direction == "up" else "-"
    unit = f"unit {review.units[number - 1]}"
    name = html_code(titled(step.version, step.name))
    runs = count(len(step.statements), "statement")
    return f"{number} {sign} {step.direction} {name}: {runs}, {unit}"


def _forth(step: Step, longest: int | None) -> str:
    sql = "\n".join(_sql(statement, longest) for statement in step.statements)
    return fenced(sql) if sql else "*No SQL runs.*"


def _sql(statement: PlannedStatement, longest: int | None) -> str:
    sql = statement.sql
    rows = statement.copy_data.count("\n") if statement.copy_data else 0
    if longest is not None and len(sql) > longest:
        return f"{sql[:longest]}\n-- … {len(sql) - longest:,} more characters"
    if statement.batch is not None:
        return f"-- in batches {describe_batch(statement.batch)}\n{sql};"
    if statement.online is not None:
        return f"-- by a copy: {describe_copy(statement.online, statement)}\n{sql};"
    if statement.condition is not None:
        return f"-- only if {statement.condition.met}\n{sql};"
    return f"{sql};" + (f"\n-- … {count(rows, 'row')}" if statement.copy_data is not None else "")
