"""What other sessions write while a plan runs, and what must hold of the database after it.

It must share nothing with lockgate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pymysql.err import MySQLError

WRITES = (
    "insert into children (id, parent_id, note) values (9001, 77, 'nobody''s')",
    "insert into grandchildren (id, child_id) values (9001, 555)",
    "insert into parents (id, code) values (9001, 'others')",
    "insert into children (id, parent_id) values (9002, 9001)",
    "insert into parents (id, code) values (9002, 'a')",
    "insert into fancy (id, big) values (9001, 0)",
    "insert into loose (a, b, c) values (1, 1, 9001)",
    "insert into dates (id) values (9001)",
    "insert into latin (id, name) values (9001, 'others')",
    "insert into made (id) values (9001)",
    "update children set parent_id = 88 where id = 2",
    "update logs set line = 'others' where id = 1",
    "update fancy set big = 5 where id = 1",
    "delete from parents where id = 1",
    "delete from children where id = 1",
)
PATIENCE = (
    "set session autocommit = 1, session lock_wait_timeout = 1, "
    "session innodb_lock_wait_timeout = 1"
)
ROWS = re.compile(r"(?m)^-- (?:row|counter) .*\n?| AUTO_INCREMENT=\d+")
INSERTED = re.compile(r"insert into (\w+) \((\w+)")
COLLISIONS = (
    "Duplicate entry", "without a parent", "foreign key constraint", "other sessions",
    "Invalid use of NULL", "Data truncated", "cannot be null", "Check constraint",
    "CONSTRAINT", "Out of range", "Data too long", "Incorrect", "Truncated",
    "Undoing has lost rows",
)  # fmt: skip
"""What a run that is stuck says of rows that others have written in its way."""

KEYS = """
select k.table_name, k.constraint_name, k.referenced_table_name,
       group_concat(k.column_name order by k.ordinal_position),
       group_concat(k.referenced_column_name order by k.ordinal_position)
from information_schema.key_column_usage k
where k.table_schema = database() and k.referenced_table_schema = database()
group by k.table_name, k.constraint_name, k.referenced_table_name
"""


class Others:
    """Other sessions in a run: they write once, when a statement of it is done."""

    def __init__(self, server: Any, database: str, seed: str, statements: int) -> None:
        rng = random.Random(seed)
        self._server, self._database = server, database
        self._left = rng.randint(1, statements)
        self._chosen = rng.sample(WRITES, 5)
        self.written: list[str] = []

    def after_statement(self) -> None:
        """What they do when a statement is done."""
        self._left -= 1
        if self._left:
            return
        with self._server.connect(self._database) as connection, connection.cursor() as cursor:
            cursor.execute(PATIENCE)
            for sql in self._chosen:
                try:
                    self.written += [sql] * bool(cursor.execute(sql))
                except MySQLError:  # the schema of this moment, or a lock, refuses it
                    continue


def definitions(picture: str) -> str:
    """A picture without what others' rows change in it."""
    return ROWS.sub("", picture)


def broken_promises(
    cursor: Any, others: Others, statements: Iterable[str], warnings: Iterable[str]
) -> Iterator[str]:
    """What does not hold after a run that says that all was undone."""
    cursor.execute(KEYS)
    for table, name, parent, columns, referenced in cursor.fetchall():
        if orphans := _count_orphans(cursor, table, parent, columns, referenced):
            yield f"{orphans} rows of {table} have no {parent} by {name}"
    text, told = " ".join(statements), " ".join(warnings)
    for sql in others.written:
        inserted = INSERTED.match(sql)
        if inserted is None or "rename" in text or f"table {inserted[1]}" in text:
            continue
        table, column = inserted.groups()
        value = re.search(r"\b900\d\b", sql)
        asked = "c" if column == "a" else column
        cursor.execute(f"select count(*) from {table} where {asked} = {value and value[0]}")
        ((found,),) = cursor.fetchall()
        if not found and not re.search(rf"\b{table}\b", told):
            yield f"gone: {sql}"


def _count_orphans(cursor: Any, table: str, parent: str, columns: str, referenced: str) -> int:
    own = [f"c.`{name}`" for name in columns.split(",")]
    pairs = zip(own, referenced.split(","), strict=True)
    same = " and ".join(f"p.`{there}` = {here}" for here, there in pairs)
    full = " and ".join(f"{here} is not null" for here in own)
    cursor.execute(
        f"select count(*) from `{table}` c where {full} "
        f"and not exists (select 1 from `{parent}` p where {same})"
    )
    ((found,),) = cursor.fetchall()
    return int(found)
