"""A call is that of the database, unless the server's own stands in for it."""

from lockgate.planner.reading.postgresql.calling import called_in_rows
from lockgate.planner.reading.postgresql.reader import read, read_all

MAKES = "create function f() returns trigger language plpgsql as $$ begin new.a := 1; end $$"
TRIGGER = "create trigger g before insert on t for each row execute function f()"


def test_a_trigger_is_read_with_its_function_in_the_same_section() -> None:
    assert [one.opaque for one in read_all([MAKES, TRIGGER])] == [False, False]
    assert [one.opaque for one in read_all([TRIGGER])] == [True]


def test_after_a_schema_that_comes_before_the_servers_own_no_name_is_the_servers() -> None:
    sql = ["set search_path = evil, pg_catalog", "select lower('A')"]
    assert [one.opaque for one in read_all(sql)] == [False, True]
    assert not list(read_all(["set search_path = a, b", "select lower('A')"]))[1].opaque


def test_calls_in_many_rows_are_seen_and_those_in_strings_are_not() -> None:
    rows = ", ".join(["(1, 'a(b)', E'\\'(', 1.5, pg_catalog.now())"] * 1000)
    assert called_in_rows(rows) == frozenset()
    assert called_in_rows(f'{rows}, (2, "F" (1), a.g(), "a" . now())') == {"F", "g", "now"}
    assert read(f"insert into t values {rows}, (1, E'\\'', f(), E'\\'')").calls_own == {"f"}
