"""The policy `rehearsal`: a plan must have been run there and back on a scratch database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lockgate.planner.decision import Decision
from lockgate.planner.finding import REHEARSED

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.start import Start

SETTING = Literal["optional", "required"]
DEFAULT = "optional"
MEANING = "`required`: only plans whose rehearsal has shown nothing bad that no waiver names."


def judge(plan: Plan, setting: str) -> Decision | None:
    """One decision; a baseline and a rollback from the database run no file, so none is asked."""
    if setting == "optional" or not any(step.statements for step in plan.steps):
        return None
    from lockgate.planner.database.server import name_series
    from lockgate.planner.plan.rehearsal import how_to_get, other_series

    if elsewhere := other_series(plan):
        number = plan.target.server_number or 0
        here = name_series(plan.target.engine, number)
        reason = f"It was rehearsed on {elsewhere}, and the database is on {here}."
        do = how_to_get(plan.target.engine, number)
    else:
        reason, do = _problem(plan), "Plan with `--rehearse`, and mend what it shows."
    return Decision(policy="rehearsal", answer="deny", reason=reason, do=do) if reason else None


def judge_start(start: Start, setting: str) -> Decision | None:
    """Denies a rehearsal that anybody may have written into the file: only the signature of who
    made the plan says that it took place."""
    is_told = start.is_file and any(step.statements for step in start.plan.steps)
    if setting == "optional" or not is_told or start.maker:
        return None
    return Decision(
        policy="rehearsal",
        answer="deny",
        reason="No signature says that the plan was rehearsed.",
        do="Make it with `migrate plan --rehearse --sign-with KEY`; the key's owner is in "
        "allowed_signers.",
    )


def is_looser(setting: str, base: str) -> bool:
    """`optional` where the base wants one."""
    return (setting, base) == ("optional", "required")


def _problem(plan: Plan) -> str:
    """What is wrong with the plan's rehearsal; what a waiver answers for is not."""
    seen = plan.rehearsal
    if seen is None:
        return "The plan was not rehearsed."
    shown = [one for step in plan.steps for one in step.findings if one.code in REHEARSED]
    is_answered = bool(shown) and not any(finding.is_refused for finding in shown)
    if seen.is_good or is_answered:
        return ""
    if seen.restored is False:
        return "The rehearsal's way back does not restore what was there."
    return "The rehearsal's second run does not do what the first did."
