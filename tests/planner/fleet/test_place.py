"""Places of targets: names are data, and a host named elsewhere gets no password in clear."""

from typing import Any

import pytest
from pydantic import SecretStr

from lockgate.planner.database.address import DatabaseAddress
from lockgate.planner.errors import UsageError
from lockgate.planner.fleet.place import TargetPlace, read_place

BASE = DatabaseAddress("postgresql", "home", "ann", 5432, host="db", password=SecretStr("s"))


def test_a_place_changes_what_it_names_and_nothing_else() -> None:
    found = TargetPlace("a", database="tenant_a").over(BASE)
    assert (found.database, found.user, found.host, found.is_guarded) == (
        *("tenant_a", "ann", "db"),
        False,
    )


def test_another_host_gets_the_password_only_as_a_proof() -> None:
    assert TargetPlace("a", host="elsewhere").over(BASE).is_guarded


@pytest.mark.parametrize(
    ("schema", "option"),
    [
        ("tenant_a", '-csearch_path="tenant_a",public'),
        ('a "b', r'-csearch_path="a\ ""b",public'),
        ("a\\b", r'-csearch_path="a\\b",public'),
        ("a,b -cfoo=1", r'-csearch_path="a,b\ -cfoo=1",public'),
    ],
)
def test_a_schema_is_quoted_twice(schema: str, option: str) -> None:
    assert TargetPlace("a", schema=schema).over(BASE).options["options"] == option


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"name": ""},
        {"name": "a", "password": "s"},
        {"name": "a\nb"},
        {"name": "a\x1b[2J"},
        {"name": "a" * 256},
        {"name": "a", "port": "x"},
    ],
)
def test_a_row_that_is_no_place_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read_place(columns)
    assert "\x1b" not in str(caught.value)


def test_columns_are_read_in_any_case() -> None:
    found = read_place({"NAME": "a", "dbname": "x", "Port": "6432", "host": None})
    assert found == TargetPlace("a", database="x", port=6432)
