"""What the grammar is not asked to read, since reading it would take too long."""

import pytest

from lockgate.planner.reading.postgresql.grammar import LONGEST_RUN, TooMuch, parse


@pytest.mark.parametrize("run", ["+", "+-", "=+", "*+", "@-"])
def test_a_long_run_of_operators_is_not_parsed(run: str) -> None:
    with pytest.raises(TooMuch, match="characters of operators in a row"):
        parse(f"select {run * 150_000}1")


@pytest.mark.parametrize(
    "text",
    [
        "select '{}'",
        "select $${}$$",
        'select 1 as "{}"',
        "select 1 --{}\n",
        "select 1 /*{}+*/",
        "select E'\\'{}'",
    ],
)
def test_such_a_run_in_a_string_or_a_comment_is_none(text: str) -> None:
    assert parse(text.format("+-" * LONGEST_RUN))[0] == "SelectStmt"


def test_runs_that_are_apart_are_no_long_run() -> None:
    assert parse(f"select {' + 1' * LONGEST_RUN}")[0] == "SelectStmt"
