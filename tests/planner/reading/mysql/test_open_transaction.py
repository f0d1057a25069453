"""CREATE TABLE … START TRANSACTION is told from tables whose names and texts only say so."""

import pytest

from lockgate.planner.reading.mysql.open_transaction import leaves_transaction_open
from lockgate.planner.sql.dialect import MARIADB, MYSQL


@pytest.mark.parametrize("between", [" ", " /* x */ ", " comment = 'c'" * 20 + " "])
def test_it_is_seen_wherever_it_stands(between: str) -> None:
    sql = f"create table t (a int){between}start transaction"
    assert leaves_transaction_open(sql, MYSQL)
    assert leaves_transaction_open(sql, MARIADB)


def test_a_table_too_long_to_be_read_may_leave_one_open() -> None:
    long = "1+" * 130_000
    assert leaves_transaction_open(f"create table t (a int default ({long} 1)) start transaction",
                                   MYSQL)  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "create table t (start int, `transaction` int) comment 'start transaction'",
        "create procedure p() begin start transaction; commit; end",
    ],
)
def test_names_and_bodies_leave_none_open(sql: str) -> None:
    assert not leaves_transaction_open(sql, MYSQL)
