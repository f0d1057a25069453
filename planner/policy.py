"""Judgement of plans by an environment's policies, when they are made and when they are applied.

Knows no policy by name: each file of `planner.policies` is one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import Field, create_model

from planner import policies
from planner.decision import Decision
from planner.errors import Denied
from planner.plan import Plan, seal
from planner.settings import Settings


@dataclass(frozen=True, slots=True)
class Start:
    """The moment in which a plan is about to be applied.

    `now` is the database's clock, `intent` the intent digest that was reviewed, where it was
    given, and `approvers` are those whose signature of this plan is good, without repetition.
    `decisions` are all on the plan's content: its own, and those of the policy of now.
    """

    plan: Plan
    now: datetime
    intent: str | None = None
    approvers: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()


class Policy(Protocol):
    """What a module of `planner.policies` has; see there."""

    SETTING: Any
    DEFAULT: Any
    MEANING: str

    def judge(self, plan: Plan, setting: Any) -> Decision | None: ...
    def is_looser(self, setting: Any, base: Any) -> bool: ...


def _policies() -> dict[str, Policy]:
    names = sorted(module.name for module in pkgutil.iter_modules(policies.__path__))
    return {
        name: cast(Policy, importlib.import_module(f"{policies.__name__}.{name}")) for name in names
    }


POLICIES = _policies()
"""By their keys, in the order of the alphabet."""

if TYPE_CHECKING:

    class PolicySettings(Settings):
        """An attribute for each key of `POLICIES`."""

        def __getattr__(self, key: str) -> Any: ...

else:
    PolicySettings = create_model(
        "PolicySettings",
        __base__=Settings,
        __doc__="What an environment says of plans. One that extends another may only tighten it.",
        **{
            key: (policy.SETTING, Field(policy.DEFAULT, description=policy.MEANING))
            for key, policy in POLICIES.items()
        },
    )


def loosened(settings: PolicySettings, base: PolicySettings) -> str | None:
    """The first policy that lets more pass than the base's; None when none does."""
    keys = (
        key
        for key, policy in POLICIES.items()
        if policy.is_looser(getattr(settings, key), getattr(base, key))
    )
    return next(keys, None)


def misplaced(settings: PolicySettings, name: str, names: Collection[str]) -> tuple[str, str]:
    """The first policy that does not fit the environment `name` among `names`, and what is wrong
    with it; both empty when all do."""
    for key, policy in POLICIES.items():
        find = getattr(policy, "misplaced", None)
        problem = find(getattr(settings, key), name, names) if find else ""
        if problem:
            return key, problem
    return "", ""


def judged(plan: Plan, settings: PolicySettings) -> Plan:
    """The plan with what each policy says of it; a plan without steps needs no judgement."""
    decisions = tuple(_decide(plan, settings)) if plan.steps else ()
    return seal(plan.model_copy(update={"decisions": decisions}))


def refuse_denied(decisions: Iterable[Decision]) -> None:
    """Raises Denied when one of the decisions is `deny`; names all that are."""
    denials = [decision for decision in decisions if decision.answer == "deny"]
    if denials:
        raise Denied(
            "\n".join(f"{each.reason} (policy.{each.policy})" for each in denials),
            why="The environment's policy denies the plan; nothing was run.",
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
        if decision is not None:
            yield decision
