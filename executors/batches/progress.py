"""How far a statement in batches has come, as the ledger has it: `lockgate_batches`.

Runs no batch. Its row changes in the transaction of each batch, so it is exact whatever happens;
`asked` alone is written by others, who want the run to pause.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lockgate.executors.ledger.rows import as_utc
from lockgate.executors.states import Outcome
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.engine import Journal, Row
    from lockgate.executors.ledger.store import Store
    from lockgate.planner.plan.statement import Batch

KeyValue = int | Decimal | str | bytes
KeyValues = tuple[KeyValue, ...]
"""The values of a key: numbers, bytes, and of all other types the text that the server takes."""
Address = tuple[str, int, int]
"""A run, a step and a statement."""

COLUMNS = (
    "run_id, step, statement, pass_number, place, batches, walked, changed, changed_before, "
    "expected, next_size, busy_ms, state, asked, began_at, noted_at"
)
ONE = "run_id = %s and step = %s and statement = %s"
BEGIN = (
    f"insert into {{batches}} ({COLUMNS}) "
    "values (%s, %s, %s, 1, null, 0, 0, 0, 0, %s, %s, 0, '', '', {now}, {now})"
)
MARK_BATCHING = (
    f"update {{journal}} set outcome = '{Outcome.BATCHING}' where {ONE} and {{ledger.alone}}"
)
READ_ONE = f"select {COLUMNS} from {{batches}} {{plain}} where {ONE}"
# Those whose statement is not recorded as done.
READ_OPEN = (
    f"select {', '.join(f'b.{name}' for name in COLUMNS.split(', '))} "
    "from {batches} b {plain} join {journal} j {plain} on j.run_id = b.run_id and j.step = b.step "
    f"and j.statement = b.statement where j.outcome = '{Outcome.BATCHING}' order by b.began_at"
)
# Of one batch, in its transaction; an engine adds its fence. No other run may have moved it.
NOTE = (
    "update {batches} set place = %s, batches = batches + 1, walked = walked + %s, "
    "changed = changed + %s, next_size = %s, busy_ms = busy_ms + %s, state = '', noted_at = {now} "
    f"where {ONE} and batches = %s and pass_number = %s and {{ledger.alone}}"
)
WALK_AGAIN = (
    "update {batches} set pass_number = pass_number + 1, place = null, changed_before = changed, "
    f"noted_at = {{now}} where {ONE} and pass_number = %s and {{ledger.alone}}"
)
SAY = f"update {{batches}} set state = %s where {ONE} and {{ledger.alone}}"
ASK = f"update {{batches}} set asked = %s where {ONE} and {{ledger.alone}}"


@frozen
class Progress:
    """The row of one statement. `place` is the last key of the last batch, None before the first of
    a walk along the table, `pass_number` is which walk it is, from 1. `walked` are the keys that
    were passed, `changed` the rows that the statement said it changed, and `changed_before` those
    of earlier walks. `expected` are the rows of the table when the run began. `busy` are the
    seconds in batches. `state` says what the run waits for, and `asked` who wants it to pause; both
    are empty where there is nothing.
    """

    run_id: str
    step: int
    statement: int
    pass_number: int
    place: KeyValues | None
    batches: int
    walked: int
    changed: int
    changed_before: int
    expected: int | None
    size: int
    busy: float
    state: str
    asked: str
    began_at: datetime
    noted_at: datetime

    @property
    def address(self) -> Address:
        """Which statement it is."""
        return self.run_id, self.step, self.statement

    @property
    def rate(self) -> float | None:
        """Keys a second, pauses among them; None before the first batch."""
        seconds = (self.noted_at - self.began_at).total_seconds()
        return self.walked / seconds if self.walked and seconds > 0 else None

    @property
    def remaining(self) -> float | None:
        """About how many seconds are left of a first walk; None where that is not known."""
        if not (self.rate and self.expected) or self.pass_number > 1:
            return None
        return max(self.expected - self.walked, 0) / self.rate


def note_begun(
    store: Store, address: Address, batch: Batch, journal: Journal | None,
    intend: Callable[[], object], count: Callable[[], int | None],
) -> None:  # fmt: skip
    """Notes that a statement has begun, where no run before this one has: `intend` writes the
    intent, `count` estimates the rows of its table.

    A crash after the intent leaves it without a row of its progress: then no batch has begun.
    """
    outcome = journal.outcomes.get(address[1:]) if journal else None
    if outcome is Outcome.BATCHING and read_progress(store, address):
        return
    if outcome is None:
        intend()
    values = (*address, count() or batch.rows, batch.size)
    store.write((MARK_BATCHING, address), (BEGIN, values))


def read_progress(store: Store, address: Address) -> Progress | None:
    """How far a statement has come; None before it began."""
    row = store.query_one(READ_ONE, address)
    return _read(row) if row else None


def read_open(store: Store) -> list[Progress]:
    """The statements in batches that have begun and are not done, in the order of their begin."""
    if not store.tables.has_batches:
        return []
    return list(map(_read, store.query_all(READ_OPEN)))


def paused_by(store: Store) -> str:
    """Who has asked a run to wait; empty: no one."""
    if not store.read_ledger().present:
        return ""
    return next((one.asked for one in read_open(store) if one.asked), "")


def noted(progress: Progress, end: KeyValues, walked: int, changed: int, size: int,
          seconds: float) -> tuple[object, ...]:  # fmt: skip
    """The parameters of NOTE."""
    return (
        _write_key(end), walked, changed, size, round(seconds * 1000),
        *progress.address, progress.batches, progress.pass_number,
    )  # fmt: skip


def note_waiting(store: Store, progress: Progress, state: str) -> None:
    """Notes what a run waits for; durable on return."""
    store.write((SAY, (state[:255], *progress.address)))


def ask_pause(store: Store, progress: Progress, who: str) -> None:
    """Notes who wants a run to pause, or with an empty text that it may go on; durable on
    return."""
    store.write((ASK, (who[:255], *progress.address)))


def _write_key(values: KeyValues) -> str:
    return json.dumps([_encode(value) for value in values], ensure_ascii=False)


def _encode(value: KeyValue) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _decode(value: Any) -> KeyValue:
    """
    >>> [_decode(_encode(each)) for each in (1, "a", b"\\x00", Decimal("1.50"))]
    [1, 'a', b'\\x00', Decimal('1.50')]
    """
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    return Decimal(value["decimal"]) if "decimal" in value else bytes.fromhex(value["hex"])


def _read(row: Row) -> Progress:
    run_id, step, statement, number, place, *counts, state, asked, began, noted_at = row
    batches, walked, changed, before, expected, size, busy = counts
    return Progress(
        str(run_id), int(step), int(statement), int(number), _read_key(place),
        int(batches), int(walked), int(changed), int(before),
        None if expected is None else int(expected), int(size), int(busy) / 1000,
        state, asked, as_utc(began), as_utc(noted_at),
    )  # fmt: skip


def _read_key(text: str | None) -> KeyValues | None:
    if text is None:
        return None
    return tuple(map(_decode, json.loads(text)))
