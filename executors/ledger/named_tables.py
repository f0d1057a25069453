"""The ledger's tables by their names in this database, for SQL that is written without them.

`{history}`, `{target}`, `{runs}` and `{journal}` are the qualified, quoted table names, and `{now}`
is the server's clock: the time at which it is asked, not at which a transaction began.
`{ledger.alone}` is a condition of each write that may be the first of its transaction: no code of
others is on the tables, nor can it be put there until the transaction ends. A server may look at a
condition only where there is a row to change, so a write without one follows `close_tables`, or one
that is known to have changed a row. `{plain}` follows a table that is read: nothing else is read in
its place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from lockgate.executors.ledger.tables import ADDED, OWN_NAMES, Tables

if TYPE_CHECKING:
    from lockgate.executors.engine import Row, Session
    from lockgate.planner.plan.plan import Plan


class LedgerTables(ABC):
    """The ledger's tables, asked and written by SQL."""

    clock: str
    """The server's clock, in its SQL."""

    long_text: str
    """The type of a text of megabytes."""

    plain = ""
    """What no view takes, where the session does not keep from reading views."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._tables: Tables | None = None

    @property
    def alone(self) -> str:
        """The condition of a write; an engine that closes the tables beforehand has none."""
        return "true"

    @property
    def readers(self) -> str:
        """Who may read the tables that are made, as SQL; empty: only who may anyway."""
        return ", ".join(map(self.session.quote, self.session.readers))

    def named(self, sql: str, **parts: str) -> str:
        """The SQL with the names of this database's tables, and with its other parts."""
        lacking = self._tables.lacking if self._tables else ()
        added = {name: "null" if name in lacking else name for name in ADDED}
        return sql.format(
            ledger=self, now=self.clock, plain=self.plain, long_text=self.long_text,
            **added, **self._places, **parts,
        )  # fmt: skip

    @cached_property
    def _places(self) -> dict[str, str]:
        """The tables' qualified, quoted names: each statement asks for them."""
        quote, schema = self.session.quote, self.session.quote(self.session.history_schema)
        names = {**OWN_NAMES, "history": self.session.history_name}
        return {part: f"{schema}.{quote(name)}" for part, name in names.items()}

    def close_tables(self) -> None:  # noqa: B027 - an engine whose session does it needs nothing
        """Keeps code of others off the ledger's tables until the open transaction ends."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction in which no code of others is on the ledger's tables."""
        with self.session.transaction():
            self.close_tables()
            yield

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Runs a statement over the ledger's tables; the number of rows that it touched."""
        return self.session.execute(self.named(sql), parameters)

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Every row of a query of the ledger's tables."""
        return self.session.query_all(self.named(sql), parameters)

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query of the ledger's tables, or None."""
        rows = self.query_all(sql, parameters)
        return rows[0] if rows else None

    @property
    def tables(self) -> Tables:
        """Which of lockgate's tables exist; asks until all do.

        Raises:
            HistoryError: a table of the ledger's names exists and is not lockgate's own.
            WrongTarget: the ledger has a history of another name.
        """
        if self._tables is None or not self._tables.exist:
            found = self._find_tables(OWN_NAMES.values())
            found.refuse_foreign(self.session.history_name)
            found.refuse_renamed(self.session.history_schema, self.session.history_name)
            self._tables = found
        return self._tables

    def refuse_foreign(self, names: Iterable[str]) -> None:
        """Raises HistoryError when one of these tables in the ledger's schema is not lockgate's
        own, or has others' code on it."""
        self._find_tables(names).refuse_foreign(self.session.history_name)

    @abstractmethod
    def _find_tables(self, own: Iterable[str]) -> Tables:
        """Which of these tables of lockgate's exist, and the history."""

    def _forget_tables(self, plan: Plan | None = None) -> None:
        """After those were made that a plan needs: what exists is asked again."""
        if self._tables and not self._tables.suffice(plan):
            self._tables = None
