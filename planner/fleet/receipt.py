"""The receipt of a fleet's run: how each target has ended, and what was run; published as JSON.

Reads no database: the driver says how the run went.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.document import (
    UNSEALED,
    Kind,
    read_document,
    sealed,
    write_document,
)
from lockgate.planner.fleet.fleet_plan import FleetPlan, TargetName
from lockgate.planner.plan.receipt import Applied, Job, applied_step
from lockgate.planner.plan.statement import Model, Sha256

FORMAT: Literal["lockgate-fleet-receipt"] = "lockgate-fleet-receipt"
FORMAT_VERSION = "1.0"


class GroupRun(Model):
    """What was run on the targets of a group."""

    intent_digest: Sha256 = Field(description="Of the group's plan: equal where the same SQL ran.")
    steps: tuple[Applied, ...] = Field(description="All of the plan's, in the order they ran.")


class TargetEnd(Model):
    """How a target has ended."""

    name: TargetName = Field(description="Its name in the fleet; for people.")
    group: int = Field(ge=1, description="The number of its group; for people.")
    state: str = Field(description="`applied`, `refused`, `failed`, `unreachable`, `half done`.")
    run: str = Field(description="The run's id in its lockgate_runs; empty: there is none.")
    detail: str = Field(description="Why it is not applied, for people; empty where it is.")


class FleetReceipt(Model):
    """What a fleet's run has left; a signature may stand beside it."""

    format: Literal["lockgate-fleet-receipt"] = FORMAT
    format_version: str = Field(FORMAT_VERSION, pattern=r"^1\.[0-9]+$")
    tool_version: str = Field(description="The lockgate that ran it; for people.")
    project: str = Field(description="The environment's project.")
    environment: str = Field(description="The environment whose targets these are.")
    plan_digest: Sha256 = Field(description="The digest of the fleet's plan.")
    intent_digest: Sha256 = Field(description="The plan's: equal where the same SQL ran.")
    actor: str = Field(description="The user and host that the process gave: a claim. For people.")
    job: Job | None = Field(None, description="The CI job that said so; null: none. A claim too.")
    approvers: tuple[str, ...] = Field((), description="Who had approved the plan; for people.")
    emergency: str = Field(
        "", description="Why the run passed over policies, as its caller said; empty: it did not."
    )
    started_at: AwareDatetime = Field(description="By the control database's clock, UTC.")
    finished_at: AwareDatetime = Field(description="The same: when the last target had ended.")
    groups: tuple[GroupRun, ...] = Field(description="As the plan has them.")
    targets: tuple[TargetEnd, ...] = Field(description="By name.")
    digest: Sha256 = Field(description="SHA-256 of all the rest as canonical JSON (RFC 8785).")


FLEET_RECEIPT = Kind(
    FleetReceipt,
    noun="fleet receipt",
    format=FORMAT,
    version=FORMAT_VERSION,
    again="Have it again: `migrate apply PLAN --receipt FILE`, with the plan that ran.",
    elsewhere="Choose another file with `--receipt FILE`.",
    stake="It does not say what the run has left.",
)


def make_fleet_receipt(
    plan: FleetPlan,
    ends: Iterable[TargetEnd],
    *,
    tool_version: str,
    actor: str,
    job: Job | None,
    approvers: tuple[str, ...],
    emergency: str = "",
    started_at: datetime,
    finished_at: datetime,
) -> FleetReceipt:
    """The receipt of a run of this plan that has ended."""
    receipt = FleetReceipt(
        tool_version=tool_version,
        project=plan.project,
        environment=plan.environment,
        plan_digest=plan.digest,
        intent_digest=plan.intent_digest,
        actor=actor,
        job=job,
        approvers=approvers,
        emergency=emergency,
        started_at=started_at,
        finished_at=finished_at,
        groups=tuple(
            GroupRun(
                intent_digest=group.plan.intent_digest,
                steps=tuple(map(applied_step, group.plan.steps)),
            )
            for group in plan.groups
        ),
        targets=tuple(sorted(ends, key=lambda one: one.name)),
        digest=UNSEALED,
    )
    return sealed(receipt)


def write_fleet_receipt(receipt: FleetReceipt, path: Path) -> None:
    """Writes the file; see `write_document`."""
    write_document(receipt, path, FLEET_RECEIPT)


def read_fleet_receipt(path: Path) -> FleetReceipt:
    """The receipt in a file, its format and digest checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is no fleet's receipt, was altered, or has an unknown format.
    """
    return read_document(path, FLEET_RECEIPT)
