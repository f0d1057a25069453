"""Promotion: which migrations have run in the environment before, and what shows that.

Reads neither receipts nor ledgers: it is handed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from lockgate.planner.building.compare import Comparison
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.recording import recorded_keys
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.proof import CarriedReceipt, Promotion, Proof, StepCost
from lockgate.planner.plan.receipt import Applied
from lockgate.planner.quantities import format_moment, short_digest
from lockgate.planner.value import frozen, replace
from lockgate.planner.versions import VersionKey, version_key

NOT_APPLIED = "not applied in {}"
NO_SOAK = timedelta()
RECORDED_ONLY = "only recorded in {}, by a baseline"


class RunReceipt(Protocol):
    """What is read of a receipt: of the run of one database, or of a fleet."""

    @property
    def project(self) -> str:
        """The project of the environment."""

    @property
    def environment(self) -> str:
        """Where it ran."""

    @property
    def finished_at(self) -> datetime:
        """When it had ended, in UTC."""

    @property
    def digest(self) -> str:
        """What a signature is of."""

    @property
    def steps(self) -> tuple[Applied, ...]:
        """What has run, in its order."""

    @property
    def rank(self) -> int:
        """Its place among receipts of the same moment."""

    def carried(self) -> str:
        """Its text, as a plan carries it."""


@frozen
class SignedReceipt:
    """A receipt, and whose signature of it is good: none where none was looked at."""

    receipt: RunReceipt
    signers: tuple[str, ...] = ()
    signature: str | None = None


@frozen
class Record:
    """A migration that was applied, and the receipt that says so, where one does."""

    version: str
    name: str
    checksum: str
    applied_at: datetime
    receipt: str | None = None
    signers: tuple[str, ...] = ()
    confirmed: bool = False
    cost: StepCost | None = None


@frozen
class Origin:
    """What is known of the environment that plans are promoted from, by version as a number.

    `obstacles` say why a version that receipts tell of does not count, and `rejected` which
    receipts tell nothing.
    """

    environment: str
    by: Literal["receipt", "ledger"]
    records: Mapping[VersionKey, Record]
    obstacles: Mapping[VersionKey, str] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    receipts: tuple[SignedReceipt, ...] = ()

    @property
    def checksums(self) -> dict[VersionKey, str]:
        """Those of all that was applied there."""
        return {number: record.checksum for number, record in self.records.items()}

    def obstacle(self, number: VersionKey, checksum: str) -> str:
        """Why a migration is not shown to have run there, as a clause; empty when it is."""
        record = self.records.get(number)
        if record is None:
            return self.obstacles.get(number, NOT_APPLIED.format(self.environment))
        if record.checksum != checksum:
            return (
                f"applied in {self.environment} with another checksum "
                f"({short_digest(record.checksum)}, and here it is {short_digest(checksum)})"
            )
        return ""


def origin_by_ledger(environment: str, ledger: Ledger) -> Origin:
    """What an environment's own history says of it; what it has only recorded did not run there."""
    recorded = recorded_keys(ledger)
    records = {
        entry.key: Record(entry.version, entry.name, entry.checksum, entry.applied_at)
        for entry in ledger.entries
        if entry.key not in recorded
    }
    obstacles = dict.fromkeys(recorded, RECORDED_ONLY.format(environment))
    return Origin(environment, "ledger", records, obstacles)


def origin_by_receipts(project: str, environment: str, given: Iterable[SignedReceipt]) -> Origin:
    """What the receipts of an environment's runs say of it, the older ones first.

    What was applied and rolled back does not count; of a version that was applied twice the
    first time does.
    """
    records: dict[VersionKey, Record] = {}
    obstacles: dict[VersionKey, str] = {}
    rejected = []
    receipts = sorted(given, key=_age)
    for one in receipts:
        receipt = one.receipt
        if (receipt.project, receipt.environment) != (project, environment):
            rejected.append(_foreign(receipt, project, environment))
            continue
        for step in receipt.steps:
            obstacles[step.key] = _undone(step, receipt)
            if obstacles[step.key]:
                records.pop(step.key, None)
            else:
                records.setdefault(step.key, _record(step, one))
    found = {number: text for number, text in obstacles.items() if text}
    return Origin(environment, "receipt", records, found, tuple(rejected), tuple(receipts))


def confirmed_by(origin: Origin, ledger: Ledger) -> Origin:
    """What receipts say, as far as the environment's own history says it too, with its times: an
    unsigned receipt alone shows only what somebody claims."""
    own = origin_by_ledger(origin.environment, ledger)
    records = {
        number: replace(record, applied_at=own.records[number].applied_at, confirmed=True)
        for number, record in origin.records.items()
        if own.obstacle(number, record.checksum) == ""
    }
    return replace(origin, records=records, obstacles={**own.obstacles, **origin.obstacles})


def _age(one: SignedReceipt) -> tuple[datetime, int]:
    return one.receipt.finished_at, one.receipt.rank


def _record(step: Applied, one: SignedReceipt) -> Record:
    receipt = one.receipt
    return Record(
        step.version,
        step.name,
        step.checksum,
        receipt.finished_at,
        receipt.digest,
        one.signers,
        cost=step.cost,
    )


def _undone(step: Applied, receipt: RunReceipt) -> str:
    """Why a receipt's step is not one that has run and stayed, as a clause; empty when it is."""
    if step.direction == "down":
        return (
            f"rolled back in {receipt.environment} at {format_moment(receipt.finished_at)} "
            f"(receipt {short_digest(receipt.digest)})"
        )
    return "" if step.statements else RECORDED_ONLY.format(receipt.environment)


def _foreign(receipt: RunReceipt, project: str, environment: str) -> str:
    return (
        f"The receipt {short_digest(receipt.digest)} is of environment {receipt.environment} "
        f"of project {receipt.project}, not of {environment} of {project}."
    )


def with_promotion(plan: Plan, origin: Origin) -> Plan:
    """The plan with what is known of its steps where it is promoted from."""
    steps = plan.applying
    if not steps:
        return plan
    promotion = Promotion(
        environment=origin.environment,
        by=origin.by,
        proofs=tuple(_prove(step, origin) for step in steps),
        receipts=tuple(map(_carry, origin.receipts)),
        rejected=origin.rejected,
    )
    return plan.model_copy(update={"promotion": promotion})


def _carry(one: SignedReceipt) -> CarriedReceipt:
    return CarriedReceipt(text=one.receipt.carried(), signature=one.signature)


def _prove(step: Step, origin: Origin) -> Proof:
    obstacle = origin.obstacle(step.key, step.checksum)
    if obstacle:
        return Proof(version=step.version, applied_at=None, obstacle=obstacle)
    record = origin.records[step.key]
    return Proof(
        version=step.version,
        applied_at=record.applied_at,
        receipt=record.receipt,
        signers=record.signers,
        confirmed=record.confirmed,
        cost=record.cost,
    )


@frozen
class Prospect:
    """A migration in both environments: its state there and here, and what a promotion does.

    `outcome` is promoted, already there or held back; `reason` says why it is held back, or until
    when the plan waits for it.
    """

    version: str
    name: str
    there: str
    here: str
    outcome: Literal["promoted", "already there", "held back"]
    reason: str = ""

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return version_key(self.version)


def find_prospects(
    comparison: Comparison, origin: Origin, plan: Plan, soak: timedelta = NO_SOAK
) -> tuple[Prospect, ...]:
    """Every migration of the files and of both environments, by version; `plan` is what is
    promoted of them, and `comparison` that of the files with the plan's database."""
    promoted = {step.key for step in plan.steps}
    pending = {migration.key for migration in comparison.pending}
    found = [_applied_here(migration, origin) for migration in comparison.applied]
    found += [
        _promoted(m, origin, plan, soak)
        if m.key in promoted
        else _held_back(m, origin, pending - promoted)
        for m in comparison.pending
    ]
    found += _without_file(comparison, origin)
    return tuple(sorted(found, key=lambda each: each.key))


def _applied_here(migration: Migration, origin: Origin) -> Prospect:
    there = _state(migration, origin)
    return Prospect(migration.version, migration.name, there, "applied", "already there")


def _promoted(migration: Migration, origin: Origin, plan: Plan, soak: timedelta) -> Prospect:
    ready = origin.records[migration.key].applied_at.replace(microsecond=0) + soak
    reason = f"soaking until {format_moment(ready)}" if ready > plan.created_at else ""
    return Prospect(migration.version, migration.name, "applied", "pending", "promoted", reason)


def _held_back(migration: Migration, origin: Origin, others: Set[VersionKey]) -> Prospect:
    """`others` are all that are held back."""
    reason = origin.obstacle(migration.key, migration.checksum)
    needed = [version for version in migration.requires if version_key(version) in others]
    return Prospect(
        migration.version,
        migration.name,
        _state(migration, origin),
        "pending",
        "held back",
        reason or f"requires {', '.join(needed)}, held back as well",
    )


def _without_file(comparison: Comparison, origin: Origin) -> Iterator[Prospect]:
    known = {migration.key for migration in (*comparison.applied, *comparison.pending)}
    for number, record in origin.records.items():
        if number not in known:
            reason = "no file here has this version"
            yield Prospect(record.version, record.name, "applied", "unknown", "held back", reason)


def _state(migration: Migration, origin: Origin) -> str:
    record = origin.records.get(migration.key)
    if record and record.checksum == migration.checksum:
        return "applied"
    return "changed" if record else "not applied"
