"""Approvals for people: what is approved, and who has approved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.errors import Denied
from lockgate.planner.plan.plan import Plan
from lockgate.planner.quantities import spell_digest
from lockgate.planner.review.inspection import completed
from lockgate.planner.review.losses import find_losses, name_losses
from lockgate.planner.versions import titled
from lockgate.views.markup import code, escape
from lockgate.views.plan.review import masked
from lockgate.views.terminal import ask, say, tell

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Step
    from lockgate.trust.approvals import Approval, ApprovalState, Signable


def tell_approval(plan: Signable) -> None:
    """What an approval of the plan allows, on stderr: all of its digest, what is said of it, and
    all of the SQL that runs."""
    if isinstance(plan, Plan):
        tell(f"Plan {spell_digest(plan.digest)} for {plan.environment}", "bold")
        _tell_content(plan)
        return
    from lockgate.views.fleet.text import describe_group, summarise_plan

    tell(f"Fleet plan {spell_digest(plan.digest)} for {plan.environment}", "bold")
    tell(f"  targets   {summarise_plan(plan)}")
    for number, group in enumerate(plan.groups, 1):
        tell("")
        tell(f"Group {number}: {describe_group(group)}", "bold")
        _tell_content(group.plan)


def _tell_content(plan: Plan) -> None:
    steps = [f"{step.direction} {titled(step.version, step.name)}" for step in plan.steps]
    tell(f"  verdict   {plan.verdict}", "" if plan.verdict.startswith("ATOMIC") else "yellow")
    tell(f"  steps     {len(steps)}: {_ends(steps)}" if steps else "  steps     none")
    if losses := find_losses(completed(plan)):
        tell(f"  lost      {name_losses(losses)}", "yellow")
    for decision in plan.decisions:
        tell(f"  policy    {decision}")
    for number, step in enumerate(masked(plan).steps, 1):
        _tell_step(number, step)


def _tell_step(number: int, step: Step) -> None:
    tell("")
    tell(f"Step {number}: {step.direction} {step.file}", "bold")
    for finding in step.findings:
        place = f"statement {finding.statement}: " if finding.statement else ""
        grade = finding.severity if finding.allowed is None else f"waived, {finding.allowed}"
        style = "yellow" if finding.is_refused or finding.allowed else ""
        tell(f"  {finding.code} ({grade}): {place}{finding.message}", style)
    for statement in step.statements:
        tell("")
        tell(f"{statement.sql};")
        if statement.copy_data:
            tell(statement.copy_data)


def confirm_approval(plan: Signable) -> None:
    """Asks the person at the terminal.

    Raises:
        Denied: they do not approve the plan.
    """
    if not ask(f"Approve the plan {spell_digest(plan.digest)} for {plan.environment}?"):
        raise Denied("The plan was not approved. Nothing was signed.")


def show_approvals(state: ApprovalState) -> None:
    """Each signature beside a plan, and what is missing, on stdout."""
    for approval in state.approvals:
        say(_sentence(approval), "green" if approval.approver else "bold red")
    if state.missing:
        say(state.missing, "yellow")
        say(f"Approve it with: {state.do}")


def render_approvals(state: ApprovalState) -> str:
    """The part of a comment with its heading; empty where nothing is signed and nothing needed."""
    if not (state.approvals or state.missing):
        return ""
    signs = {"allowed": "✅", "danger": "🔴"}
    told = [f"- {signs[grade]} {escape(told)}" for grade, told in spell_approvals(state)]
    needed = f"- 🟠 {escape(state.missing)} Approve it with {code(state.do)}"
    return "#### Approvals\n\n" + "\n".join([*told, *([needed] if state.missing else [])])


def spell_approvals(state: ApprovalState) -> list[tuple[str, str]]:
    """Each as a sentence, with how good it is: `allowed` or `danger`."""
    return [("allowed" if one.approver else "danger", _sentence(one)) for one in state.approvals]


def _sentence(approval: Approval) -> str:
    if approval.approver:
        return f"Approved by {approval.approver} ({approval.path.name})."
    return f"Not approved by {approval.path.name}: {approval.problem}"


def _ends(steps: list[str]) -> str:
    """The first and the last step.

    >>> _ends(["up 001 a", "up 002 b", "up 003 c"]), _ends(["down 003 c"])
    ('up 001 a … up 003 c', 'down 003 c')
    """
    return " … ".join(dict.fromkeys((steps[0], steps[-1])))
