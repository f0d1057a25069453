"""The catalogue of a database of the MySQL family, put together from information_schema.

It must not read what moves by itself: statistics, counters, times. Nor the order of what has
none; nor the name of the database, so that two of the same definition are equal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.tables import OURS
from lockgate.executors.mysql.catalogue.details import describe_rows
from lockgate.executors.mysql.catalogue.information_schema import ViewRows, plain_mode, read_views
from lockgate.planner.database.catalogue import Catalogue, Detail, assemble

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

MADE_BY = "character_set_client collation_connection database_collation"

# What a column is called, after the name of the schema's column. A view's columns are those of
# its query, and an index's cardinality, a table's AUTO_INCREMENT are no definition. ROW_FORMAT is
# in CREATE_OPTIONS where it was asked for. An event's STARTS is the time at which it was made,
# when none was given.
SOURCES = {
    "SCHEMATA": "schema_name default_character_set_name default_collation_name schema_comment "
    "default_encryption",
    "TABLES": "table_schema table_name table_type engine table_collation create_options "
    "table_comment",
    "COLUMNS": "table_schema table_name ordinal_position column_name column_type is_nullable "
    "column_default character_set_name collation_name extra generation_expression "
    "srs_id column_comment",
    "STATISTICS": "table_schema table_name index_name seq_in_index non_unique index_type "
    "column_name expression sub_part collation is_visible ignored index_comment",
    # By the schema of the table, with which alone MariaDB opens no tables of others.
    "TABLE_CONSTRAINTS": "table_schema constraint_name table_name constraint_type enforced",
    "CHECK_CONSTRAINTS": "constraint_schema constraint_name table_name level check_clause",
    "REFERENTIAL_CONSTRAINTS": "constraint_schema constraint_name table_name "
    "match_option update_rule delete_rule",
    "KEY_COLUMN_USAGE": "table_schema constraint_name table_name ordinal_position column_name "
    "referenced_table_schema referenced_table_name referenced_column_name",
    "PARTITIONS": "table_schema table_name partition_name subpartition_name "
    "partition_ordinal_position subpartition_ordinal_position partition_method "
    "subpartition_method partition_expression subpartition_expression partition_description "
    "partition_comment nodegroup tablespace_name",
    "VIEWS": "table_schema table_name view_definition algorithm check_option definer "
    "security_type character_set_client collation_connection",
    "TRIGGERS": "event_object_schema trigger_name event_object_table action_timing "
    f"event_manipulation action_order action_statement sql_mode definer {MADE_BY}",
    "ROUTINES": "routine_schema routine_name routine_type dtd_identifier character_set_name "
    "collation_name external_language is_deterministic sql_data_access security_type "
    f"routine_definition sql_mode definer routine_comment {MADE_BY}",
    "PARAMETERS": "specific_schema specific_name routine_type ordinal_position parameter_mode "
    "parameter_name dtd_identifier character_set_name collation_name parameter_default",
    "EVENTS": "event_schema event_name event_type execute_at interval_value interval_field ends "
    "time_zone status on_completion event_definition sql_mode definer event_comment "
    f"{MADE_BY}",
    "LIBRARIES": "library_schema library_name language library_definition library_comment",
    "TABLE_PRIVILEGES": "table_schema table_name grantee privilege_type is_grantable",
    "COLUMN_PRIVILEGES": "table_schema table_name column_name grantee privilege_type is_grantable",
}
# A grant names its database by a pattern, in which `\\_` is a plain underscore.
# https://dev.mysql.com/doc/refman/9.7/en/grant.html#grant-quoting
SCHEMA_GRANTS = """
select grantee, privilege_type, is_grantable from information_schema.schema_privileges
where table_schema in (%s, %s)
"""
# information_schema has none of these, and creating and dropping a routine changes them.
# https://dev.mysql.com/doc/refman/9.7/en/stored-routines-privileges.html
ROUTINE_GRANTS = """
select routine_type, routine_name, user, host, proc_priv from mysql.procs_priv where db = %s
"""
# https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html; 4089 is MariaDB's.
DENIED = frozenset({"1044", "1142", "1143", "1227"})
GONE = frozenset({"1146", "1347", "4089"})
ALGORITHM = re.compile(r"create algorithm=(\w+)", re.IGNORECASE)
PARSER = re.compile(r"FULLTEXT KEY `((?:[^`]|``)+)` .*WITH PARSER `(\w+)`")


def read_catalogue(session: MySQLSession) -> Catalogue:
    """All that the session's database holds, as it is now, without lockgate's own tables.

    What the account may not see is not in it. The session must be in no transaction: under its
    snapshot the dictionary would not change.
    """
    with plain_mode(session):
        records = read_views(session, SOURCES)
        asked = [*_ask_sequences(session, records), *_ask_views(session, records)]
        asked += _ask_parsers(session, records)
    own = own_tables(session)
    granted = _read_grants(session, records, own)
    details = (*asked, *granted, *describe_rows(records, session.server.database))
    hidden = {f"table {name}" for name in own}
    return assemble(detail for detail in details if detail.object not in hidden)


def own_tables(session: MySQLSession) -> frozenset[str]:
    """The names of lockgate's tables in the session's database, as the server prints them."""
    if session.history_schema != session.server.database:
        return frozenset()
    names = {session.history_name, *OURS}
    (folded,) = session.query_one("select @@lower_case_table_names = 1") or (0,)
    return frozenset(name.lower() if folded else name for name in names)


def _ask_sequences(session: MySQLSession, records: ViewRows) -> Iterator[Detail]:
    for row in records["TABLES"]:
        if row["table_type"] == "SEQUENCE":
            name = row["table_name"]
            sql = _show(session, "sequence", name)
            yield Detail(f"sequence {name}", "", {"definition": sql})


def _ask_views(session: MySQLSession, records: ViewRows) -> Iterator[Detail]:
    """MySQL says only here by which algorithm a view is computed."""
    for row in records["VIEWS"]:
        if "algorithm" not in row:
            name = row["table_name"]
            match = ALGORITHM.match(_show(session, "view", name))
            yield Detail(f"view {name}", "", {"algorithm": match[1] if match else None})


def _ask_parsers(session: MySQLSession, records: ViewRows) -> Iterator[Detail]:
    """The server says only here by which parser a full-text index was built."""
    indexes = [row for row in records["STATISTICS"] if row["index_type"] == "FULLTEXT"]
    for table in sorted({row["table_name"] for row in indexes}):
        for index, parser in PARSER.findall(_show(session, "table", table)):
            part = f"parser of {index.replace('``', '`')}"
            yield Detail(f"table {table}", part, {"name": parser})


def _show(session: MySQLSession, kind: str, name: str) -> str:
    """What SHOW CREATE prints; empty where the account may not see it, or it has just gone."""
    place = f"{session.quote(session.server.database)}.{session.quote(name)}"
    with _silent(DENIED | GONE):
        return str(session.query_all(f"show create {kind} {place}")[0][1])
    return ""


@contextmanager
def _silent(codes: Set[str]) -> Iterator[None]:
    """The block without these errors: any other, as of a timeout, would pass for a change."""
    try:
        yield
    except ServerError as refused:
        if refused.code not in codes:
            raise


def _read_grants(session: MySQLSession, records: ViewRows, own: Set[str]) -> Iterator[Detail]:
    granted: defaultdict[str, set[str]] = defaultdict(set)
    for row in (*records["TABLE_PRIVILEGES"], *records["COLUMN_PRIVILEGES"]):
        if (table := row["table_name"]) not in own:
            column = f" ({row['column_name']})" if "column_name" in row else ""
            privilege = _privilege(row["privilege_type"], row["is_grantable"])
            granted[f"{row['grantee']} on {table}{column}"].add(privilege)
    database = session.server.database
    escaped = re.sub(r"([_%])", r"\\\1", database)
    for grantee, privilege, grantable in session.query_all(SCHEMA_GRANTS, (database, escaped)):
        granted[grantee].add(_privilege(privilege, grantable))
    with _silent(DENIED):  # a plain account may not read this table
        for kind, name, user, host, privileges in session.query_all(ROUTINE_GRANTS, (database,)):
            granted[f"'{user}'@'{host}' on {kind.lower()} {name}"].add(str(privileges))
    for part, told in granted.items():
        yield Detail("grants", part, {"privileges": sorted(told)})


def _privilege(name: str, grantable: str) -> str:
    return name + " with grant option" * (grantable == "YES")
