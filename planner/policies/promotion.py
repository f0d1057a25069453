"""The policy `promotion`: what a plan applies must have run in another environment before.

It is shown by the receipts of the runs there, or by the history of that environment's database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from lockgate.planner.decision import Decision
from lockgate.planner.quantities import Seconds, format_duration, format_moment, short_digest
from lockgate.planner.settings import Settings

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.proof import Promotion, Proof
    from lockgate.planner.plan.start import Start

Means = Literal["optional", "required", "signed"]
# From the loosest to the strictest.
MEANS: tuple[Means, ...] = get_args(Means)
NAMED = 5
Name = Annotated[str, Field(min_length=1)]


class PromotionTerms(Settings):
    """From where plans are promoted, and what must be shown of it."""

    from_: str = Field(alias="from", description="The environment, beside this one.")
    min_soak: Seconds = Field(0.0, description="How long ago it must have been applied there.")
    receipt: Means = Field(
        "required",
        description="optional: its history is read where no receipt is given; required: a receipt "
        "that is signed, or that its history confirms; signed: a signed one.",
    )
    signers: list[Name] = Field(
        [], description="Whose signature of a receipt counts; none: anybody's in allowed_signers."
    )

    def counts(self, signers: Collection[str]) -> bool:
        """Whether a receipt with these signatures is more than a claim."""
        return any(not self.signers or signer in self.signers for signer in signers)


SETTING = PromotionTerms | None
DEFAULT = None
MEANING = "Where plans must have run before; null: nowhere."


def judge(plan: Plan, setting: PromotionTerms | None) -> Decision | None:
    """Denies what is not shown to have run there; else tells what shows it, and from when on
    `apply` may start where the soak is not over yet."""
    steps = plan.applying
    if setting is None or not steps:
        return None
    problem = _problem(plan.promotion, setting, steps)
    if problem:
        return _deny(f"{problem}{_rejected(plan)}", setting, plan)
    ready = _ready(plan, setting)
    soak = format_duration(setting.min_soak)
    wait = f" `apply` may start at {format_moment(ready)}, after {soak} there."
    return Decision(
        policy="promotion",
        answer="allow",
        reason=_shown(plan, setting) + (wait if ready > plan.created_at else ""),
    )


def judge_start(start: Start, setting: PromotionTerms | None) -> Decision | None:
    """Denies a start before the soak is over, by the clock of the plan's own database."""
    if setting is None or not start.plan.applying:
        return None
    ready = _ready(start.plan, setting)
    if start.now >= ready:
        return None
    return Decision(
        policy="promotion",
        answer="deny",
        reason=f"It is {format_moment(start.now)} by the database's clock; what ran in "
        f"{setting.from_} has to stay there for {format_duration(setting.min_soak)}, "
        f"until {format_moment(ready)}.",
        do="Apply the plan then.",
    )


def is_looser(setting: PromotionTerms | None, base: PromotionTerms | None) -> bool:
    """Nothing to show, something to show of another environment, less of it, or less time."""
    if base is None:
        return False
    return (
        setting is None
        or setting.from_ != base.from_
        or setting.min_soak < base.min_soak
        or MEANS.index(setting.receipt) < MEANS.index(base.receipt)
        or bool(base.signers and not (setting.signers and {*setting.signers} <= {*base.signers}))
    )


def misplaced(setting: PromotionTerms | None, name: str, names: Collection[str]) -> str:
    """What is wrong with the setting in the environment `name` among `names`; empty: nothing."""
    if setting is None:
        return ""
    if setting.from_ == name:
        return f"promotion.from: {name} cannot be promoted from itself"
    if setting.from_ not in names:
        return f"promotion.from: there is no environment {setting.from_} beside this one"
    return ""


def _problem(seen: Promotion | None, setting: PromotionTerms, steps: Sequence[Step]) -> str:
    """What is not shown; empty: all that is asked for is."""
    if seen is None or seen.environment != setting.from_:
        return f"Nothing shows that {_name(steps)} ran in {setting.from_}."
    if seen.by == "ledger" and setting.receipt != "optional":
        return f"No receipt shows that {_name(steps)} ran in {setting.from_}."
    proofs = {proof.version: proof for proof in seen.proofs}
    lacking = [_obstacle(step, proofs.get(step.version)) for step in steps]
    lacking = [text for text in lacking if text]
    if lacking:
        more = f", and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
        return f"Not promoted: {'; '.join(lacking[:NAMED])}{more}."
    unsigned = [proof for proof in seen.proofs if not setting.counts(proof.signers)]
    if setting.receipt == "signed" and unsigned:
        return f"The receipt that shows {_name(unsigned)} bears no signature that counts."
    claimed = [proof for proof in unsigned if not proof.confirmed]
    if setting.receipt == "required" and claimed:
        return (
            f"The receipt that shows {_name(claimed)} is only a claim: it bears no signature that "
            f"counts, and the history of {setting.from_} was not asked."
        )
    return ""


def _obstacle(step: Step, proof: Proof | None) -> str:
    if proof is None or proof.applied_at is None:
        return f"{step.version} is {(proof and proof.obstacle) or 'not shown at all'}"
    return ""


def _rejected(plan: Plan) -> str:
    return "".join(f" {each}" for each in plan.promotion.rejected) if plan.promotion else ""


def _ready(plan: Plan, setting: PromotionTerms) -> datetime:
    """When the soak of the plan's last migration is over; without any, when the plan was made.

    In whole seconds, which is how a server's clock is read.
    """
    times = [p.applied_at for p in plan.promotion.proofs if p.applied_at] if plan.promotion else []
    soak = timedelta(seconds=setting.min_soak)
    return max((time.replace(microsecond=0) + soak for time in times), default=plan.created_at)


def _shown(plan: Plan, setting: PromotionTerms) -> str:
    """What shows that the plan's steps ran there, and who has signed it."""
    proofs = plan.promotion.proofs if plan.promotion else ()
    receipts = sorted({short_digest(proof.receipt) for proof in proofs if proof.receipt})
    signers = sorted({signer for proof in proofs for signer in proof.signers})
    means = f"receipt {', '.join(receipts)}" if receipts else "its history"
    signed = f", signed by {', '.join(signers)}" if signers else ""
    return f"{_name(proofs)} ran in {setting.from_}, by {means}{signed}."


def _name(steps: Sequence[Step] | Sequence[Proof]) -> str:
    named = ", ".join(step.version for step in steps[:NAMED])
    return named + (f" and {len(steps) - NAMED} more" if len(steps) > NAMED else "")


def _deny(reason: str, setting: PromotionTerms, plan: Plan) -> Decision:
    return Decision(
        policy="promotion",
        answer="deny",
        reason=reason,
        do=f"Give the receipts of the runs in {setting.from_} with `--receipt FILE`, or plan only "
        f"what has run there: migrate promote --from {setting.from_} --to {plan.environment}.",
    )
