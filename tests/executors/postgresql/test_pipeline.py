"""The pipeline: thousands of statements, megabytes both ways, and COPY between them."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lockgate.executors.postgresql.pipeline import (
    IN_FLIGHT,
    Command,
    CommandFailed,
    CommandResult,
    run_copy,
    run_pipelined,
)
from lockgate.planner.errors import StatementFailed, Unreachable
from tests.executors.building import apply_up, by_hand, create_tables, failure_of
from tests.servers.postgres import PostgresServer

MEGABYTE = 1 << 20
TABLE = "create table t (id int primary key, note text);\n"


@pytest.fixture
def connection(postgres_server: PostgresServer, postgres_database: str) -> Iterator[Any]:
    with postgres_server.connect(postgres_database, prepare_threshold=None) as opened:
        yield opened


def commands(*texts: str, report: bool = True) -> list[Command[int]]:
    return [Command(sql, number, report=report) for number, sql in enumerate(texts)]


def rows(outcomes: Iterator[CommandResult[int]]) -> list[tuple[int, int]]:
    return [(outcome.command.tag, outcome.rows) for outcome in outcomes]


def copied(rows: str) -> str:
    return f"copy t from stdin;\n{rows}\\.\n"


def test_outcomes_come_in_order_with_their_rows(connection: Any) -> None:
    texts = ("select 1", "select generate_series(1, 3)", "create table t ()", "select where false")
    assert rows(run_pipelined(connection, commands(*texts))) == [(0, 1), (1, 3), (2, 0), (3, 0)]
    assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("count", [0, 1, IN_FLIGHT - 1, IN_FLIGHT, IN_FLIGHT + 1, 2500])
@pytest.mark.parametrize("report", [True, False])
def test_any_number_of_statements_passes(connection: Any, count: int, report: bool) -> None:
    many = commands(*["select 1"] * count, report=report)
    assert len(list(run_pipelined(connection, many))) == count


def test_what_follows_a_failure_is_skipped_and_the_connection_is_usable(connection: Any) -> None:
    many = commands("select 1", "select 1 / 0", *["create table never ()"] * 2 * IN_FLIGHT)
    arrived: list[int] = []
    with pytest.raises(CommandFailed) as caught:
        arrived.extend(outcome.command.tag for outcome in run_pipelined(connection, many))
    assert arrived == [0]
    assert (caught.value.command.tag, caught.value.error.code) == (1, "22012")
    assert connection.execute("select to_regclass('never')").fetchone() == (None,)


def test_large_statements_and_large_results_do_not_stop_each_other(connection: Any) -> None:
    large = f"select '{'x' * MEGABYTE}', repeat('y', {MEGABYTE})"
    assert len(list(run_pipelined(connection, commands(*[large] * 40)))) == 40


def test_large_statements_do_not_pile_up_in_memory(connection: Any) -> None:
    sent, ahead = 0, []

    def large() -> Iterator[Command[int]]:
        nonlocal sent
        for sent in range(1, 101):
            yield Command(f"select '{'x' * MEGABYTE}'", sent)

    for answered, _ in enumerate(run_pipelined(connection, large())):
        ahead.append(sent - answered)
    assert len(ahead) == 100
    assert max(ahead) <= 2  # the one that runs, and the next one


def test_two_statements_in_one_text_are_refused(connection: Any) -> None:
    with pytest.raises(CommandFailed, match="multiple commands"):
        list(run_pipelined(connection, commands("select 1; select 2")))
    connection.execute("create table t (id int)")
    coarse = Command("copy t from stdin; drop table t", 0, copy_data="1\n")
    with pytest.raises(CommandFailed, match="multiple commands"):
        run_copy(connection, coarse)
    assert connection.execute("select count(*) from t").fetchone() == (0,)


def test_a_deferred_constraint_fails_with_the_last_command(connection: Any) -> None:
    connection.execute("create table p (id int primary key)")
    connection.execute("create table c (id int references p deferrable initially deferred)")
    with pytest.raises(CommandFailed) as caught:
        list(run_pipelined(connection, commands("insert into c values (7)", "select 1")))
    assert (caught.value.command.tag, caught.value.error.code) == (1, "23503")
    with pytest.raises(CommandFailed) as caught:
        run_copy(connection, Command("copy c from stdin", 5, copy_data="7\n"))
    assert (caught.value.command.tag, caught.value.error.code) == (5, "23503")
    assert connection.execute("select count(*) from c").fetchone() == (0,)


def test_silence_is_told_while_a_statement_runs(connection: Any) -> None:
    told: list[float] = []
    list(run_pipelined(connection, commands("select pg_sleep(0.3)"), told.append, 0.05))
    assert 1 <= len(told) <= 6
    assert told == sorted(told)


def test_a_lost_connection_is_unreachable(connection: Any) -> None:
    suicide = commands("select 1", "select pg_terminate_backend(pg_backend_pid())", "select 2")
    with pytest.raises(Unreachable, match="lost"):
        list(run_pipelined(connection, suicide))


def test_a_connection_lost_in_a_copy_is_unreachable(
    connection: Any, postgres_server: PostgresServer, postgres_database: str
) -> None:
    connection.execute(
        "create function kill() returns trigger language plpgsql as "
        "'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'"
    )
    connection.execute("create table t (id int)")
    connection.execute("create trigger k before insert on t execute function kill()")
    with pytest.raises(Unreachable, match="lost"):
        run_copy(connection, Command("copy t from stdin", 0, copy_data="1\n" * MEGABYTE))
    assert connection.closed


def test_2500_steps_are_one_transaction(postgres: Any) -> None:
    migrations = {f"{n:05}_x": f"insert into t values ({n}, 'n');" for n in range(1, 2500)}
    apply_up(postgres, {"00000_t": TABLE, **migrations})
    assert by_hand(postgres).query_one("select count(*), count(distinct xmin::text) from t") == (
        2499,
        1,
    )
    assert postgres.store.read_ledger().serial == 2500


@pytest.mark.parametrize("marker", ["", "-- migrate:up transaction:false\n"])
@pytest.mark.parametrize(
    "text",
    [
        TABLE + copied("1\tä\n2\t\\N\n"),
        copied("1\tä\n2\t\\N\n") + "select 1;\n",
        copied("1\tä\n") + copied("2\t\\N\n"),
        "select 1;\n" + copied("1\tä\n") + "select 2;\n" + copied("") + copied("2\t\\N\n"),
    ],
    ids=["last", "first", "only", "mixed"],
)
def test_copy_brings_its_rows(postgres: Any, text: str, marker: str) -> None:
    if not text.startswith(TABLE):
        apply_up(postgres, {"000_t": TABLE})
        apply_up(postgres, {"000_t": TABLE, "001_c": marker + text})
    else:
        apply_up(postgres, {"001_c": marker + text})
    assert by_hand(postgres).query_all("select id, note from t order by id") == [
        (1, "ä"),
        (2, None),
    ]


def test_copy_without_rows_brings_none(postgres: Any) -> None:
    apply_up(postgres, {"001_c": TABLE + copied("")})
    assert by_hand(postgres).query_one("select count(*) from t") == (0,)


def test_copy_brings_100_000_rows(postgres: Any) -> None:
    data = "".join(f"{n}\trow number {n}\n" for n in range(100_000))
    apply_up(postgres, {"001_c": TABLE + copied(data)})
    assert by_hand(postgres).query_one("select count(*), sum(id) from t") == (
        100_000,
        4_999_950_000,
    )


@pytest.mark.parametrize("bad", [1, 3, 90_000])
def test_a_refused_row_is_named_with_its_line_and_all_is_undone(postgres: Any, bad: int) -> None:
    data = "".join(f"{'x' if n == bad else n}\tnote\n" for n in range(1, 100_000))
    with pytest.raises(StatementFailed) as caught:
        apply_up(postgres, {**create_tables(1), "002_c": TABLE + copied(data)})
    failure = failure_of(caught.value)
    assert (failure.number, failure.place, failure.error.code) == (2, 2, "22P02")
    assert f"COPY t, line {bad}, column id" in failure.error.detail
    assert by_hand(postgres).query_one("select to_regclass('t'), to_regclass('t1')") == (None, None)


def test_copy_into_nowhere_is_refused_with_its_place(postgres: Any) -> None:
    with pytest.raises(StatementFailed, match=r"001_c\.sql:2"):
        apply_up(postgres, {"001_c": copied("1\n")})


def test_copy_in_another_format_is_passed_on_as_it_stands(postgres: Any) -> None:
    data = 'copy t from stdin with (format csv, header);\nid,note\n1,"a ""b"", c"\n\\.\n'
    apply_up(postgres, {"001_c": TABLE + data})
    assert by_hand(postgres).query_all("select id, note from t") == [(1, 'a "b", c')]


def test_notices_arrive_without_harm(connection: psycopg.Connection[Any]) -> None:
    raising = (
        "do $$ begin for i in 1..2000 loop raise notice '%', repeat('n', 1000); end loop; end $$"
    )
    assert len(list(run_pipelined(connection, commands(*[raising] * 5)))) == 5
