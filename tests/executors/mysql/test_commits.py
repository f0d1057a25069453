"""Whether a statement has ended the transaction: the executor's idea against the server's truth.

It must not trust the manual's list: each kind of statement is run on both servers.
https://dev.mysql.com/doc/refman/9.7/en/implicit-commit.html
"""

from typing import Any, NamedTuple

import pytest

from lockgate.planner.errors import MigrationFileError, RunError, StatementFailed, Unresolved
from tests.executors.building import OUTSIDE, apply_plan, apply_up, open_test_engine, plan_for
from tests.executors.rows import ask, execute

BOTH = frozenset({"mysql", "mariadb"})
NEITHER: frozenset[str] = frozenset()
MYSQL, MARIADB = frozenset({"mysql"}), frozenset({"mariadb"})


class Kind(NamedTuple):
    """A statement; `{unique}` in it becomes a name that is unique on the server."""

    name: str
    sql: str
    commits: frozenset[str] = BOTH
    """The servers on which it ends the transaction."""

    setup: tuple[str, ...] = ()
    servers: frozenset[str] = BOTH


PLAIN = "create procedure p() insert into other values (7)"
COMMITTING = "create procedure p() begin insert into other values (7); commit; end"
NESTING = "create procedure p() begin commit; start transaction; insert into other values (7); end"
DEFINING = "create procedure p() create table made (id int)"
USER = "create user '{unique}'@'localhost'"
RENAME = "rename user '{unique}'@'localhost' to '{unique}'@'127.0.0.1'"
REVOKE = "revoke all privileges, grant option from '{unique}'@'localhost'"
PASSWORD = "set password for '{unique}'@'localhost' = '{unique}'"
HASHED = "set password for '{unique}'@'localhost' = password('{unique}')"
PREPARED = "prepare ddl from 'create table made (id int)'"

KINDS = [
    Kind("create table", "create table made (id int)"),
    Kind("create table select", "create table made as select 1 as id"),
    Kind("create table like", "create table made like other"),
    Kind("create table if not exists", "create table if not exists other (id int)"),
    Kind("alter table", "alter table other add column n int"),
    Kind("alter table instant", "alter table other add column n int, algorithm = instant"),
    Kind("drop table", "drop table other"),
    Kind("drop table if exists", "drop table if exists missing"),
    Kind("rename table", "rename table other to another"),
    Kind("truncate", "truncate table other"),
    Kind("create index", "create index i on other (id)"),
    Kind("drop index", "drop index i on other", setup=("create index i on other (id)",)),
    Kind("create view", "create view v as select * from other"),
    Kind("create or replace view", "create or replace view v as select 1 as one"),
    Kind("alter view", "alter view v as select 2 as a", setup=("create view v as select 1 as a",)),
    Kind("drop view", "drop view v", setup=("create view v as select 1 as a",)),
    Kind("create trigger", "create trigger g before insert on other for each row set @a = 1"),
    Kind(
        "drop trigger",
        "drop trigger g",
        setup=("create trigger g before insert on other for each row set @a = 1",),
    ),
    Kind("create procedure", "create procedure p() begin select 1; end"),
    Kind("alter procedure", "alter procedure p comment 'x'", setup=(PLAIN,)),
    Kind("drop procedure", "drop procedure p", setup=(PLAIN,)),
    Kind("create function", "create function f() returns int deterministic return 1"),
    Kind("create event", "create event e on schedule every 1 day do select 1"),
    Kind(
        "alter event",
        "alter event e disable",
        setup=("create event e on schedule every 1 day do select 1",),
    ),
    Kind("create sequence", "create sequence s", servers=MARIADB),
    Kind("create user", USER),
    Kind("alter user", "alter user '{unique}'@'localhost' identified by 'x'", setup=(USER,)),
    Kind("rename user", RENAME, setup=(USER,)),
    Kind("grant", "grant select on *.* to '{unique}'@'localhost'", setup=(USER,)),
    Kind("revoke", REVOKE, setup=(USER,)),
    Kind("set password", PASSWORD, setup=(USER,), servers=MYSQL),
    Kind("set password of a hash", HASHED, setup=(USER,), servers=MARIADB),
    Kind("drop user", "drop user '{unique}'@'localhost'", setup=(USER,)),
    Kind("create role", "create role '{unique}'"),
    Kind("create database", "create database `{unique}`"),
    Kind("drop database", "drop database `{unique}`", setup=("create database `{unique}`",)),
    Kind("analyze table", "analyze table other"),
    Kind("check table", "check table other"),
    Kind("optimize table", "optimize table other"),
    Kind("repair table", "repair table other"),
    Kind("flush tables", "flush tables"),
    Kind("flush privileges", "flush privileges"),
    Kind("flush status", "flush status"),
    Kind("set global", "set global max_connect_errors = 100"),
    Kind("set global variable", "set /* x */ @@global.max_connect_errors = 100"),
    Kind("set global among others", "set @a = 1, global max_connect_errors = 100"),
    Kind("set global isolation", "set global transaction isolation level repeatable read"),
    Kind("set persist", "set persist max_connect_errors = 100", servers=MYSQL),
    Kind("set persist variable", "set @a = 1, @@persist.max_connect_errors = 100", servers=MYSQL),
    Kind("set persist only", "set persist_only max_connect_errors = 100", servers=MYSQL),
    Kind("set of a global", "set @a = 1, @b = @@global.max_connect_errors", NEITHER),
    Kind("reset", "reset persist", servers=MYSQL, commits=NEITHER),
    Kind("create temporary table", "create temporary table made (id int)", NEITHER),
    Kind(
        "drop temporary table",
        "drop temporary table if exists missing",
        NEITHER,
    ),
    Kind("insert", "insert into other values (5)", NEITHER),
    Kind("insert ignore", "insert ignore into other values (5), (5)", NEITHER),
    Kind("update", "update other set id = id + 1", NEITHER),
    Kind("delete", "delete from other", NEITHER),
    Kind("replace", "replace into other values (1)", NEITHER),
    Kind("select", "select * from other for update", NEITHER),
    Kind("select of percent signs", "select '%s %d %%' like '%'", NEITHER),
    Kind("do", "do sleep(0)", NEITHER),
    Kind("set variable", "set @a = 1, session sort_buffer_size = 100000", NEITHER),
    Kind("set names", "set names latin1", NEITHER),
    Kind("set autocommit off", "set autocommit = 0", NEITHER),
    Kind("set role", "set role none", NEITHER),
    Kind("use", "use mysql", NEITHER),
    Kind("explain", "explain select * from other", NEITHER),
    Kind("show", "show tables", NEITHER),
    Kind("handler", "handler other open", NEITHER),
    Kind("get_lock", "select get_lock('{unique}', 0)", NEITHER),
    Kind("call plain", "call p()", NEITHER, (PLAIN,)),
    Kind("call that commits", "call p()", BOTH, (COMMITTING,)),
    Kind("call that begins again", "call p()", BOTH, (NESTING,)),
    Kind("call that creates", "call p()", BOTH, (DEFINING,)),
    Kind("prepare", PREPARED, NEITHER),
    Kind("compound", "begin not atomic insert into other values (5); end", NEITHER, (), MARIADB),
    Kind("compound that commits", "begin not atomic commit; end", BOTH, (), MARIADB),
    Kind(
        "conditional comment", "/*!50100 create table made (id int) */", BOTH
    ),
    Kind("comment before", "/* x */ create /* y */ table made (id int)", BOTH),
]  # fmt: skip
TRIALS = [
    pytest.param(server, kind, id=f"{server}-{kind.name}")
    for kind in KINDS
    for server in sorted(kind.servers)
]
FAILING = "insert into missing values (1)"


@pytest.mark.parametrize(("name", "kind"), TRIALS)
def test_the_executor_knows_what_a_statement_has_committed(
    request: pytest.FixtureRequest, name: str, kind: Kind
) -> None:
    server = request.getfixturevalue(f"{name}_server")
    database = server.new_database()
    unique = f"u_{database}"
    sql, *setup = (text.replace("{unique}", unique) for text in (kind.sql, *kind.setup))
    try:
        execute(server, database, "create table witness (id int)", "create table other (id int)")
        execute(server, database, *setup)
        kept = kept_after(server, database, f"insert into witness values (1);\n{sql};\n{FAILING}")
        survived = ask(server, database, "select id from witness") == [(1,)]
        assert survived == (1 in kept)
        assert kept == ((1, 2) if name in kind.commits else ())
    finally:
        execute(server, None, f"drop database {database}", *cleanup(kind, unique))


def cleanup(kind: Kind, unique: str) -> list[str]:
    """What takes a kind's users, role or database away."""
    users = [f"'{unique}'@'localhost'", f"'{unique}'@'127.0.0.1'"]
    made = [f"user if exists {user}" for user in users]
    made += [f"role if exists '{unique}'", f"database if exists `{unique}`"]
    return [f"drop {what}" for what in made] if "{unique}" in kind.sql else []


def kept_after(server: Any, database: str, sql: str) -> tuple[int, ...]:
    """The statements of a failing migration that the executor says are kept."""
    with open_test_engine(server, database) as engine:
        with pytest.raises(RunError) as raised:
            apply_plan(engine, plan_for(engine, {"001_try": f"{OUTSIDE}\n{sql}"}))
        assert "(1146)" in str(raised.value)
    rows = ask(server, database, "select statement, outcome from lockgate_journal")
    assert all(outcome == "done" for _, outcome in rows)
    assert isinstance(raised.value, Unresolved if rows else StatementFailed)
    return tuple(place for place, _ in rows)


def test_execute_of_prepared_ddl_commits(family_server: Any, family_database: str) -> None:
    execute(family_server, family_database, "create table witness (id int)")
    sql = f"insert into witness values (1);\n{PREPARED};\nexecute ddl;\n{FAILING}"
    assert kept_after(family_server, family_database, sql) == (1, 2, 3)
    assert ask(family_server, family_database, "select id from witness") == [(1,)]


def test_autocommit_on_again_commits(family_server: Any, family_database: str) -> None:
    execute(family_server, family_database, "create table witness (id int)")
    sql = (
        "set autocommit = 0;\ninsert into witness values (1);\nset autocommit = 1;\n"
        f"insert into witness values (2);\n{FAILING}"
    )
    assert kept_after(family_server, family_database, sql) == (1, 2, 3)
    assert ask(family_server, family_database, "select id from witness") == [(1,)]


def test_autocommit_on_again_keeps_nothing_of_what_was_promised_to_be_undone(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, "create table witness (id int)")
    sql = (
        "create temporary table x (id int);\nset autocommit = 0;\ninsert into x values (1);\n"
        f"set autocommit = 1;\ninsert into witness values (1);\n{FAILING}"
    )
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises(StatementFailed, match="1146"):
            apply_up(engine, {"001_try": sql})
        assert engine.store.read_ledger().unresolved == ()
    assert ask(family_server, family_database, "select id from witness") == []


@pytest.mark.parametrize(
    "sql",
    [
        "savepoint mine;\ninsert into witness values (1);\nrelease savepoint mine;",
        "savepoint mine;\ninsert into witness values (1);\nrollback to savepoint mine;",
    ],
)
def test_savepoints_are_refused_since_they_would_blind_the_executor(
    family_server: Any, family_database: str, sql: str
) -> None:
    execute(family_server, family_database, "create table witness (id int)")
    with open_test_engine(family_server, family_database) as engine:
        with pytest.raises((StatementFailed, MigrationFileError)):
            apply_plan(engine, plan_for(engine, {"001_back": sql}))
        assert ask(family_server, family_database, "select id from witness") == []
        assert not engine.store.read_ledger().unresolved


def test_a_procedure_that_rolls_back_is_in_doubt(family_server: Any, family_database: str) -> None:
    execute(
        family_server,
        family_database,
        "create table witness (id int)",
        "create procedure p() begin rollback; insert into witness values (2); end",
    )
    with open_test_engine(family_server, family_database) as engine:
        sql = f"{OUTSIDE}\ninsert into witness values (1);\ncall p();"
        plan = plan_for(engine, {"001_call": sql})
        with pytest.raises(Unresolved, match=r"rolled back .*\n.*Statement 2 itself may have done"):
            apply_plan(engine, plan)
        with pytest.raises(Unresolved, match="statement 2 was begun"):
            apply_plan(engine, plan)
    assert ask(family_server, family_database, "select id from witness") == [(2,)]


ENDING = {
    **dict.fromkeys(("start transaction", "begin", "commit", "rollback"), "would disturb the tran"),
    **dict.fromkeys(("lock tables t write", "unlock tables"), "commits, and shuts lockgate's own"),
}
"""By a statement that would end the transaction, why it is refused."""


@pytest.mark.parametrize("sql", ENDING)
def test_statements_that_would_end_the_transaction_are_refused_by_the_plan(
    family_server: Any, family_database: str, sql: str
) -> None:
    with (
        open_test_engine(family_server, family_database) as engine,
        pytest.raises(MigrationFileError, match=ENDING[sql]),
    ):
        plan_for(engine, {"001_control": sql})
