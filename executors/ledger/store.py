"""The ledger's tables in SQL that every engine understands; an engine adds what differs.

`{history}`, `{target}`, `{runs}` and `{journal}` are the qualified, quoted table names, and `{now}`
is the server's clock: the time at which it is asked, not at which a transaction began. What knows
plans is imported when one is read: `status` reads the ledger alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lockgate.executors.engine import Journal, PastRun, Row, Run
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.rows import (
    BETWEEN,
    as_utc,
    job_text,
    read_entries,
    read_job,
    read_past,
    read_stored,
)
from lockgate.executors.ledger.tables import OWN_NAMES, Tables
from lockgate.executors.run_errors import unknown_statement
from lockgate.executors.states import SETTLED, UNDER_WAY, WHOLE, Outcome, RunStatus, listed
from lockgate.planner.database.ledger import Identity, Ledger
from lockgate.planner.errors import Locked, Unreachable, Unresolved

if TYPE_CHECKING:
    from lockgate.executors.events import LockHolder
    from lockgate.planner.building.stored_runs import StoredRun
    from lockgate.planner.plan.plan import Plan, Unit
    from lockgate.planner.plan.receipt import FinishedRun
    from lockgate.planner.plan.statement import PlannedStatement

READ_TARGET = "select uuid, project, environment, evidence, serial from {target}"
READ_HISTORY = "select version, name, checksum, applied_at from {history}"
# What a committed unit leaves in the journal is only to be cleared away, and so are the counters
# that a transaction which was rolled back has moved.
OPEN = f"coalesce(outcome, '') not in {listed(SETTLED)}"
HALF_WAY = f"(select run_id from {{journal}} where {OPEN})"
READ_UNRESOLVED = f"select distinct r.plan_digest from {{runs}} r where r.id in {HALF_WAY}"
PAST_RUN = (
    "select id, plan_digest, direction, status, actor, approvers, tool_version, started_at, "
    "finished_at, error, {job} from {runs} "
)
READ_RUNS = PAST_RUN + "order by started_at desc, id limit %s"
READ_RUN = PAST_RUN + "where id = %s"
ENDED_WELL = listed(WHOLE)
FIND_RUN = (
    "select 1 from {runs} where plan_digest = %s "
    f"or (intent_digest = %s and status in {ENDED_WELL})"
)
READ_INTERRUPTED = (
    "select j.run_id, j.step, j.statement, j.outcome from {journal} j "
    f"join {{runs}} r on r.id = j.run_id where r.plan_digest = %s and {OPEN}"
)
BEGIN_RUN = (
    "insert into {runs} (id, plan_digest, intent_digest, direction, environment, status, actor, "
    "tool_version, approvers, job, started_at, plan) "
    "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, {now}, %s)"
)
# Whoever was interrupted writes its run's end without the lock: another may have finished it.
FINISH_RUN = (
    "update {runs} set status = %s, error = %s, finished_at = {now} "
    f"where id = %s and status not in {ENDED_WELL}"
)
NOTE_RUN = "update {runs} set error = %s where id = %s"
SET_STATUS = "update {runs} set status = %s where id = %s"
RESUME_RUN = (
    f"update {{runs}} set status = '{RunStatus.APPLYING}', error = null, finished_at = null, "
    "actor = %s, tool_version = %s, job = %s where id = %s"
)
# Whoever begins a run holds the lock, so one that says it is under way has died. The journal
# knows of one that died half-way.
CLOSE_DEAD_RUNS = (
    f"update {{runs}} set status = '{RunStatus.STOPPED}', finished_at = {{now}}, "
    "error = 'the process ended before it could say how; the history says what is kept' "
    f"where status in {listed({*UNDER_WAY, RunStatus.COMPENSATING})} and id not in {HALF_WAY}"
)
INTEND = (
    "insert into {journal} (run_id, step, statement, digest, intent_at) "
    "values (%s, %s, %s, %s, {now})"
)
FORGET_INTENT = "delete from {journal} where run_id = %s and step = %s and statement = %s"
NOTE_DONE = (
    f"update {{journal}} set outcome = '{Outcome.DONE}', done_at = {{now}} "
    "where run_id = %s and step = %s and statement = %s"
)
FORGET_STEP = "delete from {journal} where run_id = %s and step = %s"
READ_APPLIED = "select id, plan_digest, status, started_at, plan from {runs} where direction = 'up'"
READ_PLAN = "select plan from {runs} where id = %s"
READ_FINISHED = (
    "select id, plan_digest, actor, approvers, tool_version, started_at, finished_at, receipt, "
    "{job} "
    "from {runs} where (plan_digest = %s or intent_digest = %s) "
    f"and status in {ENDED_WELL} order by started_at desc, id limit 1"
)
KEEP_RECEIPT = "update {runs} set receipt = %s where id = %s"
REBIND = "update {target} set uuid = %s, project = %s, environment = %s, evidence = %s"


class Store(ABC):
    """What the database holds for lockgate, read and written by portable SQL."""

    history_schema: str
    history_name: str
    tables: Tables | None = None
    clock: str
    lost_code: str  # what this engine's clients call a lost connection
    commit_wait: float = 30.0  # seconds to look for a commit whose answer was lost, or more

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int: ...

    @abstractmethod
    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]: ...

    @abstractmethod
    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        """The rows of several queries under one snapshot."""

    @abstractmethod
    def read_tables(self) -> Tables:
        """Which of lockgate's tables exist."""

    @abstractmethod
    def quote(self, identifier: str) -> str: ...

    @abstractmethod
    def leave(self) -> None:
        """Closes a session that was lost in a commit; its migration lock ends with it."""

    @abstractmethod
    def retake_lock(self) -> bool:
        """Opens a session in place of the one that was left, once, and takes the migration lock.

        False while others, or what is left of the lost session, hold the lock.

        Raises:
            Unreachable: the server is away.
            WrongTarget: another server has taken its place.
        """

    @abstractmethod
    def lock_holder(self) -> LockHolder | None: ...

    def lock_taken(self, wait: float) -> Locked:
        """The error of a lock that another session kept for so many seconds."""
        holder = self.lock_holder()
        who = f"{holder} holds it." if holder else "other sessions held it one after another."
        do = "Wait for the other run to end and try again"
        if holder:
            ending = f" with `{holder.ending}`" if holder.ending else ""
            who += f" {holder.standing}"
            do += f", or end its session{ending} if it is no run of yours"
            if holder.is_migrator is False:
                do = f"End that session{ending} and try again"
        return Locked(
            f"Could not get the migration lock within {wait:g} s: {who}",
            why="Two migrations of one database at once would run into each other.",
            do=f"{do}; `lock: {{wait: …}}` in the environment sets how long to wait.",
        )

    def transaction_outcome(self) -> bool | None:
        """Whether the transaction was committed that the lost session had open, by the server's
        own memory of transactions; None when it has none."""
        return None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("begin")
        try:
            yield
        except BaseException:
            with suppress(Unreachable):
                self.execute("rollback")
            raise
        self.execute("commit")

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        rows = self.query_all(sql, parameters)
        return rows[0] if rows else None

    def named(self, sql: str) -> str:
        """The SQL with the names of this database's tables."""
        schema = self.quote(self.history_schema)
        own = {part: f"{schema}.{self.quote(name)}" for part, name in OWN_NAMES.items()}
        return sql.format(
            now=self.clock,
            history=f"{schema}.{self.quote(self.history_name)}",
            job="job" if self.tables is None or self.tables.has_job else "null",
            **own,
        )

    def read_ledger(self) -> Ledger:
        tables = self._checked_tables()
        sources = [READ_HISTORY] * bool(tables.columns)
        sources += [READ_TARGET, READ_UNRESOLVED] * tables.complete
        if not sources:
            return Ledger()
        rows = dict(zip(sources, self.read_together(map(self.named, sources)), strict=True))
        target = rows.get(READ_TARGET)
        uuid, project, environment, evidence, serial = target[0] if target else (None,) * 5
        return Ledger(
            identity=Identity(str(uuid), project, environment, evidence) if target else None,
            serial=int(serial or 0),
            entries=read_entries(rows.get(READ_HISTORY, [])),
            unresolved=tuple(digest for (digest,) in rows.get(READ_UNRESOLVED, [])),
        )

    def read_runs(self, limit: int) -> list[PastRun]:
        if not self._checked_tables().complete:
            return []
        rows = self.query_all(self.named(READ_RUNS), (limit,))
        return list(map(read_past, rows))

    def read_run(self, run_id: str) -> PastRun:
        (row,) = self.query_all(self.named(READ_RUN), (run_id,))
        return read_past(row)

    def read_applied_plans(self) -> list[StoredRun]:
        if not self._checked_tables().complete:
            return []
        return [read_stored(row) for row in self.query_all(self.named(READ_APPLIED))]

    def read_journal(self, plan_digest: str) -> Journal | None:
        rows = self.query_all(self.named(READ_INTERRUPTED), (plan_digest,))
        if not rows:
            return None
        return Journal(
            rows[0][0], {(int(row[1]), int(row[2])): Outcome(row[3] or "") for row in rows}
        )

    def resume_run(self, run: Run) -> None:
        for sql in self._checked_tables().missing({}):
            self.execute(self.named(sql))
        self.forget_tables()
        values = (run.actor, run.tool_version, job_text(run.job), run.id)
        self.execute(self.named(RESUME_RUN), values)

    def can_tell(self, statement: PlannedStatement) -> bool:
        """Whether a look at the database says if a statement has happened."""
        return False

    def refuse_unknown(self, run: Run, unit: Unit, journal: Journal | None) -> None:
        """Raises Unresolved when a statement of this unit's step was begun by a run that has
        ended, and nobody can tell whether it happened."""
        for (number, place), outcome in sorted(journal.outcomes.items() if journal else ()):
            step = unit.steps[0]
            if number != unit.first or outcome is Outcome.DONE:
                continue
            if not self.can_tell(step.statements[place - 1]):
                raise self.stuck(run, unknown_statement(step, place))

    def stuck(self, run: Run, error: Unresolved) -> Unresolved:
        """The error of a run that cannot go on, when it is noted in the run."""
        try:
            self.finish_run(run.id, RunStatus.STUCK, error.what)
        except (Unreachable, ServerError) as hindered:
            error.add_note(f"The run's end could not be noted: {hindered}")
        return error

    def has_run(self, plan: Plan) -> bool:
        return self.query_one(self.named(FIND_RUN), (plan.digest, plan.intent_digest)) is not None

    def read_status(self, run_id: str) -> RunStatus | None:
        row = self.query_one(self.named("select status from {runs} where id = %s"), (run_id,))
        return RunStatus(row[0]) if row else None

    def read_plan(self, run_id: str) -> Plan:
        from lockgate.executors.ledger.recorded_plan import parse_recorded

        (text,) = self.query_one(self.named(READ_PLAN), (run_id,)) or ("",)
        return parse_recorded(text, run_id)

    def read_finished(self, plan: Plan) -> FinishedRun | None:
        row = self.query_one(self.named(READ_FINISHED), (plan.digest, plan.intent_digest))
        if row is None:
            return None
        from lockgate.planner.plan.receipt import FinishedRun

        run_id, digest, actor, approvers, tool, started, finished, receipt, job = row
        return FinishedRun(
            run_id, digest, actor, tuple(approvers.split(BETWEEN)) if approvers else (),
            tool, as_utc(started), as_utc(finished), receipt or "", read_job(job),
        )  # fmt: skip

    def keep_receipt(self, run_id: str, text: str) -> None:
        self.execute(self.named(KEEP_RECEIPT), (text, run_id))

    def settle_run(self, run_id: str, reason: str) -> None:
        self.close_run(run_id, reason, "delete from {journal} where run_id = %s")

    def close_run(self, run_id: str, reason: str, journal: str) -> None:
        """Notes that a person has settled a run, and does with its journal what is given."""
        with self.transaction():
            self.execute(self.named(journal), (run_id,))
            before = self.query_one(self.named("select error from {runs} where id = %s"), (run_id,))
            error = before[0] if before else ""
            told = f"{error or ''}; {reason}".removeprefix("; ")
            self.finish_run(run_id, RunStatus.RESOLVED, told)

    def finish_run(self, run_id: str, status: RunStatus, error: str = "") -> None:
        self.execute(self.named(FINISH_RUN), (status, error, run_id))

    def note_run(self, run_id: str, note: str) -> None:
        self.execute(self.named(NOTE_RUN), (note, run_id))

    def rebind(self, identity: Identity) -> None:
        self.execute(
            self.named(REBIND),
            (identity.uuid, identity.project, identity.environment, identity.evidence),
        )

    def kept(self, run_id: str, number: int) -> tuple[int, ...]:
        """The statements of a step that the journal says are done."""
        rows = self.query_all(
            self.named("select statement from {journal} where run_id = %s and step = %s "
                       f"and outcome = '{Outcome.DONE}' order by statement"),
            (run_id, number),
        )  # fmt: skip
        return tuple(int(statement) for (statement,) in rows)

    def forget_tables(self) -> None:
        """After some were made: what exists is asked again."""
        if self.tables and not self.tables.exist:
            self.tables = None

    def _checked_tables(self) -> Tables:
        """Which tables exist; asks until all do.

        Raises:
            HistoryError: a table of the ledger's names exists and is not lockgate's own.
            WrongTarget: the ledger has a history of another name.
        """
        if self.tables is None or not self.tables.exist:
            found = self.read_tables()
            found.refuse_foreign(self.history_name)
            found.refuse_renamed(self.history_schema, self.history_name)
            self.tables = found
        return self.tables


def lost_lock() -> Locked:
    """The error of an executor that finds another one at work."""
    return Locked(
        "The migration lock was lost: this session does not hold it any more, or another "
        "executor has changed the history.",
        why="Going on could run a migration twice. What was not yet committed was undone.",
        do="See `migrate status`, and run again.",
    )
