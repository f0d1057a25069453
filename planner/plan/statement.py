"""A statement of a plan: the text that the server gets, and what is known of it; a value.

Reads no SQL: `planner.building.build` has each statement read, and `planner.review` adds what
depends on the tables and on the rest of the plan.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lockgate.planner.canonical import canonical
from lockgate.planner.reading.reading import BLOCKED, WORKS, Blocked, Commits, Leaves, Work

# From the best to the weakest.
Guarantee = Literal[
    "transactional",
    "implied",
    "compensated",
    "deferred",
    "compensated-by-copy",
    "point-of-no-return",
]

# As a number, so no more than a double holds.
Estimate = Annotated[int, Field(ge=0, le=2**53 - 1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Model(BaseModel):
    """Frozen; a reader refuses what it does not know: it could not explain that to anyone."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Touch(Model):
    """A table that a statement works on, and what that means for those who use the table too.

    None of it decides what runs: reviewers and policies read it.
    """

    table: str = Field(description="With its schema where the SQL names one; for reviewers.")
    lock: str = Field(description="In the server's own words; empty: none. For reviewers.")
    algorithm: str = Field("", description="That of MySQL's online DDL; for reviewers.")
    blocks: Blocked = Field("nothing", description="What others must wait with; for policies.")
    work: Work = Field(
        "none", description="Whether all rows are read or rewritten under it; for policies."
    )
    certain: bool = Field(
        True,
        description="False: the SQL alone does not tell, and the worst is assumed; for reviewers.",
    )
    rows: Estimate | None = Field(
        None,
        description="The server's estimate when the plan was made; null: unknown. For policies.",
    )
    bytes: Estimate | None = Field(
        None, description="Of the table and its indexes, as `rows`; null: unknown. For policies."
    )

    @property
    def effort(self) -> int:
        """How much it works on the table's rows: the more, the higher."""
        return WORKS.index(self.work)

    @property
    def severity(self) -> int:
        """How much it shuts others out: the more, the higher."""
        return BLOCKED.index(self.blocks)

    @property
    def is_long(self) -> bool:
        """Whether others must wait until all of the table's rows are worked on."""
        return self.work != "none" and self.blocks != "nothing"


class Named(Model):
    """An object of a schema, by its name as the statement has it, without quotes."""

    kind: str = Field(description="Such as `table` or `view`; for reviewers.")
    name: str = Field(description="Empty: the server is to give one. For reviewers.")
    qualifier: str = Field(
        "", description="Its schema; empty where the statement names none. For reviewers."
    )


class Concurrent(Model):
    """What CREATE, DROP or REINDEX … CONCURRENTLY of PostgreSQL works on."""

    action: Literal["build", "drop", "rebuild"] = Field(description="The executor follows this.")
    index: Named | None = Field(
        description="null: the server is to name it, or all of the table's are rebuilt. For the "
        "executor."
    )
    table: Named | None = Field(
        description="null where the statement names an index alone; for the executor."
    )


class StatementReading(Model):
    """What a statement does by itself, whatever the tables are like that it works on.

    Its reader's words, so that no other part has to look at the SQL to learn it.
    """

    kind: str = Field(description="What it is, such as `alter table`; for reviewers.")
    objects: tuple[Named, ...] = Field(
        (), description="What it makes, changes or drops, or whose rows it writes. For reviewers."
    )
    absent: tuple[Named, ...] = Field(
        (),
        description="What it names with IF EXISTS and was not there when the plan was made: it "
        "does nothing about that. `apply` looks again; for reviewers.",
    )
    leaves: Leaves = Field(
        "nothing", description="What it leaves in its session; the executor relies on it."
    )
    outside_only: bool = Field(
        False, description="The server refuses it in a transaction; the executor relies on it."
    )
    commits: Commits = Field(
        "never",
        description="Whether it ends a transaction: `itself`, at once; `may`, where code that it "
        "runs may do so. The executor relies on it.",
    )
    fails_whole: bool = Field(
        True, description="Nothing of it is kept when it fails; the executor relies on it."
    )
    repeatable: bool = Field(
        True,
        description="It may run again when it was not noted as done; the executor relies on it.",
    )
    concurrent: Concurrent | None = Field(
        None, description="The index that it builds or drops in several transactions; null: none."
    )
    opaque: bool = Field(
        False, description="It runs code that was not read; for reviewers and policies."
    )
    reaches_out: tuple[str, ...] = Field(
        (), description="What it reaches outside of its database; for reviewers and policies."
    )
    changes_rights: bool = Field(
        False, description="It gives rights or changes roles; for reviewers and policies."
    )
    names: tuple[str, ...] = Field(
        (),
        description="Of what belongs to its session: `advisory` locks, `lock_timeout`; the "
        "executor relies on it.",
    )
    unread: str = Field(
        "", description="Why it could not be read, as a clause; then the worst is said of it."
    )

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing, as nothing that it names was there when the plan was made."""
        return bool(self.absent) and {*self.absent} >= {*self.objects}

    @property
    def settles(self) -> bool:
        """Whether it may be given to the executor again where it is not known if it has happened:
        twice does no harm, or the database tells."""
        return self.repeatable or self.is_told or self.kind.startswith("reindex")

    @property
    def is_told(self) -> bool:
        """Whether the database tells if it has happened: a named index, built or dropped in several
        transactions, is there or not, and may be invalid in between."""
        one = self.concurrent
        return one is not None and one.action != "rebuild" and one.index is not None


ASK = "select case when ({}) then 1 else 0 end"
"""The question whether the condition of an `until` holds, in the SQL of every engine."""


class Slot(Model):
    """A place in the SQL of a batch that the executor fills."""

    name: Literal["lo", "hi", "above"] = Field(
        description="A bound; or the `>` before `lo`, which is `>=` in the first batch. "
        "The executor follows this."
    )
    start: Estimate = Field(description="In characters of the SQL, from 0; for the executor.")
    end: Estimate = Field(description="The first character after it; for the executor.")


class Limit(Model):
    """What a run of batches waits for between two of them."""

    gauge: Literal["lag", "running", "oldest", "wal"] = Field(
        description="The lag of replicas, the sessions at work, the age of the oldest transaction, "
        "or the WAL that is not archived yet. The executor follows this."
    )
    below: Estimate = Field(
        description="It goes on while the gauge is below: milliseconds, sessions or bytes."
    )


class Batch(Model):
    """How a statement runs batch after batch along a key, each a transaction with its place."""

    key: tuple[str, ...] = Field(description="The columns of the key; the executor walks by it.")
    table: Named = Field(description="Whose key it is; the executor walks it.")
    size: int = Field(ge=1, le=10_000_000, description="Rows of the first batch; for the executor.")
    target_ms: Estimate = Field(
        description="What a batch is to take: later ones are as large as that allows."
    )
    pause_ms: Estimate = Field(0, description="What the executor waits after each batch.")
    throttles: tuple[Limit, ...] = Field((), description="All must allow the next batch.")
    until: str = Field(
        "",
        description="A condition in SQL that must hold at the end; empty: none. While it does not "
        "and batches still change rows, the executor walks again.",
    )
    slots: tuple[Slot, ...] = Field(description="In the order of the SQL; for the executor.")
    types: tuple[str, ...] = Field((), description="Of the key's columns; for reviewers.")
    rows: Estimate | None = Field(
        None, description="The server's estimate when the plan was made; null: not known."
    )
    bytes: Estimate | None = Field(None, description="Of the table, as `rows`; for reviewers.")

    @property
    def batches(self) -> int | None:
        """About how many there will be, of the first one's size."""
        return None if self.rows is None else -(-self.rows // self.size)

    @property
    def written(self) -> Batch:
        """What its file says, without what a database has said."""
        return self.model_copy(update={"types": (), "rows": None, "bytes": None})

    def fill(self, sql: str, lo: str, hi: str, *, is_first: bool) -> str:
        """The SQL with these texts in the place of its bounds."""
        texts = {"lo": lo, "hi": hi, "above": ">=" if is_first else ">"}
        parts, end = list[str](), 0
        for slot in self.slots:
            parts += [sql[end : slot.start], texts[slot.name]]
            end = slot.end
        return "".join((*parts, sql[end:]))


class Online(Model):
    """How a program of others copies a table while it is used, and then exchanges the two."""

    tool: Literal["pt-osc", "gh-ost", "spirit"] = Field(
        description="The executor runs its program."
    )
    table: Named = Field(description="The one that is altered; for the executor.")
    arguments: tuple[str, ...] = Field(
        description="What the program is given, beside where to connect to. The executor follows "
        "this."
    )
    version: str = Field(
        "", description="What the program said of itself when the plan was made; for reviewers."
    )

    @property
    def written(self) -> Online:
        """What its file says, without what a program has said."""
        return self.model_copy(update={"version": ""})


class Condition(Model):
    """What must be there, or must not, for a statement to run; looked at right before it."""

    exists: bool = Field(description="Whether it must be there. The executor follows this.")
    part: Named = Field(
        description="A `column`, an `index` or a `constraint` of the table; for the executor."
    )
    table: Named = Field(description="The one that the statement alters; for the executor.")

    @property
    def met(self) -> str:
        """What is so when the statement runs, as a clause."""
        return self._clause(self.exists)

    @property
    def unmet(self) -> str:
        """What is so when it does not."""
        return self._clause(not self.exists)

    def _clause(self, there: bool) -> str:
        return f"{self.table.name} has {'the' if there else 'no'} {self.part.kind} {self.part.name}"


class TakenAlong(Model):
    """What goes with what a statement drops, and is not named by it; an index, a view, a right."""

    kind: str = Field(description="Such as `index` or `view`; for reviewers.")
    name: str = Field(description="Its own; of rights and defaults the column's. For reviewers.")
    table: str = Field(
        "", description="What it is a part of; empty where it is by itself. For reviewers."
    )


class PlannedStatement(Model):
    """One statement, exactly as the server will receive it."""

    line: int = Field(description="The line in the migration's file where it begins, from 1.")
    sql: str = Field(description="The text sent to the server: the executor runs this.")
    copy_data: str | None = Field(None, description="The rows of a COPY … FROM STDIN.")
    guarantee: Guarantee = Field(description="What a failure after it means; for reviewers.")
    reason: str = Field("", description="Why its guarantee is no better; for reviewers.")
    touches: tuple[Touch, ...] = Field(
        (), description="The tables that it works on, and their locks and sizes; for reviewers."
    )
    reading: StatementReading | None = Field(
        None, description="What it does by itself; null in format 1.0. For executors and policies."
    )
    batch: Batch | None = Field(
        None, description="How it runs in batches; null: at once. The executor follows this."
    )
    online: Online | None = Field(
        None,
        description="The program that does it by a copy; null: the server itself does it. The "
        "executor follows this.",
    )
    condition: Condition | None = Field(
        None, description="When it runs; null: always. The executor follows this."
    )
    loses: tuple[str, ...] = Field(
        (), description="What is gone with its data, as nouns: `the table users`. For policies."
    )
    takes: tuple[TakenAlong, ...] = Field(
        (), description="What goes with what it drops, by the database; `apply` looks again."
    )
    fires: tuple[str, ...] = Field(
        (), description="Triggers and rules that run with it and were not read. For policies."
    )
    digest: Sha256 = Field(description="SHA-256 of the SQL and its COPY rows.")

    @property
    def is_idle(self) -> bool:
        """As its reading's."""
        return self.reading is not None and self.reading.is_idle


def statement_digest(sql: str, copy_data: str | None) -> str:
    """SHA-256, in hex, of a statement with the rows that travel with it."""
    return sha256({"sql": sql, "copy_data": copy_data})


def sha256(value: Any) -> str:
    """SHA-256, in hex, of a value as canonical JSON (RFC 8785)."""
    return hashlib.sha256(canonical(value)).hexdigest()
