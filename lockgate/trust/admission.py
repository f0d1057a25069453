"""Admission of a plan to be applied: by its environment's policy, and what the caller brings."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from lockgate.executors.apply import Admit
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.judgement import refuse_denied, refuse_start
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import read_plan
from lockgate.planner.plan.start import Start
from lockgate.planner.plan.verify import refuse_old
from lockgate.planner.policies.require_intent import judge_intent
from lockgate.trust.approvals import read_approvers

DIGEST = re.compile(r"[0-9a-f]{64}")


def admit(
    environment: Environment,
    intent: str | None = None,
    plan_file: Path | None = None,
    reread: Plan | None = None,
) -> Admit:
    """What lets a plan begin in the environment, or raises Denied; see `executors.apply`.

    Beside the plan's file, where it has one, lie its approvals: one that is bad is an error too.
    `reread` is the plan as its own SQL shows it, where it was read from a file.
    """

    def admitted(plan: Plan, now: datetime) -> tuple[str, ...]:
        approvers = read_approvers(plan, plan_file, environment, now) if plan_file else ()
        refuse_old(plan, now, environment.max_plan_age)
        refuse_start(Start(reread or plan, now, intent, approvers), environment.policy)
        return approvers

    return admitted


def read_intent(reviewed: str | None) -> str | None:
    """The intent digest that was reviewed, given as itself or as the reviewed plan's file.

    Raises:
        UsageError, InvalidPlan: it is no digest, and no plan can be read there.
    """
    if reviewed is None or DIGEST.fullmatch(reviewed):
        return reviewed
    return read_plan(Path(reviewed)).intent_digest


def refuse_unreviewed(plan: Plan, intent: str | None) -> None:
    """Raises Denied when a plan does not do what was reviewed; None: nobody said what was."""
    decision = None if intent is None else judge_intent(plan, intent)
    refuse_denied([decision] if decision else [])
