"""Which foreign keys others may break until a statement is undone; and what is told of a large
table."""

import pytest

from lockgate.planner.database.facts import Facts, ForeignKey, TableFacts
from lockgate.planner.guarantees.loosened_keys import counted_keys, not_counted
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import MYSQL

SMALL, LARGE = (TableFacts("InnoDB", 1, size, {}) for size in (1000, 1_000_000))
FACTS = Facts(
    tables={"p": SMALL, "c": SMALL, "big": LARGE},
    foreign_keys=(ForeignKey("c", "p", "up"), ForeignKey("big", "p", "far")),
)
LIMIT = 10_000.0


@pytest.mark.parametrize(
    ("sql", "copied", "expected"),
    [
        ("alter table c drop foreign key up", False, (("c", "up"),)),
        ("alter table C drop constraint up, drop foreign key if exists o", False,
         (("c", "up"), ("c", "o"))),
        ("alter table c add index (a), drop index up", False, ()),
        ("drop table if exists c, absent", False, (("c", ""),)),
        ("drop view c", False, ()),
        ("rename table c to d", False, ()),
        ("update p set id = 1", False, ()),
        ("update p set id = 1", True, (("p", ""), ("c", "up"))),
        ("truncate table c", True, (("c", ""),)),
        ("alter table c drop column a", True, (("c", ""),)),
        ("alter table big drop foreign key far", False, ()),
    ],
)  # fmt: skip
def test_they_are_dropped_or_rows_are_put_back_under_them(
    sql: str, copied: bool, expected: tuple[tuple[str, str], ...]
) -> None:
    assert counted_keys(read(sql, MYSQL), Schema(FACTS), LIMIT, copied=copied) == expected


def test_the_keys_of_a_new_table_go_with_it() -> None:
    schema = Schema(Facts())
    schema.apply(read("create table c (id int, foreign key f (id) references p (id))", MYSQL))
    effect = read("alter table c drop foreign key f", MYSQL)
    assert counted_keys(effect, schema, LIMIT, copied=False) == ()


def test_a_large_table_is_not_looked_at_and_that_is_told() -> None:
    drop, small = (read(f"alter table {name} drop foreign key far", MYSQL) for name in ("big", "c"))
    told = not_counted(drop, Schema(FACTS), LIMIT, copied=False)
    assert told.startswith("Whether all rows of big have their parents is not looked at")
    assert not_counted(small, Schema(FACTS), LIMIT, copied=False) == ""
    assert not_counted(drop, Schema(FACTS), None, copied=False) == ""
