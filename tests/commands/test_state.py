"""Planning without the database: a state is pulled where it can be reached, and read elsewhere."""

import json
import stat
from pathlib import Path

import pytest

from tests.commands.running import Project, refused, succeed


def pull(project: Project) -> Project:
    """The project with one migration applied, one pending, and the state of its database."""
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.write_tables(1, first=2)
    succeed(project.migrate("state", "pull"))
    return project


@pytest.fixture
def pulled(project: Project) -> Project:
    """On PostgreSQL: what a file says does not depend on the engine."""
    return pull(project)


def test_a_plan_by_a_state_does_what_a_plan_by_the_database_does(any_project: Project) -> None:
    pulled = pull(any_project)
    succeed(pulled.migrate("plan", "-o", "live.json"))
    succeed(pulled.migrate("plan", "--state", "state.json", environ={"TEST_URL": None}))
    live, seen = (json.loads((pulled.folder / n).read_text()) for n in ("live.json", "plan.json"))
    apart = {"state_pulled_at", "digest", "created_at", "expires_at", "warnings"}
    assert {k: v for k, v in seen.items() if k not in apart} == {
        k: v for k, v in live.items() if k not in apart
    }
    assert live["state_pulled_at"] is None
    assert seen["state_pulled_at"] == seen["created_at"]


def test_its_reviewer_is_told_and_it_is_never_applied(pulled: Project) -> None:
    planned = succeed(pulled.migrate("plan", "--state", "state.json", environ={"TEST_URL": None}))
    assert "warning   Made from a state that was pulled at" in planned.out
    assert "Apply it with" not in planned.out
    for options in ([], ["--dry-run"]):
        refused(pulled.migrate("apply", "plan.json", *options), 8, "--reviewed")
    assert len(succeed(pulled.migrate("history", "--json")).document["runs"]) == 1


def test_what_was_reviewed_by_a_state_is_released_by_the_database(pulled: Project) -> None:
    succeed(pulled.migrate("plan", "--state", "state.json", environ={"TEST_URL": None}))
    succeed(pulled.migrate("plan", "-o", "release.json", "--reviewed", "plan.json"))
    succeed(pulled.migrate("apply", "release.json", "--reviewed", "plan.json"))


def test_the_file_is_its_owners_holds_no_secret_and_is_the_same_each_time(
    pulled: Project,
) -> None:
    path = pulled.folder / "state.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pulled.url not in path.read_text()
    first = json.loads(path.read_text())
    succeed(pulled.migrate("state", "pull", "-o", "again.json"))
    again = json.loads((pulled.folder / "again.json").read_text())
    changing = {"pulled_at", "digest"}
    assert {k: v for k, v in first.items() if k not in changing} == {
        k: v for k, v in again.items() if k not in changing
    }


def test_pulling_creates_nothing(any_project: Project, tmp_path: Path) -> None:
    succeed(any_project.migrate("state", "pull"))
    state = json.loads((any_project.folder / "state.json").read_text())
    assert (state["identity"], state["serial"], state["entries"]) == (None, "0", [])
    succeed(any_project.migrate("state", "pull", "-o", "again.json"))
    assert json.loads((any_project.folder / "again.json").read_text())["identity"] is None


def test_an_altered_state_is_refused(pulled: Project) -> None:
    path = pulled.folder / "state.json"
    path.write_text(path.read_text().replace('"serial": "1"', '"serial": "2"'))
    refused(pulled.migrate("plan", "--state", "state.json"), 8, "state.json was altered")


def test_the_state_of_another_environment_is_refused(pulled: Project) -> None:
    pulled.write_environment("other", f"engine: {pulled.engine}\ndatabase: {{url_env: TEST_URL}}\n")
    result = pulled.migrate("plan", "-e", "other", "--state", "state.json")
    refused(result, 6, "pulled from environment test", "migrate state pull -e other")


@pytest.mark.parametrize("option", ["--rehearse", "--from-database"])
def test_what_needs_the_database_is_refused(pulled: Project, option: str) -> None:
    result = pulled.migrate("plan", "--state", "state.json", "--down", "1", option)
    refused(result, 64, f"Leave `{option}` away")


@pytest.mark.parametrize("name", ["none.json", "plan.json"])
def test_a_file_that_is_no_state_is_refused(pulled: Project, name: str) -> None:
    succeed(pulled.migrate("plan"))
    result = pulled.migrate("plan", "--state", name)
    refused(result, 64 if name == "none.json" else 8, name, "migrate state pull")
