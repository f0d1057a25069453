"""A decision: what one policy says of a plan, and why.

Decides nothing: the policies in `planner.policies` do, and `planner.environments.policy` asks them.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Answer = Literal["allow", "warn", "require-approval", "deny"]
# From the loosest to the strictest.
ANSWERS: tuple[Answer, ...] = get_args(Answer)


class Decision(BaseModel):
    """What a policy of the environment said when the plan was made.

    `allow` is given where a reviewer should know on what terms; a policy that has no opinion
    makes no decision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    policy: str = Field(description="The policy's key in the environment; for people.")
    answer: Answer = Field(description="`apply` refuses a plan that has a `deny`.")
    reason: str = Field(description="What of the plan it speaks of, as sentences; for reviewers.")
    do: str = Field("", description="How to satisfy the policy; for people.")

    def __str__(self) -> str:
        return f"{self.policy}: {self.answer}: {self.reason}"


def is_looser(answer: Answer, base: Answer) -> bool:
    """Whether one answer lets more pass than another.

    >>> is_looser("warn", "deny"), is_looser("deny", "deny")
    (True, False)
    """
    return ANSWERS.index(answer) < ANSWERS.index(base)
