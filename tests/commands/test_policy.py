"""The environment's policy, met on each engine: when a plan is made, and again when it starts."""

from tests.commands.running import Project, refused, succeed


def configure(project: Project, policy: str) -> None:
    """Gives the environment this policy, as the inside of a YAML map."""
    project.configure(f"policy: {{{policy}}}\n")


def test_a_denied_plan_is_written_for_its_reviewers_and_never_applied(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);")
    configure(any_project, "irreversible: deny, max_steps: 9")
    planned = any_project.migrate("plan")
    refused(planned, 3, "Without a way back: 001. (policy.irreversible)", "-- migrate:down")
    assert "policy    irreversible: deny" in planned.out
    assert "Apply it with" not in planned.out
    configure(any_project, "irreversible: allow")
    refused(any_project.migrate("apply", "plan.json"), 3, "Without a way back: 001.")
    assert succeed(any_project.migrate("history", "--json")).document["runs"] == []


def test_the_policy_of_the_start_counts_too(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan"))
    configure(any_project, "windows: []")
    succeed(any_project.migrate("apply", "plan.json", "--dry-run"))
    any_project.write_tables(1)
    configure(any_project, "max_steps: 1, rehearsal: required")
    for options in ([], ["--dry-run"]):
        refused(any_project.migrate("apply", "plan.json", *options), 3, "was not rehearsed")
    refused(any_project.migrate("up"), 3, "was not rehearsed")
    assert succeed(any_project.migrate("history", "--json")).document["runs"] == []


def test_an_applied_plan_is_not_judged_again(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan"))
    succeed(any_project.migrate("apply", "plan.json"))
    configure(any_project, "rehearsal: required")
    assert "already applied" in succeed(any_project.migrate("apply", "plan.json")).out


def test_a_rollback_that_loses_rows_is_told_in_one_breath(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    configure(any_project, "rollback: deny, destructive: deny")
    result = any_project.migrate("down")
    refused(result, 3, "Rolled back: 001.", "(policy.rollback)", "(policy.destructive)", "table t1")


def test_a_late_migration_passes_with_its_mark_where_the_policy_says_so(
    any_project: Project,
) -> None:
    any_project.write_tables(1, first=2)
    succeed(any_project.migrate("up"))
    any_project.write_tables(1)
    refused(any_project.migrate("plan"), 10, "out_of_order: warn")
    configure(any_project, "out_of_order: warn")
    assert (
        "policy    out_of_order: warn: Out of order: 001."
        in succeed(any_project.migrate("plan")).out
    )
    assert "Warning: Out of order: 001." in succeed(any_project.migrate("up")).err


def test_what_was_reviewed_is_compared_with_what_is_released(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan", "-o", "reviewed.json"))
    succeed(any_project.migrate("plan", "-o", "same.json", "--reviewed", "reviewed.json"))
    any_project.write_tables(1, first=2)
    refused(
        any_project.migrate("plan", "-o", "other.json", "--reviewed", "reviewed.json"),
        3, "was reviewed", "diff-plan",
    )  # fmt: skip
    configure(any_project, "require_intent: true")
    refused(any_project.migrate("apply", "same.json"), 3, "Nobody said what was reviewed")
    refused(
        any_project.migrate("apply", "other.json", "--reviewed", "reviewed.json"),
        3, "was reviewed",
    )  # fmt: skip
    succeed(any_project.migrate("apply", "same.json", "--reviewed", "reviewed.json"))


def test_a_reviewed_plan_that_cannot_be_read_is_no_review(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("plan"))
    refused(any_project.migrate("apply", "plan.json", "--reviewed", "no.json"), 64, "no.json")


def test_a_program_that_reads_the_plan_gets_one_document(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);")
    configure(any_project, "irreversible: deny")
    result = any_project.migrate("plan", "--json")
    assert result.code == 3
    (decision,) = result.document["decisions"]
    assert (decision["policy"], decision["answer"]) == ("irreversible", "deny")


def test_lint_fails_as_the_policy_says(any_project: Project) -> None:
    any_project.write("001_a.sql", "drop table users;")
    assert any_project.migrate("lint").code == 3
    configure(any_project, "findings: warn")
    assert any_project.migrate("lint").code == 0
    configure(any_project, "findings: deny")
    assert any_project.migrate("lint").code == 3
