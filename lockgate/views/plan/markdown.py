"""A plan as a comment of a pull request: summary, findings, and the SQL of each step, folded.

Cuts what a comment cannot hold, and says so; the HTML view shows all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from lockgate.planner.decision import Answer, Decision
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.quantities import format_size, spell_digest
from lockgate.views.batches import describe_batch
from lockgate.views.findings.links import page_of
from lockgate.views.markup import code, escape, fenced, folded, html_code, table
from lockgate.views.online import describe_copy
from lockgate.views.plan.approvals import render_approvals
from lockgate.views.plan.changes import render_schema_changes
from lockgate.views.plan.rehearsal_markdown import render_rehearsal
from lockgate.views.plan.review import (
    WORTH_A_LOOK,
    Remark,
    Review,
    ShownLock,
    ShownLoss,
    count,
    spell_lock,
    spell_rows,
)
from lockgate.views.plan.summary import BLOCKS, KEPT, WORKS, find_facts, find_worst

if TYPE_CHECKING:
    from lockgate.trust.approvals import ApprovalState

# GitHub and GitLab refuse or cut longer ones.
# https://docs.github.com/en/rest/issues/comments
LONGEST = 65_536
LIST_SHARE = LONGEST // 4
LOCKS_SHOWN = 10
SQL_SHOWN = 2_000
"""Characters of a statement that are shown when the whole of it does not fit."""
ROOM_FOR_NOTE = 300
SIGNS = {"good": "🟢", "fair": "🟡", "poor": "🔴"}
GRADES = {
    "danger": "🔴 danger",
    "warning": "🟡 warning",
    "info": "🔵 info",
    "allowed": "⚪ allowed",
}
ANSWERS: dict[Answer, str] = {"allow": "⚪", "warn": "🟡", "require-approval": "🟠", "deny": "🔴"}


def render_markdown(
    review: Review, approvals: ApprovalState | None = None, longest: int = LONGEST
) -> str:
    """The comment, of at most `longest` characters; its first line is invisible and lets a job
    find the comment that it wrote before."""
    room = longest - ROOM_FOR_NOTE
    parts = []
    for block in _head(review, approvals):
        if len(block) + 2 <= room:
            parts.append(block)
            room -= len(block) + 2
    steps = list(_fitting(review.plan.steps, room))
    left = len(review.plan.steps) - len(steps)
    return "\n\n".join([*parts, *steps, *([_cut(left)] if left else [])]) + "\n"


def _fitting(steps: Sequence[Step], room: int) -> Iterator[str]:
    """The blocks of the first steps, as many as have room; a long one with its statements cut."""
    for number, step in enumerate(steps, 1):
        block = _step(number, step, None)
        if len(block) + 2 > room:
            block = _step(number, step, SQL_SHOWN)
        if len(block) + 2 > room:
            return
        yield block
        room -= len(block) + 2


def _cut(left: int) -> str:
    return (
        f"> **{count(left, 'more step')} of this plan {'is' if left == 1 else 'are'} not shown "
        "here**: a comment can hold no more. `migrate show PLAN --format html` shows all."
    )


def _head(review: Review, approvals: ApprovalState | None) -> Iterator[str]:
    plan = review.plan
    yield f"<!-- lockgate-plan {re.sub(r'[^A-Za-z0-9_.]+', '-', plan.environment)} -->"
    sign = SIGNS[find_facts(review)[0].grade]
    yield (
        f"### {sign} {escape(review.title)} on {code(plan.environment)}: "
        f"{escape(plan.verdict)} · intent {code(spell_digest(plan.intent_digest))}"
    )
    if worst := find_worst(review):
        yield " ".join(f"{SIGNS[fact.grade]} **{escape(str(fact))}.**" for fact in worst)
    if plan.decisions:
        yield "\n".join(f"- {_decision(decision)}" for decision in plan.decisions)
    if approvals and (told := render_approvals(approvals)):
        yield told
    yield table(("", ""), _facts(review))
    yield from (f"> ⚠️ {escape(warning)}" for warning in plan.warnings)
    if review.changes:
        yield render_schema_changes(review.changes)
    if review.losses:
        yield "#### Data that is lost\n\n" + _listed(map(_loss, review.losses), "loss")
    if review.remarks:
        yield "#### Findings\n\n" + _listed(_remarks(review.remarks), "finding")
    if review.locks:
        yield "#### Locks and sizes\n\n" + _locks(review)
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
        ", ".join(f"{n} {name}" for name, n in review.guarantees.items()) or "nothing runs",
    )
    yield "findings", _severities(review)
    yield "history", f"serial {plan.base.serial} → {plan.result.serial}"
    yield "made", f"{plan.created_at:%Y-%m-%d %H:%M:%S} UTC{_expiry(review)}"
    if plan.source.commit:
        dirty = ", **with uncommitted changes**" if plan.source.dirty else ""
        yield "commit", f"{code(plan.source.commit[:12])}{dirty}"
    yield "plan", code(spell_digest(plan.digest))


def _expiry(review: Review) -> str:
    expires = review.plan.expires_at
    return f", expires {expires:%Y-%m-%d %H:%M:%S} UTC" if expires else ""


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


def _loss(loss: ShownLoss) -> str:
    return f"{loss.place} ({code(loss.place.step.version)}): {escape(', '.join(loss.lost))}"


def _remarks(remarks: Iterable[Remark]) -> Iterator[str]:
    """Each finding; the first of a rule links to the rule's page, since a comment is short."""
    linked: set[str] = set()
    for remark in remarks:
        name = remark.finding.code
        yield _remark(remark, code(name) if name in linked else f"[{code(name)}]({page_of(name)})")
        linked.add(name)


def _remark(remark: Remark, rule: str) -> str:
    finding, step = remark.finding, remark.place.step
    where = f"{code(step.file)} line {finding.line}"
    head = f"**{GRADES[remark.grade]}** {rule} {where}: {escape(finding.message)}"
    if finding.allowed is not None:
        return f"{head}  \n  *Allowed:* {escape(finding.allowed)}"
    why = [f"*Why:* {escape(finding.why)}"] if finding.why else []
    safer = [f"*Safer:* {escape(finding.safer)}"] if finding.safer else []
    return "  \n  ".join([head, *why, *safer])


def _locks(review: Review) -> str:
    rows = [_lock(lock) for lock in review.locks[:LOCKS_SHOWN]]
    headers = ("where", "table", "lock", "meanwhile", "rows", "size")
    more = len(review.locks) - LOCKS_SHOWN
    note = f"\n\n… and {count(more, 'more lock')}." if more > 0 else ""
    kept = f"\n\n{KEPT}" if review.keeps_locks else ""
    return table(headers, rows) + note + kept


def _lock(lock: ShownLock) -> tuple[str, ...]:
    touch = lock.touch
    effects = [part for part in (WORKS[touch.work], BLOCKS[touch.blocks]) if part]
    size = "unknown" if touch.bytes is None else f"~{format_size(touch.bytes)}"
    return (
        str(lock.place),
        code(touch.table),
        escape(spell_lock(touch) or "none"),
        ("" if touch.certain else "perhaps ") + ", ".join(effects) if effects else "",
        spell_rows(touch.rows),
        size,
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


def _step(number: int, step: Step, longest: int | None) -> str:
    sign = "+" if step.direction == "up" else "-"
    unit = "no transaction" if step.transaction is None else f"unit {step.transaction}"
    name = html_code(f"{step.version} {step.name}")
    runs = count(len(step.statements), "statement")
    summary = f"{number} {sign} {step.direction} {name}: {runs}, {unit}"
    sql = "\n".join(_sql(statement, longest) for statement in step.statements)
    return folded(summary, fenced(sql) if sql else "*No SQL runs.*")


def _sql(statement: PlannedStatement, longest: int | None) -> str:
    sql = statement.sql
    rows = statement.copy_data.count("\n") if statement.copy_data else 0
    if longest is not None and len(sql) > longest:
        return f"{sql[:longest]}\n-- … {len(sql) - longest:,} more characters"
    if statement.batch is not None:
        return f"-- in batches {describe_batch(statement.batch)}\n{sql};"
    if statement.online is not None:
        return f"-- by a copy: {describe_copy(statement.online, statement)}\n{sql};"
    return f"{sql};" + (f"\n-- … {count(rows, 'row')}" if statement.copy_data is not None else "")
