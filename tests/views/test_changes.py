"""What changes in the schema, as text for a terminal and for a comment."""

from lockgate.planner.review.schema_changes import SchemaChange
from lockgate.views.plan.changes import SHARE, render_schema_changes, show_schema_changes
from tests.views.golden import printed


def test_no_change_takes_no_room() -> None:
    assert render_schema_changes([]) == ""
    assert printed(lambda: show_schema_changes([])) == ""


def test_a_name_with_a_line_break_makes_no_line_of_its_own() -> None:
    hostile = [SchemaChange("table a\n+ table harmless", "removed", ("- column b\n+ column c",))]
    shown = render_schema_changes(hostile) + printed(lambda: show_schema_changes(hostile))
    assert not any(line.lstrip().startswith("+ ") for line in shown.splitlines())


def test_a_comment_holds_as_many_as_its_share() -> None:
    many = [SchemaChange(f"table t{number}", "added") for number in range(2000)]
    shown = render_schema_changes(many)
    assert len(shown) < SHARE * 2
    assert "more lines" in shown
