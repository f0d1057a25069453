"""Statements with many rows are read by their heads, and keep what is around the rows."""

import pytest

from lockgate.planner.reading.postgresql.head import LONG, rows_past, shorten, words_of
from lockgate.planner.reading.postgresql.reader import read

ROWS = 4000


def rows(row: str) -> str:
    return ",\n".join([row] * ROWS)


@pytest.mark.parametrize(
    "row",
    [
        "(1, 'a')",
        "(1, 'it''s (here)')",
        r"(1, E'a\'b),(c')",
        "(now(), coalesce(lower('x'), upper(trim('y'))))",
        "(1 - 2, 'a--b', 3 / 4)",
        '(1, "a,)")',
    ],
)
def test_only_the_first_rows_are_kept(row: str) -> None:
    sql = f"insert into t (a, b) values {rows(row)} on conflict do nothing returning a"
    short = shorten(sql)
    assert len(short) < LONG // 10
    assert short.endswith("on conflict do nothing returning a")
    assert read(sql).tables_written[0].name == "t"


def test_the_rows_of_a_query_within_are_left_out_too() -> None:
    sql = f"with few (a, b) as (values {rows('(1, 2)')}) delete from u"
    assert len(shorten(sql)) < 200
    assert read(sql).loses == ("every row of u",)


@pytest.mark.parametrize(
    "text",
    [
        f"insert into t select '{'values (1), (2), (3), (4), ' * ROWS}'",
        f"do $x$ {'values (1), (2), (3), (4); ' * ROWS} $x$",
        "insert into t values " + rows("(1, $$a$$)"),
        "insert into t values " + rows("(1, 2 /* a */)"),
    ],
)
def test_what_is_not_known_for_rows_stays_as_it_is(text: str) -> None:
    assert shorten(text) == text
    assert not read(text).unread


def test_a_short_statement_is_not_touched() -> None:
    sql = "insert into t values (1), (2), (3), (4), (5)"
    assert shorten(sql) is sql


def test_a_missing_comma_after_the_rows_is_still_found() -> None:
    assert read(f"insert into t values {rows('(1, 2)')} (3, 4)").unread


def test_rows_of_literals_alone_are_looked_at_by_no_other_reader() -> None:
    plain = "(-1.5e-7, .5, 0x1f, 'it''s', E'\\'a', NULL, true, default)"
    sql = f"insert into t values {rows(plain)} returning f(1)"
    assert rows_past(sql) == ""
    assert words_of(sql) == shorten(sql)


@pytest.mark.parametrize("row", ["(f(1))", "(1, 'a'::mine)", "(nullable)", "(pg_read_file('a'))"])
def test_a_row_of_more_than_literals_is_looked_at_wherever_it_is(row: str) -> None:
    sql = f"insert into t values {rows('(1)')}, {row}, {rows('(2)')}"
    assert row in rows_past(sql)
    assert row in words_of(sql)


def test_what_a_late_row_calls_and_reaches_is_seen() -> None:
    sql = f"insert into t values {rows('(1)')}, (f(pg_read_file('a'))), {rows('(2)')}"
    reading = read(sql)
    assert reading.reaches_out == ("reads or writes files of the server",)
    assert reading.calls_own == {"f"}
