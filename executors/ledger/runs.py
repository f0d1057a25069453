"""Runs and their journal, as the ledger's tables have them; writes nothing.

What knows plans is imported when one is read: `status` reads the ledger alone.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lockgate.executors.engine import Journal
from lockgate.executors.ledger.rows import (
    BETWEEN,
    as_utc,
    read_costs,
    read_job,
    read_left_schema,
    read_past,
    read_stored,
)
from lockgate.executors.ledger.tables import OWN_NAMES
from lockgate.executors.states import SETTLED, WHOLE, Outcome, RunStatus, listed
from lockgate.planner.database.recording import Recording, read_recording
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.ledger.named_tables import LedgerTables
    from lockgate.executors.ledger.rows import LeftSchema, PastRun
    from lockgate.planner.building.stored_runs import StoredRun
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.proof import StepCost
    from lockgate.planner.plan.receipt import FinishedRun

# What a committed unit leaves in the journal is only to be cleared away, and so are the counters
# that a transaction which was rolled back has moved.
OPEN = f"coalesce(outcome, '') not in {listed(SETTLED)}"
HALF_WAY = f"(select run_id from {{journal}} {{plain}} where {OPEN})"
ENDED_WELL = listed(WHOLE)
LISTED = 1 << 16
"""Characters of a plan that a list of runs looks into."""
PAST_RUN = (
    "select id, plan_digest, direction, status, actor, approvers, tool_version, started_at, "
    "finished_at, error, {job}, {emergency}, {cost}, "
    f"case when length(plan) <= {LISTED} then plan end from {{runs}} {{plain}} "
)
READ_RUNS = PAST_RUN + "order by started_at desc, id limit %s"
READ_RUN = PAST_RUN + "where id = %s"
FIND_RUN = (
    "select 1 from {runs} {plain} where plan_digest = %s "
    f"or (intent_digest = %s and status in {ENDED_WELL})"
)
READ_INTERRUPTED = (
    "select j.run_id, j.step, j.statement, j.outcome from {journal} j {plain} "
    f"join {{runs}} r {{plain}} on r.id = j.run_id where r.plan_digest = %s and {OPEN}"
)
APPLYING = "direction in ('up', 'rec')"
READ_APPLIED = (
    f"select id, plan_digest, status, started_at, plan from {{runs}} {{plain}} where {APPLYING}"
)
READ_PLAN = "select plan from {runs} {plain} where id = %s"
# What a plan has beyond its first piece, which is in the row of its run.
READ_PIECES = (
    "select p.run_id, p.text from {plans} p {plain} join {runs} r {plain} on r.id = p.run_id where "
)
PIECES_OF_RUN = READ_PIECES + "r.id = %s order by p.run_id, p.piece"
PIECES_OF_APPLIED = READ_PIECES + f"r.{APPLYING} order by p.run_id, p.piece"
READ_FINISHED = (
    "select id, plan_digest, actor, approvers, tool_version, started_at, finished_at, receipt, "
    "{job}, {emergency} "
    "from {runs} {plain} where (plan_digest = %s or intent_digest = %s) "
    f"and status in {ENDED_WELL} order by started_at desc, id limit 1"
)
# Those that have only recorded, the oldest first.
RECORDING = f"direction in ('rec', 'forg') and status in {ENDED_WELL}"
READ_RECORDINGS = (
    f"select id, started_at, finished_at, plan from {{runs}} {{plain}} where {RECORDING} "
    "order by started_at"
)
PIECES_OF_RECORDINGS = READ_PIECES + f"r.{RECORDING} order by p.run_id, p.piece"
READ_COST = "select {cost} from {runs} {plain} where id = %s"
READ_BATCHES = (
    "select step, sum(batches), sum(changed), sum(busy_ms) from {batches} {plain} "
    "where run_id = %s group by step"
)
READ_LEFT = "select digests, id, finished_at from {runs} {plain} where digests is not null"
READ_STATUS = "select status from {runs} {plain} where id = %s"
READ_KEPT = (
    "select statement from {journal} {plain} where run_id = %s and step = %s "
    f"and outcome = '{Outcome.DONE}' order by statement"
)


class Runs:
    """What is noted of runs."""

    def __init__(self, tables: LedgerTables) -> None:
        self._tables = tables

    def read_runs(self, limit: int) -> list[PastRun]:
        """The newest runs first."""
        if not self._tables.tables.complete:
            return []
        rows = self._tables.query_all(READ_RUNS, (limit,))
        return list(map(read_past, rows))

    def read_run(self, run_id: str) -> PastRun:
        """The run with this id, which there must be."""
        (row,) = self._tables.query_all(READ_RUN, (run_id,))
        return read_past(row)

    def read_waits(self, run_id: str) -> dict[int, StepCost]:
        """How long others have waited for the steps of a run, by their numbers."""
        (text,) = self._tables.query_one(READ_COST, (run_id,)) or (None,)
        return read_costs(text)

    def read_costs(self, run_id: str) -> dict[int, StepCost]:
        """What the steps of a run have cost, by their numbers: as far as that was seen."""
        from lockgate.planner.plan.proof import StepCost

        found = self.read_waits(run_id)
        if not self._tables.tables.has_batches:
            return found
        for step, batches, rows, ms in self._tables.query_all(READ_BATCHES, (run_id,)):
            done = {"batches": int(batches), "rows": int(rows), "batches_ms": int(ms)}
            found[int(step)] = found.get(int(step), StepCost()).model_copy(update=done)
        return found

    def find_run(self, run_id: str) -> PastRun:
        """The run with this id.

        Raises:
            UsageError: there is none.
        """
        tables = self._tables
        rows = tables.query_all(READ_RUN, (run_id,)) if tables.tables.complete else []
        if not rows:
            raise UsageError(
                f"There is no run {run_id} in this database.",
                do="`migrate history` shows the runs and their ids.",
            )
        return read_past(rows[0])

    def read_left(self) -> LeftSchema | None:
        """What the newest run has left that has noted it; None: none has."""
        tables = self._tables
        if "digests" in tables.tables.lacking or not tables.tables.complete:
            return None
        row = tables.query_one(READ_LEFT)
        return read_left_schema(row) if row else None

    def read_status(self, run_id: str) -> RunStatus | None:
        """The status of a run; None when there is no such run."""
        row = self._tables.query_one(READ_STATUS, (run_id,))
        return RunStatus(row[0]) if row else None

    def read_applied_plans(self) -> list[StoredRun]:
        """Each run of an up plan with the plan's text, in no order and unchecked."""
        if not self._tables.tables.complete:
            return []
        rows = self._tables.query_all(READ_APPLIED)
        more = self._read_pieces(PIECES_OF_APPLIED)
        return [read_stored(row, more.get(row[0], "")) for row in rows]

    def as_recordings(self, rows: list[Row]) -> tuple[Recording, ...]:
        """The rows of READ_RECORDINGS, with the rest of plans that are in pieces."""
        more = self._read_pieces(PIECES_OF_RECORDINGS) if rows else {}
        return tuple(
            read_recording(as_utc(begun), as_utc(ended), text + more.get(run_id, ""))
            for run_id, begun, ended, text in rows
        )

    def read_journal(self, plan_digest: str) -> Journal | None:
        """What an interrupted run of this plan left; None when nothing is half-way."""
        rows = self._tables.query_all(READ_INTERRUPTED, (plan_digest,))
        if not rows:
            return None
        return Journal(
            rows[0][0], {(int(row[1]), int(row[2])): Outcome(row[3] or "") for row in rows}
        )

    def read_kept(self, run_id: str, number: int) -> tuple[int, ...]:
        """The statements of a step that the journal says are done."""
        rows = self._tables.query_all(READ_KEPT, (run_id, number))
        return tuple(int(statement) for (statement,) in rows)

    def has_run(self, plan: Plan) -> bool:
        """Whether this plan was begun here, or one of the same intent was fully applied."""
        return self._tables.query_one(FIND_RUN, (plan.digest, plan.intent_digest)) is not None

    def read_plan(self, run_id: str) -> Plan:
        """The plan that a run applied, as the run recorded it.

        Raises:
            InvalidPlan: it was altered since, or cannot be read.
        """
        from lockgate.executors.ledger.recorded_plan import parse_recorded

        (text,) = self._tables.query_one(READ_PLAN, (run_id,)) or ("",)
        more = self._read_pieces(PIECES_OF_RUN, run_id)
        return parse_recorded(text + more.get(run_id, ""), run_id)

    def _read_pieces(self, sql: str, *parameters: str) -> dict[str, str]:
        """By its run, what a plan has beyond its first piece."""
        if OWN_NAMES["plans"] not in self._tables.tables.names:  # an older lockgate's ledger
            return {}
        rows = self._tables.query_all(sql, parameters)
        runs = groupby(rows, key=lambda row: str(row[0]))
        return {run_id: "".join(text for _, text in pieces) for run_id, pieces in runs}

    def read_finished(self, plan: Plan) -> FinishedRun | None:
        """The newest run that has fully applied this plan, or one of the same intent."""
        row = self._tables.query_one(READ_FINISHED, (plan.digest, plan.intent_digest))
        if row is None:
            return None
        from lockgate.planner.plan.receipt import FinishedRun

        run_id, digest, actor, approvers, tool, started, finished, receipt, job, emergency = row
        return FinishedRun(
            run_id, digest, actor, tuple(approvers.split(BETWEEN)) if approvers else (),
            tool, as_utc(started), as_utc(finished), receipt or "", read_job(job), emergency or "",
        )  # fmt: skip
