"""The statements that make a database of the MySQL family again.

It must not lose what a look at the database can see.
"""

from typing import Any

import pymysql

from tests.servers.catalog import SOURCES

SETTINGS = (
    "set names utf8mb4",
    "set foreign_key_checks = 0, unique_checks = 0",
    "set sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')",
)
STORED = (
    "select column_name from information_schema.columns where table_schema = %s "
    "and table_name = %s and coalesce(generation_expression, '') = '' order by ordinal_position"
)
TRIGGERS = (
    "select trigger_name from information_schema.triggers where trigger_schema = %s "
    "order by event_object_table, event_manipulation, action_timing, action_order"
)
TEXTS = {"VIEW": 1, "TRIGGER": 2, "PROCEDURE": 2, "FUNCTION": 2, "EVENT": 3}
"""Where SHOW CREATE has the text; before it, of all but views, stands the sql_mode."""


def make_image(connection: "pymysql.Connection[Any]", database: str) -> tuple[str, ...]:
    """From CREATE DATABASE on: one packet of statements for the tables, the rest one by one.

    MariaDB keeps the semicolon behind a routine in a packet as a part of its body, at times.
    """
    with connection.cursor() as cursor:
        packet = [_shown(cursor, "DATABASE", database)[1], f"use `{database}`", *SETTINGS]
        for name in _names(cursor, SOURCES["TABLE"], database):
            packet += _table(cursor, database, name)
        single = _programs(cursor, "FUNCTION", SOURCES["FUNCTION"], database)
        single += _programs(cursor, "PROCEDURE", SOURCES["PROCEDURE"], database)
        single += _views(cursor, database)
        single += _programs(cursor, "TRIGGER", TRIGGERS, database)
        single += _programs(cursor, "EVENT", SOURCES["EVENT"], database)
    return ";\n".join(packet), *single


def _programs(cursor: Any, kind: str, query: str, database: str) -> list[str]:
    names = _names(cursor, query, database)
    return [sql for name in names for sql in _program(cursor, kind, name)]


def _names(cursor: Any, query: str, database: str) -> list[str]:
    cursor.execute(query, (database,))
    return [name for (name,) in cursor.fetchall()]


def _table(cursor: Any, database: str, name: str) -> list[str]:
    definition = _shown(cursor, "TABLE", name)[1]
    columns = ", ".join(f"`{column}`" for column in _stored(cursor, database, name))
    cursor.execute(f"select {columns} from `{name}`")
    rows = ", ".join(cursor.mogrify("%s", (row,)) for row in cursor.fetchall())
    return [definition, *([f"insert into `{name}` ({columns}) values {rows}"] if rows else [])]


def _stored(cursor: Any, database: str, table: str) -> list[str]:
    cursor.execute(STORED, (database, table))
    return [name for (name,) in cursor.fetchall()]


def _views(cursor: Any, database: str) -> list[str]:
    """The views, each one behind those that it reads."""
    names = _names(cursor, SOURCES["VIEW"], database)
    texts = {name: str(_shown(cursor, "VIEW", name)[TEXTS["VIEW"]]) for name in names}
    ordered: list[str] = []
    while len(ordered) < len(names):
        ordered += [
            name
            for name in names
            if name not in ordered
            and not any(
                f"`{other}`" in texts[name] for other in names if other not in (*ordered, name)
            )
        ]
    return [texts[name] for name in ordered]


def _program(cursor: Any, kind: str, name: str) -> list[str]:
    row = _shown(cursor, kind, name)
    zone = [f"set time_zone = '{row[2]}'"] if kind == "EVENT" else []
    return [f"set sql_mode = '{row[1]}'", *zone, str(row[TEXTS[kind]])]


def _shown(cursor: Any, kind: str, name: str) -> Any:
    cursor.execute(f"show create {kind} `{name}`")
    return cursor.fetchone()
