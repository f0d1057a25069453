"""Rows of the ledger's tables as values, and values as the parameters of a row.

Asks no database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from lockgate.executors.engine import Row, Run
from lockgate.executors.states import WHOLE, RunStatus
from lockgate.planner.database.ledger import Entry
from lockgate.planner.errors import HistoryError
from lockgate.planner.value import frozen
from lockgate.planner.versions import plain_version

if TYPE_CHECKING:
    from lockgate.planner.building.stored_runs import StoredRun
    from lockgate.planner.database.ledger import Identity
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.proof import StepCost
    from lockgate.planner.plan.receipt import Job


class NamedIdentity(NamedTuple):
    """An identity of a database, and its environment."""

    uuid: str
    environment: str


@frozen
class PastRun:
    """A row of lockgate_runs. Times are ISO 8601, UTC; `finished_at` is empty while it runs.

    `approvers` are one text, as the row has them. `ms` is what it took, None while it runs.
    `versions` are those of its steps in running order, None where the plan is too large to look
    into for a list. `waited` are the milliseconds that other sessions have waited for it together,
    as far as that was seen. `emergency` is why it passed over policies, as the caller said; empty:
    it did not. `rebound` is where `migrate rebind` has noted itself: the identities before and
    after, each with its environment.
    """

    id: str
    plan_digest: str
    direction: str
    status: str
    actor: str
    approvers: str
    tool_version: str
    started_at: str
    finished_at: str
    error: str
    job: Job | None = None
    ms: int | None = None
    versions: tuple[str, ...] | None = None
    waited: int = 0
    emergency: str = ""
    rebound: tuple[NamedIdentity, ...] = ()


BETWEEN = ", "
"""Put between approvers: a comma ends a name in allowed_signers too."""


RECORDING = {"up": "rec", "down": "forg"}
"""The kind of a run that only changes the history, by its direction."""
KINDS = {"rec": "record", "forg": "forget", "bind": "rebind"}

PLAN_PIECE = 1 << 19
"""Bytes: with what an engine's escapes add, less than any server takes at once by default."""


@frozen
class LeftSchema:
    """What a run has left: a short digest of each object, and the serial then. `by` is what
    has read them: what another has read cannot be compared with that."""

    serial: int
    by: str
    digests: Mapping[str, str]
    run_id: str
    at: datetime


def plan_pieces(run: Run) -> Iterator[str]:
    """The run's plan as JSON, in the pieces in which the database keeps it."""
    from lockgate.planner.document import document_pieces

    return document_pieces(run.plan, PLAN_PIECE)


def run_values(run: Run, status: RunStatus, piece: str) -> tuple[object, ...]:
    """The parameters of BEGIN_RUN; `piece` is the first of the plan."""
    plan = run.plan
    return (
        run.id, plan.digest, plan.intent_digest, _kind(plan), plan.environment, status, run.actor,
        run.tool_version, BETWEEN.join(run.approvers) or None, job_text(run.job),
        run.emergency or None, piece,
    )  # fmt: skip


def _kind(plan: Plan) -> str:
    """What a plan does, in the four characters of its column."""
    if not plan.steps:
        return RECORDING["up"] if plan.adopted else ""
    direction = plan.steps[0].direction
    return RECORDING[direction] if all(step.record for step in plan.steps) else direction


def job_text(job: Job | None) -> str | None:
    """A job of CI as its column holds it."""
    return job.model_dump_json() if job else None


def read_job(text: str | None) -> Job | None:
    """A job of CI from its column.

    Raises:
        HistoryError: lockgate did not write it.
    """
    if text is None:
        return None
    from pydantic import ValidationError

    from lockgate.planner.plan.receipt import Job

    try:
        return Job.model_validate_json(text)
    except ValidationError as error:
        raise HistoryError(
            "A run in lockgate_runs has a job that cannot be read.",
            do="Set its column `job` to null: lockgate did not write it.",
        ) from error


def cost_text(costs: Mapping[int, StepCost]) -> str:
    """What the steps of a run have cost, by their numbers, as its column holds it."""
    found = {str(number): one.model_dump(exclude_none=True) for number, one in costs.items()}
    return json.dumps(found, sort_keys=True)


def read_costs(text: str | None) -> dict[int, StepCost]:
    """What the steps of a run have cost, by their numbers; nothing where lockgate did not write it:
    it is for people alone."""
    if not text:
        return {}
    from pydantic import ValidationError

    from lockgate.planner.plan.proof import StepCost

    try:
        return {int(number): StepCost(**one) for number, one in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, ValidationError):
        return {}


def read_past(row: Row) -> PastRun:
    """A row of READ_RUNS."""
    *columns, job, emergency, cost, plan = row
    run_id, digest, direction, status, actor, approvers, tool, started, finished, error = map(
        as_text, columns
    )
    return PastRun(
        run_id, digest, KINDS.get(direction, direction), status, actor, approvers, tool, started,
        finished, error,
        read_job(job), _milliseconds(*columns[-3:-1]), _versions(plan),
        sum(one.others_waited_ms or 0 for one in read_costs(cost).values()), emergency or "",
        _rebound(plan) if direction == "bind" else (),
    )  # fmt: skip


def _milliseconds(started: datetime, finished: datetime | None) -> int | None:
    return None if finished is None else round((finished - started).total_seconds() * 1000)


def _versions(plan: str | None) -> tuple[str, ...] | None:
    """Those of the steps in a plan's text; None where it was not read, or is none."""
    try:
        return tuple(str(step["version"]) for step in json.loads(plan or "")["steps"])
    except (ValueError, KeyError, TypeError):
        return None


def rebound_text(*identities: Identity) -> str:
    """What `migrate rebind` notes in place of a plan: the identity before and the one after."""
    found = [{"uuid": one.uuid, "environment": one.environment} for one in identities]
    return json.dumps({"rebound": found})


def _rebound(text: str | None) -> tuple[NamedIdentity, ...]:
    """The identities in such a note; none where lockgate did not write it: it is for people."""
    try:
        return tuple(NamedIdentity(**one) for one in json.loads(text or "")["rebound"])
    except (ValueError, KeyError, TypeError):
        return ()


def read_entries(rows: Iterable[Row]) -> tuple[Entry, ...]:
    """The history's rows by version.

    Raises:
        HistoryError: a version is empty, or is there twice, as `1` and `001`.
    """
    entries = sorted(map(_read_entry, rows), key=lambda entry: entry.key)
    for one, other in pairwise(entries):
        if one.key == other.key:
            raise HistoryError(
                f"The history table holds version {plain_version(one.version)} twice, as "
                f"{one.version} and {other.version}.",
                do="Remove the row that lockgate did not write.",
            )
    return tuple(entries)


def _read_entry(row: Row) -> Entry:
    version, name, checksum, applied_at = row
    if not str(version).strip():
        raise HistoryError(
            "The history table holds an empty version.",
            do="Remove that row: lockgate did not write it.",
        )
    return Entry(str(version), name, checksum, as_utc(applied_at))


def read_stored(row: Row, more: str) -> StoredRun:
    """A row of READ_APPLIED; `more` is what comes after the first piece of its plan."""
    from lockgate.planner.building.stored_runs import StoredRun  # the ledger does without

    run_id, digest, status, started_at, text = row
    undone = status == RunStatus.ROLLED_BACK
    return StoredRun(run_id, digest, as_utc(started_at), text + more, status in WHOLE, undone)


def read_left_schema(row: Row) -> LeftSchema:
    """A row of READ_DIGESTS.

    Raises:
        HistoryError: lockgate did not write it.
    """
    text, run_id, finished = row
    try:
        serial, by, digests = text.split("\n", 2)
        return LeftSchema(int(serial), by, dict(json.loads(digests)), run_id, as_utc(finished))
    except (ValueError, TypeError) as error:
        raise HistoryError(
            "What a run in lockgate_runs has left of the schema cannot be read.",
            do="Set its column `digests` to null: lockgate did not write it.",
        ) from error


def as_utc(value: datetime) -> datetime:
    """A server's time with the UTC zone; sessions run in UTC, and some drivers drop the zone."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return as_utc(value).isoformat(timespec="seconds")
    return "" if value is None else str(value)
