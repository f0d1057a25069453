"""What a live database says of its tables, as a value the planner can judge by.

Asks nothing: an engine reads it. An absent table is unknown, and judged as the worst case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.value import frozen


@frozen
class ColumnFacts:
    """A column as the catalogue prints it: `type` is `varchar(50)`, `int unsigned`.

    `charset` is empty where the type has none. `virtual` says that a generated one
    is not stored, `updates_itself` is ON UPDATE CURRENT_TIMESTAMP, `counts` is AUTO_INCREMENT.
    """

    type: str
    nullable: bool
    charset: str = ""
    collation: str = ""
    generated: bool = False
    virtual: bool = False
    updates_itself: bool = False
    counts: bool = False
    made_of: str = ""
    """The key in `Facts.types` of the type that it, or the elements of its arrays, are of."""
    made_from: tuple[str, ...] = ()
    """The columns that a generated one is computed from, on PostgreSQL."""
    default: str = ""
    """On PostgreSQL, as the server prints it; empty: NULL, or computed."""


@frozen
class ConstraintFacts:
    """A constraint of a table of PostgreSQL. `kind` is `check`, `foreign`, `not null`, `primary`,
    `unique` or `exclusion`; `columns` are its table's.

    `valid` says that the rows that are there were checked, `enforced` that new ones are. `parent`
    is the key of the table that a foreign key refers to, by its `parent_columns`; `cascades` says
    with which changes of its parent a row changes: `delete`, `update`; with `empty` too, a delete
    leaves the row and empties its columns, and with `empty on update` an update. `definition`
    is that of a CHECK, as the server prints it.
    """

    kind: str
    columns: tuple[str, ...] = ()
    valid: bool = True
    enforced: bool = True
    parent: str = ""
    parent_columns: tuple[str, ...] = ()
    cascades: tuple[str, ...] = ()
    definition: str = ""


@frozen
class TypeFacts:
    """A type that is not the server's own. `kind` is `domain`, `enum`, `composite` or `base`.

    `made_of` is the key of the type that a domain is made of, empty for one of the server's own,
    and `base` is that type as the server prints it.
    `checked` says that a domain, or one that it is made of, has constraints. `schema` is the one
    that it is in, `extension` the one that has made it.
    """

    kind: str
    schema: str
    made_of: str = ""
    base: str = ""
    checked: bool = False
    extension: str = ""


@frozen
class Dependent:
    """What hangs on an object. `table` is the key of the relation that it is something of, or of
    the type or relation that it is itself, with the kind `type` or `relation`.

    `kind` is `trigger`, `policy`, `rule`, `default`, `column` for a generated one or one of a type,
    `constraint`, `index`, `statistics`, `publication`, `rights`, `function`, or in the server's own
    words. It goes without a word where it `is_part`; else only CASCADE takes it along.
    """

    kind: str
    name: str
    table: str = ""
    is_part: bool = False


def label(kind: str, key: str = "", name: str = "") -> str:
    """Under which `Facts.dependents` has what hangs on an object.

    >>> label("column", "t", "c"), label("function", "", "f"), label("relation", "v")
    ('column t.c', 'function f', 'relation v')
    """
    return f"{kind} {'.'.join(filter(None, (key, name)))}"


@frozen
class FiredFacts:
    """A trigger or a rule of a table that is not one of its constraints. `events` are those for
    which it runs: `insert`, `update`, `delete`, `truncate`; `code` is the name of a trigger's
    function. `calls` are what this calls, if it only changes the row that is written; None: it
    does more, or was not read."""

    kind: str
    events: tuple[str, ...]
    code: str = ""
    enabled: bool = True
    calls: tuple[str, ...] | None = None


@frozen
class Layout:
    """What a relation of PostgreSQL is and hangs together with; the names are keys of the facts.

    `kind` is `table`, `partitioned`, `materialized view`, `view`, `index`, `partitioned index`,
    `sequence` or `foreign table`. `owner` is the table of an index, or of a sequence that belongs
    to a column. `parents` are what it inherits from or is a partition of, `children` the other way;
    `default` is the default partition. `partition_key` is as the server prints it. `indexes`
    are its own, `sequences` belong to its columns, `referrers` are the tables with foreign keys to
    this one, `views` those that read it, each with the columns that it reads. `computed` are the
    columns in expressions and conditions of its indexes, or of an index; `has_triggers` leaves out
    those of its constraints. Of an index `keys` are its columns, and `definition` is what it is
    made of, without its name. `role` is the owner. `fires` are its triggers and rules.
    """

    kind: str
    logged: bool = True
    access_method: str = ""
    tablespace: str = ""
    owner: str = ""
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    default: str = ""
    partition_key: str = ""
    indexes: tuple[str, ...] = ()
    referrers: tuple[str, ...] = ()
    views: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    definition: str = ""
    constraints: Mapping[str, ConstraintFacts] = field(default_factory=dict)
    has_triggers: bool = False
    role: str = ""
    fires: Mapping[str, FiredFacts] = field(default_factory=dict)
    sequences: tuple[str, ...] = ()


@frozen
class ForeignKey:
    """A foreign key of a table, the child, to its parent; one of another database by both names.

    `columns` are those of the parent, in lower case; empty: not known. `on_update` and `on_delete`
    say whether rows of the child change with the parent's: CASCADE, SET NULL, SET DEFAULT.
    """

    child: str
    parent: str
    name: str = ""
    columns: tuple[str, ...] = ()
    on_update: bool = False
    on_delete: bool = False


@frozen
class IndexFacts:
    """An index of MySQL or MariaDB. `kind` is `btree`, `fulltext`, `spatial` … as the server names
    it, `columns` are in lower case; what an expression computes has none."""

    kind: str
    columns: tuple[str, ...] = ()


@frozen
class TableFacts:
    """A base table. `rows` and `size`, in bytes with its indexes, are the server's estimates.

    On PostgreSQL all kinds of relations are listed, indexes with the rows of their table; there
    alone they have a `layout`, which has what they fire; elsewhere `fires` are the triggers.

    `collation` is that of a new column. `triggered` is what the bodies of its triggers mention;
    None: not known.
    `versioned` is MariaDB's system versioning: it keeps what its rows were.
    `schema` is the one that it is in; empty: not known.
    `sequences` are those that its columns' defaults take values of, in lower case.
    `indexes`, by their names in lower case, and `compressed`, its row format, are known on MySQL
    and MariaDB.
    """

    storage_engine: str
    rows: int
    size: int
    columns: Mapping[str, ColumnFacts]
    primary_key: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    collation: str = ""
    triggered: Mentions | None = None
    versioned: bool = False
    sequences: frozenset[str] = frozenset()
    schema: str = ""
    fires: Mapping[str, FiredFacts] = field(default_factory=dict)
    layout: Layout | None = None
    indexes: Mapping[str, IndexFacts] = field(default_factory=dict)
    compressed: bool = False


@frozen
class KnownNames:
    """All names of a database, also of what it does not tell more about: each with its kind, and
    its schema where it has one. `table` means all relations, `type` also domains, and
    `function` all routines.

    `path` are the schemas in which a name without one is looked for. `schemas` are those of which
    all names are listed; None: of all. `folded` says that they are in lower case, as two in
    different case may be one. `event_triggers` are those of PostgreSQL that run.
    """

    found: frozenset[tuple[str, str, str]]
    path: tuple[str, ...] = ()
    schemas: frozenset[str] | None = None
    folded: bool = False
    event_triggers: tuple[str, ...] = ()


@frozen
class Facts:
    """The tables of the plan's own database by name, and what else there is in it. `names` are all
    that it has; None: no database has told them, so nothing is known not to be there.

    A table that its name alone does not lead to is there with its schema: `archive.orders`.
    `views` are the names of its views, `broken_views` of those among them that the server cannot
    open, as their tables are gone; `functions` of its stored functions. `strict` says whether the
    server refuses a value that does not fit, in place of changing it. `mentions` are what the
    views' definitions mention, by their names in lower case: the worst, if one is not shown.
    `code` is what functions mention, by their names in lower case, of those that are shown.
    `has_sequences` says that there is one. `default_schema` is where what has no schema is made,
    and `schemas_before` would take its place if they were there; both are PostgreSQL's alone.
    `default_engine` is that of a table which names none, in lower case. `grants_make_users` says
    that GRANT makes the user that is not there; None: this server never does. `keeps_rights` says
    that rights on a routine stay when it is dropped.

    On PostgreSQL `types` are those that are not the server's own, with their schema like tables;
    `dependents` are, by its `label`, what hangs on an object, apart from what layouts tell.
    `volatile` are the names of its functions of which each call may give another value.
    `proofs` are CHECK constraints that a plan has made of tables which are not known, by the
    table's name with its schema and their own: the columns of which they say that they are not
    NULL, and whether the rows were checked.
    `same` are pairs of types, as the server prints them, of which the values of one are those of
    the other, byte by byte. `access_method` is that of a new table.
    """

    tables: Mapping[str, TableFacts] = field(default_factory=dict)
    views: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    strict: bool = False
    grants_make_users: bool | None = None
    keeps_rights: bool = False
    broken_views: frozenset[str] = frozenset()
    mentions: Mapping[str, Mentions] = field(default_factory=dict)
    code: Mapping[str, Mentions] = field(default_factory=dict)
    has_sequences: bool = False
    default_schema: str = ""
    schemas_before: frozenset[str] = frozenset()
    types: Mapping[str, TypeFacts] = field(default_factory=dict)
    dependents: Mapping[str, tuple[Dependent, ...]] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    same: tuple[tuple[str, str], ...] = ()
    access_method: str = ""
    proofs: Mapping[tuple[str, str], tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    foreign_keys: tuple[ForeignKey, ...] = ()
    default_engine: str = "innodb"
    names: KnownNames | None = field(default=None, compare=False)
