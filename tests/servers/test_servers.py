"""The test servers and the proxy themselves."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.proxy import Proxy
from tests.servers import reaper
from tests.servers.family import FamilyServer
from tests.servers.framing import MySQLFraming, PostgresFraming
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerUnavailable, wait_until

ORPHAN = """\
import sys
from tests.servers.postgres import PostgresServer
server = PostgresServer()
print(server.pid, server.socket_directory, flush=True)
sys.stdin.read()
"""

LOST = (psycopg.OperationalError, pymysql.err.OperationalError)


def run(server: Any, database: str, *statements: str, port: int | None = None) -> list[Any]:
    """The rows of the last statement."""
    with server.connect(database, port=port) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def test_a_new_database_is_empty_and_another_each_time(any_server: Any, any_database: str) -> None:
    run(any_server, any_database, "CREATE TABLE t (id int PRIMARY KEY)")
    other = any_server.new_database()
    assert other != any_database
    assert "CREATE TABLE" not in any_server.dump(other)
    any_server.drop_database(other)


def test_a_database_is_dropped_under_an_open_session(any_server: Any) -> None:
    name = any_server.new_database()
    connection = any_server.connect(name)
    any_server.drop_database(name)
    with pytest.raises(LOST):
        connection.cursor().execute("SELECT 1")
    connection.close()


def test_the_server_is_the_engine_it_says(any_server: Any, any_database: str) -> None:
    [(version,)] = run(any_server, any_database, "SELECT version()")
    assert ("MariaDB" in version) == (any_server.engine == "mariadb")
    assert ("PostgreSQL 18" in version) == (any_server.engine == "postgresql")


def test_the_statement_log_has_the_statements_word_for_word(
    any_server: Any, any_database: str
) -> None:
    statement = "CREATE TABLE t (\n\n\tid int,\n  note text -- for 'ä'\n)"
    mark = any_server.log_mark()
    run(any_server, any_database, statement, "INSERT INTO t VALUES (1, 'x')")
    logged = any_server.statements_since(mark, any_database)
    assert logged[-2:] == [statement, "INSERT INTO t VALUES (1, 'x')"]
    assert statement.splitlines()[0] in any_server.statement_log(mark)


def test_the_statement_log_tells_databases_apart(any_server: Any, any_database: str) -> None:
    other = any_server.new_database()
    mark = any_server.log_mark()
    run(any_server, other, "SELECT 'elsewhere'")
    run(any_server, any_database, "SELECT 'here'")
    any_server.drop_database(other)
    logged = any_server.statements_since(mark, any_database)
    assert "SELECT 'here'" in logged
    assert "SELECT 'elsewhere'" not in logged
    assert "SELECT 'elsewhere'" in any_server.statements_since(mark)


def test_equal_databases_have_equal_dumps(any_server: Any, any_database: str) -> None:
    other = any_server.new_database()
    table, view = "CREATE TABLE t (id int PRIMARY KEY)", "CREATE VIEW v AS SELECT id FROM t"
    run(
        any_server,
        any_database,
        table,
        view,
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t VALUES (2)",
    )
    run(any_server, other, table, view, "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)")
    dump = any_server.dump(any_database)
    assert dump == any_server.dump(other)
    run(any_server, other, "UPDATE t SET id = 3 WHERE id = 2")
    assert dump != any_server.dump(other)
    any_server.drop_database(other)


def test_the_dump_has_every_kind_of_object(any_server: Any, any_database: str) -> None:
    postgres = any_server.engine == "postgresql"
    family = [
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    ]
    own = [
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()",
        "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'",
    ]
    run(any_server, any_database, "CREATE TABLE t (id int)", *(own if postgres else family))
    dump = any_server.dump(any_database)
    for kind in ("TABLE", "TRIGGER", "PROCEDURE", "FUNCTION", *([] if postgres else ["EVENT"])):
        assert f" {kind} " in dump


def test_the_native_client_reads_sql_from_its_input(any_server: Any, any_database: str) -> None:
    sql = "CREATE TABLE t (id int); INSERT INTO t VALUES (41); SELECT id + 1 FROM t;"
    argv = any_server.client_argv(any_database)
    done = subprocess.run(argv, input=sql, capture_output=True, text=True, check=True)
    assert "42" in done.stdout


def test_committed_rows_outlive_kill_9(any_server: Any, any_database: str) -> None:
    connection = any_server.connect(any_database)
    connection.cursor().execute("CREATE TABLE t (id int)")
    connection.cursor().execute("INSERT INTO t VALUES (7)")
    port = any_server.port
    any_server.kill_9()
    with pytest.raises(LOST):
        connection.cursor().execute("SELECT 1")
    connection.close()
    with pytest.raises(LOST):
        any_server.connect(any_database)
    any_server.restart()
    assert any_server.port == port
    assert run(any_server, any_database, "SELECT id FROM t") == [(7,)]


def test_postgres_children_die_with_kill_9(postgres_server: PostgresServer) -> None:
    postmaster = postgres_server.pid
    family = {pid for pid, parent in reaper.parents().items() if parent == postmaster}
    postgres_server.kill_9()
    alive = reaper.parents().keys()
    postgres_server.restart()
    assert family
    assert not family & alive


def test_a_killed_test_run_leaves_no_server_and_no_directory() -> None:
    run_ = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run_.stdout
    assert run_.stdin
    pid, directory = run_.stdout.readline().split()
    os.kill(run_.pid, signal.SIGKILL)
    run_.wait()
    run_.stdin.close()
    run_.stdout.close()
    wait_until(lambda: int(pid) not in reaper.parents(), "the server's end")
    wait_until(lambda: not Path(directory).exists(), "the directory's end")


@pytest.mark.parametrize("kind", [MySQLServer, MariaDBServer])
def test_a_server_that_cannot_be_had_is_an_error_that_says_so(
    kind: type[FamilyServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(kind.address_variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerUnavailable, match=rf"{kind.address_variable} is not set.*apt-get"):
        kind()


def test_a_server_that_the_environment_names_is_used_and_left_alone(
    mysql_server: MySQLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MySQLServer.address_variable, mysql_server.url(""))
    with MySQLServer() as adopted:
        name = adopted.new_database()
        assert adopted.port == mysql_server.port
        with pytest.raises(ServerUnavailable, match=MySQLServer.address_variable):
            adopted.kill_9()
    assert run(mysql_server, name, "SELECT 1") == [(1,)]
    mysql_server.drop_database(name)


def test_fixture_urls_name_fresh_databases(
    postgres_url: str, mysql_url: str, mariadb_url: str
) -> None:
    assert postgres_url.startswith("postgresql://postgres@127.0.0.1:")
    assert mysql_url.startswith("mysql://root@127.0.0.1:")
    assert mariadb_url.startswith("mariadb://root@127.0.0.1:")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SELECT 1")


def test_the_proxy_counts_each_statement_as_one_round_trip(
    any_server: Any, any_database: str
) -> None:
    with Proxy(any_server.host, any_server.port, any_server.engine) as proxy:
        with any_server.connect(any_database, port=proxy.port) as connection:
            before, turns = proxy.round_trips, proxy.turns
            for _ in range(5):
                connection.cursor().execute("SELECT 1")
            assert proxy.round_trips - before == 5
            assert proxy.turns - turns == 5
            assert proxy.connections == 1
        assert b"SELECT 1" in proxy.bytes_from_client


def test_a_pipeline_is_one_turn(postgres_server: PostgresServer, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    with (
        Proxy(postgres_server.host, postgres_server.port) as proxy,
        postgres_server.connect(database, port=proxy.port) as connection,
    ):
        before, turns = proxy.round_trips, proxy.turns
        with connection.pipeline():
            for _ in range(5):
                connection.execute("SELECT 1")
        assert proxy.turns - turns == 1
        assert proxy.round_trips - before == 2  # Sync and, in the same flight, Flush


def test_the_proxy_carries_megabytes_both_ways(any_server: Any, any_database: str) -> None:
    text = "x" * 3_000_000
    with (
        Proxy(any_server.host, any_server.port, any_server.engine) as proxy,
        any_server.connect(any_database, port=proxy.port) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT '{text}'")
        assert cursor.fetchone() == (text,)


def test_the_proxy_delays_each_way(any_server: Any, any_database: str) -> None:
    with (
        Proxy(any_server.host, any_server.port, any_server.engine) as proxy,
        any_server.connect(any_database, port=proxy.port) as connection,
    ):
        proxy.latency = 0.05
        start = time.monotonic()
        connection.cursor().execute("SELECT 1")
        assert time.monotonic() - start >= 0.1
        proxy.latency = 0


def test_a_cut_is_seen_by_the_client_and_the_next_one_connects(
    any_server: Any, any_database: str
) -> None:
    with Proxy(any_server.host, any_server.port, any_server.engine) as proxy:
        connection = any_server.connect(any_database, port=proxy.port)
        proxy.cut()
        with pytest.raises(LOST):
            connection.cursor().execute("SELECT 1")
        connection.close()
        assert run(any_server, any_database, "SELECT 1", port=proxy.port) == [(1,)]


def test_a_cut_on_the_reply_to_commit_leaves_the_row(any_server: Any, any_database: str) -> None:
    run(any_server, any_database, "CREATE TABLE t (id int)")
    seen: list[str] = []

    def reply_to_commit(direction: str, data: bytes) -> bool:
        seen.extend(["commit"] if direction == "client" and b"COMMIT" in data else [])
        return direction == "server" and bool(seen)

    with Proxy(any_server.host, any_server.port, any_server.engine) as proxy:
        connection = any_server.connect(any_database, port=proxy.port)
        connection.cursor().execute("BEGIN")
        connection.cursor().execute("INSERT INTO t VALUES (1)")
        fired = proxy.cut_when(reply_to_commit)
        with pytest.raises(LOST):
            connection.cursor().execute("COMMIT")
        assert fired.is_set()
        connection.close()
    assert run(any_server, any_database, "SELECT id FROM t") == [(1,)]


def test_a_cut_before_commit_leaves_no_row(any_server: Any, any_database: str) -> None:
    run(any_server, any_database, "CREATE TABLE t (id int)")
    with Proxy(any_server.host, any_server.port, any_server.engine) as proxy:
        connection = any_server.connect(any_database, port=proxy.port)
        connection.cursor().execute("BEGIN")
        connection.cursor().execute("INSERT INTO t VALUES (1)")
        fired = proxy.cut_when(lambda direction, data: b"COMMIT" in data)
        with pytest.raises(LOST):
            connection.cursor().execute("COMMIT")
        assert fired.is_set()
        connection.close()
    assert run(any_server, any_database, "SELECT id FROM t") == []


def test_the_proxy_refuses_clients_while_the_server_is_down(any_server: Any) -> None:
    with Proxy(any_server.host, any_server.port, any_server.engine) as proxy:
        any_server.kill_9()
        try:
            with pytest.raises(LOST):
                any_server.connect("", port=proxy.port)
        finally:
            any_server.restart()


def test_the_proxy_leaves_no_thread() -> None:
    before = threading.active_count()
    with Proxy("127.0.0.1", 1):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_failing_predicate_is_raised_by_the_proxy(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    def failing(direction: str, data: bytes) -> bool:
        raise LookupError(direction)

    database = postgres_url.rpartition("/")[2]
    proxy = Proxy("127.0.0.1", postgres_server.port).__enter__()
    proxy.cut_when(failing)
    with pytest.raises(psycopg.OperationalError):
        postgres_server.connect(database, port=proxy.port)
    with pytest.raises(LookupError):
        proxy.__exit__()


def test_postgres_messages_are_counted_wherever_the_stream_is_split() -> None:
    start = bytes([0, 0, 0, 8, 0, 3, 0, 0])
    query = b"Q" + (13).to_bytes(4, "big") + b"SELECT 1\0"
    ready = b"Z" + (5).to_bytes(4, "big") + b"I"
    client, server = start + query + query, b"R" + bytes([0, 0, 0, 8, 0, 0, 0, 0]) + ready * 3
    for size in (1, 2, 3, 7, len(client)):
        framing = PostgresFraming()
        for at in range(0, len(client), size):
            framing.messages("client", client[at : at + size])
        for at in range(0, len(server), size):
            framing.messages("server", server[at : at + size])
        assert (framing.round_trips, framing.turns) == (3, 3)


def test_a_mysql_command_without_an_answer_is_no_round_trip() -> None:
    framing = MySQLFraming()
    login, query, leave = b"\x02\0\0\x01ab", b"\x02\0\0\0\x03x", b"\x01\0\0\0\x01"
    assert framing.messages("client", login + query + leave) == [login, query, leave]
    assert framing.round_trips == 2
