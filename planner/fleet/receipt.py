"""The receipt of a fleet's run: how each target has ended, and what was run; published as JSON.

Reads no database: the driver says how the run went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from lockgate.planner.document import (
    UNSEALED,
    Kind,
    check_document,
    parse_object,
    read_raw_document,
    render_document,
    sealed,
    write_document,
)
from lockgate.planner.errors import AlteredPlan, MalformedPlan
from lockgate.planner.fleet.fleet_plan import HEAD, FleetPlan, TargetName
from lockgate.planner.plan.receipt import Applied, Job, Receipt, applied_step, parse_receipt
from lockgate.planner.plan.statement import Model, Sha256, sha256

FORMAT: Literal["lockgate-fleet-receipt"] = "lockgate-fleet-receipt"
FORMAT_VERSION = "1.0"
APPLIED = "applied"


class GroupRun(Model):
    """What was run on the targets of a group."""

    intent_digest: Sha256 = Field(description="Of the group's plan: equal where the same SQL ran.")
    steps: tuple[Applied, ...] = Field(description="All of the plan's, in the order they ran.")
    ended: dict[str, int] = Field(
        {}, description="How many of its targets ended in each state; for promotion."
    )


class TargetEnd(Model):
    """How a target has ended."""

    name: TargetName = Field(description="Its name in the fleet; for people.")
    group: int = Field(ge=1, description="The number of its group; for people.")
    state: str = Field(description="`applied`, `refused`, `failed`, `unreachable`, `half done`.")
    run: str = Field(description="The run's id in its lockgate_runs; empty: there is none.")
    detail: str = Field(description="Why it is not applied, for people; empty where it is.")


class FleetReceipt(Model):
    """What a fleet's run has left; a signature may be beside it."""

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
    targets_digest: Sha256 = Field(description="SHA-256 of `targets` as canonical JSON.")
    targets: tuple[TargetEnd, ...] = Field(
        description="By name; empty where a plan carries the receipt."
    )
    digest: Sha256 = Field(
        description="SHA-256 of all the rest as canonical JSON (RFC 8785), with `targets` empty."
    )

    @property
    def steps(self) -> tuple[Applied, ...]:
        """What has run on all targets of the groups that it was for, and what was rolled back on
        any."""
        partly = {
            step.key for group in self.groups if set(group.ended) != {APPLIED}
            for step in group.steps
        }  # fmt: skip
        steps = dict.fromkeys(step for group in self.groups for step in group.steps)
        return tuple(one for one in steps if one.direction == "down" or one.key not in partly)

    @property
    def rank(self) -> int:
        """Its place among receipts of the same moment."""
        return 0

    def carried(self) -> str:
        """Its text without the targets, as a plan carries it: the digest is the same."""
        return render_document(self.model_copy(update={"targets": ()}))


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
    ended = tuple(sorted(ends, key=lambda one: one.name))
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
                ended=Counter(one.state for one in ended if one.group == number),
            )
            for number, group in enumerate(plan.groups, 1)
        ),
        targets_digest=_digest(ended),
        targets=(),
        digest=UNSEALED,
    )
    return sealed(receipt).model_copy(update={"targets": ended})


def _digest(targets: Iterable[TargetEnd]) -> str:
    return sha256([one.model_dump(mode="json") for one in targets])


def write_fleet_receipt(receipt: FleetReceipt, path: Path) -> None:
    """Writes the file; see `write_document`."""
    write_document(receipt, path, FLEET_RECEIPT)


def read_fleet_receipt(path: Path) -> FleetReceipt:
    """The receipt in a file, its format and digest checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is no fleet's receipt, was altered, or has an unknown format.
    """
    receipt = parse_fleet_receipt(read_raw_document(path, FLEET_RECEIPT), str(path))
    _refuse_other_targets(receipt, str(path))
    return receipt


def parse_fleet_receipt(data: bytes, name: str) -> FleetReceipt:
    """The receipt in JSON bytes, with its targets or without; `name` says in errors where they came
    from."""
    document = parse_object(data, name, FLEET_RECEIPT)
    head = check_document(document | {"targets": []}, name, FLEET_RECEIPT)
    try:
        targets = tuple(map(TargetEnd.model_validate, document["targets"]))
    except (KeyError, TypeError, ValidationError) as error:
        raise MalformedPlan(
            f"{name} is not a whole fleet receipt.", do=FLEET_RECEIPT.again
        ) from error
    receipt = head.model_copy(update={"targets": targets})
    if targets:
        _refuse_other_targets(receipt, name)
    return receipt


def _refuse_other_targets(receipt: FleetReceipt, name: str) -> None:
    if _digest(receipt.targets) != receipt.targets_digest:
        raise AlteredPlan(
            f"{name} was altered after it was made: its targets are others.",
            why=FLEET_RECEIPT.stake,
            do=FLEET_RECEIPT.again,
        )


def parse_any_receipt(data: bytes, name: str) -> Receipt | FleetReceipt:
    """The receipt of the run of one database, or of a fleet, in JSON bytes."""
    is_fleet = FORMAT.encode() in data[:HEAD]
    return parse_fleet_receipt(data, name) if is_fleet else parse_receipt(data, name)
