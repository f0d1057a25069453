"""Which values an ALTER TABLE loses, by what the statements before it have made of the columns."""

import pytest

from lockgate.planner.database.facts import ColumnFacts, Facts, TableFacts
from lockgate.planner.guarantees.lost_values import lost_values
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect

COLUMNS = {
    "id": ColumnFacts("int", False),
    "name": ColumnFacts("varchar(20)", True, "latin1", "latin1_swedish_ci"),
    "body": ColumnFacts("text", True, "latin1", "latin1_swedish_ci"),
    "big": ColumnFacts("bigint unsigned", True),
    "Mood": ColumnFacts("enum('a','b')", True, "latin1", "latin1_swedish_ci"),
}
TABLE = TableFacts("InnoDB", 1, 1000, COLUMNS, ("id",), collation="latin1_swedish_ci")


def lost(statements: list[str], dialect: Dialect = MYSQL, *, strict: bool = True) -> list[str]:
    """The columns that the last statement loses values of."""
    schema = Schema(Facts(tables={"t": TABLE}, strict=strict))
    *before, last = (read(f"alter table t {each}", dialect) for each in statements)
    for effect in before:
        schema.apply(effect)
    return list(dict(lost_values(last, schema.tables["t"], schema, dialect)))


@pytest.mark.parametrize(
    ("before", "then", "expected"),
    [
        ("convert to character set utf8mb4", "modify name varchar(50)", []),
        ("convert to character set utf8mb4", "modify body mediumtext", []),
        ("convert to character set utf8mb4", "modify body text", ["body"]),
        ("convert to character set utf8mb4", "modify name varchar(50) charset latin1", ["name"]),
        ("convert to character set utf8mb4", "modify mood enum('a','b','c')", []),
        ("convert to character set sjis", "modify name varchar(50) charset sjis", ["name"]),
        ("modify name varchar(50)", "modify name varchar(100)", []),
        ("modify name varchar(50)", "modify name varchar(49)", ["name"]),
        ("modify name text(9)", "modify name text", ["name"]),
        ("modify id bigint", "modify id bigint unsigned", ["id"]),
        ("modify id bigint", "modify id bigint comment 'x'", []),
        ("change id n bigint", "modify n bigint", []),
        ("modify name json", "modify name longtext", ["name"]),
        ("default character set utf8mb4", "modify name varchar(50)", ["name"]),
        ("default charset utf8mb4", "modify name varchar(50) charset latin1", []),
        ("default charset = utf8mb4 collate utf8mb4_bin", "add column x int", []),
    ],
)
def test_a_column_is_what_the_last_statement_has_made_of_it(
    before: str, then: str, expected: list[str]
) -> None:
    assert lost([before, then], strict=False) == expected


def test_a_new_default_character_set_is_that_of_the_next_definition() -> None:
    to_latin = ["convert to character set utf8mb4", "default character set latin1"]
    assert lost([*to_latin, "modify name varchar(20)"], strict=False) == ["name"]


@pytest.mark.parametrize(("dialect", "expected"), [(MYSQL, ["big"]), (MARIADB, [])])
def test_mysql_reads_no_greatest_integer_back_from_a_decimal(
    dialect: Dialect, expected: list[str]
) -> None:
    assert lost(["modify big decimal(20,0)"], dialect) == expected
    assert lost(["modify big decimal(65,30)"], dialect) == expected


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        ("drop primary key, add primary key (big, `name`(9))", ("big", "name")),
        ("drop primary key", ()),
        ("modify big bigint primary key", ("big",)),
        ("rename column id to n", ("n",)),
        ("drop primary key, add primary key (n), rename column big to n", ("n",)),
        ("drop column id", ()),
        ("add index primary_ones (big)", ("id",)),
    ],
)
def test_the_primary_key_is_followed(statement: str, key: tuple[str, ...]) -> None:
    schema = Schema(Facts(tables={"t": TABLE}))
    schema.apply(read(f"alter table t {statement}", MYSQL))
    assert schema.tables["t"].key == key
