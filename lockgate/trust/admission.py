"""Admission of a plan to be applied: by its environment's policy, and what the caller brings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.apply import Admit
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.judgement import refuse_denied, refuse_start
from lockgate.planner.errors import Denied, StalePlan, UsageError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import read_plan
from lockgate.planner.plan.start import Start
from lockgate.planner.plan.verify import refuse_old
from lockgate.planner.policies import plan as plan_policy
from lockgate.planner.policies.non_atomic import KEY as NON_ATOMIC
from lockgate.planner.policies.require_intent import judge_intent
from lockgate.planner.quantities import spell_digest
from lockgate.planner.value import frozen, replace
from lockgate.trust.approvals import (
    Approvers,
    Signatures,
    count_approvers,
    read_maker,
    read_signatures,
)

if TYPE_CHECKING:
    from lockgate.trust.approvals import Signable

DIGEST = re.compile(r"[0-9a-f]{64}")


@frozen
class PlanFile:
    """A plan that was read from a file: as its own SQL shows it, None where that was not looked
    at, since the plan was begun, and whose signatures it bears.
    `maker` has signed that they made it; empty: no one has. `allow_non_atomic` says that the caller
    accepts that it can stop half-way. `approvers` are who has signed the fleet's plan that it is
    of; None: it is of none. `emergency` is why it passes over policies."""

    reread: Plan | None
    signatures: Signatures
    maker: str
    allow_non_atomic: bool = False
    approvers: Approvers | None = None
    emergency: str = ""


def admit(
    environment: Environment,
    intent: str | None = None,
    file: PlanFile | None = None,
) -> Admit:
    """What lets a plan begin in the environment, or raises Denied; see `executors.apply`.

    `file` is what is known of a plan that was read from one; a bad approval of it is an error too.
    """

    def admitted(plan: Plan, now: datetime) -> tuple[str, ...]:
        signed = file.signatures if file else Signatures(None, ())
        counted = file.approvers if file else None
        approvers = counted or count_approvers(plan, signed, environment, now)
        refuse_old(plan, now, environment.max_plan_age)
        start = Start(plan, now, intent, approvers.names, approvers.authors)
        if file:
            judged = _accepted(file, environment)
            start = replace(
                start, plan=judged, maker=file.maker, is_file=True, emergency=file.emergency
            )
        refuse_start(start, environment.policy)
        return approvers.names

    return admitted


def _accepted(file: PlanFile, environment: Environment) -> Plan:
    """The plan with what is accepted of it: by the caller, and, where the maker's signature counts,
    when it was made. Otherwise who edits a plan could accept it."""
    if file.reread is None:
        raise StalePlan(
            "The database was changed while the plan waited for the lock: what it had of the plan "
            "was rolled back.",
            why="The plan's SQL was not held against its files, since it was begun before.",
            do="Apply it again.",
        )
    given = {NON_ATOMIC} if file.allow_non_atomic else set()
    signed = file.reread.accepted if environment.policy.plan.counts(file.maker) else ()
    return file.reread.model_copy(update={"accepted": tuple(sorted({*given, *signed}))})


def read_trusted(
    plan: Signable, plan_file: Path, environment: Environment
) -> tuple[Signatures, str]:
    """The signatures beside a plan, and who has signed that they made it, by this machine's clock:
    before the database is asked anything.

    Raises:
        BadSignature: one cannot be read, or that of its maker is not good.
        Denied: its maker is not one whose plans are applied here.
    """
    signatures = read_signatures(plan_file)
    return signatures, trust_maker(plan, plan_file, signatures, environment)


def trust_maker(
    plan: Signable, plan_file: Path, signatures: Signatures, environment: Environment
) -> str:
    """Who has signed that they made the plan, by this machine's clock.

    Raises:
        BadSignature: the signature is not good.
        Denied: its maker is not one whose plans are applied here.
    """
    maker = read_maker(plan, plan_file, signatures.own, environment, datetime.now(UTC))
    decision = plan_policy.judge_maker(maker, environment.policy.plan)
    refuse_denied([decision])
    return maker


def read_emergency(reason: str | None) -> str:
    """Why a run is an emergency; empty where it is none.

    Raises:
        UsageError: there is no reason.
    """
    if reason is not None and not reason.strip():
        raise UsageError("An emergency has a reason.", do="Say it: `--emergency 'ticket 7: …'`.")
    return " ".join((reason or "").split())


def read_intent(reviewed: str | None) -> str | None:
    """The intent digest that was reviewed, given as itself or as the reviewed plan's file.

    Raises:
        UsageError, InvalidPlan: it is no digest, and no plan can be read there.
    """
    digest = "".join(reviewed.split()).lower() if reviewed else None
    if reviewed is None or (digest and DIGEST.fullmatch(digest)):
        return digest
    return read_plan(Path(reviewed)).intent_digest


def refuse_unread(plan: Signable, reviewed: str | None) -> None:
    """Raises Denied when a plan's digest is not the reviewed one, in groups or in one; None: it
    was not said which it is.

    Raises: UsageError as well, for less than a whole digest.
    """
    if reviewed is None:
        return
    digest = "".join(reviewed.split()).lower()
    if not DIGEST.fullmatch(digest):
        raise UsageError(
            f"{reviewed} is no digest: one has 64 hexadecimal digits.",
            why="Another plan that begins with the same digits can be made.",
            do="Copy all of it from the review; `migrate show PLAN` prints it too.",
        )
    if digest != plan.digest:
        raise Denied(
            f"The plan's digest is {spell_digest(plan.digest)}, and {spell_digest(digest)} was "
            "reviewed.",
            why="Nothing was signed: it is another plan.",
            do="Find out who has put it there: `migrate diff-plan REVIEWED PLAN`.",
        )


def refuse_unreviewed(plan: Plan, intent: str | None) -> None:
    """Raises Denied when a plan does not do what was reviewed; None: not said."""
    decision = None if intent is None else judge_intent(plan, intent)
    refuse_denied([decision])
