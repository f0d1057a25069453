"""The policy `break_glass`: what an emergency may pass over, with a reason that is kept.

Nothing that protects a plan from being another one is among it: a signature that is bad, a digest,
the ledger's state and drift are looked at in an emergency too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lockgate.planner.decision import Decision

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.start import Start

SETTING = list[Literal["approvals", "windows"]]
DEFAULT: list[str] = []
MEANING = "What `migrate apply --emergency REASON` passes over, noted for good; none: nothing."


def judge(plan: Plan, setting: list[str]) -> Decision | None:
    """Tells the reviewer what an emergency would pass over."""
    if not setting:
        return None
    reason = f"In an emergency, `apply --emergency REASON` passes over {' and '.join(setting)}."
    return Decision(policy="break_glass", answer="allow", reason=reason)


def judge_start(start: Start, setting: list[str]) -> Decision | None:
    """Denies an emergency where there is none."""
    if not start.emergency or setting:
        return None
    return Decision(
        policy="break_glass",
        answer="deny",
        reason="This environment has no emergencies.",
        do="Leave `--emergency` away, or have `policy: {break_glass: [windows, approvals]}` "
        "reviewed for the environment.",
    )


def passes(start: Start, policy: str, setting: list[str]) -> bool:
    """Whether the start passes over what this policy says of it."""
    return bool(start.emergency) and policy in setting


def is_looser(setting: list[str], base: list[str]) -> bool:
    """An emergency passes over more than the base's."""
    return not set(setting) <= set(base)
