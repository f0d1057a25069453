"""The reading of PostgreSQL's statements: what each does, whatever its text looks like."""

import subprocess
import sys

import pytest

from lockgate.planner.reading.postgresql.reader import read, read_all
from lockgate.planner.reading.reading import ConcurrentIndex, Object, Reading

INDEX, TABLE = Object("index", "t_v"), Object("table", "t")
SPELLINGS = [
    "create unique index concurrently if not exists t_v on t (v)",
    "create unique index concurrently if not exists t_v on /* hot */ t (v)",
    "CREATE -- why\n UNIQUE INDEX /* a /* b */ */ CONCURRENTLY IF NOT EXISTS\nt_v ON ONLY t(v)",
    'create index concurrently U&"t\\005fv" on "t" using btree (v) where v > 0',
]


@pytest.mark.parametrize("sql", SPELLINGS)
def test_a_concurrent_build_is_one_however_it_is_spelled(sql: str) -> None:
    reading = read(sql)
    assert reading.concurrent == ConcurrentIndex("build", INDEX, TABLE)
    assert (reading.outside_only, reading.commits, reading.fails_whole) == (True, "itself", False)


@pytest.mark.parametrize(
    "sql",
    [
        "drop index /* CONCURRENTLY cannot be used here */ ev_i",
        "create index concurrently_made on t (v)",
        "create index i on t (v) -- concurrently",
        'drop index "concurrently"',
        "comment on table t is 'create index concurrently i on t (v)'",
    ],
)
def test_the_word_alone_makes_no_concurrent_index(sql: str) -> None:
    reading = read(sql)
    assert (reading.concurrent, reading.outside_only, reading.commits) == (None, False, "never")


def test_drops_and_rebuilds_say_what_they_work_on() -> None:
    dropped = read("drop index concurrently if exists s.t_v restrict").concurrent
    assert dropped == ConcurrentIndex("drop", Object("index", "t_v", "s"), None)
    rebuilt = read("REINDEX (CONCURRENTLY) TABLE t").concurrent
    assert rebuilt == ConcurrentIndex("rebuild", None, TABLE)
    assert read("create index concurrently on t (v)").concurrent == ConcurrentIndex(
        "build", None, TABLE
    )


@pytest.mark.parametrize(
    "sql",
    [
        "REINDEX (CONCURRENTLY) TABLE t",
        "reindex (verbose, concurrently on) index i",
        "reindex schema s",
        "reindex database",
        "do $$ begin insert into t values (1); commit; end $$",
        "do $x$ begin if true then rollback; end if; end $x$",
        "commit prepared 'x'",
        "cluster",
        "vacuum (full) t",
        "alter database d set tablespace s",
        "discard all",
    ],
)
def test_what_no_transaction_may_hold_is_known(sql: str) -> None:
    assert read(sql).outside_only


@pytest.mark.parametrize(
    "sql",
    [
        "reindex table t",
        "reindex (concurrently off) table t",
        "do $$ begin create temp table x (a int) on commit drop; end $$",
        "do $$ begin -- no commit in here\n perform 1; end $$",
        "refresh materialized view concurrently mv",
        "analyze t",
    ],
)
def test_what_runs_in_a_transaction_is_not_refused_there(sql: str) -> None:
    assert not read(sql).outside_only


@pytest.mark.parametrize(
    ("sql", "commits"),
    [
        (
            "do $$ begin -- no commit in here\n create table x (id int); perform 1/0; end $$",
            "never",
        ),
        ("do $$ begin perform 'commit'; end $$", "never"),
        ("do $$ begin commit; end $$", "may"),
        ("do 'begin call p(); end'", "may"),
        ("call p()", "may"),
        ("alter table p detach partition q concurrently", "may"),
        ('alter table p detach partition "concurrently"', "never"),
        ("vacuum t", "itself"),
        ("insert into t values ('commit')", "never"),
    ],
)
def test_only_code_that_is_run_ends_a_transaction(sql: str, commits: str) -> None:
    assert read(sql).commits == commits


@pytest.mark.parametrize(
    ("sql", "loses"),
    [
        ("drop extension citext cascade", ("the extension citext",)),
        ("drop extension citext", ()),
        ("drop function gf(int) cascade", ("the function gf",)),
        ("drop view v cascade", ()),
        ("drop domain d cascade", ("the domain d",)),
        ("with d as (delete from u) select 1", ("every row of u",)),
        ("with d as (delete from u where id = 1) select 1", ()),
        ("with a as (insert into t values (1)), d as (delete from u) update x set a = 1",
         ("every row of u",)),
        ("delete from u where true", ("every row of u",)),
        ("delete from u where 1 = 1", ("every row of u",)),
        ("delete from u where (true)", ("every row of u",)),
        ("delete from u where id = id", ()),
        ("drop owned by r", ("everything that a role owns",)),
        ("create rule r as on insert to t do instead delete from u",
         ("what the rule r deletes, whenever it acts",)),
        ("create rule r as on update to t do also (select 1; delete from u where a = new.a)",
         ("what the rule r deletes, whenever it acts",)),
        ("create rule r as on delete to t do instead update t set a = 1", ()),
        ("create function f() returns trigger language plpgsql as $$ begin delete from u; end $$",
         ("what the trigger function f takes away, whenever it runs",)),
        ("create or replace function s.f() returns event_trigger language plpgsql as "
         "'begin drop table u; end'",
         ("what the trigger function f takes away, whenever it runs",)),
        ("create function f() returns trigger language plpgsql as "
         "$$ begin if tg_op = 'DELETE' then return old; end if; end $$", ()),
        ("create function f() returns int language sql as 'delete from u returning 1'", ()),
        ("drop database d", ("the database d",)),
    ],
)  # fmt: skip
def test_what_is_lost_is_found_where_it_hides(sql: str, loses: tuple[str, ...]) -> None:
    assert read(sql).loses == loses


def test_what_with_writes_is_written() -> None:
    reading = read(
        "with d as (delete from u where id = 1 returning *) insert into t select * from d"
    )
    assert reading.tables_written == (Object("table", "t"), Object("table", "u"))
    assert {one.on.name for one in reading.holds} == {"t", "u"}


@pytest.mark.parametrize(
    ("sql", "leaves"),
    [
        ("set role app", "settings"),
        ("/* a */ set local lock_timeout = 1", "nothing"),
        ("set transaction isolation level serializable", "nothing"),
        ("select set_config('a.b', current_setting('c.d'), false)", "settings"),
        ("select set_config('a.b', f(), false)", "unknown"),
        ("select 1 as set_config", "nothing"),
        ("create table t ()", "nothing"),
        ("create /* */ temp table t ()", "unknown"),
        ("create table pg_temp.t ()", "unknown"),
        ("select * into temp t from u", "unknown"),
        ("insert into t values ('temp')", "nothing"),
        ("prepare p as select 1", "unknown"),
        ("listen x", "unknown"),
    ],
)
def test_what_stays_in_the_session_is_known(sql: str, leaves: str) -> None:
    assert read(sql).leaves == leaves


def paths(*statements: str) -> list[tuple[str, ...]]:
    """Where each statement's first table is looked for."""
    return [reading.objects[0].path for reading in read_all(statements) if reading.objects]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("set search_path = a", ("a",)),
        ('set local search_path to "A", public', ("A", "public")),
        ("select set_config('search_path', 'a, \"B\"', true)", ("a", "B")),
        ("select pg_catalog.set_config('search_path', '', false)", ("?",)),
        ("select set_config('search_path', 'a' || current_user, false)", ("?",)),
        ("do $$ begin perform set_config('search_path', 'a', false); end $$", ("?",)),
        ("set schema 'a'", ("a",)),
        ("set search_path to default", ()),
        ("reset all", ()),
        ("set work_mem = '1MB'", ()),
    ],
)
def test_a_changed_search_path_is_followed(change: str, path: tuple[str, ...]) -> None:
    assert paths("alter table t add a int", change, "alter table t add b int") == [(), path]


def test_a_path_ends_where_another_is_set() -> None:
    found = paths("set search_path = a", "drop table t", "reset search_path", "drop table t",
                  "set search_path = b", "drop table s.t")  # fmt: skip
    assert found == [("a",), (), ()]


def names(reading: Reading) -> list[tuple[str, str]]:
    return [(one.schema, one.name) for one in reading.objects]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("drop table " + "n" * 70, ("", "n" * 63)),
        ('drop table U&"Bi\\0067"', ("", "Big")),
        ("drop table U&\"Bi!0067\" uescape '!'", ("", "Big")),
        ("drop table Mixed", ("", "mixed")),
        ('drop table "S.x"."T.y"', ("S.x", "T.y")),
        ("drop table mydb.s.t", ("s", "t")),
        ('drop table "a""b"', ("", 'a"b')),
    ],
)
def test_names_are_read_as_the_server_reads_them(sql: str, name: tuple[str, str]) -> None:
    assert names(read(sql)) == [name]


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("create tabel x (a int)", 7),
        ("create table a (x int)\ncreate table b (x int)", 23),
        ("insert into t values ('é') from u", 27),
        ("", None),
    ],
)
def test_what_the_grammar_refuses_is_told_with_its_place(sql: str, place: int | None) -> None:
    reading = read(sql)
    assert reading.unread_at == place
    assert bool(reading.unread) is (place is not None)


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 5000 + "1" + ")" * 5000,
        "select " + "(" * 100_000 + "1" + ")" * 100_000,
        "select " + "(select " * 5000 + "1" + ")" * 5000,
        "select " + "+".join(["1"] * 200_000),
        "select 1" + "::int" * 100_000,
        " union ".join(["select 1"] * 50_000),
        "select " + "f(" * 5000 + "1" + ")" * 5000,
        "select " + "x" * 2_000_000,
    ],
)
def test_hostile_text_stops_nobody(sql: str) -> None:
    assert read(sql).unread_at is None


def test_a_text_that_there_is_no_memory_for_is_not_read() -> None:
    code = (
        "import resource; from lockgate.planner.reading.postgresql.reader import read;"
        "read('select 1'); limit = 400 * 2**20;"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
        "print(read('select ' + '1 + ' * 9_000 + '1').unread)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "memory" in run.stdout


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("set lock_timeout = '5s'", ("lock_timeout",)),
        ("do $$ begin perform set_config('LOCK_TIMEOUT', '1s', false); end $$", ("lock_timeout",)),
        ("insert into t select pg_try_advisory_lock(1)", ("advisory",)),
        ("create index concurrently i on t (a)", ()),
    ],
)
def test_it_is_told_what_of_its_session_a_statement_names(sql: str, names: tuple[str, ...]) -> None:
    assert read(sql).names == names


def test_code_too_long_to_be_read_may_do_what_it_could_hide() -> None:
    long = "perform 1; " * 90_000
    trigger = "create function f() returns trigger language plpgsql as"
    assert read(f"{trigger} $$ begin {long} delete from t; end $$").loses
    block = read(f"do $$ begin {long} commit; end $$")
    assert (block.commits, block.repeatable) == ("may", False)
    assert block.search_path is not None


@pytest.mark.parametrize(
    ("sql", "runs_nothing"),
    [
        ("create table t (id int primary key, at timestamptz default f(), check (g(id)))", True),
        ("create table t (a int references u)", True),
        ("drop table t cascade", True),
        ("create table t as select f()", False),
        ("create temp table t (a int)", False),
        ("create table t (like u including all)", False),
        ("create table t (a int, exclude using gist (f(a) with =))", False),
        ("create table t partition of u for values in (1)", False),
        ("create foreign table t (a int) server s", False),
        ("alter table t add a int default f()", False),
        ("create index on t (f(a))", False),
        ("insert into t values (1)", False),
        ("select 1", False),
    ],
)
def test_only_what_computes_nothing_runs_nothing(sql: str, runs_nothing: bool) -> None:
    assert read(sql).runs_nothing is runs_nothing


def test_the_parts_of_a_partitioned_table_are_clustered_one_by_one() -> None:
    assert not read("cluster events using events_key").fails_whole
