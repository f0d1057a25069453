"""Values of columns whose type a statement changes: whether the old ones can be had back.

Knows nothing of what lockgate says of it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

COLUMNS = """
select attrelid::int8, attnum, quote_ident(attname), format_type(atttypid, atttypmod)
from pg_attribute join pg_class c on c.oid = attrelid
where attnum > 0 and not attisdropped and attgenerated = '' and relkind = 'r' and c.oid >= 16384
    and relnamespace <> 'pg_toast'::regnamespace
"""
TEXT = ("text", "character", "name")
"""How these spell a value of another type, such as 007, need not be how the server does."""
Column = tuple[int, int]
"""The oid of a table, and the number of a column in it."""


class Values:
    """What the columns of a database hold before any form, in the order of their rows."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._types = dict(self._read_types())
        self._values = {
            (oid, number): self._read(oid, f"{name}::text")
            for (oid, number), (name, _) in self._types.items()
        }

    def lost(self, tables: Iterable[int]) -> frozenset[Column]:
        """The columns of these tables that have another type now, from which the old values cannot
        be had by a cast back. What has no such cast is passed over."""
        wanted = set(tables)
        return frozenset(
            column
            for column, (name, kind) in self._read_types()
            if column[0] in wanted
            and column in self._types
            and self._types[column][1] != kind
            and (not self._types[column][1].startswith(TEXT) or kind.startswith(TEXT))
            and self._differs(column, name)
        )

    def _differs(self, column: Column, name: str) -> bool:
        _, kind = self._types[column]
        try:
            with self._connection.transaction():
                now = self._read(column[0], f"{name}::{kind}::text")
        except psycopg.Error:
            return False
        return now != self._values[column]

    def _read_types(self) -> Iterator[tuple[Column, tuple[str, str]]]:
        for oid, number, name, kind in self._connection.execute(COLUMNS).fetchall():
            yield (oid, number), (name, kind)

    def _read(self, oid: int, expression: str) -> list[str | None]:
        ((table,),) = self._connection.execute("select %s::int8::regclass::text", (oid,))
        query = f"select json_agg({expression} order by ctid)::text from only {table}"
        ((found,),) = self._connection.execute(query.encode())
        return json.loads(found or "[]")  # type: ignore[no-any-return]
