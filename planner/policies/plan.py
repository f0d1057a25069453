"""The policy `plan`: who must have signed the plan when it was made.

It is the signature of the job that made it, beside the plan; approvals are people's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lockgate.planner.decision import Decision
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.start import Start

Name = Annotated[str, Field(min_length=1)]


class Making(Settings):
    """Whose plans are applied."""

    signed_by: list[Name] = Field(
        [], description="Who must have made it, by a name in allowed_signers; none: anybody."
    )

    def counts(self, maker: str) -> bool:
        """Whether this maker's signature says that what is in a plan is so."""
        return maker in self.signed_by


SETTING = Making
DEFAULT = Making.model_construct()
MEANING = "Whose plans are applied, by their signature beside the plan."


def judge(plan: Plan, setting: Making) -> Decision | None:
    """Tells the reviewer that the signature counts."""
    if not setting.signed_by:
        return None
    return Decision(policy="plan", answer="allow", reason=f"Only plans {_whose(setting)} count.")


def judge_start(start: Start, setting: Making) -> Decision | None:
    """Denies a plan that none of them has signed when it was made."""
    return judge_maker(start.maker, setting)


def judge_maker(maker: str, setting: Making) -> Decision | None:
    """The same, before the database is asked; an empty maker is none."""
    if not setting.signed_by or setting.counts(maker):
        return None
    found = f"it is signed by {maker}" if maker else "it bears no such signature"
    return Decision(
        policy="plan",
        answer="deny",
        reason=f"Only plans {_whose(setting)} count, and {found}.",
        do="Have the job make it with `migrate plan --sign-with KEY`; the signature lies beside "
        "the plan, PLAN.sig. `migrate up` and `migrate down` make no plan file.",
    )


def is_looser(setting: Making, base: Making) -> bool:
    """No signature, or those of others too, where the base wants one."""
    mine, theirs = set(setting.signed_by), set(base.signed_by)
    return bool(theirs) and not (mine and mine <= theirs)


def _whose(setting: Making) -> str:
    return f"that {' or '.join(setting.signed_by)} made"
