"""The environment's policy, when a plan is made and again when it starts; `judgement` asks
no engine, so one server tells."""

import json
from typing import Any

from tests.commands.running import Project, refused, succeed
from tests.executors.rows import ask, execute


def configure(project: Project, policy: str) -> None:
    """Gives the environment this policy, as the inside of a YAML map."""
    project.configure(f"policy: {{{policy}}}\n")


def test_a_denied_plan_is_written_for_its_reviewers_and_never_applied(project: Project) -> None:
    project.write("001_a.sql", "create table a (id int);")
    configure(project, "irreversible: deny, max_steps: 9")
    planned = project.migrate("plan")
    refused(planned, 3, "Without a way back: 001. (policy.irreversible)", "-- migrate:down")
    assert "policy    irreversible: deny" in planned.out
    assert "Apply it with" not in planned.out
    configure(project, "irreversible: allow")
    refused(project.migrate("apply", "plan.json"), 3, "Without a way back: 001.")
    assert succeed(project.migrate("history", "--json")).document["runs"] == []


def test_the_policy_of_the_start_counts_too(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    configure(project, "windows: []")
    succeed(project.migrate("apply", "plan.json", "--dry-run"))
    project.write_tables(1)
    configure(project, "max_steps: 1, rehearsal: required")
    for options in ([], ["--dry-run"]):
        refused(project.migrate("apply", "plan.json", *options), 3, "was not rehearsed")
    refused(project.migrate("up"), 3, "was not rehearsed")
    assert succeed(project.migrate("history", "--json")).document["runs"] == []


def test_an_emergency_is_noted_for_good(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    closed = "windows: [sun 00:00-00:01], approvals: {threshold: 2}"
    configure(project, closed)
    applying = (
        "apply",
        "plan.json",
        "--receipt",
        "r.json",
        "--emergency",
        "ticket  7: orders fail",
    )
    refused(project.migrate(*applying), 3, "has no emergencies", "policy.approvals")
    configure(project, f"{closed}, break_glass: [windows, approvals]")
    refused(project.migrate("apply", "plan.json"), 3, "policy.approvals")
    refused(project.migrate(*applying[:-1], " "), 64, "has a reason")
    assert "EMERGENCY: ticket 7: orders fail" in succeed(project.migrate(*applying)).err
    receipt = json.loads((project.folder / "r.json").read_text())
    assert receipt["emergency"] == "ticket 7: orders fail"
    (run,) = project.migrate("history", "--json").document["runs"]
    assert run["emergency"] == "ticket 7: orders fail"
    for shown in (("history",), ("history", run["id"])):
        assert "ticket 7: orders fail" in succeed(project.migrate(*shown)).out


def test_an_applied_plan_is_not_judged_again(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    succeed(project.migrate("apply", "plan.json"))
    configure(project, "rehearsal: required")
    assert "already applied" in succeed(project.migrate("apply", "plan.json")).out


def test_a_rollback_that_loses_rows_is_told_in_one_breath(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    configure(project, "rollback: deny, destructive: deny")
    result = project.migrate("down")
    refused(result, 3, "Rolled back: 001.", "(policy.rollback)", "(policy.destructive)", "table t1")


def test_a_late_migration_passes_with_its_mark_where_the_policy_says_so(
    project: Project,
) -> None:
    project.write_tables(1, first=2)
    succeed(project.migrate("up"))
    project.write_tables(1)
    refused(project.migrate("plan"), 10, "out_of_order: warn")
    configure(project, "out_of_order: warn")
    assert (
        "policy    out_of_order: warn: Out of order: 001." in succeed(project.migrate("plan")).out
    )
    assert "Warning: Out of order: 001." in succeed(project.migrate("up")).err


def test_what_was_reviewed_is_compared_with_what_is_released(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan", "-o", "reviewed.json"))
    succeed(project.migrate("plan", "-o", "same.json", "--reviewed", "reviewed.json"))
    project.write_tables(1, first=2)
    refused(
        project.migrate("plan", "-o", "other.json", "--reviewed", "reviewed.json"),
        3, "was reviewed", "diff-plan",
    )  # fmt: skip
    configure(project, "require_intent: true")
    refused(project.migrate("apply", "same.json"), 3, "It was not said what was reviewed")
    refused(
        project.migrate("apply", "other.json", "--reviewed", "reviewed.json"),
        3, "was reviewed",
    )  # fmt: skip
    succeed(project.migrate("apply", "same.json", "--reviewed", "reviewed.json"))


def test_a_reviewed_plan_that_cannot_be_read_is_no_review(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    refused(project.migrate("apply", "plan.json", "--reviewed", "no.json"), 64, "no.json")


def test_a_program_that_reads_the_plan_gets_one_document(project: Project) -> None:
    project.write("001_a.sql", "create table a (id int);")
    configure(project, "irreversible: deny")
    result = project.migrate("plan", "--json")
    assert result.code == 3
    (decision,) = result.document["decisions"]
    assert (decision["policy"], decision["answer"]) == ("irreversible", "deny")


def test_lint_fails_as_the_policy_says(project: Project) -> None:
    project.write("001_a.sql", "drop table users;")
    assert project.migrate("lint").code == 3
    configure(project, "findings: warn")
    assert project.migrate("lint").code == 0
    configure(project, "findings: deny")
    assert project.migrate("lint").code == 3


def test_what_is_lost_is_read_by_the_servers_own_sql_mode(
    mysql_project: Project, mysql_server: Any
) -> None:
    [(_, before)] = ask(mysql_server, None, "show global variables like 'sql_mode'")
    execute(mysql_server, None, f"set global sql_mode = '{before},ANSI_QUOTES'")
    try:
        mysql_project.write("001_users.sql", 'create table "users" (id int);')
        succeed(mysql_project.migrate("up"))
        configure(mysql_project, "destructive: deny, non_atomic: allow")
        flags = " transaction:false"
        mysql_project.write("002_gone.sql", 'drop table "users";', flags=flags)
        refused(mysql_project.migrate("up"), 3, "the table users", "(policy.destructive)")
        configure(mysql_project, "destructive: allow, non_atomic: allow")
        succeed(mysql_project.migrate("plan"))
    finally:
        execute(mysql_server, None, f"set global sql_mode = '{before}'")
    refused(mysql_project.migrate("apply", "plan.json"), 4, "sql_mode 'ANSI_QUOTES'")
