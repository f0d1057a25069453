"""The ledger and its fence, the serial, on PostgreSQL; runs nothing of a plan, as `units` do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from lockgate.executors.ledger.store import CLOSE_DEAD_RUNS, Store
from lockgate.executors.ledger.tables import Tables
from lockgate.executors.lock import lost_lock
from lockgate.executors.postgresql.ledger import (
    CREATE_TABLES,
    FAULTS,
    IDENTIFY,
    INTEND,
    KEEP_DIGESTS,
    LOCK_TABLES,
    RECORD,
    REMOVE,
    REPLACE,
    SAME_NAMES,
    SAME_TABLES,
    TABLES,
    read_tables,
)
from lockgate.executors.postgresql.pipeline import Command, CommandResult, as_texts, numbered
from lockgate.executors.states import RunStatus

if TYPE_CHECKING:
    from lockgate.executors.engine import Run, Survey
    from lockgate.executors.postgresql.lock import PostgreSQLLock
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.database.ledger import Identity
    from lockgate.planner.plan.plan import Plan, Step


class PostgreSQLStore(Store):
    """The ledger of a PostgreSQL database."""

    clock = "pg_catalog.clock_timestamp()"
    long_text = "text"
    session: PostgreSQLSession

    def __init__(self, session: PostgreSQLSession, lock: PostgreSQLLock) -> None:
        super().__init__(session)
        self._lock = lock

    def ensure_tables(self, identity: Identity) -> None:
        self.transact(self._creation(identity))
        self._forget_tables()

    def begin_run(self, run: Run, identity: Identity) -> None:
        closing = self.own_command(CLOSE_DEAD_RUNS, (), None)
        noting = (self.own_command(*one, None) for one in self.beginning(run, RunStatus.APPLYING))
        self.transact(chain(self._creation(identity, run.plan), [closing], noting))
        self._forget_tables(run.plan)

    def record_migration(self, step: Step, serial: int) -> None:
        if self.transact([self.record_command(step, serial, None)])[-1].rows != 1:
            raise lost_lock()

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        self.transact([self.own_command(*statement, None) for statement in statements])

    def keep_digests(self, run_id: str, by: str, survey: Survey) -> None:
        from lockgate.executors.postgresql.catalogue.catalogue import digests_expression

        sql = self.named(KEEP_DIGESTS, read=digests_expression(self.session))
        self.transact([Command(sql, None, (run_id, f"\n{by}\n"))])

    def transact(
        self, commands: Iterable[Command[None]], before: Iterable[Command[None]] = ()
    ) -> list[CommandResult[None]]:
        """The outcomes of commands that write the ledger, in a transaction of their own, guarded;
        `before` are commands that the guard itself needs."""
        guard = self.guard_commands(None)
        return self.session.transact(chain(before, guard, commands))

    def record_command(self, step: Step, serial: int, tag: Any) -> Command[Any]:
        """The step's change of the history table; it touches one row, or the fence is lost.

        Its result is sent at once, so that the step is reported before the next one has ended.
        """
        row: tuple[object, ...] = (step.version, step.name, step.checksum)
        values: tuple[object, ...]
        sql, values = REMOVE, (step.version, step.checksum, serial)
        if step.replaces is not None:
            sql, values = REPLACE, (*row, step.replaces, serial)
        elif step.direction == "up":
            sql, values = RECORD, (*row, serial, step.record and step.record.applied_at)
        return Command(self.named(sql), tag, as_texts(values), report=True)

    def guard_commands(self, tag: Any) -> list[Command[Any]]:
        """Keeps the ledger's tables from being replaced until the transaction ends, which they fail
        when anybody has replaced or changed one since they were looked at."""
        known = self._known()
        names = ", ".join(str(table["name"]) for table in known)
        locking = [Command(LOCK_TABLES.format(names), tag)] * bool(known)
        return [*locking, Command(SAME_TABLES, tag, (json.dumps(known),))]

    def names_command(self, tag: Any) -> Command[Any]:
        """Fails the transaction when the tables that the guard has closed are no longer found by
        their names: no lock keeps that of their schema."""
        return Command(SAME_NAMES, tag, (json.dumps(self._known()),))

    def _known(self) -> list[dict[str, object]]:
        """The tables as they were looked at."""
        schema = self.session.quote(self.session.history_schema)
        return [
            {"name": f"{schema}.{self.session.quote(name)}", "oid": oid, "parts": parts}
            for name, (oid, parts) in (self._tables or self.tables).known.items()
        ]

    def own_command(self, sql: str, values: Sequence[object], tag: Any) -> Command[Any]:
        """A statement of the store, as a command."""
        return Command(numbered(self.named(sql)), tag, as_texts(values))

    def intend_command(self, values: Sequence[object], tag: Any) -> Command[Any]:
        """Writes an intent, one row, while this session holds the migration lock."""
        return self.own_command(INTEND, (*values, *self._lock.key), tag)

    def _find_tables(self, own: Iterable[str]) -> Tables:
        names = [self.session.history_name, *own]
        asked = (self.session.history_schema, names, self.session.history_name)
        (row,) = self.session.query_all(TABLES, asked)
        _, _, is_suspect, _ = row
        return read_tables(row, self.session.query_all(FAULTS, asked[:2]) if is_suspect else ())

    def _creation(self, identity: Identity, plan: Plan | None = None) -> list[Command[Any]]:
        """What does not exist yet; to ask again for what does takes the right to create it."""
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        schema, readers = self.session.quote(self.session.history_schema), self.readers
        making = [f"create schema if not exists {schema}"]
        making += [f"grant usage on schema {schema} to {readers}"] * bool(readers)
        missing = making * self.session.lacks_schema
        tables = self._tables or self.tables
        lacking = tables.missing(CREATE_TABLES, plan, has_readers=bool(readers))
        missing += map(self.named, lacking)
        identify = Command(self.named(IDENTIFY), None, values)
        return [*(Command(sql, None) for sql in missing), identify]
