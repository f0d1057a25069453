"""`-- migrate:if` in a file: what it says, and what is refused."""

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.statement import Condition, Named
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from tests.planner.migrations.test_batch import read

FILE = "-- migrate:up\ncreate table users (id int);\n-- migrate:if {}\n{};\n"
ADD = "alter table users add age int"


def condition(exists: bool, kind: str, table: str, name: str, schema: str = "") -> Condition:
    return Condition(
        exists=exists,
        part=Named(kind=kind, name=name),
        table=Named(kind="table", name=table, qualifier=schema),
    )


@pytest.mark.parametrize(
    ("dialect", "written", "sql", "expected"),
    [
        (MYSQL, "not exists column users.age", ADD, condition(False, "column", "users", "age")),
        (MARIADB, "not exists column `users`.AGE", f"{ADD}, add index (age), algorithm=inplace",
         condition(False, "column", "users", "AGE")),
        (MYSQL, "exists column app.users.age", "alter table app.users drop age",
         condition(True, "column", "users", "age", "app")),
        (MYSQL, "not exists index users.i", "create index i on users (id)",
         condition(False, "index", "users", "i")),
        (MYSQL, "exists index users.i", "drop index i on users",
         condition(True, "index", "users", "i")),
        (MYSQL, "exists constraint users.f", "alter table users drop foreign key f",
         condition(True, "constraint", "users", "f")),
        (POSTGRESQL, 'not exists column "Users".AGE', 'alter table "Users" add age int',
         condition(False, "column", "Users", "age")),
        (POSTGRESQL, "not exists constraint users.c",
         "alter table users add constraint c unique (id)",
         condition(False, "constraint", "users", "c")),
        (POSTGRESQL, "exists index users.i", "drop index i",
         condition(True, "index", "users", "i")),
        (POSTGRESQL, "not exists index users.i", "create index i on users (id)",
         condition(False, "index", "users", "i")),
    ],
)  # fmt: skip
def test_a_statement_has_its_condition(
    dialect: Dialect, written: str, sql: str, expected: Condition
) -> None:
    section = read(FILE.format(written, sql), dialect)
    assert section.conditions == {4: expected}
    assert section.transactional


@pytest.mark.parametrize(
    ("written", "sql", "what"),
    [
        ("column users.age", ADD, "is no condition"),
        ("not exists table users.age", ADD, "is no condition"),
        ("not exists column age", ADD, "is no condition"),
        ("not exists column users.age;", "", "is above no statement"),
        ("not exists column users.age", f"{ADD}; {ADD}", "does not say about which"),
        (
            "not exists column users.age\n-- migrate:if not exists column users.age",
            ADD,
            "does not say about which",
        ),
        ("not exists column users.name", ADD, "does not just make the column name of users"),
        ("not exists column people.age", ADD, "does not just make"),
        ("exists column users.age", ADD, "does not just drop"),
        ("exists column users.id", "alter table users drop id, drop age", "does not just drop"),
        ("not exists column users.age", f"{ADD}, drop id", "does not just make"),
        ("not exists column users.age", f"{ADD}, rename to people", "does not just make"),
        ("not exists column users.age", "insert into users values (1)", "does not just make"),
        ("not exists index users.i", "create table i (id int)", "does not just make"),
    ],
)
def test_what_would_leave_in_doubt_what_has_run_is_refused(
    written: str, sql: str, what: str
) -> None:
    with pytest.raises(MigrationFileError) as refused:
        read(FILE.format(written, sql), MYSQL)
    assert what in refused.value.what


def test_it_stands_in_a_section_and_runs_in_one_way() -> None:
    for text, what in (
        (f"-- migrate:if not exists column users.age\n-- migrate:up\n{ADD};", "above `-- migrate"),
        (
            "-- migrate:up\n-- migrate:online tool=pt-osc\n"
            f"-- migrate:if not exists column users.age\n{ADD};",
            "beside another way",
        ),
    ):  # fmt: skip
        with pytest.raises(MigrationFileError) as refused:
            read(text, MYSQL)
        assert what in refused.value.what


def test_a_section_that_is_one_transaction_keeps_its_conditions() -> None:
    text = f"-- migrate:up\nbegin;\n-- migrate:if not exists column users.age\n{ADD};\ncommit;\n"
    assert list(read(text, MYSQL).conditions) == [4]
    waived = text.replace("if not exists column users.age", "allow drops-data it is known")
    assert [one.statement for one in read(waived, MYSQL).waivers] == [1]
