"""New values of enums: what adds one, and what may use it."""

import pytest

from lockgate.planner.reading.postgresql.enums import NewValues

ADD = "alter type mood add value 'it''s ok'"


def values(*statements: tuple[str, str], version: int = 0) -> NewValues:
    found = NewValues(version)
    for sql, kind in statements:
        found.follow(sql, kind)
    return found


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t values ('it''s ok')",
        "insert into t values (E'it''s ok')",
        "update t set m = '{sad,it''s ok}'::mood[]",
        "do $$ begin update t set m = 'it''s ok'; end $$",
        "alter table t alter m set default 'it''s ok'",
        "select enum_range(null::mood)",
    ],
)
def test_a_statement_that_names_it_in_a_string_may_use_it(sql: str) -> None:
    assert values((ADD, "alter type")).used_by(sql) == "it's ok"


@pytest.mark.parametrize("sql", ["select 1 -- it's ok", "insert into t values ('it''s okay')"])
def test_no_other_does(sql: str) -> None:
    assert values((ADD, "alter type")).used_by(sql) is None


def test_rows_that_travel_with_a_statement_use_it() -> None:
    new = values(("alter type mood add value if not exists 'b' after 'a'", "alter type"))
    assert new.used_by("copy t from stdin", "1\tb\n2\ta\n") == "b"
    assert new.used_by("copy t from stdin", "1\tbb\n2\ta\n") is None


@pytest.mark.parametrize(
    "statements",
    [
        (("create type mood as enum ('a')", "create enum"),
         ("alter type mood add value 'b'", "alter type")),
        (("alter type mood rename value 'a' to 'b'", "alter type"),),
        (("alter type mood add attribute b int", "alter type"),),
        (("alter type mood add", "alter type"),),
    ],
)  # fmt: skip
def test_a_value_of_a_type_made_by_the_transaction_or_renamed_may_be_used(
    statements: tuple[tuple[str, str], ...],
) -> None:
    assert values(*statements).used_by("select 'b'::mood") is None


@pytest.mark.parametrize(
    ("version", "used"), [(130000, "b"), (160014, "b"), (170000, None), (0, None)]
)
def test_a_type_of_the_same_transaction_is_spared_from_version_17_on(
    version: int, used: str | None
) -> None:
    made = ("create type m as enum ('a')", "create enum")
    new = values(made, ("alter type m add value 'b'", "alter type"), version=version)
    assert new.used_by("select 'b'::m") == used
