"""lockgate from Python, as a program of its users imports it."""

from pathlib import Path

import pytest

import lockgate
from lockgate.planner.errors import (
    Denied,
    InvalidPlan,
    IrreversibleMigration,
    Unreachable,
    UsageError,
)
from tests.commands.running import Project


@pytest.fixture
def written(any_project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with two migrations, on each server in turn, whose variables this process has."""
    monkeypatch.setenv("TEST_URL", any_project.url)
    any_project.write_tables(2)
    return any_project


def opened(project: Project) -> lockgate.Database:
    return lockgate.open("test", environments=project.folder / "environments")


def test_a_plan_is_made_applied_and_rolled_back(
    written: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []
    with opened(written) as database:
        plan = database.plan()
        assert [step.version for step in plan.steps] == ["001", "002"]
        report = database.apply(plan, on_event=lambda event: heard.append(type(event).__name__))
        assert (report.outcome, len(report.steps)) == ("applied", 2)
        assert database.apply(plan).outcome == "already applied"
        assert {one.state for one in database.status().standings} == {"applied"}
        assert [step.version for step in database.down().steps] == ["002"]
        assert [step.version for step in database.up(to="002").steps] == ["002"]
        assert database.down(to="0").outcome == "applied"
        written.write("003_c.sql", "create table c (id int);")
        database.up()
        with pytest.raises(IrreversibleMigration):
            database.down()
        assert database.down(skip_irreversible=["003"], reason="a test").outcome == "applied"
        assert [one.state for one in database.status().standings][-1] == "pending"
    assert {"RunStarted", "StepFinished"} <= set(heard)
    assert capfd.readouterr() == ("", "")


def test_a_plan_file_is_held_to_all_that_the_command_holds_it_to(written: Project) -> None:
    path = written.folder / "plan.json"
    with opened(written) as database:
        lockgate.write_plan(database.plan(), path)
        path.write_text(path.read_text().replace("create table t1", "create table x1"))
        with pytest.raises(InvalidPlan):
            database.apply(path)
        written.configure("policy: {require_plan: true}\n")
    with opened(written) as database:
        with pytest.raises(Denied):
            database.up()
        assert database.apply(database.plan()).outcome == "applied"


def test_a_url_needs_no_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_tables(1)
    monkeypatch.chdir(project.folder)
    with lockgate.open(url=project.url, migrations="migrations") as database:
        assert len(database.up().steps) == 1
    with pytest.raises(UsageError, match="The argument `url` is not the URL"):
        lockgate.open(url="nonsense")
    with pytest.raises(Unreachable):
        lockgate.open(url="postgresql://u@127.0.0.1:1/d")


def test_the_page_describes_every_name() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/python.md").read_text()
    methods = [name for name in vars(lockgate.Database) if not name.startswith("_")]
    assert not [name for name in (*lockgate.__all__, *methods) if f"`{name}" not in page]
