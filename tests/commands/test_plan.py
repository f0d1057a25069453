"""`plan`: its options, where it writes, and when its plan is no longer taken."""

import json
import stat
import time

import pytest

from tests.commands.running import Project, refused, succeed
from tests.servers.process import wait_until


def steps(project: Project, file: str = "plan.json") -> list[str]:
    plan = json.loads((project.folder / file).read_text())
    return [f"{step['direction']} {step['version']}" for step in plan["steps"]]


@pytest.fixture
def applied(project: Project) -> Project:
    """A project with three migrations, two of them applied."""
    project.write_tables(3)
    succeed(project.migrate("up", "--to", "2"))
    return project


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["up 003", "up 004"]),
        (["--to", "3"], ["up 003"]),
        (["--to", "003"], ["up 003"]),
        (["--down", "1"], ["down 002"]),
        (["--down", "2"], ["down 002", "down 001"]),
        (["--down-to", "1"], ["down 002"]),
        (["--down-to", "0"], ["down 002", "down 001"]),
        (["--to", "2"], []),
        (["--down-to", "2"], []),
    ],
)
def test_what_is_planned(applied: Project, options: list[str], expected: list[str]) -> None:
    applied.write_tables(1, first=4)
    result = applied.migrate("plan", *options, "--detailed-exitcode")
    assert result.code == (2 if expected else 0), result
    assert steps(applied) == expected
    assert ("Nothing to do" in result.out) == (not expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "1", "--down", "1"], "only one choice"),
        (["--down", "1", "--down-to", "0"], "only one choice"),
        (["--to", "1", "--down-to", "0"], "only one choice"),
        (["--to", "9"], "No migration has version 9"),
        (["--to", "x"], "No migration has version x"),
        (["--down", "3"], "2 are applied"),
        (["--down", "0"], "--down"),
        (["--down-to", "3"], "Version 3 is not applied"),
        (["-o", "migrations"], "is a directory"),
        (["-o", "no/such/folder/plan.json"], "No such file or directory"),
    ],
)
def test_what_cannot_be_planned(applied: Project, options: list[str], words: str) -> None:
    refused(applied.migrate("plan", *options), 64, words)
    assert not (applied.folder / "plan.json").exists()


def test_where_the_plan_is_written(applied: Project) -> None:
    result = succeed(applied.migrate("plan"))
    assert "Apply it with: migrate apply plan.json\n" in result.out
    assert result.err == "Written to plan.json.\n"
    path = applied.folder / "plan.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    succeed(applied.migrate("plan", "-o", "environments/other.json"))
    assert steps(applied, "environments/other.json") == ["up 003"]
    printed = succeed(applied.migrate("plan", "--json"))
    assert printed.out == path.read_text()


def test_the_steps_are_shown_for_review(applied: Project) -> None:
    shown = succeed(applied.migrate("plan")).out
    assert "for test" in shown
    assert "ATOMIC (one transaction)" in shown
    assert "+ up  003      t3" in shown
    assert succeed(applied.migrate("show", "plan.json")).out in shown


def test_an_expired_plan_is_refused_by_the_clock_of_the_database(project: Project) -> None:
    project.write_tables(1)
    project.configure("max_plan_age: 1s\n")
    succeed(project.migrate("plan"))
    end = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > end + 1.0, "the plan is too old")
    result = project.migrate("apply", "plan.json")
    refused(result, 8, "expired at", "database's clock", "Make a new plan")
    assert succeed(project.migrate("status")).out.endswith("0 applied, 1 pending\n")


def test_an_applied_plan_is_no_error_when_it_expires(project: Project) -> None:
    project.write_tables(1)
    project.configure("max_plan_age: 1s\n")
    succeed(project.migrate("plan"))
    document = json.loads((project.folder / "plan.json").read_text())
    assert document["expires_at"] > document["created_at"]
    succeed(project.migrate("apply", "plan.json"))
    end = time.monotonic() + 2.0
    wait_until(lambda: time.monotonic() > end, "the plan is too old")
    assert "already applied" in succeed(project.migrate("apply", "plan.json")).out


def test_a_plan_is_made_by_a_role_that_may_only_read(
    project: Project, postgres_server: object
) -> None:
    project.write_tables(1)
    read_only = f"{project.url}?options=-c%20default_transaction_read_only%3Don"
    succeed(project.migrate("plan", environ={"TEST_URL": read_only}))
    refused(project.migrate("up", environ={"TEST_URL": read_only}), 6, "read-only", "primary")


def test_a_baseline_is_recorded_and_none_of_its_sql_is_run(project: Project) -> None:
    project.write_tables(3)
    shown = succeed(project.migrate("plan", "--baseline", "002")).out
    assert (
        "002_t2.sql\n  info      baseline: Recorded as applied, and none of its SQL is run."
        in shown
    )
    succeed(project.migrate("apply", "plan.json"))
    status = succeed(project.migrate("status")).out
    assert "2 applied, 1 pending" in status
    succeed(project.migrate("up"))
    refused(project.migrate("down", "--to", "0"), 9, "t2")  # its table was never made


def test_a_baseline_goes_with_no_other_choice(project: Project) -> None:
    project.write_tables(2)
    refused(project.migrate("plan", "--baseline", "1", "--to", "2"), 64, "only one choice")


def test_a_plan_is_not_applied_over_what_another_plan_has_run(project: Project) -> None:
    template = "-- migrate:template jinja\n-- migrate:up\ncreate table {{ name }}_%s (id int);\n"
    for number in (1, 2, 3):
        (project.migrations / f"00{number}_t.sql").write_text(template % number)
    project.configure("variables: {name: reviewed}")
    succeed(project.migrate("plan"))
    project.configure("variables: {name: other}")
    for up_to in ("2", "3"):
        succeed(project.migrate("up", "--to", up_to))
        refused(project.migrate("apply", "plan.json"), 4, "another plan has put them there")
