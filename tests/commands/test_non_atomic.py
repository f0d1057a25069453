"""Plans that can stop half-way for good: refused, warned of or allowed, on each engine."""

import pytest

from tests.commands.running import Project, refused, succeed

VERDICT = "NOT ATOMIC after 001_two.sql:2"
PARTS = "ATOMIC IN PARTS (2 units, each all or nothing)"
TWO = "create table a (id int);\ncreate table b (id int);"


def write_cut(project: Project) -> None:
    """Writes a section whose two statements are kept one by one."""
    project.write("001_two.sql", TWO, "drop table b;", flags=" transaction:false")


@pytest.mark.parametrize("command", [("plan",), ("up",), ("up", "--dry-run")])
def test_it_is_refused_by_default_and_told_what_may_be_done(
    any_project: Project, command: tuple[str, ...]
) -> None:
    write_cut(any_project)
    result = any_project.migrate(*command)
    refused(result, 3, VERDICT, "--allow-non-atomic", "non_atomic: warn", "--to VERSION")
    assert succeed(any_project.migrate("history", "--json")).document["runs"] == []


def test_an_option_accepts_it_once(any_project: Project) -> None:
    write_cut(any_project)
    shown = succeed(any_project.migrate("plan", "--allow-non-atomic")).out
    assert f"verdict   {VERDICT}" in shown
    assert "point-of-no-return: its section says `transaction:false`" in shown
    succeed(any_project.migrate("apply", "plan.json", "--allow-non-atomic"))
    succeed(any_project.migrate("down", "--allow-non-atomic"))
    refused(any_project.migrate("up"), 3, VERDICT)


def test_an_environment_warns_of_it(any_project: Project) -> None:
    any_project.configure("policy: {non_atomic: warn}\n")
    write_cut(any_project)
    assert (
        f"policy    non_atomic: warn: The plan is {VERDICT}"
        in succeed(any_project.migrate("plan")).out
    )
    result = succeed(any_project.migrate("up"))
    assert f"Warning: The plan is {VERDICT}" in result.err


def test_an_environment_allows_it(any_project: Project) -> None:
    any_project.configure("policy: {non_atomic: allow}\n")
    write_cut(any_project)
    assert "warning" not in succeed(any_project.migrate("plan")).out
    assert "Warning" not in succeed(any_project.migrate("up")).err


def test_units_that_are_all_or_nothing_pass_unless_the_environment_denies_them(
    any_project: Project,
) -> None:
    any_project.write_tables(2)
    any_project.configure("transaction: step\npolicy: {in_parts: deny, non_atomic: deny}\n")
    refused(any_project.migrate("up"), 3, PARTS, "in_parts: allow", "--to VERSION")
    any_project.configure("transaction: step\npolicy: {non_atomic: deny}\n")
    shown = succeed(any_project.migrate("plan")).out
    assert f"verdict   {PARTS}" in shown
    assert "Step 1 stays." in shown
    succeed(any_project.migrate("apply", "plan.json"))


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_who_applies_an_unsigned_plan_accepts_it_as_well(
    any_project: Project, more: tuple[str, ...]
) -> None:
    """Who edits a plan could write into it that somebody has."""
    write_cut(any_project)
    succeed(any_project.migrate("plan", "--allow-non-atomic"))
    any_project.configure("policy: {non_atomic: deny}\n")
    refused(any_project.migrate("apply", "plan.json", *more), 3, VERDICT, "`migrate apply` too")
    succeed(any_project.migrate("apply", "plan.json", "--allow-non-atomic", *more))


def test_a_plan_that_was_denied_when_it_was_made_is_not_accepted_later(
    any_project: Project,
) -> None:
    write_cut(any_project)
    refused(any_project.migrate("plan"), 3, VERDICT)
    refused(any_project.migrate("apply", "plan.json", "--allow-non-atomic"), 3, VERDICT)


def test_it_goes_on_without_being_accepted_once_more(any_project: Project) -> None:
    any_project.write("001_two.sql", f"{TWO}\ncreate table a (id int);", flags=" transaction:false")
    succeed(any_project.migrate("plan", "--allow-non-atomic"))
    refused(any_project.migrate("apply", "plan.json", "--allow-non-atomic"), 7, "half done")
    refused(any_project.migrate("apply", "plan.json"), 7, "half done")
