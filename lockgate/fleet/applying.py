"""Applying of a fleet's plan: each target by the code that applies a plan to one database.

Decides nothing of the order: the driver does.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.apply import Admit, Author, apply
from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.crew import GONE, TargetResult, TargetState, Task
from lockgate.executors.receipts import keep_schema
from lockgate.planner.errors import (
    Denied,
    HistoryError,
    InvalidPlan,
    Locked,
    LockgateError,
    Paused,
    StalePlan,
    Unreachable,
    Unresolved,
    UsageError,
    WrongTarget,
)
from lockgate.planner.fleet.fleet_plan import FleetPlan, FleetTarget, Group, plan_of
from lockgate.planner.plan.verify import find_position
from lockgate.trust.admission import PlanFile, admit

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.executors.events import Event
    from lockgate.fleet.members import FleetWorkspace
    from lockgate.planner.fleet.place import TargetPlace
    from lockgate.planner.plan.plan import Plan
    from lockgate.trust.approvals import Approvers, Signatures

REFUSALS = (WrongTarget, StalePlan, Denied, InvalidPlan, HistoryError, UsageError)
"""Nothing was run, and the same would happen again."""


@dataclass(frozen=True)
class FleetRun:
    """A fleet's plan that may be applied: who has signed it, and who applies it. `places` are the
    targets that the fleet has now."""

    fleet: FleetWorkspace
    plan: FleetPlan
    places: dict[str, TargetPlace]
    signatures: Signatures
    maker: str
    approvers: Approvers
    author: Author
    intent: str | None = None
    allow_non_atomic: bool = False

    @property
    def deadline(self) -> float:
        """The moment after which nothing is begun, by the monotonic clock in seconds."""
        return math.inf if self.author.deadline is None else self.author.deadline

    @cached_property
    def targets(self) -> dict[str, tuple[int, Group, FleetTarget]]:
        """Each target that something is to be done with: its group and the group's number."""
        return {
            target.name: (number, group, target)
            for number, group in enumerate(self.plan.groups)
            if group.plan.steps
            for target in group.targets
        }

    def refuse_start(self, now: datetime) -> None:
        """Raises Denied when no target of a group could begin, by the environment's policies; each
        target is held against them again."""
        for group in self.plan.groups:
            if group.plan.steps:
                self._admit(group.plan, group.plan)(group.plan, now)

    def _admit(self, plan: Plan, read: Plan | None) -> Admit:
        file = PlanFile(
            read, self.signatures, self.maker, self.allow_non_atomic, self.approvers,
            self.author.emergency,
        )  # fmt: skip
        return admit(self.fleet.environment, plan.intent_digest if self.intent else None, file)

    def tasks(self) -> list[Task]:
        """What is to be done, in the order of the waves."""
        found = [
            Task(name, number, target.wave, self._host_of(name))
            for name, (number, _, target) in self.targets.items()
        ]
        return sorted(found, key=lambda task: (task.wave, task.name))

    def _host_of(self, name: str) -> str:
        place = self.places.get(name)
        return place.host_of(self.fleet.address) if place else ""

    def perform(self, task: Task) -> TargetResult:
        """Applies the plan to one target. Whatever hinders that is its result, and no error."""
        _, group, target = self.targets[task.name]
        place = self.places.get(task.name)
        if place is None:
            return TargetResult(task.name, TargetState.REFUSED, GONE)
        try:
            return self._apply(group, target, place)
        except Unresolved as error:
            return TargetResult(task.name, TargetState.HALF_DONE, told(error))
        except Unreachable as error:
            return TargetResult(task.name, TargetState.UNREACHABLE, told(error))
        except Paused as error:  # between two batches: the same plan goes on there
            is_late = time.monotonic() >= self.deadline
            state = TargetState.WAITING if is_late else TargetState.FAILED
            return TargetResult(task.name, state, told(error))
        except Locked as error:
            return TargetResult(task.name, TargetState.FAILED, told(error))
        except REFUSALS as error:
            return TargetResult(task.name, TargetState.REFUSED, told(error))
        except (LockgateError, ServerError) as error:
            return TargetResult(task.name, TargetState.FAILED, told(error))

    def show_dry_run(self, group: Group) -> None:
        """Prints what applying a group's plan to its first target would run.

        Raises:
            LockgateError: applying it there would be refused.
        """
        from lockgate.plans.rereading import reread
        from lockgate.runs.dry_run import show_dry_run

        target = next((one for one in group.targets if one.name in self.places), None)
        if target is None:
            raise StalePlan("The fleet has no target of the group any more.", do="Plan again.")
        plan = plan_of(group, target)
        with self.fleet.open_member(self.places[target.name]) as work:
            read = reread(plan, work)
            self._refuse_drifted(plan, group, work.engine)
            show_dry_run(plan, work.engine, self._admit(plan, read))

    def _apply(self, group: Group, target: FleetTarget, place: TargetPlace) -> TargetResult:
        from lockgate.plans.rereading import reread

        plan = plan_of(group, target)
        with self.fleet.open_member(place) as work:
            engine = work.engine
            read = reread(plan, work)
            self._refuse_drifted(plan, group, engine)
            report = apply(
                plan, engine, self.author, wait=work.environment.lock.wait, emit=_ignore,
                admit=self._admit(plan, read), keep=keep_schema,
            )  # fmt: skip
            again = report.outcome == "already applied"
            return TargetResult(target.name, TargetState.APPLIED, "", _run_of(plan, engine), again)

    def _refuse_drifted(self, plan: Plan, group: Group, engine: Engine) -> None:
        """Raises StalePlan when the environment wants the schema looked at, and its definitions are
        not those of the group, though nothing of the plan was begun there."""
        if self.fleet.environment.drift != "check":
            return
        ledger = engine.store.read_ledger()
        if plan.digest in ledger.unresolved or find_position(plan, ledger):
            return
        if engine.survey.read_outline().digest != group.definitions:
            raise StalePlan(
                "Its definitions are not those that the plan was made for (`drift: check`).",
                do="Undo the change, or make a new plan.",
            )


def _run_of(plan: Plan, engine: Engine) -> str:
    """The run that has applied the plan."""
    run = engine.store.runs.read_finished(plan)
    return run.id if run else ""


def _ignore(event: Event) -> None:
    """What a target's run tells is not shown: many run at once."""


def told(error: LockgateError | ServerError) -> str:
    """What happened, in one line."""
    what = error.what if isinstance(error, LockgateError) else str(error)
    return " ".join(what.split())
