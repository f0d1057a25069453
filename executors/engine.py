"""The parts of an engine as interfaces: session, store, lock, units, scratch databases, survey.

The store is in `ledger.store`, the lock in `lock`; each engine implements them in files of
the same names.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lockgate.planner.errors import Unreachable
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.batches.key import BatchKey
    from lockgate.executors.events import Emit, OtherSession, StatementProgressed
    from lockgate.executors.failure import Failure
    from lockgate.executors.gauge import Gauge
    from lockgate.executors.ledger.store import Store
    from lockgate.executors.lock import MigrationLock
    from lockgate.executors.states import Outcome
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.database.health import Access, Followers, Load, Storage
    from lockgate.planner.database.occupancy import FoundTable, TableRow
    from lockgate.planner.database.server import Server
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.fleet.grouping import Outline
    from lockgate.planner.plan.contract import FindReaders
    from lockgate.planner.plan.drift import Managed
    from lockgate.planner.plan.plan import Plan, Unit
    from lockgate.planner.plan.receipt import Job
    from lockgate.planner.plan.statement import Batch

Row = tuple[Any, ...]


@frozen
class Run:
    """One application of a plan, as lockgate_runs records it; `approvers` had signed it. As the
    caller says, it passes over policies because of `emergency`."""

    id: str
    plan: Plan
    actor: str
    tool_version: str
    approvers: tuple[str, ...] = ()
    job: Job | None = None
    deadline: float | None = None
    """When batches are to stop, by the monotonic clock in seconds."""
    emergency: str = ""


@frozen
class Journal:
    """What an interrupted run left of its unfinished step: (step, statement) -> outcome."""

    run_id: str
    outcomes: dict[tuple[int, int], Outcome]

    @property
    def compensated(self) -> int:
        """The first step of a unit that is undone by compensation, whose statement 0 is what the
        unit found; 0 when none is half-way."""
        return next((step for step, place in self.outcomes if not place), 0)


@frozen
class Membership:
    """A role within a role of PostgreSQL, and how; versions before 16 know `admin` alone."""

    role: str
    member: str
    admin: bool
    inherits: bool
    sets: bool


@frozen
class Extension:
    """An extension of a PostgreSQL database, and the schema that it is in."""

    name: str
    schema: str


@frozen
class Traits:
    """What a new database takes over from another, so that the same SQL makes the same of it.

    `user` is whose objects they become, and `roles` are all that there are. `history_schema` is
    where the ledger lies within the database; None is the connection's default. `settings` are
    an engine's own, by name. `attributes` are what the user may do on the server beside its rights,
    and `memberships` the roles within roles; both are PostgreSQL's alone, as `schemas` and
    `extensions`, of all that have made some.
    """

    user: str
    roles: tuple[str, ...]
    history_schema: str | None
    settings: Mapping[str, str]
    attributes: frozenset[str] = frozenset()
    memberships: tuple[Membership, ...] = ()
    schemas: tuple[str, ...] = ()
    extensions: tuple[Extension, ...] = ()


class Look(NamedTuple):
    """What a second session sees of a run: for how many seconds each other session has waited for
    what the run holds, and its statement; None: there is none, or its own watch tells of it."""

    waiting: list[float]
    progress: StatementProgressed | None = None


class Survey(ABC):
    """What a database is like, asked by its session, and how its server fares."""

    session: Session
    find_readers: FindReaders

    @abstractmethod
    def read_facts(self) -> Facts:
        """What a plan is judged by, of the tables that there are."""

    @abstractmethod
    def find_tables(self) -> list[FoundTable]:
        """The tables and views that are not lockgate's, without what extensions own."""

    def read_rows(self, table: FoundTable, columns: Collection[str]) -> list[TableRow]:
        """Every row of another tool's table, with these columns."""
        names, quote = sorted(columns), self.session.quote
        place = f"{quote(table.schema)}.{quote(table.name)}"
        rows = self.session.query_all(f"select {', '.join(map(quote, names))} from {place}")
        return [dict(zip(names, row, strict=True)) for row in rows]

    @abstractmethod
    def read_catalogue(self) -> Catalogue:
        """All that the database holds but rows and lockgate's own tables; in no transaction."""

    @abstractmethod
    def read_digests(self) -> Mapping[str, str]:
        """A short digest of each object, to hold against what a run has left; in no transaction."""

    @abstractmethod
    def find_syntax_error(self, plan: Plan) -> Failure | None:
        """The first statement of a plan, or of its way back, that the server cannot read."""

    @abstractmethod
    def read_access(self) -> Access:
        """How the session reaches its database, and which rights migrations would lack."""

    @abstractmethod
    def read_storage(self) -> Storage:
        """What the server tells of its disk."""

    @abstractmethod
    def read_followers(self) -> Followers:
        """The servers that follow this one."""

    @abstractmethod
    def read_outline(self) -> Outline:
        """The definitions of the session's database in short; in no transaction."""

    @abstractmethod
    def read_outlines(self, schemas: Sequence[str]) -> Mapping[str, Outline]:
        """The same of many schemas at once; of none where a schema is a database."""

    @abstractmethod
    def read_definitions(self) -> tuple[str, ...]:
        """What the outline's digest is of, as sorted lines."""

    @abstractmethod
    def read_load(self) -> Load:
        """What the server is doing beside this session."""

    @abstractmethod
    def find_open_transactions(self) -> list[OtherSession]:
        """Those of others in this database that are open longest, if for a second; `since` then."""

    @abstractmethod
    def query_read_only(self, sql: str) -> list[dict[str, Any]]:
        """The rows of somebody else's query by their columns, in a transaction rolled back."""


class Scratch(Protocol):
    """Scratch databases of a server, and what two databases are compared by beside definitions."""

    anchor: str
    """A database that every server has, to connect to while another one is dropped."""

    def read_traits(self) -> Traits:
        """What a scratch database must have in common with this one."""

    def read_databases(self) -> frozenset[str]:
        """The databases that SQL on this server can name."""

    def create_database(self, name: str, traits: Traits) -> None:
        """Makes an empty database on this server."""

    def clone_database(self, source: str, name: str, traits: Traits) -> None:
        """Makes a database with all that another one holds; that one must have no session."""

    def recreate_database(self, name: str, traits: Traits) -> None:
        """Drops a database with all that is in it, and makes an empty one of its name; sessions
        on it are ended. A crash between the two leaves no database."""

    def drop_database(self, name: str) -> None:
        """Drops a database, if it is there, with all that lockgate has made for it; its sessions
        are ended."""

    def read_counters(self) -> Catalogue:
        """The state of each sequence and counter, which no definition tells."""


class Units(Protocol):
    """The running of a plan's units, and the end of those that were interrupted."""

    def run(self, run: Run, unit: Unit, serial: int, journal: Journal | None, emit: Emit) -> None:
        """Runs and records a unit's steps; the ledger is at `serial` before the first.

        Raises:
            StepFailed: the server refused a statement, or rolled back a commit in which the
                connection was lost; says what of the unit is kept.
            Unresolved: the connection was lost in the commit, and the server stayed away; or
                it is not known whether a statement in the journal that was begun happened.
        """

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        """Ends a compensated unit whose run has ended without: undone, or recorded where its
        point of no return is passed. The ledger is at `serial` before the unit's first step.

        Raises:
            Unresolved: neither could be fully done.
        """

    def undo(self, run: Run, unit: Unit, emit: Emit) -> tuple[str, ...]:
        """Undoes an interrupted compensated unit; the tables in which other sessions have written
        since it began, as far as can be told.

        Raises:
            Unresolved: it could not be fully undone, or has passed its point of no return.
        """

    def finish(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        """Runs what is missing of an interrupted compensated unit, and records it.

        Raises:
            Unresolved: a statement is refused, or it is not known whether one has happened.
        """

    def tidy(self, run: Run, unit: Unit) -> bool:
        """Removes what the program of an interrupted copy has left; whether the copy counts."""

    def accept(self, run_id: str, reason: str, emit: Emit) -> None:
        """Notes that a person has settled an interrupted run as done, and clears it."""

    def give_up(self, run: Run, unit: Unit, reason: str) -> tuple[str, ...]:
        """Notes that an interrupted run is settled as not done; what it has put aside, as lines."""

    def clear(self, emit: Emit) -> None:
        """Removes for good what committed runs have dropped, if some still waits for that."""

    def refuse_weaker(self, plan: Plan, done: int) -> None:
        """Raises StalePlan when the steps after the first `done` promise more than can be kept."""

    def measuring(self) -> AbstractContextManager[Gauge]:
        """What a run within the block costs; the run must emit to the gauge's `hear`."""


class Session(ABC):
    """A connection to one database. Everything runs on it: what lockgate asks, and the plan.

    Methods raise `Unreachable` when the connection is lost, and `ServerError` when the server
    refuses what lockgate itself asks. The ledger lies in `history_schema`, or will. `unmanaged` are
    patterns of what other programs make; `readers` may read lockgate's tables.
    """

    server: Server
    history_schema: str
    history_name: str
    unmanaged: Sequence[str] = ()
    readers: Sequence[str] = ()
    drift_scope = "database"
    lost_code: str  # what this engine's clients call a lost connection
    is_exposed: bool = False  # it is in clear text, and no option asks for that; of MySQL alone

    @property
    def managed(self) -> Managed:
        """What of the database its migrations answer for."""
        from lockgate.planner.plan.drift import Managed

        schema = self.history_schema if self.drift_scope == "schema" else ""
        return Managed(self.unmanaged, schema)

    @abstractmethod
    def close(self) -> None:
        """Ends the session, and with it its lock and its open transaction."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Runs one statement; the number of rows that it touched."""

    @abstractmethod
    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Every row of a query."""

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query, or None."""
        rows = self.query_all(sql, parameters)
        return rows[0] if rows else None

    @abstractmethod
    def read_together(self, queries: Iterable[str]) -> list[list[Row]]:
        """The rows of several queries under one snapshot."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: committed at the end of the block, rolled back by an exception."""
        self.execute("begin")
        try:
            yield
        except BaseException:
            with suppress(Unreachable):
                self.execute("rollback")
            raise
        self.execute("commit")

    @abstractmethod
    def quote(self, identifier: str) -> str:
        """A name as SQL spells it."""

    @abstractmethod
    def find_batch_key(self, batch: Batch) -> BatchKey | None:
        """What there is of the key along which batches walk; None: there is no such table."""

    @abstractmethod
    def looking_on(self) -> AbstractContextManager[Callable[[], Look]]:
        """Opens a second session, which tells what others and this one wait for and work at. It is
        used by another thread, and raises as the first one does."""

    @abstractmethod
    def leave(self) -> None:
        """Closes a session that was lost in a commit; its migration lock ends with it."""

    def transaction_outcome(self) -> bool | None:
        """Whether the transaction was committed that the lost session had open, by the server's
        own memory of transactions; None when it has none."""
        return None


class Engine(Protocol):
    """One database, in parts; what an engine can do is asked of them, never its name."""

    @property
    def session(self) -> Session:
        """The connection."""

    @property
    def store(self) -> Store:
        """What the database holds for lockgate."""

    @property
    def lock(self) -> MigrationLock:
        """What keeps other executors out."""

    @property
    def units(self) -> Units:
        """The running of a plan's units."""

    @property
    def scratch(self) -> Scratch:
        """The server's scratch databases."""

    @property
    def survey(self) -> Survey:
        """How it compares with others."""

    @property
    def server(self) -> Server:
        """What the server has said of itself."""

    def close(self) -> None:
        """Ends the session."""


def open_engine(address: DatabaseAddress, environment: Environment) -> Engine:
    """A session on an environment's database, by the module that has its engine's name.

    Raises:
        Unreachable: no connection.
    """
    module = importlib.import_module(f"lockgate.executors.{environment.engine}")
    engine: Engine = module.connect(address, environment)
    return engine
