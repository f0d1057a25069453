"""A plan for people, on a terminal: where it leads, its steps, and what is worth a look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.planner.guarantees.guarantee import ONE_TRANSACTION
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.quantities import spell_digest
from lockgate.views.plan.rehearsal import show_rehearsal
from lockgate.views.terminal import say, say_table, spell_moment, tell

if TYPE_CHECKING:
    from lockgate.views.plan.review import Review

GRADED = {"poor": "red", "fair": "yellow", "good": "green", "": ""}
LABELS = {"good": "good", "": "note"}
ANSWERED = {"allow": "", "warn": "yellow", "require-approval": "yellow", "deny": "bold red"}


def show_plan(plan: Plan) -> None:
    """A plan for its reviewer, on stdout."""
    from lockgate.views.plan.review import is_production

    style = "bold red" if is_production(plan.environment) else "bold"
    say(f"Plan {spell_digest(plan.digest)} for {plan.environment}", style)
    show_content(plan, _origin(plan))


def _origin(plan: Plan) -> list[str]:
    """Where it leads and where it comes from."""
    target = plan.target
    commit = _commit(plan)
    return [
        f"target    {target.engine} {target.server_version}, database {target.database}",
        f"made      {spell_moment(plan.created_at)}{_expiry(plan)}",
        f"intent    {spell_digest(plan.intent_digest)}",
        *([f"commit    {commit}"] if commit else []),
    ]


def show_content(plan: Plan, origin: Iterable[str] = ()) -> None:
    """What it does; `origin` comes after what decides."""
    from lockgate.views.plan.changes import show_schema_changes
    from lockgate.views.plan.notes import show_notes
    from lockgate.views.plan.review import review

    reviewed = review(plan)
    _show_decisive(reviewed)
    for line in (*origin, f"history   serial {plan.base.serial} -> {plan.result.serial}"):
        say(f"  {line}")
    say("")
    if not plan.steps:
        said = "" if plan.adopted else ": the plan has no steps"
        say(f"{reviewed.title}{said}.", "green")
        return
    show_schema_changes(reviewed.changes)
    rows = [_step_row(reviewed, number, step) for number, step in enumerate(plan.steps, 1)]
    headers = ("step", "", "version", "name", "statements", "unit")
    say_table(headers, rows, ["red" if s.direction == "down" else "" for s in plan.steps])
    _show_parts(reviewed)
    show_notes(plan)
    show_rehearsal(plan)


def _show_decisive(reviewed: Review) -> None:
    """The verdict, and what else decides whether it may run."""
    from lockgate.views.plan.summary import find_worst, spell_guarantees

    plan = reviewed.plan
    say(f"  verdict   {plan.verdict}", "" if plan.verdict.startswith("ATOMIC") else "yellow")
    for fact in find_worst(reviewed):
        say(f"  {LABELS.get(fact.grade, 'beware'):<8}  {fact}", GRADED[fact.grade])
    for decision in plan.decisions:
        say(f"  policy    {decision}", ANSWERED[decision.answer])
    for warning in plan.warnings:
        say(f"  warning   {warning}", "yellow")
    if plan.verdict != ONE_TRANSACTION:
        say(f"  promised  {spell_guarantees(reviewed.guarantees)}")


def _show_parts(reviewed: Review) -> None:
    """What a failure in each unit leaves, where there are several."""
    if len(reviewed.parts) < 2:
        return
    say("")
    say("if it fails")
    for part in reviewed.parts:
        first, last = part.unit.first, part.last
        steps = f"step {first}" if first == last else f"steps {first} to {last}"
        say(f"  {steps}: {part.kind}. {part.leaves}")


def _step_row(reviewed: Review, number: int, step: Step) -> tuple[str, ...]:
    sign = "+ up" if step.direction == "up" else "- down"
    statements = str(len(step.statements))
    name = step.name if step.name != step.version else ""
    return (str(number), sign, step.version, name, statements, reviewed.units[number - 1])


def _expiry(plan: Plan) -> str:
    return f", expires {spell_moment(plan.expires_at)}" if plan.expires_at else ""


def _commit(plan: Plan) -> str:
    from lockgate.views.plan.summary import spell_commit

    source = plan.source
    dirty = ", with uncommitted changes" if source.dirty else ""
    return f"{source.commit[:12]} {spell_commit(source)}".rstrip() + dirty if source.commit else ""


def tell_warnings(plan: Plan) -> None:
    """What a plan warns of, on stderr."""
    warned = (decision for decision in plan.decisions if decision.answer == "warn")
    for warning in (*plan.warnings, *(decision.reason for decision in warned)):
        tell(f"Warning: {warning}", "yellow")
