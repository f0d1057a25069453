"""The receipt: what a run has left, where and when; a value, published as JSON.

Reads no database: an executor says which run it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.document import (
    UNSEALED,
    Kind,
    parse_document,
    read_document,
    render_document,
    sealed,
    write_document,
)
from lockgate.planner.plan.plan import Direction, Plan, State, Step, Target
from lockgate.planner.plan.proof import StepCost, Version
from lockgate.planner.plan.statement import Estimate, Model, Sha256
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key

FORMAT: Literal["lockgate-receipt"] = "lockgate-receipt"
FORMAT_VERSION = "1.1"


class Applied(Model):
    """A step that the run has applied, or rolled back."""

    direction: Direction = Field(description="Whether the up or the down section ran.")
    version: Version = Field(description="As the history table holds it; for promotion.")
    name: str = Field(description="The rest of the file's name; for people.")
    checksum: Sha256 = Field(description="SHA-256 of the file; for promotion.")
    statements: Estimate = Field(
        description="How many statements ran; 0: a baseline has only recorded it. For promotion."
    )

    cost: StepCost | None = Field(
        None,
        description="What it has cost, as far as that was seen; null: nothing was. For people.",
    )

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return version_key(self.version)


Word = Annotated[str, Field(max_length=255)]


class Job(Model):
    """The job of a CI system that ran the plan, as its variables said: a claim, for people."""

    system: Word = Field(description="The CI system; `CI` where it is not known which.")
    project: Word = Field("", description="The repository or project; empty where it was not said.")
    job: Word = Field("", description="The job's name or number; the same.")
    run: Word = Field("", description="The number of the workflow's run or the pipeline; the same.")
    commit: Word = Field("", description="The commit that was checked out; the same.")
    user: Word = Field("", description="Who has started it; the same.")


class Receipt(Model):
    """What a run has left, for those who were not there; a signature may be beside it."""

    format: Literal["lockgate-receipt"] = FORMAT
    format_version: str = Field(FORMAT_VERSION, pattern=r"^1\.[0-9]+$")
    tool_version: str = Field(description="The lockgate that applied the plan; for people.")
    run: str = Field(description="The run's id in lockgate_runs; for people.")
    project: str = Field(description="The environment's project; for promotion.")
    environment: str = Field(description="The environment where it ran; for promotion.")
    target: Target = Field(description="The plan's target, with the database's identity.")
    plan_digest: Sha256 = Field(description="The digest of the plan that ran.")
    intent_digest: Sha256 = Field(description="The plan's: equal where the same SQL ran.")
    actor: str = Field(description="The user and host that the process gave: a claim. For people.")
    job: Job | None = Field(None, description="The CI job that said so; null: none. A claim too.")
    approvers: tuple[str, ...] = Field((), description="Who had approved the plan; for people.")
    emergency: str = Field(
        "", description="Why the run passed over policies, as its caller said; empty: it did not."
    )
    started_at: AwareDatetime = Field(description="By the database's clock, UTC.")
    finished_at: AwareDatetime = Field(description="The same; the soak of a promotion begins here.")
    result: State = Field(description="The ledger that the run left.")
    steps: tuple[Applied, ...] = Field(description="All of the plan's, in the order they ran.")
    fingerprint: Sha256 | None = Field(
        description="SHA-256 of the schema's definitions right after the run; null: it was not "
        "read then. For people."
    )
    digest: Sha256 = Field(description="SHA-256 of all the rest as canonical JSON (RFC 8785).")

    @property
    def rank(self) -> int:
        """Its place among receipts of the same moment."""
        return self.result.serial

    def carried(self) -> str:
        """Its text, as a plan carries it."""
        return render_document(self)


RECEIPT = Kind(
    Receipt,
    noun="receipt",
    format=FORMAT,
    version=FORMAT_VERSION,
    again="Have it again: `migrate apply PLAN --receipt FILE`, with the plan that ran.",
    elsewhere="Choose another file with `--receipt FILE`.",
    stake="It does not say what the run has left.",
)


@frozen
class FinishedRun:
    """A row of lockgate_runs whose whole plan is applied. Times have the UTC zone.

    `receipt` is the text that was kept there; empty when none was.
    """

    id: str
    plan_digest: str
    actor: str
    approvers: tuple[str, ...]
    tool_version: str
    started_at: datetime
    finished_at: datetime
    receipt: str
    job: Job | None = None
    emergency: str = ""


def make_receipt(
    plan: Plan,
    run: FinishedRun,
    *,
    uuid: str | None,
    fingerprint: str | None = None,
    costs: Mapping[int, StepCost] | None = None,
) -> Receipt:
    """The receipt of a run of this plan; `uuid` is the database's identity, and `costs` are what
    its steps have cost, by their numbers."""
    known = costs or {}
    applied = (applied_step(step, known.get(place)) for place, step in enumerate(plan.steps, 1))
    receipt = Receipt(
        tool_version=run.tool_version,
        run=run.id,
        project=plan.project,
        environment=plan.environment,
        target=plan.target.model_copy(update={"uuid": uuid}),
        plan_digest=plan.digest,
        intent_digest=plan.intent_digest,
        actor=run.actor,
        job=run.job,
        approvers=run.approvers,
        emergency=run.emergency,
        started_at=run.started_at,
        finished_at=run.finished_at,
        result=plan.result,
        steps=tuple(applied),
        fingerprint=fingerprint,
        digest=UNSEALED,
    )
    return sealed(receipt)


def applied_step(step: Step, cost: StepCost | None = None) -> Applied:
    """What a receipt says of a step that has run."""
    return Applied(
        direction=step.direction,
        version=step.version,
        name=step.name,
        checksum=step.checksum,
        statements=len(step.statements),
        cost=cost,
    )


def write_receipt(receipt: Receipt, path: Path) -> None:
    """Writes a receipt's file; see `write_document`."""
    write_document(receipt, path, RECEIPT)


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file, its format and digest checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is not a receipt, was altered, or has an unknown format.
    """
    return read_document(path, RECEIPT)


def parse_receipt(data: bytes, name: str) -> Receipt:
    """The receipt in JSON bytes; `name` says in errors where they came from."""
    return parse_document(data, name, RECEIPT)
