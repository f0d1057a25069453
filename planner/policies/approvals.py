"""The policy `approvals`: how many people must have signed the plan, and whose signature counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from lockgate.planner.decision import Decision
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan, Source
    from lockgate.planner.plan.start import Start

Name = Annotated[str, Field(min_length=1)]
APPROVE = "Have it approved with `migrate approve PLAN`; the signatures lie beside the plan."


class Approvals(Settings):
    """Who must have approved a plan before it is applied."""

    threshold: int = Field(0, ge=0, description="How many; 0: one, where a policy asks for it.")
    signers: list[Name] = Field([], description="Who may; none: anybody in allowed_signers.")
    not_author: bool = Field(
        False, description="Whether the author of the plan's commit, by their email, may not."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.signers and self.threshold > len(set(self.signers)):
            raise ValueError("the threshold is higher than the number of signers")
        return self

    def counts(self, approver: str) -> bool:
        """Whether this person may approve what others have written."""
        return not self.signers or approver in self.signers

    @property
    def who(self) -> str:
        """Who may approve."""
        named = f"any of {', '.join(self.signers)}"
        whose = named if self.signers else "anybody in allowed_signers"
        return f"{whose} but the author" if self.not_author else whose


SETTING = Approvals
DEFAULT = Approvals.model_construct()
MEANING = "Who must have signed a plan before it is applied."


def judge(plan: Plan, setting: Approvals) -> Decision | None:
    """Tells the reviewer how many must approve."""
    if not setting.threshold:
        return None
    return Decision(
        policy="approvals",
        answer="require-approval",
        reason=f"Needed: {_needs(setting.threshold, setting)}.",
        do=APPROVE,
    )


def judge_signer(
    source: Source, names: tuple[str, ...], environment: str, setting: Approvals
) -> Decision | None:
    """Denies an approval of what comes from there that would not count; `names` are the signer's
    own, the first of which is counted."""
    approver = names[0]
    if setting.counts(approver) and not (setting.not_author and source.is_by(names)):
        return None
    return Decision(
        policy="approvals",
        answer="deny",
        reason=f"{approver} may not approve this plan for {environment}.",
        do=f"Who may: {setting.who}.",
    )


def judge_start(start: Start, setting: Approvals) -> Decision | None:
    """Denies a plan that fewer people have approved than any of its policies asks for."""
    asking = [one.policy for one in start.decisions if one.answer == "require-approval"]
    needed = max(setting.threshold, 1 if asking else 0)
    counted = [name for name in start.approvers if _counts(name, start, setting)]
    if len(counted) >= needed:
        return None
    if setting.not_author and start.plan.source.author is None:
        return _unknown_author()
    others = [name for name in start.approvers if name not in counted]
    apart = f" Signed too by {', '.join(others)}, who may not approve here." if others else ""
    reasons = ", ".join(dict.fromkeys(each for each in asking if each != "approvals"))
    return Decision(
        policy="approvals",
        answer="deny",
        reason=f"Needed: {_needs(needed, setting)}{f', for {reasons}' if reasons else ''}. "
        f"{'Approved by: ' + ', '.join(counted) if counted else 'No approval yet'}.{apart}",
        do=f"{APPROVE} `migrate up` and `migrate down` have no plan file: make one with "
        "`migrate plan`.",
    )


def _counts(approver: str, start: Start, setting: Approvals) -> bool:
    """Whether an approval counts; where the author's does not, the author has to be known."""
    if not setting.counts(approver):
        return False
    return not setting.not_author or (
        start.plan.source.author is not None and approver not in start.authors
    )


def _unknown_author() -> Decision:
    return Decision(
        policy="approvals",
        answer="deny",
        reason="The plan does not say who has written its commit, whose approval does not count.",
        do="Make the plan from a commit, in a git checkout.",
    )


def is_looser(setting: Approvals, base: Approvals) -> bool:
    """Fewer approvals, or more people who may give them."""
    if base.not_author and not setting.not_author:
        return True
    more = base.signers and (not setting.signers or not set(setting.signers) <= set(base.signers))
    return setting.threshold < base.threshold or bool(more)


def _needs(needed: int, setting: Approvals) -> str:
    """How many approvals, and whose.

    >>> _needs(1, Approvals()), _needs(2, Approvals(signers=["ann", "bob", "eve"]))
    ('1 approval by anybody in allowed_signers', '2 approvals by any of ann, bob, eve')
    """
    return f"{needed} approval{'' if needed == 1 else 's'} by {setting.who}"
