"""AUTO_INCREMENT counters beside transactions of journaled statements, which move them for good.

A note of them is durable before the first row is written, and deleted in the transaction itself:
so it is there exactly when that was rolled back, by whomever. Undoes nothing else.
https://dev.mysql.com/doc/refman/9.7/en/innodb-auto-increment-handling.html
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.lock import lost_lock
from lockgate.executors.mysql.undo.graveyard import Graveyard
from lockgate.executors.mysql.undo.intents import Before, read_moving_counters
from lockgate.executors.mysql.undo.statement_undo import Undo
from lockgate.executors.states import Outcome

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.planner.reading.reading import Reading

# Written by the guard's session, and only by who holds both halves of the lock.
NOTE = (
    "insert into {journal} (run_id, step, statement, digest, intent_at, outcome, image) "
    f"select %s, %s, %s, '', current_timestamp(6), '{Outcome.COUNTED}', %s from dual "
    "where is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s and {ledger.alone}"
)
FORGET = (
    "delete from {journal} where run_id = %s and step = %s and statement = %s and {ledger.alone}"
)
READ = f"select image from {{journal}} {{plain}} where outcome = '{Outcome.COUNTED}'"
FORGET_ALL = f"delete from {{journal}} where outcome = '{Outcome.COUNTED}' and {{ledger.alone}}"


class CounterNotes:
    """The notes of one section: what the open transaction may have moved so far."""

    def __init__(self, engine: MySQL, run_id: str, number: int) -> None:
        self._engine = engine
        self._key = run_id, number
        self._effects: set[tuple[object, ...]] = set()
        self._noted: set[str] = set()

    def add(self, place: int, effect: Reading) -> None:
        """Notes the counters that a statement may move and none before it has; the transaction
        is open. The note has the number of the statement, and is none: so it counts downwards.

        Raises:
            Locked: this executor does not hold the lock any more; nothing was written.
        """
        moving = effect.tables_written, effect.evaluates and effect.mentions
        if not any(moving) or moving in self._effects:
            return
        self._effects.add(moving)
        database = self._engine.server.database
        found = read_moving_counters(self._engine.session.observe, database, (effect,))
        counters = {name: found[name] for name in found.keys() - self._noted}
        if counters:
            self._noted |= counters.keys()
            self._write((*self._key, -place), Before(catalogue={}, counters=counters))

    def close(self) -> None:
        """After the transaction's end."""
        self._effects.clear()
        self._noted.clear()

    def _write(self, key: tuple[object, ...], before: Before) -> None:
        engine = self._engine
        values = (*key, before.model_dump_json(), *engine.lock.guard_proof())
        if engine.store.execute_aside(NOTE, values) != 1:
            raise lost_lock()
        engine.store.execute(FORGET, key)


def give_back_counters(engine: MySQL) -> None:
    """Sets back what transactions have moved that were rolled back, no matter whose; the caller
    holds the lock, and the work session is a new one afterwards.

    A counter stays where the role may not alter its table, as after any rollback. A crash leaves
    the notes, for the next run.
    """
    notes = engine.store.query_all(READ)
    if not notes:
        return
    undo = Undo(engine.session, Graveyard(engine.session))
    for table, counter in _earliest(Before.model_validate_json(image) for (image,) in notes):
        with suppress(ServerError):
            undo.restore_counter(table, counter)
    engine.lock.renew()
    engine.store.execute(FORGET_ALL)


def _earliest(notes: Iterable[Before]) -> Iterable[tuple[str, int]]:
    """Each table's lowest counter: they only grow."""
    found: dict[str, int] = {}
    for note in notes:
        for table, counter in note.counters.items():
            found[table] = min(counter, found.get(table, counter))
    return found.items()
