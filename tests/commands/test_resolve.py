"""A run that stopped half-way: what `resolve` and `status` show of it, and the ways out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed

HALF = "create table a (id int);\ninsert into b values (1);\ncreate table c (id int);"


@pytest.fixture
def project(any_server: Any, any_database: str, tmp_path: Path) -> Project:
    """A project whose `up` has stopped behind the first statement of its one migration."""
    made = Project(tmp_path, any_server.url(any_database), settings="policy: {non_atomic: allow}\n")
    made.write("001_half.sql", HALF, "drop table c;", flags=" transaction:false")
    refused(made.migrate("up"), 7, "001_half.sql:3", "done and kept: 1; not done: 2, 3")
    return made


def test_what_is_half_done_is_shown_statement_by_statement(project: Project) -> None:
    result = refused(project.migrate("resolve"), 7)
    assert "up 001 half (001_half.sql) is half done:" in result.out
    assert "    1 done      line 2: create table a (id int)\n" in result.out
    assert "    2 not done  line 3: insert into b values (1)\n" in result.out
    assert "migrate resolve --mark-applied 001 --reason TEXT" in result.out
    assert "001      half  half done" in refused(project.migrate("status"), 7).out


def test_the_plan_of_up_can_be_had_and_goes_on_where_it_stopped(
    project: Project, any_server: Any, any_database: str
) -> None:
    refused(project.migrate("resolve", "--out", "again.json"), 7, "again.json")
    with any_server.connect(any_database) as connection:
        connection.cursor().execute("create table b (id int)")
    assert "Applied 001 half." in succeed(project.migrate("apply", "again.json")).out
    assert "001      half  applied" in succeed(project.migrate("status")).out
    assert succeed(project.migrate("resolve")).out == "Nothing is half done.\n"


def test_it_is_finished_without_the_file_of_its_plan(
    project: Project, any_server: Any, any_database: str
) -> None:
    with any_server.connect(any_database) as connection:
        connection.cursor().execute("create table b (id int)")
    result = succeed(project.migrate("resolve", "--finish", "--reason", "b is there now"))
    assert "Finished: 001 half." in result.out
    assert "001      half  applied" in succeed(project.migrate("status")).out
    assert "b is there now" in succeed(project.migrate("history")).out


def test_what_is_kept_one_by_one_is_not_undone(project: Project) -> None:
    result = project.migrate("resolve", "--undo", "--reason", "never mind")
    refused(result, 64, "001_half.sql are kept one by one", "--finish", "--mark-rolled-back")


@pytest.mark.parametrize(
    ("option", "state"), [("--mark-applied", "applied"), ("--mark-rolled-back", "pending")]
)
def test_a_person_settles_it_with_a_reason(project: Project, option: str, state: str) -> None:
    refused(project.migrate("resolve", option, "001"), 64, "reason")
    refused(project.migrate("resolve", option, "002", "--reason", "none"), 64, "002")
    said = succeed(project.migrate("resolve", option, "1", "--reason", "mended by hand")).out
    assert f"001      half  {state}" in succeed(project.migrate("status")).out
    history = succeed(project.migrate("history")).out
    assert "RESOLVED" in history
    (run,) = json.loads(succeed(project.migrate("history", "--json")).out)["runs"]
    note = re.search("settled by .+ [(]a claim[)]: mended by hand", run["error"])
    assert note
    assert f"Noted in the history: {note[0]}" in said.replace("\n", " ")


def test_a_copy_is_not_settled(project: Project, any_server: Any, any_database: str) -> None:
    with any_server.connect(any_database) as connection:
        connection.cursor().execute("update lockgate_target set project = 'another'")
        connection.commit()
    refused(project.migrate("resolve", "--mark-applied", "001", "--reason", "mine"), 6, "another")


def test_a_new_plan_is_refused_until_then_and_told_where_to_look(project: Project) -> None:
    refused(project.migrate("plan"), 7, "migrate resolve")
    refused(project.migrate("up"), 7, "migrate resolve")
