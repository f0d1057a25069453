"""The digest of a plan: what comes first, what is lost, what a failure leaves."""

import pytest

from lockgate.planner.plan.difference import compare_plans
from lockgate.planner.plan.plan import Plan
from lockgate.planner.review.sql_runs import cut_sql
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from lockgate.views.plan import difference
from lockgate.views.plan.approvals import tell_approval
from lockgate.views.plan.dependencies import ROW, draw_dependencies
from lockgate.views.plan.html import render_html
from lockgate.views.plan.markdown import render_markdown
from lockgate.views.plan.review import masked, review
from tests.planner.literals import migration, up_plan
from tests.views.plans import (
    COUNT_ORDERS,
    compensated_plan,
    empty_plan,
    long_plan,
    release_plan,
    small_plan,
)


def test_no_view_for_reviewers_shows_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    def holding(secret: str) -> Plan:
        sql = f"create role a password '{secret}'; -- password '\ncreate table seen (id int);"
        return up_plan([migration("1", sql, down=f"alter role a password '{secret}'")])

    before, after = holding("hunter2"), holding("hunter3")
    assert masked(after).digest == after.digest
    tell_approval(after)
    difference.show_text(compare_plans(masked(before), masked(after)))
    shown = capsys.readouterr()
    pages = [render_markdown(review(after)), render_html(review(after)), shown.out, shown.err]
    for page in pages:
        assert "hunter" not in page
    assert [("***" in page, "seen" in page) for page in pages] == [
        *((True, True), (True, True)), (False, False), (True, True),
    ]  # fmt: skip


def test_findings_come_by_severity_and_those_answered_for_last() -> None:
    found = review(release_plan())
    assert [remark.grade for remark in found.remarks] == [
        *("danger", "danger", "warning", "info", "allowed"),
    ]
    assert [remark.place.number for remark in found.remarks] == [2, 3, 5, 5, 1]


def test_the_longest_lock_comes_first() -> None:
    tables = [lock.touch.table for lock in review(release_plan()).locks]
    assert tables == ["orders", "billing.invoices", "users"]


def test_what_is_lost_is_told_by_its_statement() -> None:
    losses = review(release_plan()).losses
    assert [(str(loss.place), loss.lost) for loss in losses] == [
        ("step 2 statement 1", ("the column users.legacy_name",)),
        ("step 3 statement 1", ("values of the column orders.total",)),
    ]


def test_each_unit_says_what_a_failure_leaves() -> None:
    parts = review(release_plan()).parts
    assert [(part.unit.first, part.last, part.leaves) for part in parts] == [
        (1, 3, "The server undoes all of it."),
        (4, 4, "What it left is removed. Steps 1 to 3 stay."),
        (5, 6, "The server undoes all of it. Steps 1 to 4 stay."),
    ]
    (cut,) = review(compensated_plan()).parts
    assert cut.leaves.startswith("Keeps what ran up to the last point of no return")


@pytest.mark.parametrize(
    ("plan", "title", "grade"),
    [
        (small_plan(), "Apply 1 migration", "good"),
        (empty_plan(), "Nothing to do", "good"),
        (release_plan(), "Apply 6 migrations", ""),
    ],
)
def test_a_plan_has_a_headline_and_a_grade(plan: object, title: str, grade: str) -> None:
    found = review(plan)  # type: ignore[arg-type]
    assert (found.title, found.grade) == (title, grade)


def test_arcs_join_what_requires_with_what_is_required() -> None:
    drawing = draw_dependencies(release_plan())
    assert [row.version for row in drawing.rows] == ["001", "003", "004", "005", "006"]
    assert len(drawing.arcs) == 5
    assert drawing.alone == 1
    assert drawing.arcs[0].path.startswith(f"M-10 {1.5 * ROW:g}C")


def test_a_required_version_outside_of_the_plan_stands_first() -> None:
    plan = release_plan()
    drawing = draw_dependencies(plan.model_copy(update={"steps": plan.steps[2:3]}))
    assert [(row.version, row.number) for row in drawing.rows] == [("001", 0), ("003", 1)]


def test_a_plan_without_requirements_has_no_graph() -> None:
    assert draw_dependencies(small_plan()).rows == ()
    assert len(draw_dependencies(long_plan(20)).arcs) == 13


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB])
@pytest.mark.parametrize("sql", [COUNT_ORDERS, "select 'a' -- b", "/*! select */ `x` # y", "", "'"])
def test_highlighting_changes_no_character(sql: str, dialect: Dialect) -> None:
    assert "".join(text for _, text in cut_sql(sql, dialect)) == sql
