"""All that a database of MySQL or MariaDB holds, as text: equal texts for equal databases.

It must share nothing with lockgate: it asks SHOW CREATE, the rows, the grant tables and
information_schema in its own words.
"""

import re
from collections.abc import Iterator
from typing import Any

OWN = frozenset({"lockgate_runs", "lockgate_plans", "lockgate_journal", "lockgate_target"})
"""What each run writes, however it ends. The history is looked at."""

# Without the last one MySQL tells of a counter what it was at the last ANALYZE TABLE, for a day.
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-optimization.html
SETTINGS = (
    "set session sql_mode = '', sql_quote_show_create = 1"
    "/*!80000 , information_schema_stats_expiry = 0 */"
)

VOLATILE = frozenset({"Created", "Database"})
# When a table is renamed, MariaDB writes its name in quotes into the text of its triggers.
QUOTED = re.compile(r"(?i)\bon [`\"]?(\w+)[`\"]? for each row")

OBJECTS = """
select case table_type when 'VIEW' then 'view' when 'SEQUENCE' then 'sequence' else 'table' end,
       table_name, 0 from information_schema.tables where table_schema = %(db)s
union all select lower(routine_type), routine_name, 1 from information_schema.routines
where routine_schema = %(db)s
union all select 'trigger', trigger_name, 2 from information_schema.triggers
where trigger_schema = %(db)s
union all select 'event', event_name, 3 from information_schema.events where event_schema = %(db)s
order by 3, 1, 2
"""
LISTS = {
    # Of a partitioned table MySQL tells the row format of before its last ALTER: files tell more.
    "counter": "select table_name, engine, if(create_options like '%%partitioned%%', '', "
    "row_format), create_options, auto_increment, table_collation, table_comment "
    "from information_schema.tables where table_schema = %(db)s "
    "and table_name not like 'lockgate%%'",
    "column": "select table_name, ordinal_position, column_name, column_type, column_default, "
    "is_nullable, extra, column_comment, privileges from information_schema.columns "
    "where table_schema = %(db)s and table_name not like 'lockgate%%' and table_name not in "
    "(select table_name from information_schema.views where table_schema = %(db)s)",
    "key": "select table_name, index_name, seq_in_index, column_name, sub_part, non_unique, "
    "index_type, collation, index_comment from information_schema.statistics "
    "where table_schema = %(db)s and table_name not like 'lockgate%%'",
    "order of triggers": "select event_object_table, event_manipulation, action_timing, "
    "action_order, trigger_name, definer from information_schema.triggers "
    "where trigger_schema = %(db)s",
    "event": "select event_name, status, on_completion, starts, ends, execute_at, definer, "
    "time_zone from information_schema.events where event_schema = %(db)s",
    "partition": "select table_name, partition_name, partition_ordinal_position, "
    "partition_description from information_schema.partitions where table_schema = %(db)s "
    "and partition_name is not null",
    "right on the database": "select user, host, db, select_priv, insert_priv, update_priv, "
    "create_priv, alter_priv, drop_priv, execute_priv from mysql.db where db = %(db)s",
    "right on a table": "select user, host, table_name, table_priv, column_priv "
    "from mysql.tables_priv where db = %(db)s",
    "right on a column": "select user, host, table_name, column_name, column_priv "
    "from mysql.columns_priv where db = %(db)s",
    "right on a routine": "select user, host, routine_name, routine_type, proc_priv, grantor "
    "from mysql.procs_priv where db = %(db)s",
    "user": "select user, host from mysql.user",
    "schema": "select schema_name from information_schema.schemata "
    "where schema_name like concat(replace(%(db)s, '_', '\\_'), '%%')",
}
WHICH = "select if(version() like '%MariaDB%', 'innodb_sys_tables', 'innodb_tables')"
FORMATS = """
select name, row_format from information_schema.{} where name like concat(%(db)s, '/%%')
and name not like '%%/lockgate%%' and name not like '%%/fts%%'
"""


def take_picture(cursor: Any, database: str) -> str:
    """The whole database; the cursor's connection has it as its default."""
    cursor.execute(SETTINGS)
    return "\n".join([*_shown(cursor, database), *_lists(cursor, database)])


def _shown(cursor: Any, database: str) -> Iterator[str]:
    yield from _definition(cursor, "database", database)
    cursor.execute(OBJECTS, {"db": database})
    for kind, name, _ in cursor.fetchall():
        if name in OWN:
            continue
        yield from _definition(cursor, kind, name)
        if kind in ("table", "sequence"):
            yield from _rows(cursor, name)


def _definition(cursor: Any, kind: str, name: str) -> Iterator[str]:
    cursor.execute(f"show create {kind} `{name}`")
    titles = [column[0] for column in cursor.description]
    yield f"== {kind} {name}"
    for title, value in zip(titles, cursor.fetchone(), strict=True):
        if title not in VOLATILE:
            text = QUOTED.sub(r"on \1 for each row", str(value))
            yield f"{title}: {text}"


def _rows(cursor: Any, table: str) -> Iterator[str]:
    """A table's rows, of invisible columns too, in any order; as the bytes of their texts."""
    cursor.execute(f"show columns from `{table}`")
    names = [row[0] for row in cursor.fetchall() if row[0] != "applied_at"]
    texts = ", ".join(f"hex(cast(`{name}` as binary))" for name in names)
    cursor.execute(f"select {texts} from `{table}`")
    yield from (f"-- row {row}" for row in sorted(map(repr, cursor.fetchall())))


def _lists(cursor: Any, database: str) -> Iterator[str]:
    for name, sql in LISTS.items():
        cursor.execute(sql, {"db": database})
        yield from (f"-- {name} {row}" for row in sorted(map(repr, cursor.fetchall())))
    cursor.execute(WHICH)
    ((of_files,),) = cursor.fetchall()
    cursor.execute(FORMATS.format(of_files), {"db": database})
    yield from (f"-- format {row}" for row in sorted(map(repr, cursor.fetchall())))
