"""The policies that there are, and their settings in an environment.

Knows no policy by name: each file of `planner.policies` is one. Judges no plan, since every command
reads environments: `planner.environments.judgement` does.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import Field, create_model

from lockgate.planner import policies
from lockgate.planner.settings import Settings


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
    from lockgate.planner.decision import Decision
    from lockgate.planner.plan.plan import Plan

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
