"""`plan --record`, `plan --forget` and `--skip-irreversible`: single versions, entered and taken
out by plans."""

import hashlib
import json
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import OWN_TABLES, Project, refused, succeed


def states(project: Project) -> dict[str, str]:
    """Each version's state, with `recorded` where it was not run."""
    found = succeed(project.migrate("status", "--json")).document["migrations"]
    return {each["version"]: "recorded" if each["recorded"] else each["state"] for each in found}


def planned(project: Project, *options: str) -> Any:
    """The plan of these options, when it is applied."""
    succeed(project.migrate("plan", *options, "-o", "plan.json"))
    succeed(project.migrate("apply", "plan.json"))
    return json.loads((project.folder / "plan.json").read_text())


@pytest.fixture
def begun(any_project: Project) -> Project:
    """Four migrations, of which the first is applied."""
    any_project.write_tables(4)
    succeed(any_project.migrate("up", "--to", "1"))
    return any_project


def test_a_version_is_recorded_alone_and_told_apart(begun: Project, any_server: Any) -> None:
    plan = planned(begun, "--record", "3", "--record", "2")
    assert [(s["version"], s["record"]["why"], s["statements"]) for s in plan["steps"]] == [
        ("002", "record", []),
        ("003", "record", []),
    ]
    assert table_names(any_server, begun.database) == [*OWN_TABLES, "t1"]
    assert states(begun) == {
        "001": "applied", "002": "recorded", "003": "recorded", "004": "pending",
    }  # fmt: skip
    assert "applied (recorded)" in succeed(begun.migrate("status")).out
    runs = succeed(begun.migrate("history", "--json")).document["runs"]
    assert [run["direction"] for run in runs] == ["record", "up"]
    succeed(begun.migrate("up"))
    assert table_names(any_server, begun.database) == [*OWN_TABLES, "t1", "t4"]


def test_a_wrong_baseline_is_taken_out_and_its_migrations_run(
    begun: Project, any_server: Any
) -> None:
    planned(begun, "--baseline", "4")
    shown = succeed(begun.migrate("plan", "--forget", "4", "--forget", "3", "-o", "back.json")).out
    assert "Taken out of the history, and nothing is run" in shown
    told = succeed(begun.migrate("apply", "back.json")).out
    assert told == "Took out of the history: 2 migrations (004 to 003).\n"
    assert states(begun) == {
        "001": "applied", "002": "recorded", "003": "pending", "004": "pending",
    }  # fmt: skip
    succeed(begun.migrate("up"))
    assert states(begun)["003"] == "applied"
    assert table_names(any_server, begun.database) == [*OWN_TABLES, "t1", "t3", "t4"]
    runs = succeed(begun.migrate("history", "--json")).document["runs"]
    assert [run["direction"] for run in runs] == ["up", "forget", "record", "up"]


def test_what_is_recorded_need_not_be_able_to_run(project: Project) -> None:
    project.write("001_a.sql", "creatte table a (id int);", "drop table a;")
    project.write("002_b.sql", "create table b (id int);", "dropp table b;")
    project.write("003_c.sql", "create table c (id int);", "drop table c;")
    plan = planned(project, "--baseline", "2")
    assert [step["rollback"] is None for step in plan["steps"]] == [False, True]
    assert "Its way back cannot run" in succeed(project.migrate("show", "plan.json")).out
    succeed(project.migrate("up"))
    succeed(project.migrate("down"))
    refused(project.migrate("down"), 64, "002_b.sql:4:1: syntax error")
    refused(project.migrate("down", "--from-database"), 10, "002")
    project.write("004_d.sql", "create table d (id int);", "dropp table d;")
    refused(project.migrate("up"), 64, "004_d.sql:4:1: syntax error")


def test_what_is_gone_from_the_folder_can_be_taken_out(begun: Project) -> None:
    (begun.migrations / "001_t1.sql").unlink()
    refused(begun.migrate("status"), 10, "missing")
    planned(begun, "--forget", "1")
    assert states(begun) == dict.fromkeys(("002", "003", "004"), "pending")


def test_a_recorded_version_has_its_way_back(begun: Project, any_server: Any) -> None:
    planned(begun, "--record", "2")
    with any_server.connect(begun.database) as connection:
        connection.cursor().execute("create table t2 (id int)")
    succeed(begun.migrate("down", "--from-database"))
    assert table_names(any_server, begun.database) == [*OWN_TABLES, "t1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--record", "1"], "Version 1 is not pending"),
        (["--forget", "2"], "Version 2 is not in the history"),
        (["--record", "2", "--forget", "1"], "Give only one choice"),
    ],
)
def test_what_cannot_be_is_refused(begun: Project, options: list[str], words: str) -> None:
    refused(begun.migrate("plan", *options), 64, words)


def test_what_a_version_requires_is_recorded_with_it(begun: Project) -> None:
    path = begun.migrations / "004_t4.sql"
    path.write_text("-- migrate:requires 003\n" + path.read_text())
    refused(begun.migrate("plan", "--record", "4"), 64, "requires 003", "--record 003")
    planned(begun, "--record", "3", "--record", "4")


def test_a_step_without_its_statements_is_refused_where_it_does_not_say_so(begun: Project) -> None:
    """Who can write a plan cannot have a migration recorded that was to run."""
    succeed(begun.migrate("plan", "--record", "2", "-o", "plan.json"))
    path = begun.folder / "plan.json"
    plan = json.loads(path.read_text())
    plan["steps"][0]["record"] = None
    del plan["digest"]
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    plan["digest"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(plan))
    refused(begun.migrate("apply", "plan.json"), 8, "statements are not those of its file")


@pytest.fixture
def one_way(any_project: Project) -> Project:
    """Three applied migrations, of which the second has no way back."""
    any_project.write_tables(1)
    any_project.write("002_fill.sql", "insert into t1 values (7);")
    any_project.write_tables(1, first=3)
    succeed(any_project.migrate("up"))
    return any_project


@pytest.mark.parametrize("source", [[], ["--from-database"]], ids=["files", "database"])
def test_a_rollback_passes_over_what_has_no_way_back(
    one_way: Project, any_server: Any, source: list[str]
) -> None:
    skip = ("--skip-irreversible", "2", "--reason", "a backfill")
    refused(one_way.migrate("down", "--steps", "3", *source), 10, "--skip-irreversible 002")
    options = ("--down", "3", *skip, *source, "-o", "plan.json")
    shown = succeed(one_way.migrate("plan", *options)).out
    assert "nothing is run. Reason: a backfill" in " ".join(shown.split())
    steps = json.loads((one_way.folder / "plan.json").read_text())["steps"]
    assert [step["record"] and step["record"]["why"] for step in steps] == [None, "skip", None]
    done = succeed(one_way.migrate("down", "--steps", "2", *skip, *source)).out
    assert done == "Rolled back 2 migrations (003 to 002).\n"
    assert table_names(any_server, one_way.database) == [*OWN_TABLES, "t1"]
    assert states(one_way) == {"001": "applied", "002": "pending", "003": "pending"}
    runs = succeed(one_way.migrate("history", "--json")).document["runs"]
    assert [run["direction"] for run in runs] == ["down", "up"]
    run = ("history", runs[0]["id"])
    assert "passed over: a backfill" in succeed(one_way.migrate(*run)).out
    told = succeed(one_way.migrate(*run, "--json")).document["run"]["steps"]
    assert [step["reason"] for step in told] == [None, "a backfill"]
    succeed(one_way.migrate("down"))
    assert table_names(any_server, one_way.database) == OWN_TABLES


def test_what_a_rollback_may_not_pass_over_is_refused(one_way: Project) -> None:
    def down(*options: str, code: int, words: str) -> None:
        refused(one_way.migrate("down", "--steps", "2", *options), code, words)

    why = ("--reason", "a backfill")
    down("--skip-irreversible", "1", *why, code=64, words="Version 1 is not rolled back here")
    down("--skip-irreversible", "3", *why, code=64, words="Version 003 has a way back")
    down("--skip-irreversible", "2", code=64, words="needs a reason")
    down("--skip-irreversible", "2", "--reason", "\u3164 ", code=64, words="needs a reason")
    down(*why, code=64, words="no version is given")
    skip = ("--skip-irreversible", "2", *why)
    refused(one_way.migrate("plan", *skip), 64, "Only a rollback passes over")
    one_way.configure("policy: {irreversible: deny}\n")
    down(*skip, code=3, words="Passed over, without a way back: 002. (policy.irreversible)")
    one_way.configure("policy: {rollback: deny}\n")
    down(*skip, code=3, words="Rolled back: 003, 002. (policy.rollback)")
