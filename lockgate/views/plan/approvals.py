"""Approvals for people: what is approved, and who has approved it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.planner.errors import Denied
from lockgate.planner.quantities import spell_digest
from lockgate.planner.review.inspection import completed
from lockgate.planner.review.losses import find_losses, name_losses
from lockgate.views.terminal import ask, say, tell

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.trust.approvals import Approval


def tell_approval(plan: Plan) -> None:
    """What an approval of the plan allows, on stderr: all of its digest, what is said of it, and
    all of the SQL that runs."""
    steps = [f"{step.direction} {step.version} {step.name}" for step in plan.steps]
    tell(f"Plan {spell_digest(plan.digest)} for {plan.environment}", "bold")
    tell(f"  verdict   {plan.verdict}", "" if plan.verdict.startswith("ATOMIC") else "yellow")
    tell(f"  steps     {len(steps)}: {_ends(steps)}" if steps else "  steps     none")
    if losses := find_losses(completed(plan)):
        tell(f"  lost      {name_losses(losses)}", "yellow")
    for decision in plan.decisions:
        tell(f"  policy    {decision}")
    for number, step in enumerate(plan.steps, 1):
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


def confirm_approval(plan: Plan) -> None:
    """Asks the person at the terminal.

    Raises:
        Denied: they do not approve the plan.
    """
    if not ask(f"Approve the plan {spell_digest(plan.digest)} for {plan.environment}?"):
        raise Denied("The plan was not approved. Nothing was signed.")


def show_approvals(approvals: Iterable[Approval]) -> None:
    """Each signature beside a plan, on stdout."""
    for approval in approvals:
        if approval.approver:
            say(f"Approved by {approval.approver} ({approval.path.name}).", "green")
        else:
            say(f"Not approved by {approval.path.name}: {approval.problem}", "bold red")


def _ends(steps: list[str]) -> str:
    """The first and the last step.

    >>> _ends(["up 001 a", "up 002 b", "up 003 c"]), _ends(["down 003 c"])
    ('up 001 a … up 003 c', 'down 003 c')
    """
    return " … ".join(dict.fromkeys((steps[0], steps[-1])))
