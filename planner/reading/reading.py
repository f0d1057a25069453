"""What one statement does, as a value: the only thing that the rest of lockgate knows of its SQL.

Made once for a statement, by the reader of its engine, from the text and the server's own rules;
what depends on the tables that are there, `reading.impact` adds. Reads no SQL, and decides nothing
about what can be undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.value import frozen

READ_ONCE = 1 << 16
"""Statements whose readings a process keeps: a second question is answered without reading."""
# What makes rows in a CREATE TABLE.
QUERIES = frozenset({"select", "values"})

# DROP CONSTRAINT may be of a check, too.
UNTIES = frozenset({"drop foreign key", "drop check"})

Verb = Literal[
    "create",
    "alter",
    "drop",
    "rename",
    "truncate",
    "write",
    "read",
    "set",
    "maintain",
    "other",
]


@frozen
class Object:
    """What a schema holds: `kind` is `table`, `view`, `trigger`, `procedure`, `function`, `event`,
    `sequence`; `schema` is empty where the statement names none. A `user` is named `name@host`.

    Its name is as in the statement, without quotes. `path` are the schemas in which the server
    looks for it where it names none, if the session's own path was changed before.
    """

    kind: str
    name: str
    schema: str = ""
    path: tuple[str, ...] = field(default=(), compare=False)


# From the least to the most; who is shut out of reads is shut out of writes too.
Blocked = Literal["nothing", "writes", "reads"]
BLOCKED: tuple[Blocked, ...] = ("nothing", "writes", "reads")
# `scan` reads every row or builds an index, `rewrite` writes every row again.
Work = Literal["none", "scan", "rewrite"]
WORKS: tuple[Work, ...] = ("none", "scan", "rewrite")


@frozen
class Hold:
    """A lock that a statement takes on a table or an index, and what it does under it.

    `lock` is as the server's manual spells it. `algorithm` is that of MySQL's online DDL, empty
    elsewhere. `certain` is false where the SQL alone does not tell, and the worst is assumed.
    """

    on: Object
    lock: str
    blocks: Blocked
    work: Work = "none"
    algorithm: str = ""
    certain: bool = True

    @property
    def is_long(self) -> bool:
        """Whether it is held while all rows are worked on, and others must wait for that."""
        return self.work != "none" and self.blocks != "nothing"

    def is_stronger(self, other: Hold) -> bool:
        """Whether it shuts more out."""
        return BLOCKED.index(self.blocks) > BLOCKED.index(other.blocks)


Leaves = Literal["nothing", "settings", "unknown"]
Commits = Literal["never", "itself", "may"]


@frozen
class ConcurrentIndex:
    """What CREATE, DROP or REINDEX … CONCURRENTLY of PostgreSQL works on.

    `index` is None where the server is to give a name, or where all indexes of `table` are
    rebuilt; `table` is None where the statement names an index alone.
    """

    action: Literal["build", "drop", "rebuild"]
    index: Object | None
    table: Object | None


Volatility = Literal["", "stable", "volatile", "unknown"]


@frozen
class Clause:
    """A part of a statement whose locks, work or losses depend on what its table is like.

    `action` is what it does: `add column`, `drop constraint`. `table` is the one that it is about,
    `name` a column or a constraint of it, `columns` those of a constraint, `type` a column's new
    type as the catalogue prints it. `volatility` is that of a new column's default, empty where it
    has none. `others` are the further tables that it names. `words` are what it says besides:
    `not valid`, `using index`; `any zone` is not the SQL's, but its session's. `bound` are the
    constants of a partition's limits, which distinguish it from the others: `("from", "1", "to",
    "9")`, `("in", "a", "b")`. `calls` are the functions in a default of which the SQL alone does
    not tell whether they are volatile. `required` are the columns of which a CHECK says that they
    are not NULL. `casts` are the types by way of which USING makes an old value a new one, in
    their order. `definition` is for people: in short, what a column or a constraint is made of.
    """

    action: str
    table: Object
    name: str = ""
    columns: tuple[str, ...] = ()
    type: str = ""
    volatility: Volatility = ""
    others: tuple[Object, ...] = ()
    words: frozenset[str] = frozenset()
    bound: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()
    definition: str = field(default="", compare=False)


@frozen
class Definition:
    """A column's definition as far as it decides which values fit, and what the server does."""

    type: str
    arguments: tuple[str, ...] = ()
    unsigned: bool = False
    nullable: bool = True
    charset: str = ""
    collation: str = ""
    generated: bool = False
    counts: bool = False
    unread: bool = False
    may_update: bool = False
    """It may say ON UPDATE, as a bare `timestamp` also can."""
    moves: bool = False
    """FIRST or AFTER is in it."""
    keys: frozenset[str] = frozenset()
    """`unique`, `primary`."""
    text: str = ""
    """As it is written."""


@frozen
class Reading:
    """What one statement does, if the server does not refuse it.

    Names are spelled as in the statement: whether two in different case are one, the server says.
    """

    verb: Verb
    objects: tuple[Object, ...] = ()
    """Whose definition may come to be, change or vanish: what a pre-image must show. Of those
    renamed the old name."""
    conditional: bool = False
    """IF EXISTS or IF NOT EXISTS is in it: it may do nothing."""
    replaces: bool = False
    """OR REPLACE is in it."""
    temporary: bool = False
    """The table that it makes, and then writes, or drops is the session's own: no object."""
    renames: tuple[tuple[Object, Object], ...] = ()
    """Tables, old and new, in the order in which it renames them."""
    outline: tuple[str, ...] = field(default=(), compare=False)
    """What the object that it makes is made of, in short, for people: `+ id int8 not null`."""
    trigger_table: Object | None = None
    """The table of the trigger that it makes."""

    columns_added: tuple[str, ...] = ()
    columns_dropped: tuple[str, ...] = ()
    columns_renamed: tuple[tuple[str, str], ...] = ()
    """Old and new name."""
    columns_redefined: Mapping[str, Definition] = field(default_factory=dict)
    """The new definition by the name before the statement."""
    converts_text: bool = False
    """CONVERT TO CHARACTER SET: every text column is redefined."""
    changes_primary_key: bool = False
    changes_counter: bool = False
    """AUTO_INCREMENT = n."""
    storage_engine: str = ""
    """The one that it names, in lower case."""
    versions: bool | None = None
    """Whether a table keeps the history of its rows from then on; None: as before."""
    made_like: Object | None = None
    """The table that CREATE TABLE … LIKE names."""
    parents: tuple[Object, ...] = ()
    """Those of the foreign keys that it adds."""
    cascades_from: tuple[Object, ...] = ()
    """Those of them by which rows change with their parent's."""

    tables_written: tuple[Object, ...] = ()
    """Whose rows come to be, change or vanish, apart from what triggers and cascades do."""
    row_changes: frozenset[str] = frozenset()
    """How rows change: `insert`, `update`, `delete`."""
    columns_written: frozenset[str] | None = None
    """The columns that an UPDATE of one table sets; None: whole rows."""
    gives_defaults: bool = False
    """It may give columns of these tables their defaults."""
    mentions: Mentions = field(default_factory=Mentions)
    """Whatever its text names, read and called, or only stored by it."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """Session variables that it sets, in lower case, and the text of each value."""
    chosen_database: str = ""
    """The one that USE names."""
    leaves_session: bool = False
    """Its session is not as before: a variable, a temporary table, a prepared statement."""

    kind: str = ""
    """What it is, in lower case: `alter table`."""
    every_row: bool = False
    """It changes rows, and no condition says which."""
    queries: bool = False
    """It runs a query over rows of which no table's size tells the number."""
    opaque: bool = False
    """It runs code that is in a string or in the database, and that is not read."""
    calls_own: frozenset[str] = frozenset()
    """The functions and procedures of the database that it calls, or that the code which it stores
    does: by their names alone, in lower case."""
    takes_when_called: bool = False
    """It makes a function or a procedure that drops, truncates, or deletes without a condition."""
    reaches_out: tuple[str, ...] = ()
    """What it reaches outside of the database: `runs a program on the server`."""
    changes_rights: bool = False
    """It gives rights, makes or changes roles, takes on another one, or sets what later sessions
    begin with."""
    gives_everyone: str = ""
    """By which name everyone gets rights: `PUBLIC`, or `''`, the account without one."""
    given_on: Object | None = None
    """The procedure or function on which it gives or takes rights."""
    given_to: frozenset[str] = frozenset()
    """The accounts, `name@host`, whose rights it changes; empty: they are not known."""
    names: tuple[str, ...] = ()
    """Of what belongs to its session: `advisory` locks, `lock_timeout`."""
    runs_nothing: bool = False
    """For certain no expression, function or trigger of others runs in it, but event triggers."""
    explicit: bool = False
    """ALGORITHM or LOCK is in it: the server refuses it rather than do worse."""

    leaves: Leaves = "nothing"
    """What it leaves in its session outside of a transaction; `settings` are restored when it is
    run again."""
    outside_only: bool = False
    """The server refuses it in a transaction block."""
    commits: Commits = "never"
    """Whether it ends a transaction: `itself`, before another command could be a part of it, `may`
    where code in it or called by it may do so in the middle of its work."""
    fails_whole: bool = True
    """When the server refuses it, nothing of it is kept."""
    repeatable: bool = True
    """It may be run again when it was begun, has ended, and is not noted as done."""
    holds: tuple[Hold, ...] = ()
    """The locks that it takes whatever the tables are like; those that it makes are not among
    them."""
    loses: tuple[str, ...] = ()
    """What is gone with its data whatever the tables are like: `the table users`."""
    clauses: tuple[Clause, ...] = ()
    """What depends on the tables; `weigh` knows what it means."""
    search_path: tuple[str, ...] | None = None
    """Where names without a schema are looked for after it; None: as before, `?`: not known."""
    moves_default: bool = False
    """Sessions that begin after it may look for names elsewhere, and make tables elsewhere."""
    concurrent: ConcurrentIndex | None = None
    """The index that it builds, drops or rebuilds in several transactions."""
    unread: str = ""
    """Why its reader could not read it, as a clause; then it is judged by the strictest answer."""
    unread_at: int | None = None
    """Where the server's grammar refuses it, in characters from the statement's first; None: it
    does not."""

    absent: tuple[Object, ...] = ()
    """What it names with IF EXISTS and, by the facts, is not there: no part of what it does."""
    obstacle: str = ""
    """Why no recorded pre-image undoes it, as a clause for the reviewer; empty: one does."""

    partial: bool = False
    """When it fails, a part of it may have been done."""

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing, as nothing that it names is there."""
        return bool(self.absent) and {*self.absent} >= {*self.objects}

    @property
    def is_neutral(self) -> bool:
        """Whether it changes nothing that outlives the session."""
        return not self.obstacle and (self.verb in ("read", "set") or self.temporary)

    @property
    def evaluates(self) -> bool:
        """Whether it runs expressions over rows, and does not only store them."""
        if self.verb == "create":
            return self.temporary or any(one.kind == "table" for one in self.objects)
        return self.verb in ("read", "set", "write")

    @property
    def takes_values(self) -> bool:
        """Whether it moves the sequences that it mentions, and does not only store their names."""
        if self.verb == "alter":
            return bool(self.columns_added)
        is_query = self.temporary or self.verb != "create"
        return self.evaluates and (is_query or bool(QUERIES & self.mentions.names))

    @property
    def calls(self) -> frozenset[str]:
        """In lower case: whatever it calls like a function, the server's own included."""
        return self.mentions.calls if self.evaluates else frozenset()

    @property
    def keeps_session(self) -> bool:
        """Whether its session is as before for certain: no code of others runs in it."""
        is_plain = self.is_definition or self.verb in ("truncate", "maintain")
        return is_plain and self.leaves == "nothing" and not QUERIES & self.mentions.names

    @property
    def empties(self) -> bool:
        """Whether it makes tables or partitions of them empty, as if they were new."""
        partitions = any(clause.action == "truncate partition" for clause in self.clauses)
        return self.verb == "truncate" or partitions

    @property
    def untied(self) -> tuple[str, ...]:
        """The names of what ALTER TABLE drops and may be a foreign key, on MySQL and MariaDB."""
        return tuple(one.name for one in self.clauses if one.action in UNTIES and one.name)

    @property
    def is_definition(self) -> bool:
        """Whether it is DDL: it changes what there is, and not only the rows in it."""
        return self.verb in ("create", "alter", "drop", "rename")

    @property
    def is_rows_only(self) -> bool:
        """Whether it changes rows and no definition, and leaves the transaction open."""
        return self.verb == "write"


def not_read(why: str, at: int | None = None) -> Reading:
    """The reading of a statement that its reader could not read: the strictest answers."""
    return Reading(
        "other", kind="statement", opaque=True, leaves="unknown", commits="may",
        fails_whole=False, repeatable=False, unread=why, unread_at=at, partial=True,
        obstacle="lockgate cannot read what it does",
        loses=("what it may lose, which is not read",),
    )  # fmt: skip
