"""`plan`, `up` and `down` judge what they are about to run, by the live database and the files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed


def planned(project: Project, *options: str) -> Any:
    """The plan that the command writes."""
    succeed(project.migrate("plan", *options))
    return json.loads((project.folder / "plan.json").read_text())


def codes(plan: Any) -> list[list[str]]:
    return [[one["code"] for one in step["findings"]] for step in plan["steps"]]


def test_a_plan_names_findings_locks_and_sizes(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.write("002_drop.sql", "drop table t1;")
    plan = planned(any_project)
    ((finding,),) = [step["findings"] for step in plan["steps"]]
    assert finding["code"] in ("drops-data", "ban-drop-table")
    assert (finding["severity"], finding["statement"], finding["line"]) == ("danger", 1, 2)
    (touch,) = plan["steps"][0]["statements"][0]["touches"]
    assert (touch["table"], touch["blocks"], touch["rows"]) == ("t1", "reads", 0)
    shown = succeed(any_project.migrate("show", "plan.json")).out
    assert "\nstep 1, 002_drop.sql\n  lock      DROP TABLE t1: " in shown
    assert f"  danger    line 2: {finding['code']}: " in shown


def test_findings_change_no_intent(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int primary key);", "drop table a;")
    before = planned(any_project)
    any_project.configure("thresholds: {rows: 1, size: 1kB}\n")
    assert planned(any_project)["intent_digest"] == before["intent_digest"]


def test_a_plan_made_twice_has_the_same_findings_in_the_same_order(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);\ncreate table b (id int);")
    succeed(any_project.migrate("up"))
    any_project.write("002_b.sql", "drop table b;\ndrop table a;\nalter table c drop column d;")
    first, second = planned(any_project), planned(any_project)
    assert first["steps"] == second["steps"]
    assert len(first["steps"][0]["findings"]) >= 3


def test_what_an_earlier_step_makes_is_new(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);")
    any_project.write("002_b.sql", "create index by_id on a (id);\ndrop table a;")
    assert codes(planned(any_project)) == [[], []]


def test_a_waiver_is_shown_with_its_reason_and_satisfies_the_policy(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.configure("policy: {findings: deny}\n")
    any_project.write("002_drop.sql", "drop table t1;")
    refused(any_project.migrate("plan"), 3, "(policy.findings)")
    any_project.write("002_drop.sql", "-- migrate:allow drops-data it is empty\ndrop table t1;")
    if any_project.engine == "postgresql":
        any_project.write(
            "002_drop.sql", "-- migrate:allow ban-drop-table it is empty\ndrop table t1;"
        )
    ((finding,),) = [step["findings"] for step in planned(any_project)["steps"]]
    assert finding["allowed"] == "it is empty"
    assert "allowed   line 3: " in succeed(any_project.migrate("show", "plan.json")).out


def test_up_and_down_heed_findings_too(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int);", "drop table nobody_knows;")
    succeed(any_project.migrate("up"))
    any_project.write("002_b.sql", "alter table a drop column id;")
    any_project.configure("policy: {findings: deny}\n")
    refused(any_project.migrate("up"), 3, "(policy.findings)")


def test_a_rollback_from_the_database_is_judged_too(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int, b int);", "drop table a;")
    succeed(any_project.migrate("up"))
    (found,) = codes(planned(any_project, "--down", "1", "--from-database"))
    assert found[0] == "from-database"
    assert set(found[1:]) <= {"drops-data", "ban-drop-table"}
    (step,) = json.loads((any_project.folder / "plan.json").read_text())["steps"]
    assert [touch["table"] for touch in step["statements"][0]["touches"]] == ["a"]


def test_a_waiver_of_no_rule_is_a_warning(any_project: Project) -> None:
    any_project.write("001_a.sql", "-- migrate:allow no-such-rule why\ncreate table a (id int);")
    (warning,) = planned(any_project)["warnings"]
    assert warning == "001_a.sql:2: `allow no-such-rule` names no rule and waives nothing."


def test_statements_outside_of_a_transaction_are_told_to_squawk(project: Project) -> None:
    sql = "create index concurrently by_id on t1 (id);"
    project.write_tables(1)
    project.write("002_i.sql", sql, flags=" transaction:false")
    succeed(project.migrate("up", "--to", "1"))
    assert codes(planned(project)) == [[]]


@pytest.fixture
def broken_squawk(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which squawk cannot be run."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "from lockgate.executors.programs import squawk\nsquawk.PROGRAM = 'no-such-program'\n"
    )
    return {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}


def test_without_squawk_a_plan_warns_and_lint_is_an_error(
    project: Project, broken_squawk: dict[str, str]
) -> None:
    project.write("001_a.sql", "drop table t;")
    result = succeed(project.migrate("plan", environ=broken_squawk))
    assert "warning   squawk could not be run" in result.out
    plan = json.loads((project.folder / "plan.json").read_text())
    assert codes(plan) == [["drops-data"]]
    refused(project.migrate("lint", environ=broken_squawk), 64, "squawk is not installed")
