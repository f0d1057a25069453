"""The ledger and its fence, the serial, in SQL that every engine understands.

The names in its SQL are those of `named_tables`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.named_tables import LedgerTables
from lockgate.executors.ledger.rows import (
    job_text,
    plan_pieces,
    read_entries,
    rebound_text,
    run_values,
)
from lockgate.executors.ledger.runs import ENDED_WELL, HALF_WAY, READ_RECORDINGS, Runs
from lockgate.executors.ledger.tables import OWN_NAMES
from lockgate.executors.states import UNDER_WAY, Outcome, RunStatus, listed
from lockgate.planner.database.ledger import Identity, Ledger
from lockgate.planner.errors import Unreachable, Unresolved

if TYPE_CHECKING:
    from lockgate.executors.apply import Author
    from lockgate.executors.engine import Run, Survey
    from lockgate.planner.plan.plan import Step

READ_TARGET = "select uuid, project, environment, evidence, serial from {target} {plain}"
READ_HISTORY = "select version, name, checksum, applied_at from {history} {plain}"
READ_UNRESOLVED = (
    f"select distinct r.plan_digest from {{runs}} r {{plain}} where r.id in {HALF_WAY}"
)
BEGIN_RUN = (
    "insert into {runs} (id, plan_digest, intent_digest, direction, environment, status, actor, "
    "tool_version, approvers, job, emergency, started_at, plan) "
    "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, {now}, %s)"
)
ADD_PIECE = "insert into {plans} (run_id, piece, text) values (%s, %s, %s)"
# Anyone who was interrupted writes its run's end without the lock: another may have finished it.
FINISH_RUN = (
    "update {runs} set status = %s, error = %s, finished_at = {now} "
    f"where id = %s and status not in {ENDED_WELL} and {{ledger.alone}}"
)
NOTE_RUN = "update {runs} set error = %s where id = %s and {ledger.alone}"
SET_STATUS = "update {runs} set status = %s where id = %s and {ledger.alone}"
RESUME_RUN = (
    f"update {{runs}} set status = '{RunStatus.APPLYING}', error = null, finished_at = null, "
    "actor = %s, tool_version = %s, job = %s where id = %s and {ledger.alone}"
)
# Anyone who begins a run holds the lock, so one that says it is under way has died. The journal
# knows of one that died half-way.
CLOSE_DEAD_RUNS = (
    f"update {{runs}} set status = '{RunStatus.STOPPED}', finished_at = {{now}}, "
    "error = 'the process ended before it could say how; the history says what is kept' "
    f"where status in {listed({*UNDER_WAY, RunStatus.COMPENSATING})} and id not in {HALF_WAY}"
)
FORGET_INTENT = (
    "delete from {journal} where run_id = %s and step = %s and statement = %s and {ledger.alone}"
)
NOTE_DONE = (
    f"update {{journal}} set outcome = '{Outcome.DONE}', done_at = {{now}} "
    "where run_id = %s and step = %s and statement = %s and {ledger.alone}"
)
FORGET_RUN = "delete from {journal} where run_id = %s and {ledger.alone}"
FORGET_STEP = "delete from {journal} where run_id = %s and step = %s and {ledger.alone}"
READ_ERROR = "select error from {runs} {plain} where id = %s"
KEEP_RECEIPT = "update {runs} set receipt = %s where id = %s and {ledger.alone}"
REBIND = (
    "update {target} set uuid = %s, project = %s, environment = %s, evidence = %s "
    "where {ledger.alone}"
)
NOTE_REBIND = (
    "insert into {runs} (id, plan_digest, intent_digest, direction, environment, status, actor, "
    "tool_version, started_at, finished_at, plan) "
    f"values (%s, %s, %s, 'bind', %s, '{RunStatus.CLEANED}', %s, %s, {{now}}, {{now}}, %s)"
)


class Store(LedgerTables):
    """What the database holds for lockgate, read and written by portable SQL."""

    @cached_property
    def runs(self) -> Runs:
        """What is noted of runs."""
        return Runs(self)

    def read_ledger(self) -> Ledger:
        """The ledger under one snapshot; an empty one where lockgate's tables do not exist."""
        tables = self.tables
        sources = [READ_HISTORY] * bool(tables.columns)
        sources += [READ_TARGET, READ_UNRESOLVED, READ_RECORDINGS] * tables.complete
        if not sources:
            return Ledger()
        found = self.session.read_together(map(self.named, sources))
        rows = dict(zip(sources, found, strict=True))
        target = rows.get(READ_TARGET)
        uuid, project, environment, evidence, serial = target[0] if target else (None,) * 5
        return Ledger(
            identity=Identity(str(uuid), project, environment, evidence) if target else None,
            serial=int(serial or 0),
            entries=read_entries(rows.get(READ_HISTORY, [])),
            unresolved=tuple(digest for (digest,) in rows.get(READ_UNRESOLVED, [])),
            recordings=self.runs.as_recordings(rows.get(READ_RECORDINGS, [])),
        )

    @abstractmethod
    def ensure_tables(self, identity: Identity) -> None:
        """Makes lockgate's tables where they do not exist, and the identity where there is none."""

    @abstractmethod
    def begin_run(self, run: Run, identity: Identity) -> None:
        """`ensure_tables`, and the run's row; durable on return."""

    @abstractmethod
    def record_migration(self, step: Step, serial: int) -> None:
        """Enters an up step in the history table, or takes a down step's row out of it, and moves
        the serial on by one.

        Raises:
            Locked: the serial is not `serial`: another executor has written.
        """

    def beginning(self, run: Run, status: RunStatus) -> Iterator[tuple[str, tuple[object, ...]]]:
        """The statements that note a run and its plan, each with its parameters."""
        for number, piece in enumerate(plan_pieces(run)):
            if number:
                yield ADD_PIECE, (run.id, number, piece)
            else:
                yield BEGIN_RUN, run_values(run, status, piece)

    def resume_run(self, run: Run) -> None:
        """Notes that an interrupted run goes on; durable on return."""
        for sql in self.tables.missing({}):
            self.write((sql, ()))
        self._forget_tables()
        values = (run.actor, run.tool_version, job_text(run.job), run.id)
        self.write((RESUME_RUN, values))

    def finish_run(self, run_id: str, status: RunStatus, error: str = "") -> None:
        """Notes how a run ended, unless it is noted as fully applied; durable on return."""
        self.write((FINISH_RUN, (status, error, run_id)))

    def stuck(self, run: Run, error: Unresolved) -> Unresolved:
        """The error of a run that cannot go on, when it is noted in the run."""
        try:
            self.finish_run(run.id, RunStatus.STUCK, error.what)
        except (Unreachable, ServerError) as hindered:
            error.add_note(f"The run's end could not be noted: {hindered}")
        return error

    def keep_receipt(self, run_id: str, text: str) -> None:
        """Notes a run's receipt; durable on return."""
        self.write((KEEP_RECEIPT, (text, run_id)))

    @abstractmethod
    def keep_digests(self, run_id: str, by: str, survey: Survey) -> None:
        """Notes what a run leaves, in place of what another has left: a digest of each
        object; `by` is what has read them. Durable on return."""

    def settle_run(self, run_id: str, reason: str, journal: str = FORGET_RUN) -> None:
        """Notes that a person has settled an interrupted run, and does with its journal what is
        given."""
        before = self.query_one(READ_ERROR, (run_id,))
        error = before[0] if before else ""
        told = f"{error or ''}; {reason}".removeprefix("; ")
        self.write((journal, (run_id,)), (FINISH_RUN, (RunStatus.RESOLVED, told, run_id)))

    def rebind(self, before: Identity, identity: Identity, author: Author) -> None:
        """Gives the database a new identity, and notes that among the runs; the serial and the
        history of migrations stay."""
        from lockgate.planner.document import UNSEALED

        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        noted = (author.new_id(), UNSEALED, UNSEALED, identity.environment, author.actor,
                 author.tool_version, rebound_text(before, identity))  # fmt: skip
        self.write((REBIND, values), (NOTE_REBIND, noted))

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Changes the ledger's tables outside of a run's own transactions: all of these statements
        or none, each with its parameters; durable on return."""
        with self.transaction() if len(statements) > 1 else nullcontext():
            for sql, parameters in statements:
                self.execute(sql, parameters)

    def rename_table(self, schema: str, name: str, to: str) -> None:
        """Renames another tool's table, which is in the session's database."""
        quote = self.session.quote
        place = f"{quote(schema)}.{quote(name)}"
        self.session.execute(f"alter table {place} rename to {quote(to)}")

    def drop_tables(self) -> None:
        """Drops lockgate's own tables, in one statement: all of them, or none where the server
        drops by transactions."""
        session, found = self.session, self.tables
        names = sorted(found.names & {*OWN_NAMES.values()})
        names += [session.history_name] * bool(found.columns)
        schema = session.quote(session.history_schema)
        session.execute(f"drop table {', '.join(f'{schema}.{session.quote(n)}' for n in names)}")
        self._tables = None
