"""What goes along with what a plan drops: told, shown, and looked at again by `apply`."""

from dataclasses import replace
from typing import NoReturn

import pytest

from lockgate.planner.database.facts import ColumnFacts, Dependent, Facts, Layout, TableFacts
from lockgate.planner.errors import StalePlan
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.postgresql.weighing.taking import find_taking
from lockgate.planner.reading.reader import read_section
from lockgate.planner.review.inspection import inspect, read_subjects, without_files
from lockgate.planner.review.schema_changes import find_schema_changes
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.review.taken_along import (
    may_take_along,
    not_brought_back,
    refuse_more_taken,
)
from lockgate.planner.sql.dialect import POSTGRESQL
from tests.planner.literals import migration, up_plan

COLUMNS = {name: ColumnFacts("integer", nullable=True) for name in ("a", "b")}
TABLE = TableFacts("", 9, 9, COLUMNS, layout=Layout("table", indexes=("by_both",)))
INDEX = TableFacts("", 9, 9, {}, layout=Layout("index", owner="t", keys=("a", "b")))
RIGHTS = {"column t.a": (Dependent("rights", "a", "t", is_part=True),)}
FACTS = Facts({"t": TABLE, "by_both": INDEX}, dependents=RIGHTS)
DROPS = "alter table t drop column a;"


def planned(sql: str, down: str = "") -> Plan:
    plan = up_plan([migration(1, sql, down)])
    subjects = read_subjects(plan, ReviewTerms(POSTGRESQL, FACTS), without_files(plan))
    return inspect(plan, subjects, without_files(plan), [()])


def first(plan: Plan) -> PlannedStatement:
    return plan.steps[0].statements[0]


def test_what_goes_is_in_the_plan_and_among_what_changes() -> None:
    plan = planned(DROPS)
    assert [(one.kind, one.name, one.table) for one in first(plan).takes] == [
        ("index", "by_both", "t"),
        ("rights", "a", "t"),
    ]
    (change,) = find_schema_changes(plan)
    assert change.lines == ("- column a", "- index by_both", "- rights on a")
    (finding,) = [one for one in plan.steps[0].findings if one.code == "takes-along"]
    assert finding.message == "It takes along: the index by_both of t, the rights on t.a."


def test_a_way_back_that_adds_the_column_alone_lacks_the_rest() -> None:
    add = "alter table t add column a int;"
    back = f"{add} create index by_both on t (a, b); grant select (a) on t to app;"
    for down, left in ((add, ["by_both", "a"]), (back, [])):
        plan = planned(DROPS, down)
        told = not_brought_back(first(plan), plan.steps[0].rollback or (), POSTGRESQL)
        assert [one.name for one in told] == left


def test_no_way_back_is_read_for_what_takes_nothing_along() -> None:
    plan = planned("alter table t drop column b;", "select 1;")
    alone = first(plan).model_copy(update={"takes": ()})
    unread = (first(plan).model_copy(update={"sql": None}),)
    assert not_brought_back(alone, unread, POSTGRESQL) == ()


def test_what_came_after_the_plan_was_made_makes_it_stale() -> None:
    plan = planned(DROPS)
    assert may_take_along(plan, POSTGRESQL)
    assert not may_take_along(planned("alter table t add column c int;"), POSTGRESQL)
    refuse_more_taken(plan, POSTGRESQL, FACTS)
    layout = replace(TABLE.layout or Layout("table"), indexes=("by_both", "late"))
    tables = {"t": replace(TABLE, layout=layout), "by_both": INDEX, "late": INDEX}
    with pytest.raises(StalePlan, match="With step 1 statement 1 goes the index late of t"):
        refuse_more_taken(plan, POSTGRESQL, replace(FACTS, tables=tables))


def test_only_what_hangs_on_a_table_is_looked_at_when_it_is_dropped() -> None:
    class Unlisted(dict[str, TableFacts]):
        def items(self) -> NoReturn:
            raise AssertionError("each drop would look at every table of the database")

    counted = replace(TABLE, layout=Layout("table", sequences=("t_a_seq", "gone_seq")))
    sequence = TableFacts("", 1, 9, {}, layout=Layout("sequence", owner="t"))
    borrowed = {"relation t_a_seq": (Dependent("default", "a", "other"),)}
    facts = Facts(Unlisted({"t": counted, "t_a_seq": sequence}), dependents=borrowed)
    (reading,) = read_section(["drop table t cascade"], POSTGRESQL)
    taking = find_taking(reading, facts)
    assert [(one.kind, one.key, one.name) for one in taking.gone] == [("default", "other", "a")]
