"""Definitions in short: what reviewers read of a column, a constraint, a function, a view."""

import pytest

from lockgate.planner.reading.postgresql.grammar import parse
from lockgate.planner.reading.postgresql.outlines import (
    LONGEST,
    outline_function,
    outline_table,
    outline_view,
    spell_expression,
)

TABLE = """create table t (id bigint generated always as identity primary key,
    kind text not null default 'a', made timestamptz default now(),
    n int references s on delete cascade, m numeric(12, 2) check (m > 0 or m is null),
    unique (n, m), foreign key (n) references u (a), like s)"""
FUNCTION = """create function f(a bigint, out b int) returns int language sql security definer
    as 'select 1'"""
VIEW = "create or replace view v as select id, o.total as t, count(*), o.*, 1 + 1 from o"


def test_a_table_is_told_by_its_columns_and_constraints() -> None:
    assert list(outline_table(parse(TABLE)[1])) == [
        "+ id int8 identity primary key",
        "+ kind text not null default 'a'",
        "+ made timestamptz default now()",
        "+ n int4 references s on delete cascade",
        "+ m numeric(12,2) check (m > 0 or m is null)",
        "+ unique (n, m)",
        "+ foreign key (n) references u",
    ]


def test_a_function_is_told_by_its_arguments_and_rights() -> None:
    taken, rights = outline_function(parse(FUNCTION)[1])
    assert taken == "~ takes (a int8, out b int4), returns int4"
    assert rights.startswith("~ security definer")


def test_a_view_is_told_by_its_columns() -> None:
    assert list(outline_view(parse(VIEW)[1])) == ["~ columns id, t, count, *, …"]


@pytest.mark.parametrize(
    "text",
    [
        "a like 'x%' and not (b)",
        "(a or b) and c <> 1.5",
        "current_timestamp",
        "'it''s'::text",
        "coalesce(a.b, null, true, false, 0)",
        "a not in (1, 2)",
    ],
)
def test_an_expression_is_spelled_as_it_is_written(text: str) -> None:
    (target,) = parse(f"select {text}")[1]["targetList"]
    assert spell_expression(target["ResTarget"]["val"]) == text


def test_what_is_rare_deep_or_long_is_left_out() -> None:
    for text in ("array[1]", f"{'f(' * 40}1{')' * 40}", f"f({', '.join(['abc'] * 99)})"):
        (target,) = parse(f"select {text}")[1]["targetList"]
        told = spell_expression(target["ResTarget"]["val"])
        assert "…" in told
        assert len(told) <= LONGEST
