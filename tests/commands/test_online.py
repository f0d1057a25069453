"""`-- migrate:online`: an ALTER TABLE by a copy that pt-online-schema-change makes, for real; other
programs by a stand-in that records how it is called."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.executors.building import begin_ledger
from tests.faults.copies import (
    PHASES,
    Victim,
    ask,
    check,
    execute,
    kill,
    kill_in_phase,
    leftovers,
    prepare,
    reset,
    state,
)


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def project(server: Any, tmp_path: Path) -> Iterator[Project]:
    database = server.new_database()
    made = prepare(server, database, tmp_path)
    yield made
    made.close()
    server.drop_database(database)


def test_a_table_is_copied_and_back(server: Any, project: Project) -> None:
    shown = succeed(project.migrate("plan")).out
    assert "pt-osc 3.2.1 copies t: --alter=modify n bigint not null --execute" in shown
    assert "COPY" not in shown
    applied = succeed(project.migrate("apply", "plan.json"))
    assert "Successfully altered" in applied.err
    check(server, project.database)
    reset(server, project.database, project)


def test_killed_in_any_phase_it_is_before_or_after_and_nothing_is_left(
    server: Any, project: Project
) -> None:
    victim: Victim = random.choice(("tool", "lockgate"))
    kill_in_phase(project, server, project.database, random.choice(PHASES), victim)


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_what_was_begun_is_undone_while_the_table_is_as_it_was(
    server: Any, project: Project
) -> None:
    database = project.database
    found, left = kill(project, server, database, "Copying approximately", "tool")
    assert found == "before"
    assert "_t_new" in left
    refused(project.migrate("apply", "plan.json"), 7, "it has left the table _t_new", "--undo")
    succeed(project.migrate("resolve", "--undo", "--reason", "not today"))
    assert (state(server, database), leftovers(server, database)) == ("before", [])
    assert ask(server, database, "select version from schema_migrations") == []
    execute(server, database, "insert into t values (-1, 1)")  # no trigger is in its way
    succeed(project.migrate("up"))


@pytest.mark.parametrize("server", ["mysql"], indirect=True)
def test_names_that_are_taken_are_left_alone(server: Any, project: Project) -> None:
    execute(server, project.database, "create table _t_old (id int)")
    refused(project.migrate("up"), 9, "needs names that are taken by the table _t_old")
    execute(server, project.database, "drop table _t_old")
    project.own["PATH"] = "/usr/bin:/bin"
    refused(project.migrate("up"), 9, "There is no pt-online-schema-change in PATH")


STAND_IN = """#!/bin/sh
printf '%s\\n' "$@" > "$RECORD"
for each in "$@"; do case "$each" in --conf=*) cat "${each#--conf=}" >> "$RECORD";; esac; done
"""


@pytest.mark.parametrize(("tool", "user"), [("gh-ost", "user"), ("spirit", "username")])
def test_another_program_is_called_by_its_documented_contract(
    mysql_project: Project, mysql_server: Any, tmp_path: Path, tool: str, user: str
) -> None:
    """By a stand-in that records its arguments: the program is not available here."""
    begin_ledger(mysql_server, mysql_project.database)
    execute(mysql_server, mysql_project.database, "create table t (id int primary key, n int)")
    made = tmp_path / "bin" / tool
    made.parent.mkdir()
    made.write_text(STAND_IN)
    made.chmod(0o755)
    record = tmp_path / "record"
    mysql_project.own |= {"PATH": f"{made.parent}:/usr/bin:/bin", "RECORD": str(record)}
    mysql_project.write("001_a.sql", f"-- migrate:online tool={tool}\nalter table t add m int;")
    stopped = refused(mysql_project.migrate("up"), 9, "has changed nothing")
    assert mysql_server.password == "" or mysql_server.password not in stopped.all
    told = record.read_text().splitlines()
    assert "--alter=add m int" in told
    assert f"--database={mysql_project.database}" in told
    assert "--table=t" in told
    assert f'{user}="{mysql_server.user}"' in told
