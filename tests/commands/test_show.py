"""`show` and `diff-plan`: plan files for their readers, without database, drivers or migrations."""

import json
import shutil

import pytest

from tests.commands.running import Project, refused, succeed


@pytest.fixture
def reviewed(project: Project) -> Project:
    """A project with a plan of two steps, reviewed.json."""
    project.write_tables(2)
    succeed(project.migrate("plan", "-o", "reviewed.json"))
    return project


def test_each_format_is_shown_without_a_database_or_migrations(reviewed: Project) -> None:
    shutil.rmtree(reviewed.migrations)
    shutil.rmtree(reviewed.folder / "environments")
    beginnings = {
        "text": "Plan ",
        "markdown": "<!-- lockgate-plan test -->\n",
        "html": "<!doctype html>\n",
        "json": "{\n",
        "sql": "-- lockgate plan ",
    }
    for style, beginning in beginnings.items():
        shown = succeed(reviewed.migrate("show", "reviewed.json", "--format", style))
        assert shown.out.startswith(beginning), style
        assert shown.err == ""
        assert "create table t2" in shown.out or style in ("text", "html")


def test_what_says_nothing_of_an_earlier_plan_does_not_take_one(reviewed: Project) -> None:
    for style in ("text", "json", "sql", "sarif"):
        shown = reviewed.migrate("show", "reviewed.json", "--format", style, "--since", "none.json")
        refused(shown, 64, "`--since` is for a comment or a page", "--format markdown or html")


def test_the_page_is_the_same_in_any_encoding(reviewed: Project) -> None:
    reviewed.write("003_grün.sql", "select '…';", "")
    succeed(reviewed.migrate("plan"))
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = ("show", "plan.json", "--format", "html")
    shown = succeed(reviewed.migrate(*command, environ=ascii_only)).out
    assert shown == succeed(reviewed.migrate(*command)).out
    assert "gr&#252;n" in shown
    assert shown.isascii()


def test_sarif_has_the_findings_at_the_migrations_files(reviewed: Project) -> None:
    reviewed.write("003_c.sql", "drop table other;")
    succeed(reviewed.migrate("plan"))
    show = ("show", "plan.json", "--format", "sarif")
    for options, path in (((), "migrations"), (("--migrations", "db/all"), "db/all")):
        (run,) = json.loads(succeed(reviewed.migrate(*show, *options)).out)["runs"]
        (result,) = [one for one in run["results"] if one["ruleId"] == "ban-drop-table"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == f"{path}/003_c.sql"
        assert place["region"]["startLine"] == 2
        assert (result["level"], result["properties"]["section"]) == ("error", "up")


def test_a_code_host_gets_the_findings_of_a_plan_as_it_reads_them(reviewed: Project) -> None:
    reviewed.write("003_c.sql", "drop table other;")
    succeed(reviewed.migrate("plan"))
    lines = succeed(reviewed.migrate("show", "plan.json", "--format", "github")).out
    assert "file=migrations/003_c.sql,line=2,endLine=2,title=ban-drop-table" in lines
    report = succeed(reviewed.migrate("show", "plan.json", "--format", "gitlab")).document
    assert {"path": "migrations/003_c.sql", "lines": {"begin": 2, "end": 2}} in [
        entry["location"] for entry in report
    ]


def test_an_altered_plan_is_shown_in_no_format(reviewed: Project) -> None:
    file = reviewed.folder / "reviewed.json"
    file.write_text(file.read_text().replace("create table t2", "drop table t2"))
    for style in ("markdown", "html"):
        refused(reviewed.migrate("show", "reviewed.json", "--format", style), 8, "altered")
    refused(reviewed.migrate("diff-plan", "reviewed.json", "reviewed.json"), 8, "altered")


def test_a_fresh_plan_of_the_same_files_has_the_same_intent(reviewed: Project) -> None:
    succeed(reviewed.migrate("plan", "-o", "fresh.json"))
    command = ("diff-plan", "reviewed.json", "fresh.json", "--detailed-exitcode")
    shown = succeed(reviewed.migrate(*command))
    assert shown.out.startswith("Same intent ")
    assert shown.out.endswith("No step differs.\n")
    assert succeed(reviewed.migrate(*command, "--json")).document["same_intent"] is True


def test_another_intent_is_shown_as_a_diff_and_is_exit_2(reviewed: Project) -> None:
    reviewed.write("002_t2.sql", "-- wider\ncreate table t2 (id bigint);", "drop table t2;")
    reviewed.write_tables(1, first=3)
    succeed(reviewed.migrate("plan", "-o", "fresh.json"))
    command = ("diff-plan", "reviewed.json", "fresh.json")
    shown = succeed(reviewed.migrate(*command)).out
    assert shown.startswith("Another intent: ")
    assert "~ changed: up 002 t2" in shown
    assert "    -create table t2 (id int);\n    +create table t2 (id bigint);\n" in shown
    assert "+ added: up 003 t3" in shown
    assert reviewed.migrate(*command, "--detailed-exitcode").code == 2
    document = json.loads(reviewed.migrate(*command, "--json", "--detailed-exitcode").out)
    assert [(step["kind"], step["version"]) for step in document["steps"]] == [
        *(("changed", "002"), ("added", "003")),
    ]


def test_a_comment_and_a_page_say_what_has_changed_since_an_earlier_plan(reviewed: Project) -> None:
    reviewed.write("002_t2.sql", "create table t2 (id bigint);", "drop table t2;")
    succeed(reviewed.migrate("plan", "-o", "fresh.json"))
    for style, marks in (("markdown", ("+", "-")), ("html", (">+", ">-"))):
        command = ("show", "fresh.json", "--format", style, "--since")
        told = succeed(reviewed.migrate(*command, "reviewed.json")).out
        part = told.partition("Since the last review")[2].partition("What changes in the sch")[0]
        assert f"{marks[0]}create table t2 (id bigint);" in told
        assert f"{marks[1]}create table t2 (id int);" in told
        assert part
        assert "001" not in part
        same = succeed(reviewed.migrate(*command, "fresh.json")).out
        assert "The same SQL runs as in the plan before." in same


def test_a_plan_that_is_not_there_is_named(reviewed: Project) -> None:
    result = reviewed.migrate("diff-plan", "reviewed.json", "no.json", "--json")
    assert result.code == 64
    assert result.document["format"] == "lockgate-error"
    assert "no.json" in result.err
