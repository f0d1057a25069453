"""What a statement does, measured on a live server: in its transaction, which is then undone.

Knows nothing of what lockgate says of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import psycopg

from lockgate.planner.reading.postgresql.locks import ACCESS_EXCLUSIVE, LOCKS, STRENGTHS
from tests.oracle.values import Values

# Of reads and of checks of keys: nothing waits for them but what closes the whole table.
QUIET = frozenset({"ACCESS SHARE", "ROW SHARE"})
SPELLED = {lock.replace(" ", "") + "LOCK": lock for lock in LOCKS}
# The relation of a composite type has no rows; what a table keeps outside of it is a part of it.
OURS = """
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and c.relkind <> 'c'
"""
# The table of an index, or of a sequence of its column.
RELATIONS = f"""
select c.oid::int8, n.nspname, c.relname, c.relkind, coalesce(i.indrelid, (
        select refobjid from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')
            and c.relkind = 'S' and d.refclassid = 'pg_class'::regclass limit 1))::int8,
    array(select inhparent::int8 from pg_inherits where inhrelid = c.oid),
    (select json_object_agg(attnum, attname) from pg_attribute where attrelid = c.oid)
{
    OURS.replace(
        "where",
        '''
left join pg_index i on i.indexrelid = c.oid
where''',
    )
}
"""
LOOK = f"""
select json_build_object(
    'locks', (select json_agg(json_build_array(relation::int8, mode)) from pg_locks
        where pid = pg_backend_pid() and locktype = 'relation'),
    'there', (select json_agg(json_build_array(c.oid::int8, c.relfilenode::int8,
        case when relkind in ('r', 'm') then pg_relation_size(c.oid) else 0 end,
        case when relkind in ('r', 'm', 'i') then pg_stat_get_xact_tuples_returned(c.oid)
            + pg_stat_get_xact_tuples_fetched(c.oid) else 0 end)) {OURS}),
    'columns', (select json_agg(json_build_array(attrelid::int8, attnum)) from pg_attribute
        where attnum > 0 and not attisdropped
            and attrelid in (select c.oid {OURS} and relkind in ('r', 'p', 'm'))))
"""


@dataclass(frozen=True)
class Relation:
    """A relation of the schema; `owner` is the table of an index and the like, `parents` are what
    it inherits from or is a partition of."""

    schema: str
    name: str
    kind: str
    owner: int | None
    parents: tuple[int, ...]
    rows: int
    columns: Mapping[int, str]


@dataclass(frozen=True)
class Glimpse:
    """What can be seen in the middle of a transaction."""

    locks: Mapping[int, str]
    files: Mapping[int, int]
    sizes: Mapping[int, int]
    read: Mapping[int, int]
    columns: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Measured:
    """What a statement did to the relations that were there before it, by their oids.

    `refused` is the server's code for a statement that it refused, and then there is no more.
    """

    refused: str = ""
    message: str = ""
    relations: Mapping[int, Relation] = field(default_factory=dict)
    """What was there before it."""
    locks: Mapping[int, str] = field(default_factory=dict)
    held: frozenset[int] = frozenset()
    """On which there are locks when it ends, those of earlier statements among them."""
    read: frozenset[int] = frozenset()
    """All of whose rows it has read, or whose index it has built."""
    rewritten: frozenset[int] = frozenset()
    emptied: frozenset[int] = frozenset()
    dropped: frozenset[int] = frozenset()
    columns_dropped: frozenset[tuple[int, int]] = frozenset()
    """By their numbers: a column may be renamed."""
    values_lost: frozenset[tuple[int, int]] = frozenset()
    """The columns of which a new type holds no longer what was in them."""


class Desk:
    """A session on a database that holds the schema, under the settings of lockgate's sections."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        connection.execute("set timezone = 'UTC'")
        connection.execute("set client_min_messages = error")
        connection.execute("set lock_timeout = '5s'")

    @cached_property
    def relations(self) -> dict[int, Relation]:
        """What there is before any form, with the rows of each table."""
        tables = {oid: one for oid, one in self._relations().items() if one.kind in "rm"}
        rows = {oid: self._count(one.schema, one.name) for oid, one in tables.items()}
        return self._relations(rows)

    @cached_property
    def values(self) -> Values:
        """What the columns hold before any form."""
        return Values(self.connection)

    def measure(self, sql: str, first: Iterable[str] = ()) -> Measured:
        """What a statement does after others in a transaction, which leaves nothing behind.

        What the others have made is not told, and a lock that they have taken already neither.
        """
        old = {oid: one.rows for oid, one in self.relations.items()}
        assert self.values
        relations = self.relations
        try:
            with self.connection.transaction(force_rollback=True):
                for one in first:
                    self.connection.execute(one.encode())
                    relations = self._relations(old)
                before = self._look()
                self.connection.execute(sql.encode())
                after = self._look()
                altered = [oid for oid, lock in after.locks.items() if lock == ACCESS_EXCLUSIVE]
                lost = self.values.lost(altered) if not first else frozenset()
        except psycopg.Error as error:
            return Measured(error.sqlstate or "?", str(error).splitlines()[0])
        there = {oid: relations[oid] for oid in old if oid in relations}
        return replace(self._compare(there, before, after), values_lost=lost)

    def _compare(self, there: dict[int, Relation], before: Glimpse, after: Glimpse) -> Measured:
        left = after.files.keys()
        moved = {oid for oid in there if oid in left and before.files[oid] != after.files[oid]}
        emptied = {oid for oid in moved if before.sizes[oid] and not after.sizes[oid]}
        read = {oid: after.read.get(oid, 0) - before.read.get(oid, 0) for oid in there}
        return Measured(
            relations=there,
            locks={oid: lock for oid, lock in after.locks.items()
                   if oid in there and before.locks.get(oid) != lock},
            held=frozenset(there.keys() & after.locks.keys()),
            read=frozenset(self._whole(read) | (self._owners(moved) - emptied)),
            rewritten=frozenset(oid for oid in moved - emptied if there[oid].kind in "rm"),
            emptied=frozenset(emptied),
            dropped=frozenset(there.keys() - left),
            columns_dropped=frozenset(
                (oid, number) for oid, number in before.columns - after.columns
                if oid in left and oid in there
            ),
        )  # fmt: skip

    def _relations(self, rows: Mapping[int, int] | None = None) -> dict[int, Relation]:
        found = {}
        for oid, schema, name, kind, owner, parents, columns in self.connection.execute(RELATIONS):
            found[oid] = Relation(
                schema, name, kind, owner, tuple(parents), (rows or {}).get(oid, 0),
                {int(number): column for number, column in columns.items()},
            )  # fmt: skip
        return found

    def _whole(self, read: Mapping[int, int]) -> set[int]:
        found = set()
        for oid, count in read.items():
            one = self.relations[oid]
            table = one.owner if one.kind == "i" and one.owner else oid
            rows = self.relations[table].rows
            if rows and count >= rows:
                found.add(table)
        return found

    def _owners(self, moved: set[int]) -> set[int]:
        """The tables whose indexes were built again."""
        owners = ((one, self.relations[one].owner) for one in moved)
        return {owner for oid, owner in owners if owner and self.relations[owner].rows
                and self.relations[oid].kind == "i"}  # fmt: skip

    def _look(self) -> Glimpse:
        ((found,),) = self.connection.execute(LOOK)
        locks: dict[int, str] = {}
        for oid, mode in found["locks"]:
            lock = SPELLED[mode.upper()]
            if lock not in QUIET:
                locks[oid] = max(locks.get(oid, lock), lock, key=STRENGTHS.__getitem__)
        there = found["there"]
        return Glimpse(
            locks,
            {oid: file for oid, file, *_ in there},
            {oid: size for oid, _, size, *_ in there},
            {oid: read for oid, _, _, read in there},
            frozenset((oid, number) for oid, number in found["columns"]),
        )

    def _count(self, schema: str, name: str) -> int:
        query = f'select count(*) from only "{schema}"."{name}"'
        ((count,),) = self.connection.execute(query.encode())
        return int(count)
