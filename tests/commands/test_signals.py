"""Ctrl-C and SIGTERM while a migration runs: undone where the engine can, and said so."""

import json
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pymysql
import pytest

from lockgate import signals
from lockgate.main import _end_of_run
from lockgate.planner.errors import Interrupted, Unresolved
from lockgate.signals import SIGNALS, catch_signals, ignore_signals
from tests.commands.blocking import (
    held_table,
    prepare_blocked,
    table_names,
    wait_until_blocked,
)
from tests.commands.running import COMMAND, OWN_TABLES, Project, Result, refused, succeed
from tests.servers.process import wait_until

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


class Stranger:
    """What somebody holds, and lets go."""


def raise_where_python_drops_it(url: str, number: int) -> None:
    held = Stranger()
    weakref.finalize(held, signal.raise_signal, number)
    del held
    threading.Event().wait(60)


def raise_where_a_freed_file_of_a_socket_drops_it(url: str, number: int) -> None:
    class Socket:
        def _decref_socketios(self) -> None:
            signal.raise_signal(number)

    one, other = socket.socketpair()
    with one, other:
        file: Any = socket.SocketIO(one, "r")
        file._sock = Socket()
        del file
        threading.Event().wait(60)


def raise_where_psycopg_looks_for_its_parts(url: str, number: int) -> None:
    class Parts(ModuleType):
        def __getattr__(self, name: str) -> None:
            signal.raise_signal(number)
            raise AttributeError(name)

    sys.modules["psycopg_c"] = Parts("psycopg_c")
    try:
        psycopg.pq.import_from_libpq()
    finally:
        del sys.modules["psycopg_c"]
    threading.Event().wait(60)


@pytest.fixture
def _caught() -> Iterator[None]:
    """Signals as the commands catch them, for the test."""
    before = {each: signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)}
    hook = sys.unraisablehook
    catch_signals()
    yield
    ignore_signals()
    sys.unraisablehook = hook
    for each, handler in before.items():
        signal.signal(each, handler)


@NUMBERS
@pytest.mark.parametrize(
    "drop",
    [
        raise_where_psycopg_drops_it,
        raise_where_psycopg_looks_for_its_parts,
        raise_where_pymysql_drops_it,
        raise_where_python_drops_it,
        raise_where_a_freed_file_of_a_socket_drops_it,
    ],
)
@pytest.mark.usefixtures("_caught")
def test_where_others_drop_what_is_raised_it_comes_again(
    postgres_url: str, drop: Callable[[str, int], None], number: int
) -> None:
    with pytest.raises(Interrupted) as interrupted:
        drop(postgres_url, number)
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


@pytest.mark.usefixtures("_caught")
def test_one_that_was_to_come_again_is_ignored_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "AGAIN", 600)
    held = Stranger()
    weakref.finalize(held, signal.raise_signal, signal.SIGINT)
    del held
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    ignore_signals()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_how_a_run_has_ended_is_told_though_a_signal_comes_while_notify_is_told(
    project: Project,
) -> None:
    begun = project.folder / "begun"
    code = f"open({str(begun)!r}, 'w'); import sys, threading; threading.Event().wait(60)"
    project.configure(f"notify: {{command: {json.dumps([sys.executable, '-c', code])}}}\n")
    project.write("001_bad.sql", "insert into nowhere values (1);")
    process = project.start("up")
    wait_until(begun.exists, "the program runs")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    refused(Result(process.returncode, "", err), 9, "001_bad.sql", "nowhere")


def test_what_a_rehearsal_has_left_half_done_is_no_end_of_a_run() -> None:
    ended = Unresolved("Interrupted after 1 of 2 steps.")
    late, known = Interrupted(signal.SIGINT), Interrupted(signal.SIGINT)
    late.__context__ = ended
    known.__cause__ = known.__context__ = ended
    assert _end_of_run(late) is ended
    assert _end_of_run(known) is None


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
