"""Ctrl-C and SIGTERM while a migration runs: undone where the engine can, and said so."""

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from lockgate.planner.errors import Interrupted
from lockgate.signals import SIGNALS, catch_signals
from tests.commands.blocking import (
    held_table,
    prepare_blocked,
    table_names,
    wait_until_blocked,
)
from tests.commands.running import COMMAND, OWN_TABLES, Project, Result, refused, succeed

NUMBERS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def interrupt(server: Any, project: Project, number: int, *arguments: str) -> Result:
    """The result of a command that gets a signal while its migration waits for a table."""
    with held_table(server, project.database, "held"):
        process = project.start(*arguments)
        wait_until_blocked(server, project.database)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    return Result(process.returncode, out, err)


@NUMBERS
def test_on_postgresql_everything_is_undone_and_up_can_be_run_again(
    project: Project, postgres_server: Any, number: int
) -> None:
    prepare_blocked(postgres_server, project)
    result = interrupt(postgres_server, project, number, "up")
    refused(result, 128 + number, "Interrupted. Everything that this run had done was undone.")
    assert table_names(postgres_server, project.database) == ["held", *OWN_TABLES]
    run, *_ = succeed(project.migrate("history", "--json")).document["runs"]
    assert (run["status"], run["error"]) == ("ROLLED_BACK", "interrupted")
    assert succeed(project.migrate("up")).out.startswith("Applied 2 migrations")


@NUMBERS
def test_on_mysql_too_and_what_had_committed_by_itself(
    mysql_project: Project, mysql_server: Any, number: int
) -> None:
    prepare_blocked(mysql_server, mysql_project)
    result = interrupt(mysql_server, mysql_project, number, "up")
    refused(result, 128 + number, "Interrupted. Everything that this run had done was undone.")
    assert table_names(mysql_server, mysql_project.database) == ["held", *OWN_TABLES]
    assert succeed(mysql_project.migrate("up")).out == "Applied 2 migrations (001 to 002).\n"


def raise_where_psycopg_drops_it(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.add_notice_handler(lambda said: signal.raise_signal(number))
        connection.execute("do $$ begin raise notice 'libpq calls us'; end $$")
        threading.Event().wait(60)


def raise_where_pymysql_drops_it(url: str, number: int) -> None:
    class Socket:
        def close(self) -> None:
            signal.raise_signal(number)

    connection = pymysql.Connection(defer_connect=True)
    connection._sock = Socket()
    connection._force_close()
    threading.Event().wait(60)


@NUMBERS
@pytest.mark.parametrize("drop", [raise_where_psycopg_drops_it, raise_where_pymysql_drops_it])
def test_where_a_driver_drops_what_is_raised_it_comes_again(
    postgres_url: str, drop: Callable[[str, int], None], number: int
) -> None:
    before = {each: signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)}
    catch_signals()
    try:
        with pytest.raises(Interrupted) as interrupted:
            drop(postgres_url, number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert interrupted.value.signal_number == number


@pytest.mark.parametrize("command", ["doctor", "status", "plan"])
def test_a_signal_amid_a_question_ends_what_would_pass_over_an_error(
    tmp_path: Path, any_server: Any, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project = Project(tmp_path, any_server.url("any", port=silent.getsockname()[1]))
        process = project.start(command)
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    refused(Result(process.returncode, out, err), 130, "Interrupted. Nothing was changed.")


def test_a_second_signal_does_not_stop_the_undoing(project: Project, postgres_server: Any) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        for _ in range(5):
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    refused(Result(process.returncode, "", err), 130, "was undone")


def test_while_waiting_for_the_migration_lock_nothing_was_changed(
    project: Project, postgres_server: Any
) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        first = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        second = project.start("up")
        assert second.stderr is not None
        assert "Waiting for the migration lock, held by postgres" in second.stderr.readline()
        second.send_signal(signal.SIGINT)
        _, err = second.communicate(timeout=60)
        refused(Result(second.returncode, "", err), 130, "Interrupted. Nothing was changed.")
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_signal_that_is_ignored_stays_ignored(project: Project, postgres_server: Any) -> None:
    """As under nohup, and for a background job of a script."""
    prepare_blocked(postgres_server, project)
    ignoring = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up", command=(*ignoring, *COMMAND))
        wait_until_blocked(postgres_server, project.database)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "Applied 2 migrations (001 to 002).\n"), err
