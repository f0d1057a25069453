"""Admission of a plan to be applied: by its environment's policy, and what the caller brings."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from executors.engine import Engine
from executors.receipts import keep_receipt
from lockgate.approvals import read_approvers
from planner.environment import Environment
from planner.ledger import Identity
from planner.plan import Plan
from planner.planfile import read_plan
from planner.policies.require_intent import judge_intent
from planner.policy import Start, refuse_denied, refuse_start

DIGEST = re.compile(r"[0-9a-f]{64}")


class Admission:
    """What raises Denied when the environment does not let a plan begin; see `executors.apply`.

    Beside the plan's file, where it has one, lie its approvals: one that is bad is an error too.
    `approvers` are those who had approved the plan that was admitted.
    """

    def __init__(
        self, environment: Environment, intent: str | None = None, plan_file: Path | None = None
    ) -> None:
        self.approvers: tuple[str, ...] = ()
        self._environment = environment
        self._intent = intent
        self._plan_file = plan_file

    def __call__(self, plan: Plan, now: datetime) -> None:
        if self._plan_file:
            self.approvers = read_approvers(plan, self._plan_file, self._environment, now)
        start = Start(plan, now, self._intent, self.approvers)
        refuse_start(start, self._environment.policy)

    def keep_receipt(self, plan: Plan, engine: Engine, identity: Identity) -> None:
        """Keeps the receipt of the run that was admitted, with its approvers."""
        keep_receipt(plan, engine, identity, approvers=self.approvers)


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
