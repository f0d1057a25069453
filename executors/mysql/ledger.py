"""The SQL of the ledger's tables that is MySQL's and MariaDB's own; `ledger.store` has the rest.

Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from lockgate.executors.engine import Row
from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import ADDED, TableFault, Tables

# A row for what each table is and has; of columns, those of the history and of lockgate_runs.
# Triggers are seen by a role that has the right TRIGGER.
TABLES = """
select 'table' as kind, table_name, table_type, engine from information_schema.tables
where table_schema = %s and table_name in %s
union all select 'column', table_name, column_name, '' from information_schema.columns
where table_schema = %s and table_name in (%s, 'lockgate_runs')
union all select 'trigger', event_object_table, trigger_name, definer
from information_schema.triggers
where event_object_schema = %s and event_object_table in %s
union all select 'key', table_name, constraint_name, '' from information_schema.key_column_usage
where table_schema = %s and referenced_table_name is not null
    and (table_name in %s or referenced_table_name in %s)
"""
COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = %s and table_name in (%s, %s)
"""
# Who has the right TRIGGER may make triggers at any time, and who may drop tables may put views in
# their place. So the first write of each transaction opens all of the ledger's tables as a write
# does, which keeps them as they are until the transaction ends, and only then looks: what is there
# makes the scalar subquery one of two rows, which the server refuses before it touches a row and
# before a trigger runs. A view has no key of that name. `for update`, since a lock for reading
# would have to become one for writing later on, past a CREATE TRIGGER that waits.
# https://dev.mysql.com/doc/refman/9.7/en/metadata-locking.html
PLAIN = "force index (primary)"
OPENED = f"(select 1 from {{}} {PLAIN} where false for update)"
TRIGGERS = (
    "select 1 from information_schema.triggers "
    "where event_object_schema = {} and event_object_table in ({})"
)
ALONE = "1 = (select 1 from (select 1 union all {}) as opened union all {})"
NOT_ALONE = frozenset({"1176", "1242"})
"""No key of that name, and a subquery of several rows.
https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html"""
CHANGED = (
    "A table of the ledger is not the one that lockgate has looked at, or has a trigger since. "
    "Find out who has done that; `migrate status` names the table"
)
TABLE = "engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin"
CREATE_TABLES = {
    "history": f"""create table {{history}} (
    version varchar(255) primary key, name varchar(255) not null,
    checksum char(64) not null, applied_at datetime(6) not null) {TABLE}""",
    "runs": f"""create table {{runs}} (
    id varchar(36) primary key, plan_digest char(64) not null, intent_digest char(64) not null,
    direction varchar(4) not null, environment varchar(255) not null,
    status varchar(20) not null, actor varchar(255) not null, tool_version varchar(64) not null,
    started_at datetime(6) not null, finished_at datetime(6), plan longtext not null,
    approvers text, error text, receipt mediumtext, job text,
    cost text, digests mediumtext, emergency text) {TABLE}""",
    "plans": f"""create table {{plans}} (
    run_id varchar(36) not null, piece int not null, text mediumtext not null,
    primary key (run_id, piece)) {TABLE}""",
    "journal": f"""create table {{journal}} (
    run_id varchar(36) not null, step int not null, statement int not null,
    digest char(64) not null, intent_at datetime(6) not null, outcome varchar(20),
    done_at datetime(6), image longtext, primary key (run_id, step, statement)) {TABLE}""",
    "batches": f"""create table {{batches}} (
    run_id varchar(36) not null, step int not null, statement int not null,
    pass_number int not null, place text, batches bigint not null, walked bigint not null,
    changed bigint not null, changed_before bigint not null, expected bigint,
    next_size int not null, busy_ms bigint not null, state varchar(255) not null,
    asked varchar(255) not null, began_at datetime(6) not null, noted_at datetime(6) not null,
    primary key (run_id, step, statement)) {TABLE}""",
    "target": f"""create table {{target}} (
    id smallint primary key, uuid varchar(36) not null,
    project varchar(255) not null, environment varchar(255) not null,
    evidence text not null, serial bigint not null) {TABLE}""",
}


def about_tables(schema: str, history: str, names: Sequence[str]) -> tuple[object, ...]:
    """The parameters of TABLES."""
    return (schema, names, schema, history, schema, names, schema, names, names)


def alone(schema: str, tables: Mapping[str, str], *, at_once: int) -> str:
    """The condition that nothing of others is on the ledger's tables, for the first write of a
    transaction; `tables` are their quoted places by their names, of which the server is to be
    asked for so many at once."""
    names = map(_literal, tables)
    groups = [", ".join(group) for group in iter(lambda: tuple(islice(names, at_once)), ())]
    asked = [TRIGGERS.format(_literal(schema), group) for group in groups]
    opened = map(OPENED.format, tables.values())
    return ALONE.format(" union all ".join(opened), " union all ".join(asked))


@contextmanager
def explained() -> Iterator[None]:
    """Says of a refused statement that it was refused for what others have done to the ledger."""
    try:
        yield
    except ServerError as refused:
        if refused.code not in NOT_ALONE:
            raise
        raise ServerError(refused.code, CHANGED) from refused


def _literal(text: str) -> str:
    """A text in SQL, whatever a section has set of how texts are read."""
    return f"_utf8mb4 x'{text.encode().hex()}'"


def read_tables(rows: Iterable[Row], history: str) -> Tables:
    """The rows of TABLES. A server may answer in lower case, whatever was asked."""
    found = sorted(rows)
    columns = [(table.lower(), name.lower()) for kind, table, name, _ in found if kind == "column"]
    return Tables(
        columns=tuple(name for table, name in columns if table == history.lower()),
        lacking=tuple(name for name in ADDED if ("lockgate_runs", name) not in columns),
        names=frozenset(table.lower() for kind, table, _, _ in found if kind == "table"),
        faults=tuple(fault for row in found for fault in _faults(*row)),
    )


def _faults(kind: str, table: str, what: str, more: str | None) -> Iterable[TableFault]:
    if kind == "table" and what != "BASE TABLE":
        yield TableFault(
            table, f"is no ordinary table but a {what.lower()}", "put a table in its place"
        )
    elif kind == "table" and more != "InnoDB":
        yield TableFault(table, f"is kept by {more}", f"`alter table {table} engine = InnoDB`")
    elif kind == "trigger":
        yield TableFault(table, f"has the trigger {what} by {more}", f"`drop trigger {what}`")
    elif kind == "key":
        cure = f"`alter table {table} drop foreign key {what}`"
        yield TableFault(table, f"has the foreign key {what}", cure)
