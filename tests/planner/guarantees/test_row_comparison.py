"""Of which tables rows are compared when a definition is undone, and which ones are too large."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import ColumnFacts, Facts, TableFacts
from lockgate.planner.guarantees.row_comparison import (
    SMALL,
    compared_table,
    may_rewrite,
    not_compared,
)
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect

SORTED = "utf8mb4_general_ci"
COLUMNS = {
    "id": ColumnFacts("int", False),
    "v": ColumnFacts("varchar(9)", True, "utf8mb4", SORTED),
}
USERS = TableFacts(
    "InnoDB", rows=3, size=16384, columns=COLUMNS, primary_key=("id",), collation=SORTED
)
FACTS = Facts(
    tables={
        "users": USERS,
        "large": replace(USERS, size=SMALL + 1),
        "plain": replace(USERS, storage_engine="MyISAM"),
    }
)


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=["mysql", "mariadb"])
@pytest.mark.parametrize(
    ("sql", "compared"),
    [
        ("alter table users modify v varchar(5)", True),
        ("alter table users modify v varchar(20) not null", True),
        ("alter table users modify v varchar(20), algorithm=copy", True),
        ("alter table users modify v varchar(20)", False),
        ("alter table users modify v varchar(9) default 'a'", False),
        ("alter table users drop column v", True),
        ("alter table users convert to character set utf8mb4", True),
        ("alter table users add x int", False),
        ("alter table users add index (v)", False),
        ("alter table plain modify v varchar(20)", False),
        ("alter table unknown modify v varchar(20)", False),
        ("create table made (id int)", False),
        ("create view w as select * from users", False),
        ("update users set v = 'a'", False),
    ],
)
def test_rows_of_old_tables_are_compared_that_are_written_again(
    sql: str, compared: bool, dialect: Dialect
) -> None:
    effect, schema = read(sql, dialect), Schema(FACTS)
    assert compared_table(effect, schema, dialect, None) == ("users" if compared else "")
    assert not_compared(effect, schema, dialect, None) == ""
    assert may_rewrite(effect, dialect) or not compared


def test_what_the_unit_has_made_goes_and_needs_no_comparison() -> None:
    schema = Schema(FACTS)
    schema.apply(read("create table made (id int)", MYSQL))
    assert compared_table(read("alter table made modify id bigint", MYSQL), schema, MYSQL, 1) == ""


@pytest.mark.parametrize(("limit", "compared"), [(None, False), (1.0, False), (1e9, True)])
def test_a_large_table_is_told(limit: float | None, compared: bool) -> None:
    effect = read("alter table large modify v varchar(5)", MYSQL)
    assert bool(compared_table(effect, Schema(FACTS), MYSQL, limit)) is compared
    assert not_compared(effect, Schema(FACTS), MYSQL, limit).startswith(
        "" if compared else "The rows of large are not compared after a rollback"
    )
