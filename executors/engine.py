"""The Engine protocol: what a database must be able to do for a plan to be applied to it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lockgate.executors.events import Emit, LockHolder
    from lockgate.executors.failure import Failure
    from lockgate.executors.gauge import Gauge
    from lockgate.executors.states import Outcome, RunStatus
    from lockgate.planner.building.stored_runs import StoredRun
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.database.catalogue import Catalogue
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.database.ledger import Identity, Ledger
    from lockgate.planner.database.server import Server
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Plan, Step, Unit
    from lockgate.planner.plan.receipt import FinishedRun, Job
    from lockgate.planner.plan.rehearsal import Reach

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One application of a plan, as lockgate_runs records it; `approvers` had signed it."""

    id: str
    plan: Plan
    actor: str
    tool_version: str
    approvers: tuple[str, ...] = ()
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A row of lockgate_runs. Times are ISO 8601, UTC; `finished_at` is empty while it runs.

    `approvers` are one text, as the row has them.
    """

    id: str
    plan_digest: str
    direction: str
    status: str
    actor: str
    approvers: str
    tool_version: str
    started_at: str
    finished_at: str
    error: str
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """What an interrupted run left of its unfinished step: (step, statement) -> outcome."""

    run_id: str
    outcomes: dict[tuple[int, int], Outcome]

    @property
    def compensated(self) -> int:
        """The first step of a unit that is undone by compensation; 0 when none is half-way.

        Its statement 0 is what the unit found.
        """
        return next((step for step, place in self.outcomes if not place), 0)


@dataclass(frozen=True, slots=True)
class Membership:
    """A role within a role of PostgreSQL, and how; versions before 16 know `admin` alone."""

    role: str
    member: str
    admin: bool
    inherits: bool
    sets: bool


@dataclass(frozen=True, slots=True)
class Traits:
    """What a new database takes over from another, so that the same SQL makes the same of it.

    `user` is whose objects they become, and `roles` are all that there are. `history_schema` is
    where the ledger lies within the database; None is the connection's default. `settings` are
    an engine's own, by name. `attributes` are what the user may do on the server beside its rights,
    and `memberships` the roles within roles; both are PostgreSQL's alone.
    """

    user: str
    roles: tuple[str, ...]
    history_schema: str | None
    settings: Mapping[str, str]
    attributes: frozenset[str] = frozenset()
    memberships: tuple[Membership, ...] = ()


class Scratch(Protocol):
    """Scratch databases of a server, and what two databases are compared by beside definitions."""

    anchor: str
    """A database that every server has, to connect to while another one is dropped."""

    def read_traits(self) -> Traits:
        """What a scratch database must have in common with this one."""

    def read_reach(self) -> Reach:
        """What SQL on this server reaches beyond this database."""

    def create_database(self, name: str, traits: Traits) -> None:
        """Makes an empty database on this server."""

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
                the journal has a statement that was begun, and nobody can tell whether it
                happened.
        """

    def recover(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        """Ends a compensated unit whose run has ended without: undone, or recorded where its
        point of no return is passed. The ledger is at `serial` before the unit's first step.

        Raises:
            Unresolved: neither could be fully done.
        """

    def undo(self, run: Run, unit: Unit, emit: Emit) -> None:
        """Undoes an interrupted compensated unit.

        Raises:
            Unresolved: it could not be fully undone, or has passed its point of no return.
        """

    def finish(self, run: Run, unit: Unit, serial: int, emit: Emit) -> None:
        """Runs what is missing of an interrupted compensated unit, and records it.

        Raises:
            Unresolved: a statement is refused, or nobody can tell whether one has happened.
        """

    def accept(self, run_id: str, reason: str, emit: Emit) -> None:
        """Notes that a person has settled an interrupted run as done, and clears it."""

    def clear(self, emit: Emit) -> None:
        """Removes for good what committed runs have dropped, if some still waits for that."""

    def refuse_weaker(self, plan: Plan, done: int) -> None:
        """Raises StalePlan when the plan promises more than it could keep now, of its steps after
        the first `done`."""

    def measuring(self) -> AbstractContextManager[Gauge]:
        """What a run within the block costs; the run must emit to the gauge's `hear`."""


class Engine(Protocol):
    """A connection to one database. Everything runs on the session that holds the lock.

    Methods raise `Unreachable` when the connection is lost, and `ServerError` when the
    server refuses what lockgate itself asks.
    """

    server: Server
    scratch: Scratch
    units: Units

    def close(self) -> None:
        """Ends the session, and with it its lock and its open transaction."""

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Runs one statement; the number of rows that it touched."""

    def query_one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query, or None."""

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Every row of a query."""

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction: committed at the end of the block, rolled back by an exception."""

    def read_ledger(self) -> Ledger:
        """The ledger under one snapshot; an empty one where lockgate's tables do not exist."""

    def read_facts(self) -> Facts:
        """What a plan is judged by, of the tables that there are."""

    def find_syntax_error(self, plan: Plan) -> Failure | None:
        """The first statement of a plan, or of its way back, that the server cannot read.

        It is asked, where it can be, and runs nothing of the plan.
        """

    def read_catalogue(self) -> Catalogue:
        """All that the database holds but rows and lockgate's own tables; in no transaction."""

    def read_runs(self, limit: int) -> list[PastRun]:
        """The newest runs first."""

    def read_run(self, run_id: str) -> PastRun:
        """The run with this id, which there must be."""

    def read_applied_plans(self) -> list[StoredRun]:
        """Each run of an up plan with the plan's text, in no order and unchecked."""

    def read_journal(self, plan_digest: str) -> Journal | None:
        """What an interrupted run of this plan left; None when nothing is half-way."""

    def read_plan(self, run_id: str) -> Plan:
        """The plan that a run applied, as the run recorded it.

        Raises:
            InvalidPlan: it was altered since, or cannot be read.
        """

    def read_finished(self, plan: Plan) -> FinishedRun | None:
        """The newest run that has wholly applied this plan, or one of the same intent."""

    def keep_receipt(self, run_id: str, text: str) -> None:
        """Notes a run's receipt; durable on return."""

    def settle_run(self, run_id: str, reason: str) -> None:
        """Notes that a person has settled an interrupted run, and forgets its journal."""

    def ensure_tables(self, identity: Identity) -> None:
        """Makes lockgate's tables where they do not exist, and the identity where there is none."""

    def begin_run(self, run: Run, identity: Identity) -> None:
        """`ensure_tables`, and the run's row; durable on return."""

    def has_run(self, plan: Plan) -> bool:
        """Whether this plan was begun here, or one of the same intent was wholly applied."""

    def read_status(self, run_id: str) -> RunStatus | None:
        """The status of a run; None when there is no such run."""

    def resume_run(self, run: Run) -> None:
        """Notes that an interrupted run goes on; durable on return."""

    def finish_run(self, run_id: str, status: RunStatus, error: str = "") -> None:
        """Notes how a run ended, unless it is noted as wholly applied; durable on return."""

    def note_run(self, run_id: str, note: str) -> None:
        """Notes in a run what a person has done with it; durable on return."""

    def record_migration(self, step: Step, serial: int) -> None:
        """Enters an up step in the history table and moves the serial on by one.

        Raises:
            Locked: the serial is not `serial`: another executor has written.
        """

    def remove_migration_record(self, step: Step, serial: int) -> None:
        """Takes a down step's row out of the history table and moves the serial on by one."""

    def rebind(self, identity: Identity) -> None:
        """Gives the database a new identity; the serial and the history stay."""

    def lock(self, wait: float, emit: Emit) -> AbstractContextManager[None]:
        """The migration lock for the block, waited for up to `wait` seconds.

        Raises:
            Locked: it was not had in time; says who holds it.
        """

    def lock_holder(self) -> LockHolder | None:
        """Who holds the migration lock."""

    def prove_lock(self) -> None:
        """Raises Locked when this session does not hold the migration lock any more."""


def open_engine(address: DatabaseAddress, environment: Environment) -> Engine:
    """A session on an environment's database, by the module that has its engine's name.

    Raises:
        Unreachable: no connection.
    """
    module = importlib.import_module(f"lockgate.executors.{environment.engine}")
    engine: Engine = module.connect(address, environment)
    return engine
