"""Judgement of plans by an environment's policies, when they are made and when they are applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lockgate.planner.decision import Decision
from lockgate.planner.environments.policy import POLICIES, PolicySettings
from lockgate.planner.errors import Denied
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.start import Start
from lockgate.planner.policies.break_glass import passes
from lockgate.planner.value import replace

NOTHING_RUN = "The environment's policy denies the plan; nothing was run."


def judged(plan: Plan, settings: PolicySettings) -> Plan:
    """The plan with what each policy says of it; a plan without steps needs no judgement."""
    decisions = tuple(_decide(plan, settings)) if plan.steps else ()
    return seal(plan.model_copy(update={"decisions": decisions}))


def refuse_denied(decisions: Iterable[Decision | None], why: str = NOTHING_RUN) -> None:
    """Raises Denied when one of the decisions is `deny`; names all that are."""
    denials = [decision for decision in decisions if decision and decision.answer == "deny"]
    if denials:
        raise Denied(
            "\n".join(f"{each.reason} (policy.{each.policy})" for each in denials),
            why=why,
            do="\n".join(each.do for each in denials if each.do),
        )


def refuse_start(start: Start, settings: PolicySettings) -> None:
    """Raises Denied when a plan may not be applied, by its own decisions and by those that the
    environment of now makes."""
    refuse_denied(start.plan.decisions)
    decisions = tuple(_decide(start.plan, settings))
    refuse_denied(decisions)
    informed = replace(start, decisions=(*start.plan.decisions, *decisions))
    refuse_denied(_decide_start(informed, settings))


def _decide(plan: Plan, settings: PolicySettings) -> Iterable[Decision]:
    for key, policy in POLICIES.items():
        decision = policy.judge(plan, getattr(settings, key))
        if decision is not None:
            yield decision


def _decide_start(start: Start, settings: PolicySettings) -> Iterable[Decision]:
    for key, policy in POLICIES.items():
        judge: Callable[[Start, Any], Decision | None] | None
        judge = getattr(policy, "judge_start", None)
        decision = judge(start, getattr(settings, key)) if judge else None
        if decision is not None and not passes(start, key, settings.break_glass):
            yield decision
