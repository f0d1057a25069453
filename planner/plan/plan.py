"""The plan: what will be run, on which database, in which state; a value, published as JSON.

Runs nothing and reads nothing: `build` makes plans, `planfile` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, PlainSerializer, WithJsonSchema

from lockgate.planner.decision import Decision
from lockgate.planner.document import UNSEALED, sealed
from lockgate.planner.finding import Finding
from lockgate.planner.plan.contract import Contract
from lockgate.planner.plan.filetext import FileText
from lockgate.planner.plan.proof import Promotion, Version
from lockgate.planner.plan.record import Adopted, Record
from lockgate.planner.plan.statement import (
    Estimate,
    Model,
    PlannedStatement,
    Sha256,
    sha256,
)
from lockgate.planner.reading.reading import Blocked
from lockgate.planner.sql.dialect import DIALECTS, Dialect
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, is_repeatable, version_key

FORMAT: Literal["lockgate-plan"] = "lockgate-plan"
FORMAT_VERSION = "1.1"

Direction = Literal["up", "down"]

# RFC 8785 numbers are IEEE doubles, so what may pass 2**53 travels as a string.
Serial = Annotated[
    int,
    Field(ge=0),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+$"}),
]


class Step(Model):
    """One migration in one direction."""

    direction: Direction = Field(description="Whether the up or the down section runs.")
    version: Version = Field(description="As it is, or will be, in the history table.")
    name: str = Field(description="The rest of the file's name; for people.")
    file: str = Field(
        description="The file of the section, relative to the migrations directory; for messages."
    )
    checksum: Sha256 = Field(description="SHA-256 of the file; recorded in the history table.")
    requires: tuple[str, ...] = Field(description="The versions that it requires.")
    replaces: Sha256 | None = Field(
        None,
        description="Of a repeatable migration that runs again: the checksum that the history has "
        "of it. null: it has not run. The executor relies on it.",
    )
    text: FileText | None = Field(
        None, description="Its file; null in format 1.0. `apply` binds the SQL to `checksum` by it."
    )
    transaction: int | None = Field(
        description="Steps with the same number are kept or undone together, in one transaction "
        "or, where the server commits DDL by itself, by compensation; null: statement by "
        "statement, each one kept at once. The executor follows this."
    )
    findings: tuple[Finding, ...] = Field(
        (), description="What a reviewer should know of it; reviewers and policies rely on it."
    )
    statements: tuple[PlannedStatement, ...] = Field(description="In the order they run.")
    rollback: tuple[PlannedStatement, ...] | None = Field(
        description="The down section of an up step, kept for a rollback without the files; "
        "null when there is none."
    )
    contract: Contract | None = Field(
        None, description="What it takes away, and when it may; the executor refuses it before."
    )
    rollback_transactional: bool | None = Field(
        None,
        description="Whether `rollback` may run as one unit: false when its section says "
        "`transaction:false`; null where there is none, or not kept. A rollback without the "
        "files relies on it.",
    )
    record: Record | None = Field(
        None,
        description="Set where it runs nothing and only changes the history: why, and as of when. "
        "For reviewers and the executor.",
    )

    @property
    def key(self) -> VersionKey:
        """The version as versions are compared."""
        return version_key(self.version)

    @property
    def repeatable(self) -> bool:
        """Whether it is of a migration that runs again when it changes."""
        return is_repeatable(self.version)


class CommitAuthor(Model):
    """Who has written a commit, as the commit itself says."""

    name: str = Field(description="For people.")
    email: str = Field(description="For policies; it is compared without regard to case.")


class Source(Model):
    """Where the SQL came from; for people and policy, the executor does not use it."""

    commit: str | None = Field(description="The git commit that was checked out.")
    author: CommitAuthor | None = Field(
        None, description="Who has written that commit; null outside of git. For policies."
    )
    subject: str = Field("", description="The first line of its message, cut. For people.")
    dirty: bool | None = Field(description="Whether the checkout had uncommitted changes.")
    digest: Sha256 = Field(description="SHA-256 over all names and checksums of the directory.")

    def is_by(self, names: Iterable[str]) -> bool:
        """Whether its author is one who has these names in allowed_signers."""
        author = self.author
        return author is not None and author.email.casefold() in map(str.casefold, names)


class Target(Model):
    """The one database that the plan may be applied to; the executor refuses any other."""

    engine: str = Field(description="postgresql, mysql or mariadb.")
    server_version: str = Field(description="As the server prints it; for people.")
    server_number: int | None = Field(
        None,
        description="The version as the server counts, such as 90704: the SQL is read by it; "
        "null: not noted, as in plans of format 1.0. For every reader of the SQL.",
    )
    sql_mode: str = Field(
        "",
        description="Of the sql_mode of MySQL and MariaDB, what decides how SQL is read: "
        "ANSI_QUOTES, NO_BACKSLASH_ESCAPES. For every reader of the SQL; the executor refuses "
        "a server that has others.",
    )
    database: str = Field(description="The database's name.")
    history_table: str = Field(description="The history table, qualified.")
    uuid: str | None = Field(description="The identity in lockgate_target; null before it exists.")
    evidence: dict[str, str] = Field(
        description="PostgreSQL: system_identifier, database_oid; MySQL: server_uuid; "
        "MariaDB: server_uid."
    )

    @property
    def dialect(self) -> Dialect | None:
        """How its server reads SQL; None of an engine that only a later lockgate has."""
        known = DIALECTS.get(self.engine)
        return known and known.with_server(self.server_number or known.version, self.sql_mode)


class State(Model):
    """The ledger at one moment; the executor compares it with the live one."""

    present: bool = Field(description="Whether lockgate's tables exist.")
    serial: Serial = Field(description="Rises by one with each change of the history table.")
    digest: Sha256 = Field(description="SHA-256 over the history's versions and checksums.")


class Change(Model):
    """An object of a schema that is not as it was, by comparison of two catalogues."""

    object: str = Field(description="Its kind and name, such as `table orders`; for reviewers.")
    change: Literal["added", "removed", "changed"] = Field(description="For reviewers.")
    lines: tuple[str, ...] = Field(
        (), description="Those of a diff of its definition; empty: not known. For reviewers."
    )


class Lock(Model):
    """A lock on a table that a statement was seen to take."""

    table: str = Field(description="With its schema; for reviewers.")
    lock: str = Field(description="In the server's own words; for reviewers.")
    blocks: Blocked = Field(description="What others must wait with; for reviewers.")


class Measured(Model):
    """What a statement was seen to cost on a scratch database, whose tables are nearly empty."""

    step: int = Field(ge=1, description="The step's number, from 1.")
    statement: int = Field(ge=1, description="The statement's number in its step, from 1.")
    ms: Estimate = Field(description="What it took there, in milliseconds; for people.")
    locks: tuple[Lock, ...] | None = Field(
        None,
        description="The strongest on each table, beyond those that its transaction held before; "
        "tables that its transaction made are left out. null: they could not be seen. "
        "For reviewers.",
    )
    rewrites: tuple[str, ...] | None = Field(
        None,
        description="The tables whose rows it rewrote; null: it could not be seen. For reviewers.",
    )
    scans: tuple[str, ...] | None = Field(
        None,
        description="The tables whose rows it read from first to last, or as their index was "
        "built, under a lock that others wait for; null: it could not be seen. For reviewers.",
    )


class Rehearsal(Model):
    """What was seen when the plan was run on a scratch database with the same migrations.

    The executor does not use it: reviewers and policies do, and `migrate drift --expect`.
    """

    server_version: str = Field(description="The scratch database's server; for people.")
    server_number: int | None = Field(
        None,
        description="That version as the server counts, as in the target; null: not noted. "
        "For policies.",
    )
    there_ms: Estimate = Field(description="What the plan took, in milliseconds; for people.")
    back_ms: Estimate | None = Field(
        None, description="What the way back took; null: it did not come to its end. For people."
    )
    again_ms: Estimate | None = Field(
        None, description="What the plan took after the way back; null: not run. For people."
    )
    restored: bool | None = Field(
        None,
        description="Whether the way back left what was there before; null: there is none. "
        "For policies.",
    )
    repeatable: bool | None = Field(
        None,
        description="Whether the plan did the same after the way back; null: not run. "
        "For policies.",
    )
    obstacle: str = Field("", description="Why the rehearsal ended early; for reviewers.")
    changes: tuple[Change, ...] = Field(
        (), description="What the plan changed in the schema there; for reviewers."
    )
    differences: tuple[Change, ...] = Field(
        (), description="What the way back left otherwise than it was; for reviewers."
    )
    unrepeated: tuple[Change, ...] = Field(
        (), description="What the plan left otherwise the second time; for reviewers."
    )
    measured: tuple[Measured, ...] = Field(
        (), description="What each statement of the plan did there; for reviewers."
    )
    expected: dict[str, str] = Field(
        description="Each object after the plan, with a short digest; for `migrate drift`."
    )

    @property
    def is_good(self) -> bool:
        """Whether it has shown nothing bad. A way back that does not exist is nothing bad here:
        whether one must exist, other policies say."""
        return self.restored is not False and self.repeatable is not False


class Plan(Model):
    """What `migrate plan` writes and `migrate apply` runs: self-contained, for one database."""

    format: Literal["lockgate-plan"] = FORMAT
    format_version: str = Field(FORMAT_VERSION, pattern=r"^1\.[0-9]+$")
    tool_version: str = Field(description="The lockgate that made the plan; for people.")
    created_at: AwareDatetime = Field(description="By the database's clock, UTC.")
    expires_at: AwareDatetime | None = Field(description="After this `apply` refuses; null: never.")
    project: str = Field(description="The environment's project; must be the database's own.")
    environment: str = Field(description="The environment whose connection `apply` uses.")
    source: Source
    target: Target
    base: State = Field(description="What `apply` must find, or a point between it and result.")
    result: State = Field(description="What `apply` leaves.")
    state_pulled_at: AwareDatetime | None = Field(
        None,
        description="When the state file was pulled that the plan was made from: `apply` refuses "
        "it. null: the database itself was asked.",
    )
    verdict: str = Field(description="What a failure in the middle leaves; for reviewers.")
    warnings: tuple[str, ...] = Field((), description="Sentences for the reviewer.")
    accepted: tuple[str, ...] = Field(
        (),
        description="Policies that the command line has set aside; `apply` takes them from a plan "
        "alone that one whose plans count has signed. For policies.",
    )
    decisions: tuple[Decision, ...] = Field(
        (), description="What the environment's policies said; `apply` refuses a denied plan."
    )
    steps: tuple[Step, ...] = Field(description="In the order in which they run.")
    fresh: bool | None = Field(
        None,
        description="Of the first plan for a database: true when it held tables, and its author "
        "has said that they are not of these migrations; false when it held none, and the executor "
        "refuses one that does; null: it had a history, or the plan only records.",
    )
    adopted: Adopted | None = Field(
        None,
        description="The other tool's history that it takes over. For reviewers and the executor.",
    )
    fingerprint: dict[str, str] | None = Field(
        None,
        description="Each object of the schema, with a short digest, when the plan was made; "
        "the executor refuses another schema. null: it does not look.",
    )
    rehearsal: Rehearsal | None = Field(
        None, description="What a run on a scratch database has shown; null: there was none."
    )
    promotion: Promotion | None = Field(
        None, description="What is known of its steps in another environment; null: not asked."
    )
    intent_digest: Sha256 = Field(description="Over what runs, not where: for promotion.")
    digest: Sha256 = Field(description="SHA-256 of all the rest as canonical JSON (RFC 8785).")

    @property
    def is_denied(self) -> bool:
        """Whether a policy of its environment has denied it."""
        return any(decision.answer == "deny" for decision in self.decisions)

    @property
    def is_applicable(self) -> bool:
        """Whether there is anything to apply, and nothing in the plan itself forbids it."""
        does_any = bool(self.steps or self.adopted)  # of no steps: it notes what a tool says now
        return does_any and not self.is_denied and self.state_pulled_at is None

    @property
    def has_batches(self) -> bool:
        """Whether a statement of it runs in batches."""
        return any(one.batch for step in self.steps for one in step.statements)

    @property
    def has_copies(self) -> bool:
        """Whether a program of others copies a table for it."""
        return any(one.online for step in self.steps for one in step.statements)

    @property
    def applying(self) -> tuple[Step, ...]:
        """The steps that apply something: neither those of a rollback nor of a baseline."""
        return tuple(step for step in self.steps if step.direction == "up" and step.statements)

    def units(self, done: int = 0) -> tuple[Unit, ...]:
        """The steps after the first `done`, grouped by what is kept or undone together."""
        numbered = list(enumerate(self.steps, 1))[done:]
        groups = (list(group) for _, group in groupby(numbered, key=_unit))
        return tuple(
            Unit(group[0][0], tuple(step for _, step in group), group[0][1].transaction)
            for group in groups
        )


def _unit(numbered: tuple[int, Step]) -> tuple[int | None, int]:
    """Equal for neighbours that share a transaction; a step without one shares with none."""
    number, step = numbered
    return step.transaction, number if step.transaction is None else 0


@frozen
class Unit:
    """Consecutive steps that are kept or undone together; `first` is the number of its first.

    `transaction` is None for a step whose statements are kept one by one.
    """

    first: int
    steps: tuple[Step, ...]
    transaction: int | None

    @property
    def batches(self) -> bool:
        """Whether it is a step that runs in batches."""
        return any(one.batch for step in self.steps for one in step.statements)

    @property
    def copies(self) -> bool:
        """Whether it is a step that a program does by a copy of a table."""
        return any(one.online for step in self.steps for one in step.statements)


def intent_digest(steps: Iterable[Step]) -> str:
    """SHA-256, in hex, over direction, version, checksum and statements of each step.

    Two plans with the same intent run the same SQL, whatever database they are for.
    """
    return sha256(
        [
            [step.direction, step.version, step.checksum, [s.digest for s in step.statements]]
            for step in steps
        ]
    )


def intend(plan: Plan) -> Plan:
    """The plan with the digest over its intent, and not yet sealed."""
    return plan.model_copy(update={"intent_digest": intent_digest(plan.steps), "digest": UNSEALED})


def seal(plan: Plan) -> Plan:
    """The plan with the digests that belong to its content; done once, when it is finished."""
    return sealed(intend(plan))
