"""What a live database says of its tables, as a value the planner can judge by.

Asks nothing: an engine reads it. An absent table is unknown, and judged as the worst case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockgate.planner.database.mentioned import Mentions


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column as the catalogue prints it: `type` is `varchar(50)`, `int unsigned`.

    `charset` is empty where the type has none. `updates_itself` is ON UPDATE CURRENT_TIMESTAMP,
    `counts` is AUTO_INCREMENT.
    """

    type: str
    nullable: bool
    charset: str = ""
    collation: str = ""
    generated: bool = False
    updates_itself: bool = False
    counts: bool = False


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A base table. `rows` and `size`, in bytes with its indexes, are the server's estimates.

    On PostgreSQL materialized views are told too, and indexes, with the rows of their table.

    `collation` is that of a new column. `cascades_to` are the tables whose foreign keys to this
    one change their rows with its rows: ON DELETE or ON UPDATE CASCADE, SET NULL, SET DEFAULT.
    `versioned` is MariaDB's system versioning: it keeps what its rows were.
    `schema` is the one that it is in; empty: it is not told.
    `sequences` are those that its columns' defaults take values of, in lower case.
    """

    storage_engine: str
    rows: int
    size: int
    columns: Mapping[str, ColumnFacts]
    primary_key: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    collation: str = ""
    cascades_to: tuple[str, ...] = ()
    versioned: bool = False
    sequences: frozenset[str] = frozenset()
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The tables of the plan's own database by name, and what else there is in it.

    A table that its name alone does not lead to is there with its schema: `archive.orders`.
    `views` are the names of its views, `broken_views` of those among them that the server cannot
    open, as their tables are gone; `functions` of its stored functions. `strict` says whether the
    server refuses a value that does not fit, in place of changing it. `mentions` are what the
    views' definitions mention, by their names in lower case: the worst, if one is not shown.
    `has_sequences` says that there is one. `default_schema` is where what has no schema is made,
    and `schemas_before` would take its place if they were there; both are PostgreSQL's alone.
    """

    tables: Mapping[str, TableFacts] = field(default_factory=dict)
    views: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    strict: bool = False
    broken_views: frozenset[str] = frozenset()
    mentions: Mapping[str, Mentions] = field(default_factory=dict)
    has_sequences: bool = False
    default_schema: str = ""
    schemas_before: frozenset[str] = frozenset()
