"""What a statement locks, reads and rewrites on PostgreSQL: asked right after it, in its
transaction.

Must see only what others see too: no other uses a table that the transaction itself has made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lockgate.executors.events import Event, Retried, StatementFinished, UnitCommitted
from lockgate.executors.gauge import Gauge
from lockgate.executors.ledger.tables import OURS
from lockgate.executors.postgresql.pipeline import Command, CommandResult
from lockgate.executors.postgresql.units.transaction import Mark, reading_of
from lockgate.planner.plan.measured_locks import measured_lock, shuts_out, spell_mode, stronger_lock
from lockgate.planner.plan.plan import Lock
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

# Locks of reads are left out: they keep only those waiting who would lock the whole table. How
# often a table was read from its first row on, the server counts for an empty one too.
HELD = """
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
    coalesce(l.relation, c.oid)::pg_catalog.int8, l.mode, n.nspname::pg_catalog.text
        operator(pg_catalog.||) '.' operator(pg_catalog.||) c.relname::pg_catalog.text,
    c.relfilenode::pg_catalog.int8, coalesce(pg_catalog.pg_stat_get_xact_numscans(c.oid), 0)
)), '[]')
from (
    select relation, mode from pg_catalog.pg_locks
    where pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
      and locktype operator(pg_catalog.=) 'relation' and mode operator(pg_catalog.<>)
        all ('{AccessShareLock,RowShareLock,SIReadLock}'::pg_catalog.text[])
) l
full join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) l.relation
left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where l.mode is not null or (c.relkind operator(pg_catalog.=)
    any ('{r,p,m}'::pg_catalog."char"[]) and c.oid operator(pg_catalog.>=) 16384
    and pg_catalog.pg_stat_get_xact_numscans(c.oid) operator(pg_catalog.>) 0)
"""
UNCOUNTED = frozenset(
    {"copy", "delete", "explain", "insert", "merge", "select", "truncate", "update"}
)
"""Kinds of statements that read rows by their nature, on a larger table by an index, perhaps; and
TRUNCATE, which builds the indexes of the file that it has emptied."""
# An index is locked with its table.
RELATIONS = """
select c.oid::int8, n.nspname || '.' || c.relname, c.relfilenode::int8
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema' and not (n.nspname = %s and c.relname = any (%s))
"""

HeldRow = tuple[int, str | None, str | None, int | None, int]
"""A relation's number, a lock on it if there is one, its name and file, and how often it was read
as a whole."""


@frozen
class Relation:
    """A table or view by its name and the number of its file, which is another one after each
    rewrite; 0 for what has none. `lock` is the strongest that the open transaction holds."""

    name: str
    file: int
    lock: str = ""

    def locked(self, lock: str, name: str | None, file: int | None) -> Relation:
        """It under one more lock; without name and file when it was dropped."""
        strongest = stronger_lock(self.lock, lock)
        return Relation(name or self.name, self.file if file is None else file, strongest)


class StatementGauge(Gauge):
    """Measures the units of one run. The locks of what commits by itself are gone as it ends.

    What the run itself makes is not measured: no other session uses it yet.
    """

    def __init__(self, session: PostgreSQLSession) -> None:
        super().__init__()
        self._session = session
        self._scans: dict[int, int] = {}
        self._old: frozenset[int] | None = None
        self._known = self._read()
        self._old = frozenset(self._known)

    def hear(self, event: Event) -> None:
        super().hear(event)
        if isinstance(event, StatementFinished) and event.step.transaction is None:
            self._look_behind(event)
        elif isinstance(event, UnitCommitted | Retried):
            self._known = self._read()

    def probing(self, commands: Iterable[Command[Any]]) -> Iterator[Command[Any]]:
        """The commands, with a question after each statement whose transaction is still open; and
        one before it, as the server counts on from transactions before."""
        is_asked = False
        for command in commands:
            is_measured = _is_open_behind(command)
            if is_measured and not is_asked:
                yield Command(HELD, None, report=True, asks=True)
            yield command
            if is_measured:
                yield Command(HELD, command.tag, report=True, asks=True)
            is_asked = is_measured

    def sift(self, outcomes: Iterable[CommandResult[Any]]) -> Iterator[CommandResult[Any]]:
        """The outcomes without those of our questions, which are noted."""
        for outcome in outcomes:
            if not outcome.command.asks:
                yield outcome
                continue
            held: list[HeldRow] = json.loads(outcome.answer)
            if outcome.command.tag is not None:
                self._note_held(outcome.command.tag, held)
            self._scans = {oid: scans for oid, *_, scans in held}

    def _note_held(self, mark: Mark, held: Iterable[HeldRow]) -> None:
        assert mark.statement is not None
        before, read = dict(self._known), set[int]()
        for oid, mode, name, file, count in held:
            if mode and oid in before:
                self._known[oid] = self._known[oid].locked(spell_mode(mode), name, file)
            if count > self._scans.get(oid, 0) and mark.reading.kind not in UNCOUNTED:
                read.add(oid)
        pairs = [(before[oid], now) for oid, now in self._known.items()]
        locks = [_held(old, now) for old, now in pairs if old.lock != now.lock]
        scans = [before[oid].name for oid, now in self._known.items()
                 if oid in read and shuts_out(now.lock)]  # fmt: skip
        self.note(
            (mark.number, mark.place),
            locks=tuple(sorted(locks, key=lambda lock: lock.table)),
            rewrites=_rewrites(mark.reading.kind, pairs),
            scans=tuple(sorted(scans)),
        )

    def _look_behind(self, event: StatementFinished) -> None:
        """After a statement that is a transaction of its own, or several."""
        before, self._known = self._known, self._read()
        key = event.number, event.place
        if key not in self._found:
            pairs = [(old, self._known.get(oid, old)) for oid, old in before.items()]
            self.note(key, rewrites=_rewrites(reading_of(event.statement).kind, pairs))

    def _read(self) -> dict[int, Relation]:
        """What others have seen before the run too, as it is now, by its oid."""
        own = [self._session.history_name, *OURS]
        rows = self._session.query_all(RELATIONS, (self._session.history_schema, own))
        old = self._old
        return {oid: Relation(name, file) for oid, name, file in rows if old is None or oid in old}


def _held(before: Relation, now: Relation) -> Lock:
    """The lock under the table's name of before: as the statement may have named it."""
    return measured_lock(before.name, now.lock)


def _rewrites(kind: str, pairs: Iterable[tuple[Relation, Relation]]) -> tuple[str, ...]:
    """The tables that are in another file; TRUNCATE gives them an empty one and writes no row."""
    changed = sorted(old.name for old, now in pairs if old.file != now.file)
    return () if kind == "truncate" else tuple(changed)


def _is_open_behind(command: Command[Any]) -> bool:
    """Whether the command is a statement of a migration whose locks can be seen after it."""
    mark = command.tag
    if not isinstance(mark, Mark) or not mark.statement or command.sql != mark.statement.sql:
        return False
    return mark.step.transaction is not None or mark.reading.commits == "never"
