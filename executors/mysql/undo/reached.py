"""What the statements of a unit reach whose rows are copied first, or compared when it is undone,
by the tables that are there.

Copies nothing: `intents` says what is copied, `statement_runner` does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.undo.intents import NOTHING, Reached
from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.facts import ColumnFacts
from lockgate.planner.guarantees.loosened_keys import counted_keys, may_loosen
from lockgate.planner.guarantees.lost_values import lost_values
from lockgate.planner.guarantees.row_comparison import compared_table, may_rewrite
from lockgate.planner.quoting import backquoted
from lockgate.planner.reading.mysql.types import longest
from lockgate.planner.reading.reading import Reading
from lockgate.planner.reading.spread import spread
from lockgate.planner.reading.tables import Schema

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.executors.mysql.undo.images import Query
    from lockgate.planner.plan.plan import Unit
    from lockgate.planner.sql.dialect import Dialect

COPIED = "compensated-by-copy"
COLUMN = """
select column_name, column_type, coalesce(character_set_name, '') from information_schema.columns
where table_schema = %s and table_name = %s
"""
TOO_LONG = "1406"  # https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html


def read_reached(session: MySQLSession, unit: Unit) -> Mapping[tuple[int, int], Reached]:
    """What each statement of the unit reaches that is copied or compared, by step and place."""
    dialect = session.server.dialect
    statements = [one for step in unit.steps for one in step.statements]
    if not any(
        one.guarantee == COPIED or may_rewrite(effect, dialect) or may_loosen(effect)
        for one in statements
        for effect in (full_reading(one, dialect),)
    ):
        return {}
    return dict(_walk(unit, Schema(read_facts(session)), session))


def _walk(
    unit: Unit, schema: Schema, session: MySQLSession
) -> Iterator[tuple[tuple[int, int], Reached]]:
    for number, step in enumerate(unit.steps, unit.first):
        schema.begin_section()
        for place, statement in enumerate(step.statements, 1):
            effect = full_reading(statement, session.server.dialect)
            copied = statement.guarantee == COPIED
            found = _reached(effect, schema, session.server.dialect) if copied else NOTHING
            compared = compared_table(effect, schema, session.server.dialect, session.copy_limit)
            keys = counted_keys(effect, schema, session.copy_limit, copied=copied)
            yield (number, place), replace(found, compared=compared, keys=keys)
            schema.apply(effect)


def _reached(effect: Reading, schema: Schema, dialect: Dialect) -> Reached:
    if effect.verb == "alter":
        table = schema.find(effect.objects[0])
        return Reached(columns=tuple(dict(lost_values(effect, table, schema, dialect))))
    found = spread(effect, schema).tables
    return Reached(tuple(name for name in found if not schema.is_new(name)))


def refuse_long_texts(query: Query, database: str, effect: Reading) -> None:
    """Raises the ServerError of a text that is too long for its column's new definition, which
    the server would give too, but where it cuts spaces off without a word."""
    if not effect.columns_redefined:
        return
    table = effect.objects[0].name
    rows = query(COLUMN, (database, table))
    known = {name.lower(): ColumnFacts(type_, True, charset) for name, type_, charset in rows}
    for name, definition in effect.columns_redefined.items():
        old = known.get(name.lower())
        length = longest(old, definition) if old else None
        place = f"{backquoted(database)}.{backquoted(table)}"
        sql = f"select 1 from {place} where char_length({backquoted(name)}) > %s limit 1"
        if length is not None and query(sql, (length,)):
            raise ServerError(
                TOO_LONG,
                f"Data too long for column '{name}': a value has more than {length} characters",
            )
