"""Running of a step outside of a transaction on PostgreSQL: statement by statement, journaled.

A statement that does not commit by itself is one transaction with its row in the journal. Of the
others the journal has the intent, and a look at the database says more, or it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lockgate.executors.commit_outcome import commit_of
from lockgate.executors.events import Emit, StatementSkipped, UnitCommitted
from lockgate.executors.failure import ServerError, StepFailed
from lockgate.executors.ledger.store import FORGET_INTENT, FORGET_STEP, NOTE_DONE
from lockgate.executors.lock import lost_lock
from lockgate.executors.polling import try_again
from lockgate.executors.postgresql.own_settings import ENTER_LOCALLY, LEAVE
from lockgate.executors.postgresql.pipeline import Command, CommandFailed, CommandResult
from lockgate.executors.postgresql.units.concurrent_index import (
    ConcurrentBuild,
    find_build,
    happened,
    invalid_indexes,
)
from lockgate.executors.postgresql.units.condition import is_met
from lockgate.executors.postgresql.units.transaction import (
    LOST_TO_OTHERS,
    Mark,
    command_of,
    commit_unit,
    end_of_step,
    end_of_unit,
    read_outcomes,
    reading_of,
    step_failed,
)
from lockgate.executors.run_errors import gone_state, half_unlocked, unknown_statement
from lockgate.executors.states import Outcome
from lockgate.planner.errors import Locked, LockgateError, Unreachable

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Run
    from lockgate.executors.postgresql.engine import PostgreSQL
    from lockgate.planner.plan.plan import Unit
    from lockgate.planner.plan.statement import StatementReading

# A section may have left a role that must not write the journal, or limits too short for it: they
# go first, by the shortest statement that there is.
OWN_WAY = (
    "set local statement_timeout = 0", "set local lock_timeout = 0",
    ENTER_LOCALLY, "set local session authorization default", "set local role to default",
)  # fmt: skip
# The same after a statement that is no block's, where SET LOCAL is refused by some versions.
OWN_WAY_BEHIND = f"""
{ENTER_LOCALLY}, pg_catalog.set_config(name, value, true) from (values
    ('session_authorization', null), ('role', null), ('statement_timeout', '0'),
    ('lock_timeout', '0')) settings (name, value)
"""
READ_ONLY = "select where pg_catalog.current_setting('default_transaction_read_only') = 'on'"

# DETACH PARTITION … CONCURRENTLY notes itself in a first transaction, for FINALIZE to end:
# https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
# PostgreSQL 13 has no such column, nor such a statement, of which nothing is left then.
HALF_DETACHED = """
select format('the partition %1$s, half detached (`alter table %2$s detach partition %1$s '
    'finalize` ends that)', inhrelid::regclass, inhparent::regclass)
from pg_inherits i where to_jsonb(i) ->> 'inhdetachpending' = 'true'
"""


def run_outside(
    engine: PostgreSQL,
    run: Run,
    unit: Unit,
    serial: int,
    journal: Journal | None,
    emit: Emit,
) -> None:
    """Runs a step's statements one by one, each journaled before and after.

    A crash leaves the statements that the journal has as done, and perhaps the one after
    them; applying the plan again goes on after the last that is known.

    Raises:
        StepFailed: the server refused a statement; says which are kept.
        Unresolved: the connection was lost, and one statement's outcome is unknown; or the lock
            was, and statements are kept; or the step cannot go on.
    """
    _refuse_unknown(engine, run, unit, journal)
    rest = _Rest(engine, run, unit, journal, emit)
    try:
        try_again(engine.session.lock_retries, LOST_TO_OTHERS, emit, rest.run, rest.can_go_on)
        record_end(engine, run, unit, serial, emit)
    except Locked as lost:
        raise _say_unlocked(engine, run, unit, lost) from lost
    emit(UnitCommitted(unit.first, unit.first))


def _refuse_unknown(engine: PostgreSQL, run: Run, unit: Unit, journal: Journal | None) -> None:
    """Raises Unresolved when a statement of this unit's step was begun by a run that has ended,
    and it is not known whether it happened."""
    (step,) = unit.steps
    for (number, place), outcome in sorted(journal.outcomes.items() if journal else ()):
        if number != unit.first or outcome is Outcome.DONE:
            continue
        reading = reading_of(step.statements[place - 1])
        left = set() if reading.repeatable else _left_over(engine, reading)
        if not reading.settles or (left and _rebuilds(reading)):
            raise engine.store.stuck(run, unknown_statement(step, place, _spell(left)))


class _Rest:
    """The statements of a step that are not done; what is done is asked again for each attempt."""

    def __init__(
        self, engine: PostgreSQL, run: Run, unit: Unit, journal: Journal | None, emit: Emit
    ) -> None:
        self._engine, self._run, self._unit, self._emit = engine, run, unit, emit
        self._journal = journal

    def run(self) -> None:
        """Runs them."""
        _run_statements(self._engine, self._run, self._unit, self._journal, self._emit)

    def can_go_on(self, failed: StepFailed) -> bool:
        """Whether what is done has left only settings in its session, which are set again."""
        self._journal = self._engine.store.runs.read_journal(self._run.plan.digest)
        statements = self._unit.steps[0].statements
        return all(reading_of(statements[place - 1]).leaves != "unknown" for place in failed.kept)


def give_up_begun(engine: PostgreSQL, run: Run, unit: Unit) -> None:
    """After a signal: takes back the intents of statements of which nothing is kept. An index that
    is built or dropped in several transactions may be there, or invalid: such an intent stays, for
    the next run to look with the settings of its section.

    Nothing is written without the lock, which may have gone with the session that was ended: who
    has it now has seen the intents. Where the server cannot be asked, the next run looks.
    """
    (step,) = unit.steps
    with suppress(Unreachable, ServerError):
        engine.session.transact(engine.session.reset_commands(None))
        journal = engine.store.runs.read_journal(run.plan.digest) if _has_lock(engine) else None
        for (number, place), outcome in journal.outcomes.items() if journal else ():
            reading = reading_of(step.statements[place - 1])
            if not outcome and reading.repeatable and not reading.concurrent:
                _journal(engine, FORGET_INTENT, (run.id, number, place))


def _has_lock(engine: PostgreSQL) -> bool:
    """Whether this session holds the migration lock, which it takes if that is free."""
    try:
        engine.lock.prove()
    except Locked:
        return engine.lock.take()
    return True


def _run_statements(
    engine: PostgreSQL, run: Run, unit: Unit, journal: Journal | None, emit: Emit
) -> None:
    """Runs what is not done, each in a session as the statements before it have left theirs."""
    (step,) = unit.steps
    outcomes = journal.outcomes if journal else {}
    known = [outcomes.get((unit.first, place)) for place in range(1, len(step.statements) + 1)]
    rest = [
        one
        for one, outcome in zip(step.statements, known, strict=True)
        if outcome is not Outcome.DONE
    ]
    if Outcome.DONE in known and all(one.is_idle for one in rest):
        return
    engine.session.execute(LEAVE)
    for place, (statement, outcome) in enumerate(zip(step.statements, known, strict=True), 1):
        mark = Mark(unit.first, step, place, statement)
        if outcome is Outcome.DONE:
            _restore(engine, run, mark)
        elif statement.is_idle:
            if all(later is None for later in known[place:]):
                _run_idle(engine, run, mark, emit)
        elif outcome is None or not _settle(engine, run, mark):
            if statement.condition and not is_met(engine.session, statement.condition):
                emit(StatementSkipped(mark.number, step, place, statement))
                continue
            _run_journaled(engine, run, mark, emit)


def _restore(engine: PostgreSQL, run: Run, mark: Mark) -> None:
    """Sets again what a statement that is done had set, in a session that is gone.

    Raises:
        Unresolved: it may have left what cannot be restored.
    """
    assert mark.statement is not None
    left = mark.reading.leaves
    reason = "its session has ended"
    if left == "settings":
        try:
            engine.session.execute(mark.statement.sql)
            return
        except ServerError as error:
            reason = str(error)
    if left != "nothing":
        engine.session.transact(engine.session.reset_commands(None))
        raise engine.store.stuck(run, gone_state(mark.step, mark.place, reason))


def _settle(engine: PostgreSQL, run: Run, mark: Mark) -> bool:
    """Whether a statement that was begun by a run that has ended took effect; journals it.

    Asked under the lock, so that the statement has ended too, no matter who ran it.
    """
    done = bool(happened(mark.reading.concurrent, engine.session))
    _journal(engine, NOTE_DONE if done else FORGET_INTENT, (run.id, mark.number, mark.place))
    return done


def record_end(engine: PostgreSQL, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
    """The history's row and the end of the journal, in one transaction."""
    own = Mark(unit.first, unit.steps[0])
    ending = [
        Command("begin read write", own),
        *(Command(sql, own) for sql in OWN_WAY),
        *engine.store.guard_commands(own),
        *engine.session.reset_commands(own),
        end_of_step(engine, own, serial),
        engine.store.own_command(FORGET_STEP, (run.id, unit.first), own),
        *end_of_unit(engine, run, unit),
    ]
    try:
        read_outcomes(engine.session.pipelined(ending), emit)
        commit_unit(engine, own, commit_of(run, unit, serial), emit)
    except CommandFailed as failed:
        engine.session.roll_back()
        engine.session.transact(engine.session.reset_commands(None))
        raise step_failed(failed, kept=engine.store.runs.read_kept(run.id, unit.first)) from failed


def _say_unlocked(engine: PostgreSQL, run: Run, unit: Unit, lost: Locked) -> LockgateError:
    """What a lost lock means: nothing more is written, and the journal tells of the rest."""
    places: tuple[int, ...] = ()
    with suppress(Unreachable, ServerError):
        engine.session.roll_back()
        engine.session.transact(engine.session.reset_commands(None))
        places = engine.store.runs.read_kept(run.id, unit.first)
    return half_unlocked(lost, unit.steps[0], places) if places else lost


def _run_journaled(engine: PostgreSQL, run: Run, mark: Mark, emit: Emit) -> None:
    assert mark.statement is not None
    reading, key = mark.reading, (run.id, mark.number, mark.place)
    build = find_build(reading.concurrent, engine.session)
    before = _left_over(engine, reading)
    writable = write_intent(engine, (*key, mark.statement.digest))
    if build:
        _remove_invalid(engine, build, emit)
    noting = writable and reading.commits == "never" and not reading.outside_only
    commands = _noted(engine, run, mark) if noting else [command_of(mark)]
    with engine.session.watching(emit) as watch:
        try:
            with _patiently(engine, mark):
                outcomes = list(engine.session.pipelined(commands, watch))  # and kept, by its end
        except CommandFailed as failed:
            doubt = _clean_up(engine, reading, build, before, emit)
            if doubt is None:
                _journal(engine, FORGET_INTENT, key)
            kept = engine.store.runs.read_kept(run.id, mark.number)
            raise step_failed(failed, watch.blockers, kept, doubt) from failed
    if not noting:
        _journal(engine, NOTE_DONE, key)
    read_outcomes([outcome for outcome in outcomes if outcome.command.report], emit)


def _run_idle(engine: PostgreSQL, run: Run, mark: Mark, emit: Emit) -> None:
    """Runs what does nothing, and needs no journal for that: until a later statement was begun,
    which may make what this one names, it may run again."""
    before = _left_over(engine, mark.reading)
    try:
        outcomes = list(engine.session.pipelined([command_of(mark)]))
    except CommandFailed as failed:
        doubt = _clean_up(engine, mark.reading, None, before, emit)
        kept = engine.store.runs.read_kept(run.id, mark.number)
        raise step_failed(failed, (), kept, doubt) from failed
    read_outcomes(outcomes, emit)


def _noted(engine: PostgreSQL, run: Run, mark: Mark) -> list[Command[Mark]]:
    """A statement with its outcome in the journal, as one transaction."""
    place = (run.id, mark.number, mark.place)
    noting = [
        Command(OWN_WAY_BEHIND, mark),
        *engine.store.guard_commands(mark),
        engine.store.own_command(NOTE_DONE, place, mark),
    ]
    return [Command("begin", mark), command_of(mark), *noting, Command("commit", mark)]


def _remove_invalid(engine: PostgreSQL, build: ConcurrentBuild, emit: Emit) -> None:
    """Takes away what a failed build has left; waits for all who use its table, and tells. An
    index that another session is building is waited for, and may be a good one after that."""
    left = build.removal(engine.session)
    if left is None:
        return
    with engine.session.watching(emit) as watch, engine.session.patient():
        try:
            if left.wait:
                waiting = [Command(sql, None) for sql in ("begin", left.wait, "commit")]
                list(engine.session.pipelined(waiting, watch))
                left = build.removal(engine.session)
            if left:
                list(engine.session.pipelined([Command(left.drop, None)], watch))
        except CommandFailed as failed:
            engine.session.roll_back()
            raise failed.error from failed


def _clean_up(
    engine: PostgreSQL,
    reading: StatementReading,
    build: ConcurrentBuild | None,
    before: set[str],
    emit: Emit,
) -> str | None:
    """After a refused statement, whose transaction and settings end here: why it may have kept a
    part of its work, perhaps without a word; None when it has kept nothing."""
    engine.session.roll_back()
    engine.session.transact(engine.session.reset_commands(None))
    try:
        if build:
            _remove_invalid(engine, build, emit)
            return None
    except ServerError as error:  # what the server said of the statement itself comes first
        return f"The invalid index that it has left could not be dropped: {error}"
    left = _left_over(engine, reading) - before
    is_unseen = reading.commits == "may" and not _detaches(reading)
    return _spell(left) if left or is_unseen else None


def _left_over(engine: PostgreSQL, reading: StatementReading) -> set[str]:
    """What there is of what such a statement leaves half done: invalid indexes, or partitions that
    are not fully detached; each as a noun with what to do about it."""
    if reading.concurrent or _rebuilds(reading):
        return invalid_indexes(reading.concurrent, engine.session)
    rows = engine.session.look(HALF_DETACHED) if _detaches(reading) else ()
    return {left for (left,) in rows}


def _spell(left: set[str]) -> str:
    """As a sentence; empty where nothing is left."""
    return f"There is {', '.join(sorted(left))}." if left else ""


def _rebuilds(reading: StatementReading) -> bool:
    """Whether it rebuilds indexes; such a one can be run again."""
    return reading.kind.startswith("reindex")


def _detaches(reading: StatementReading) -> bool:
    """Whether it detaches a partition concurrently, in two transactions."""
    return reading.kind == "alter table" and reading.outside_only


@contextmanager
def _patiently(engine: PostgreSQL, mark: Mark) -> Iterator[None]:
    """Without a lock timeout for what runs CONCURRENTLY: it blocks no session while it waits, and
    it waits for every old transaction, at its end too, when all the work would be lost."""
    own = any("lock_timeout" in reading_of(statement).names for statement in mark.step.statements)
    if own or not mark.reading.concurrent:
        yield
        return
    with engine.session.patient():
        yield


def write_intent(engine: PostgreSQL, values: tuple[object, ...]) -> bool:
    """Writes an intent; whether the transaction of the statement itself may write as well.

    Raises:
        Locked: this session does not hold the lock any more; nothing was written.
    """
    commands = (Command(READ_ONLY, None), engine.store.intend_command(values, None))
    read_only, intended = _by_own_way(engine, *commands)[-2:]
    if intended.rows != 1:
        raise lost_lock()
    return not read_only.rows


def _journal(engine: PostgreSQL, sql: str, values: tuple[object, ...]) -> None:
    _by_own_way(engine, engine.store.own_command(sql, values, None))


def _by_own_way(engine: PostgreSQL, *commands: Command[None]) -> list[CommandResult[None]]:
    """The outcomes of lockgate's own commands, whatever the section has set."""
    return engine.store.transact(commands, before=[Command(own, None) for own in OWN_WAY])
