"""PostgreSQL: the engine that `executors.engine` opens, a session that runs units of plans.

What only some commands need is imported when it is asked for: `status` reads the ledger alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lockgate.executors.commit_outcome import refuse_another_server
from lockgate.executors.failure import ServerError
from lockgate.executors.postgresql.parameters import halves
from lockgate.executors.postgresql.pipeline import Command, CommandResult, OnSilence, ignore_silence
from lockgate.executors.postgresql.session import PostgreSQLSession

if TYPE_CHECKING:
    from lockgate.executors.failure import Failure
    from lockgate.executors.postgresql.gauge import StatementGauge
    from lockgate.executors.postgresql.scratch import PostgreSQLScratch
    from lockgate.executors.postgresql.units.units import PostgreSQLUnits
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.statement import PlannedStatement


class PostgreSQL(PostgreSQLSession):
    """A session on a PostgreSQL database; implements `executors.engine.Engine`."""

    lost_code = "08006"  # https://www.postgresql.org/docs/current/errcodes-appendix.html

    def __init__(self, address: DatabaseAddress, environment: Environment) -> None:
        super().__init__(address, environment)
        self.commit_wait = max(self.commit_wait, environment.lock.wait)
        self._pid = 0  # of the session that runs a unit; libpq forgets it with the connection
        self._transaction = ""  # the id that the lost session showed
        self.gauge: StatementGauge | None = None

    @cached_property
    def scratch(self) -> PostgreSQLScratch:
        """The session's scratch databases."""
        from lockgate.executors.postgresql.scratch import PostgreSQLScratch

        return PostgreSQLScratch(self)

    @cached_property
    def units(self) -> PostgreSQLUnits:
        """The running of units."""
        from lockgate.executors.postgresql.units.units import PostgreSQLUnits

        return PostgreSQLUnits(self)

    def note_process(self) -> None:
        """Notes which of the server's processes runs a unit."""
        self._pid = self._connection.info.backend_pid

    def can_tell(self, statement: PlannedStatement) -> bool:
        from lockgate.executors.postgresql.units.concurrent_index import can_tell
        from lockgate.executors.postgresql.units.transaction import reading_of

        reading = reading_of(statement)
        return reading.repeatable or can_tell(reading.concurrent)

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        return None  # the reader has its grammar

    def read_facts(self) -> Facts:
        from lockgate.executors.postgresql.facts import read_facts

        return read_facts(self)

    def read_catalogue(self) -> Catalogue:
        from lockgate.executors.postgresql.catalogue.catalogue import read_catalogue

        return read_catalogue(self)

    def pipelined(
        self, commands: Iterable[Command[Any]], on_silence: OnSilence = ignore_silence
    ) -> Iterator[CommandResult[Any]]:
        if self.gauge is None:
            return super().pipelined(commands, on_silence)
        return self.gauge.sift(super().pipelined(self.gauge.probing(commands), on_silence))

    def leave(self) -> None:
        from lockgate.executors.postgresql.units.commit_status import shown_transaction

        self._transaction = shown_transaction(self._connection)
        self._connection.close()

    def retake_lock(self) -> bool:
        from lockgate.executors.postgresql.units.commit_status import END_IDLE

        if self._connection.closed:
            self._open_again()
        self.query_all(END_IDLE, (self._pid, self.server.now, *halves(self._lock_key)))
        return self.take_lock()

    def transaction_outcome(self) -> bool | None:
        from lockgate.executors.postgresql.units.commit_status import OUTCOMES, READ_OUTCOME

        if not self._transaction:
            return None
        try:
            row = self.query_one(READ_OUTCOME, (self._transaction, self.server.now))
        except ServerError:  # the id is in the future: the server has crashed and forgotten it
            return None
        return OUTCOMES.get(row[0]) if row else None

    def _open_again(self) -> None:
        """Opens a session like the one that was lost."""
        self._connection = self.open()
        try:
            refuse_another_server(self.server, self._read_server(self.history_schema))
        except BaseException:
            self._connection.close()
            raise
