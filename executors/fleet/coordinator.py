"""The coordinator: what is noted of a fleet's runs, and the lock that lets one driver at a time
advance them.

Truth lies in each target's ledger: what is noted here may be lost, and is made again from there.
It must hold no address and no SQL of a target but the plan itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from lockgate.executors.events import Emit
from lockgate.executors.failure import ServerError
from lockgate.executors.fleet.crew import TargetResult, TargetState
from lockgate.executors.fleet.tables import CREATE, TYPES
from lockgate.executors.ledger.rows import as_utc
from lockgate.executors.ledger.tables import (
    FLEET,
    FLEET_PIECE,
    FLEET_RUN,
    FLEET_SIGNATURE,
    FLEET_TARGET,
)
from lockgate.planner.document import document_pieces
from lockgate.planner.errors import UsageError
from lockgate.planner.fleet.fleet_plan import FleetPlan
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine, Row

PIECE = 1 << 19
"""Bytes of a piece of a plan."""
LONGEST = 4000
"""Characters of a detail that are noted."""
RunState = Literal["running", "paused", "finished"]

BEGIN = (
    "insert into {run} (digest, project, environment, state, actor, approvers, wave, started_at, "
    "reason) values (%s, %s, %s, 'running', %s, %s, 0, {now}, '')"
)
ADD_PIECE = "insert into {piece} (digest, piece, text) values (%s, %s, %s)"
ADD_TARGET = (
    "insert into {target} (digest, name, wave, part, state, detail, run, changed_at) "
    "values (%s, %s, %s, %s, %s, '', '', {now})"
)
READ_RUNS = (
    "select digest, state, actor, approvers, wave, started_at, wave_ended_at, finished_at, reason "
    "from {run} where project = %s and environment = %s order by started_at desc"
)
READ_PIECES = "select text from {piece} where digest = %s order by piece"
READ_TARGETS = "select name, state, detail, run from {target} where digest = %s order by name"
NOTE_TARGET = (
    "update {target} set state = %s, detail = %s, run = %s, changed_at = {now} "
    "where digest = %s and name = %s"
)
NOTE_RUN = "update {run} set state = %s, reason = %s, actor = %s where digest = %s"
FINISH_RUN = (
    "update {run} set state = 'finished', reason = '', finished_at = {now} where digest = %s"
)
BEGIN_WAVE = "update {run} set wave = %s, wave_ended_at = null where digest = %s"
END_WAVE = "update {run} set wave_ended_at = {now} where digest = %s"
READ_AGE = "select {now}, wave_ended_at from {run} where digest = %s"
READ_PACE = (
    "select count(*), min(changed_at), {now} from {target} where digest = %s "
    "and state <> 'waiting' and changed_at >= (select max(changed_at) from {target} "
    "where digest = %s and state <> 'waiting') - interval {minute}"
)
FORGET = "delete from {target} where digest = %s"
READ_PROGRESS = "select state, wave from {run} where digest = %s"
READ_NOW = "select {now}"
READ_ENDED = (
    "select name, state, detail, run from {target} "
    "where digest = %s and state <> 'waiting' and changed_at >= %s"
)
AWAIT_AGAIN = (
    "update {target} set state = 'waiting', detail = '' "
    "where digest = %s and name = %s and state <> 'waiting'"
)
COUNT_STATES = (
    "select state, count(*) from {target} where digest = %s group by state order by state"
)
FORGET_SIGNATURES = "delete from {signature} where digest = %s"
ADD_SIGNATURE = "insert into {signature} (digest, name, text) values (%s, %s, %s)"
READ_SIGNATURES = "select name, text from {signature} where digest = %s order by name"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@frozen
class NotedRun:
    """What is noted of a run. Times have the UTC zone."""

    digest: str
    state: RunState
    actor: str
    approvers: tuple[str, ...]
    wave: int
    started_at: datetime
    wave_ended_at: datetime | None
    finished_at: datetime | None
    reason: str


class Coordinator:
    """The tables of a control database, by an open engine on it; the lock is that engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        session = engine.session
        self.schema = session.history_schema
        schema = session.quote(self.schema)
        names = {"run": FLEET_RUN, "target": FLEET_TARGET, "piece": FLEET_PIECE,
                 "signature": FLEET_SIGNATURE}  # fmt: skip
        self._names = {key: f"{schema}.{session.quote(name)}" for key, name in names.items()}

    @contextmanager
    def driving(self, emit: Emit) -> Iterator[None]:
        """The block as the one driver of the environment's runs; does not wait for another.

        Raises:
            Locked: another one drives.
            HistoryError: the tables are not lockgate's own.
        """
        with self._engine.lock.hold(0, emit):
            self.refuse_foreign()
            yield

    def refuse_foreign(self) -> None:
        """Raises HistoryError when a table is not lockgate's own, or has others' code on it."""
        self._engine.store.refuse_foreign(FLEET)

    def is_driven(self) -> bool:
        """Whether another session drives the environment's runs."""
        return self._engine.lock.holder() is not None

    def prove(self) -> None:
        """Raises Locked when this is not the driver any more."""
        self._engine.lock.prove()

    def begin(self, plan: FleetPlan, actor: str, approvers: Sequence[str]) -> NotedRun:
        """The run of a plan: begun, or going on after a pause."""
        self._make_tables()
        noted = self.find_run(plan)
        with self._engine.session.transaction():
            if noted is None:
                whose = (plan.project, plan.environment)
                self._write(BEGIN, (plan.digest, *whose, actor, ", ".join(approvers)[:LONGEST]))
                for number, text in enumerate(document_pieces(plan, PIECE)):
                    self._write(ADD_PIECE, (plan.digest, number, text))
                self._add_targets(plan)
            else:  # one that has ended stays its actor's
                owner = noted.actor if noted.state == "finished" else actor
                self._write(NOTE_RUN, ("running", "", owner, plan.digest))
        found = noted or self.find_run(plan)
        if found is None:
            raise UsageError("The run could not be noted in the control database.")
        return found

    def has_ended(self, plan: FleetPlan) -> bool:
        """Whether the run of a plan is noted as one that has ended."""
        noted = self.find_run(plan)
        return noted is not None and noted.state == "finished"

    def find_run(self, plan: FleetPlan) -> NotedRun | None:
        """What is noted of a plan's run."""
        return next(
            (run for run in self.read_runs(plan.project, plan.environment)
             if run.digest == plan.digest), None,
        )  # fmt: skip

    def read_runs(self, project: str, environment: str) -> list[NotedRun]:
        """The runs of an environment, the newest first; none where no table is."""
        try:
            rows = self._read(READ_RUNS, (project, environment))
        except ServerError:
            return []
        return [
            NotedRun(
                digest, state, actor, tuple(filter(None, approvers.split(", "))), wave,
                as_utc(started), ended and as_utc(ended), finished and as_utc(finished), reason,
            )
            for digest, state, actor, approvers, wave, started, ended, finished, reason in rows
        ]  # fmt: skip

    def read_plan_text(self, digest: str) -> str:
        """The plan of a run as canonical JSON; empty where it is not noted."""
        return "".join(text for (text,) in self._read(READ_PIECES, (digest,)))

    def read_results(self, digest: str) -> dict[str, TargetResult]:
        """How each target of a run was noted, by name."""
        return {
            name: TargetResult(name, TargetState(state), detail, run)
            for name, state, detail, run in self._read(READ_TARGETS, (digest,))
        }

    def read_ended(
        self, digest: str, since: datetime | None, overlap: float
    ) -> tuple[list[TargetResult], datetime]:
        """The targets of a run that have ended since a moment, and now, by the control database's
        clock; some seconds before that moment are read again. None: all."""
        ((now,),) = self._read(READ_NOW, ())
        after = since - timedelta(seconds=overlap) if since else LONG_AGO
        rows = self._read(READ_ENDED, (digest, after))
        results = [
            TargetResult(name, TargetState(state), detail, run) for name, state, detail, run in rows
        ]
        return results, as_utc(now)

    def read_progress(self, digest: str) -> tuple[RunState, int] | None:
        """The state of a run, and the wave that is under way; None: it is not noted."""
        rows = self._read(READ_PROGRESS, (digest,))
        return (rows[0][0], rows[0][1]) if rows else None

    def estimate(self, digest: str) -> float | None:
        """The seconds that a run will still take, at the pace of the last minutes in which targets
        ended; None: none has ended yet, or none is left."""
        counts = self.count_states(digest)
        left = counts.get(TargetState.WAITING, 0)
        ((ended, first, now),) = self._read(READ_PACE, (digest, digest))
        if not left or not ended:
            return None
        return left * (as_utc(now) - as_utc(first)).total_seconds() / int(ended)

    def await_again(self, digest: str, names: Iterable[str]) -> None:
        """Notes that targets are done again, or for the first time."""
        with self._engine.session.transaction():
            for name in names:
                self._write(AWAIT_AGAIN, (digest, name))

    def keep_signatures(self, digest: str, signatures: Mapping[str, str]) -> None:
        """Replaces the signatures of a run's plan, by their files' names."""
        with self._engine.session.transaction():
            self._write(FORGET_SIGNATURES, (digest,))
            for name, text in signatures.items():
                self._write(ADD_SIGNATURE, (digest, name, text))

    def read_signatures(self, digest: str) -> dict[str, str]:
        """The signatures of a run's plan, by their files' names."""
        rows = self._read(READ_SIGNATURES, (digest,))
        return {str(name): str(text) for name, text in rows}

    def count_states(self, digest: str) -> dict[str, int]:
        """How many targets of a run are in each state."""
        rows = self._read(COUNT_STATES, (digest,))
        return {str(state): int(number) for state, number in rows}

    def note(self, digest: str, results: Iterable[TargetResult]) -> None:
        """Notes how targets ended; durable on return."""
        with self._engine.session.transaction():
            for one in results:
                values = (one.state, one.detail[:LONGEST], one.run, digest, one.name)
                self._write(NOTE_TARGET, values)

    def rebuild(self, plan: FleetPlan, results: Iterable[TargetResult]) -> None:
        """Replaces what is noted of a run's targets by what they have said themselves."""
        with self._engine.session.transaction():
            self._write(FORGET, (plan.digest,))
            self._add_targets(plan)
        self.note(plan.digest, results)

    def begin_wave(self, digest: str, wave: int) -> None:
        """Notes which wave is under way."""
        self._write(BEGIN_WAVE, (wave, digest))

    def end_wave(self, digest: str) -> None:
        """Notes that all of the wave have ended: its soak begins."""
        self._write(END_WAVE, (digest,))

    def soaked(self, digest: str) -> float:
        """The seconds since the wave has ended, by the control database's clock."""
        ((now, ended),) = self._read(READ_AGE, (digest,))
        return (as_utc(now) - as_utc(ended)).total_seconds() if ended else 0.0

    def pause(self, digest: str, actor: str, reason: str) -> None:
        """Notes why a run goes no further for now."""
        self._write(NOTE_RUN, ("paused", reason[:LONGEST], actor, digest))

    def finish(self, digest: str) -> None:
        """Notes that every target of a run has ended."""
        self._write(FINISH_RUN, (digest,))

    def _add_targets(self, plan: FleetPlan) -> None:
        """Of those that something is to be done with."""
        for number, group in enumerate(plan.groups):
            for one in group.targets if group.plan.steps else ():
                values = (plan.digest, one.name, one.wave, number, TargetState.WAITING)
                self._write(ADD_TARGET, values)

    def _make_tables(self) -> None:
        dialect = self._engine.server.dialect
        types = TYPES["postgresql" if dialect.transactional_ddl else "mysql"]
        for sql in CREATE:
            self._engine.session.execute(sql.format(**self._names, **types))

    def _write(self, sql: str, values: Sequence[object]) -> None:
        self._engine.session.execute(self._spelled(sql), values)

    def _read(self, sql: str, values: Sequence[object]) -> list[Row]:
        return self._engine.session.query_all(self._spelled(sql), values)

    def _spelled(self, sql: str) -> str:
        minute = "'5 minutes'" if self._engine.server.dialect.transactional_ddl else "5 minute"
        return sql.format(now=self._engine.store.clock, minute=minute, **self._names)
