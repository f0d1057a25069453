"""A column type that is said to hold all values of another gives them back on the live servers."""

from itertools import product
from typing import Any

import pytest
from pymysql.err import DataError, OperationalError

from lockgate.executors.mysql.facts import read_facts
from lockgate.executors.mysql.table.restoration import SQL_MODE
from lockgate.planner.reading.mysql.types import longest, loses, read_definition
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import DIALECTS
from tests.executors.building import open_test_engine

# A definition, and values at its edges as literals.
EDGES = {
    "tinyint": ["-128", "127"],
    "tinyint unsigned": ["0", "255"],
    "smallint": ["-32768", "32767"],
    "int(5)": ["-2147483648", "2147483647"],
    "int unsigned": ["0", "4294967295"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "bigint unsigned": ["18446744073709551615"],
    "decimal(5,2)": ["-999.99", "0.01"],
    "decimal(7,4)": ["-999.9999", "0.0001"],
    "decimal": ["9999999999"],
    "numeric(12,2)": ["9999999999.99"],
    "decimal(20,0)": ["-99999999999999999999", "18446744073709551615"],
    "decimal(65,30)": ["9223372036854775808", "0.000000000000000000000000000001"],
    "double": ["1e300", "0.1"],
    "float": ["0.1", "16777217", "3e38"],
    "float(7,2)": ["0.1", "99999.99"],
    "decimal(5,0) unsigned": ["99999", "0"],
    "int unsigned zerofill": ["7"],
    "char(3)": ["'abc'", "''"],
    "char(1)": ["'ä'"],
    "char(5)": ["'abcde'"],
    "varchar(3)": ["'äöü'", "'a  '"],
    "varchar(40)": ["'1.50'", "'a    '", "repeat('x', 40)"],
    "varchar(400)": ["repeat(' ', 300)"],
    "varchar(5)": ["'abcde'", "'a    '"],
    "varchar(5) character set latin1": ["'äöü'"],
    "varchar(5) character set utf8mb3": ["'äöü'"],
    "varchar(5) character set utf8mb4 collate utf8mb4_bin": ["'ä€😀'"],
    "tinytext": ["repeat('a', 255)"],
    "text": ["repeat('ä', 30000)"],
    "mediumtext": ["repeat('a', 70000)"],
    "varbinary(3)": ["x'00ff00'"],
    "varbinary(4)": ["x'00ff0000'"],
    "binary(3)": ["x'00ff00'"],
    "binary(4)": ["x'00ff0000'"],
    "blob": ["x'00ff00'"],
    "longblob": ["x'00ff00'"],
    "bit(3)": ["b'101'"],
    "bit(9)": ["b'111111111'"],
    "enum('a','b')": ["'a'", "'b'"],
    "enum('a','b','c')": ["'a'", "'c'"],
    "enum('b','a','c')": ["'b'", "'c'"],
    "enum('1','2','b')": ["'1'", "'2'"],
    "enum('b','1')": ["'1'"],
    "set('a','b')": ["''", "'a,b'"],
    "set('a','b','c')": ["'b,c'"],
    "date": ["'2026-11-22'"],
    "date not null": ["'1000-01-01'"],
    "datetime": ["'2026-11-22 09:30:00'"],
    "datetime(3)": ["'2026-11-22 09:30:00.123'"],
    "time": ["'-838:59:59'"],
    "time(2)": ["'-838:59:58.12'"],
    "year": ["2026"],
    "json": ["'[1]'"],
}
REFUSALS = {1138, 1264, 1265, 1292, 1366, 1406, 1916}
"""What the server says of a value that does not fit."""
TOO_LONG = "char_length(c) > %s"
NULLABLE = list(product(("null", "not null"), repeat=2))


def refused(cursor: Any, sql: str) -> int:
    """The code with which the server refuses a statement; 0: it runs it."""
    try:
        cursor.execute(sql)
    except (DataError, OperationalError) as error:
        return int(error.args[0])
    return 0


def test_a_lossless_change_gives_every_value_back(family_server: Any, family_database: str) -> None:
    dialect, tried = DIALECTS[family_server.engine], 0
    with family_server.connect(family_database) as bystander, bystander.cursor() as cursor:
        for place, (old, values) in enumerate(EDGES.items()):
            cursor.execute(f"create table t{place} (c {old}) character set utf8mb4")
            literals = ", ".join(f"({value})" for value in values)
            cursor.execute(f"insert into t{place} values {literals}")
            if old.startswith("enum"):
                cursor.execute(f"insert ignore into t{place} values ('no member')")
    with (
        open_test_engine(family_server, family_database) as engine,
        family_server.connect(family_database) as bystander,
        bystander.cursor() as cursor,
    ):
        tables = read_facts(engine.session).tables
        for (place, old), new in product(enumerate(EDGES), EDGES):
            facts = tables[f"t{place}"]
            definition = read_definition(read_tokens(new, dialect))
            if not loses(facts.columns["c"], definition, facts.collation, True, dialect):
                length = longest(facts.columns["c"], definition)
                if length and cursor.execute(f"select 1 from t{place} where {TOO_LONG}", (length,)):
                    continue
                cursor.execute(f"select c from t{place}")
                before = cursor.fetchall()
                if refusal := refused(cursor, f"alter table t{place} modify c {new}"):
                    assert refusal in REFUSALS, f"{old} -> {new}"
                    continue
                cursor.execute(f"set session sql_mode = '{SQL_MODE}'")
                cursor.execute(f"alter table t{place} modify c {old}")
                cursor.execute("set session sql_mode = default")
                cursor.execute(f"select c from t{place}")
                assert cursor.fetchall() == before, f"{old} -> {new}"
                tried += 1
    assert tried > len(EDGES), "each type holds at least itself"


@pytest.mark.parametrize(("before", "after"), NULLABLE)
def test_null_is_refused_where_the_server_is_strict(
    family_server: Any, family_database: str, before: str, after: str
) -> None:
    dialect = DIALECTS[family_server.engine]
    with family_server.connect(family_database) as bystander, bystander.cursor() as cursor:
        cursor.execute(f"create table t (c int {before})")
    with open_test_engine(family_server, family_database) as engine:
        facts = read_facts(engine.session)
    column = facts.tables["t"].columns["c"]
    assert facts.strict
    definition = read_definition(read_tokens(f"int {after}", dialect))
    lax = loses(column, definition, "", False, dialect)
    assert bool(lax) == ((before, after) == ("null", "not null"))
    assert not loses(column, definition, "", True, dialect)
