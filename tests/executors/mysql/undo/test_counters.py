"""AUTO_INCREMENT counters where each statement is kept at once: set back after a rollback."""

import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.executors.dying import closed_gate, dying_project, end, gate, kill_9
from tests.executors.rows import ask, execute, wait_until_gone, wait_until_running

KEPT_ONE_BY_ONE = " transaction:false"
NUMBERED = "create table numbered (id int auto_increment primary key, line varchar(9))"
TWO = "insert into numbered (line) values ('one'), ('two')"
JOURNAL = "select statement, outcome from lockgate_journal"
GATE = "do get_lock("


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Project:
    """A project on each of the two servers in turn; its table `numbered` goes on with 7."""
    execute(family_server, family_database, f"{NUMBERED} auto_increment = 7")
    return dying_project(family_server, family_database, tmp_path)


def counter(server: Any, database: str) -> int:
    """The id that the next row gets."""
    ((_, create),) = ask(server, database, "show create table numbered")
    match = re.search(r"AUTO_INCREMENT=(\d+)", create)
    return int(match[1]) if match else 1


def test_a_killed_run_leaves_a_note_and_the_next_one_begins_with_the_same_ids(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_x.sql", f"{TWO};\n{gate(family_database)}", flags=KEPT_ONE_BY_ONE)
    succeed(project.migrate("plan"))
    with closed_gate(family_server, family_database):
        process = project.start("apply", "plan.json")
        wait_until_running(family_server, family_database, GATE)
        kill_9(process)
    wait_until_gone(family_server, family_database)
    assert counter(family_server, family_database) > 7
    assert ask(family_server, family_database, JOURNAL) == [(-1, "counted")]
    succeed(project.migrate("status"))
    succeed(project.migrate("apply", "plan.json"))
    assert ask(family_server, family_database, "select id from numbered") == [(7,), (8,)]
    assert ask(family_server, family_database, JOURNAL) == []


def test_another_plan_sets_back_what_a_killed_run_has_moved(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_x.sql", f"{TWO};\n{gate(family_database)}", flags=KEPT_ONE_BY_ONE)
    with closed_gate(family_server, family_database):
        process = project.start("up")
        wait_until_running(family_server, family_database, GATE)
        kill_9(process)
    wait_until_gone(family_server, family_database)
    project.write("001_x.sql", "do 1", flags=KEPT_ONE_BY_ONE)
    succeed(project.migrate("up"))
    assert counter(family_server, family_database) == 7
    assert ask(family_server, family_database, JOURNAL) == []


def test_a_refused_statement_and_a_signal_set_the_counters_back_at_once(
    family_server: Any, family_database: str, project: Project
) -> None:
    project.write("001_x.sql", f"{TWO};\n{TWO};\ninsert into nowhere values (1);",
                  flags=KEPT_ONE_BY_ONE)  # fmt: skip
    refused(project.migrate("up"), 9, "nowhere")
    assert counter(family_server, family_database) == 7
    project.write("001_x.sql", f"{TWO};\ndo sleep(100);", flags=KEPT_ONE_BY_ONE)
    process = project.start("up")
    wait_until_running(family_server, family_database, "do sleep(100)")
    process.send_signal(signal.SIGTERM)
    refused(end(process), 143, "Everything that this run had done was undone")
    assert counter(family_server, family_database) == 7
    assert ask(family_server, family_database, JOURNAL) == []


def test_a_counter_of_rows_that_are_kept_stays(
    family_server: Any, family_database: str, project: Project
) -> None:
    sql = f"{TWO};\ncreate table made (id int);\n{TWO};\ninsert into nowhere values (1);"
    project.write("001_x.sql", sql, flags=KEPT_ONE_BY_ONE)
    refused(project.migrate("up"), 7, "done and kept: 1, 2; not done: 3, 4")
    assert counter(family_server, family_database) == 9
    assert ask(family_server, family_database, "select id from numbered") == [(7,), (8,)]


def test_what_a_trigger_moves_is_set_back_too(
    family_server: Any, family_database: str, project: Project
) -> None:
    execute(family_server, family_database, "create table first (id int)")
    trigger = "create trigger g before insert on first for each row " + TWO
    execute(family_server, family_database, trigger)
    sql = "insert into first values (1);\ninsert into nowhere values (1);"
    project.write("001_x.sql", sql, flags=KEPT_ONE_BY_ONE)
    refused(project.migrate("up"), 9, "nowhere")
    assert counter(family_server, family_database) == 7


def test_what_a_function_moves_that_a_query_calls_is_set_back_too(
    family_server: Any, family_database: str, project: Project
) -> None:
    body = f"begin {TWO}; return 1; end"
    execute(
        family_server,
        family_database,
        f"create function moving() returns int {body}",
        "create view hiding as select moving() as x",
    )
    for query in ("select moving()", "select * from hiding"):
        sql = f"{query};\ninsert into nowhere select 1;"
        project.write("001_x.sql", sql, flags=KEPT_ONE_BY_ONE)
        refused(project.migrate("up"), 9, "nowhere")
        assert counter(family_server, family_database) == 7
        assert ask(family_server, family_database, JOURNAL) == []
