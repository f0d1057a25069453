"""What MySQL and MariaDB lose on the way is there again when a plan has failed: rows behind chains
of foreign keys, values that no longer fit, the order of keys, what other clients and clocks made.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.commands.conftest import opened
from tests.commands.running import Project, refused, succeed
from tests.commands.test_everyday_family import FAILURE, Shown
from tests.executors.mysql.test_own_settings import given_to_all
from tests.executors.rows import ask, execute
from tests.faults.difference import show_difference

LAX = "set session sql_mode = ''"
STRICT = "set session sql_mode = default"
INVALID = "set session sql_mode = 'ALLOW_INVALID_DATES'"


KEPT = (";-- x", " # x;\n;-- x")
"""After a body, so that the server keeps a `;` as its last byte: MySQL as it keeps that of a client
which sends several statements at once, MariaDB that of a comment."""


@dataclass(frozen=True)
class Case:
    """What is there, and a section that fails at its end."""

    name: str
    there: tuple[str, ...]
    section: str
    only: str = ""


CASES = (
    Case(
        "rows behind a new table, through another new one",
        ("create table chained (id int primary key, a int)", "insert into chained values (1, 2)"),
        """create table fresh (id int primary key);
        create table middle (id int primary key, f int,
          foreign key (f) references fresh (id) on delete cascade);
        insert into fresh values (1); insert into middle values (1, 1);
        alter table chained add m int; update chained set m = 1;
        alter table chained add foreign key (m) references middle (id) on delete cascade;
        delete from fresh where id = 1; alter table chained comment 'x';""",
    ),
    Case(
        "rows behind a table that is made after the foreign key to it",
        ("create table early (id int primary key)", "insert into early values (1)"),
        """set foreign_key_checks = 0;
        alter table early add constraint early_late foreign key (id) references late_one (id)
          on delete cascade;
        create table late_one (id int primary key); insert into late_one values (1);
        set foreign_key_checks = 1; delete from late_one; alter table early comment 'x';""",
    ),
    Case(
        "invalid dates",
        (INVALID, "create table dated (id int primary key, n int, d date)",
         "insert into dated values (1, 2, '2020-02-30')"),
        "set sql_mode = 'NO_ENGINE_SUBSTITUTION'; alter table dated modify n bigint unsigned;",
    ),
    Case(
        "NULL in a new key",
        ("create table nulls (id int primary key, a int, b int)",
         "insert into nulls values (1, null, 2)"),
        "set sql_mode = ''; alter table nulls modify a int not null;",
    ),
    Case(
        "the order of unique keys",
        ("create table ordered (a int, b int, c int, unique ua (a), unique ub (b), key kc (c), "
         "key kd (c, a))", "insert into ordered values (1, 2, 3)"),
        "alter table ordered drop key ua; alter table ordered drop key kc;",
    ),
    Case(
        "the order of keys that a nullable column changes",
        ("create table sorted_ (a int, b int, unique ub (b), unique ua (a))",),
        "alter table sorted_ modify a int not null;",
    ),
    Case(
        "a table with a period",
        ("create table periodic (id int primary key, s date not null, e date not null, "
         "period for p (s, e))",),
        "alter table periodic add x int; alter table periodic rename column e to ended;"
        "alter table periodic modify id bigint;",
        only="mariadb",
    ),
    Case(
        "values that the new type changes for good",
        (LAX, "create table changed (id int primary key, b binary(4), c char(4), f float, "
         "e enum('x', 'y'), d decimal(10, 4), a int, t text, unique (a), key (b, c))",
         "insert into changed values (1, x'0100', 'ab', 0.1, 'none', 1.2345, 7, 'a  '), "
         "(2, x'01000000', 'cd', null, 'y', null, null, null)"),
        """alter table changed modify b binary(16), modify c binary(16), modify e varchar(9),
          modify d int, drop column a, add column a varchar(10) first, modify t varchar(512);
        alter table changed change f g int;""",
    ),
    Case(
        "values that a check and a generated column use",
        ("create table used (id int primary key, n decimal(10, 4), twice decimal(20, 4) "
         "as (n * 2), constraint used_n check (n > 0))",
         "insert into used (id, n) values (1, 1.5)"),
        "alter table used drop column twice; alter table used modify n int;",
    ),
    Case(
        "rows of a table with triggers",
        ("create table watched (id int primary key auto_increment, n int)",
         "create table notes (id int primary key auto_increment, n int)",
         "create trigger w1 before insert on watched for each row set new.n = coalesce(new.n, 9)",
         "create trigger w2 after update on watched for each row insert into notes (n) "
         "values (old.n)",
         "create trigger w3 after update on watched for each row set @x = 1",
         "insert into watched (n) values (1), (2)", "update watched set n = n + 1"),
        """update watched set n = null; delete from watched where id = 1;
        alter table notes add x int;""",
    ),
    Case(
        "events whose time is over",
        ("set session timestamp = 1000000000",
         "create event gone_by on schedule at '2001-09-09 03:00:00' on completion preserve disable "
         "do select 1",
         "create event ending on schedule every 1 day starts '2001-09-09 02:00:00' "
         "ends '2001-10-01 00:00:00' disable do select 2",
         "create event once on schedule at '2001-09-09 03:00:00' disable do select 3"),
        "drop event gone_by; alter event ending comment 'y'; drop event once;",
    ),
    Case(
        "the expression of a virtual column",
        ("create table shown (id int primary key, a int, g int as (a + 1) virtual, "
         "h int as (g * 2) stored, key (h))", "insert into shown (id, a) values (1, 2)"),
        """alter table shown modify g int as (a + 5) virtual;
        alter table shown add column d date default (curdate());
        alter table shown modify g int as (a * 7) virtual, add column e int default (a);""",
    ),
    Case(
        "bodies whose last byte is a semicolon",
        ("create table ended (id int primary key, a int)",
         *(f"create {kind} {name}{place} {head} {body}{end}"
           for place, end in enumerate(KEPT)
           for kind, name, head, body in (
               ("trigger", "kept_t", "before insert on ended for each row", "set new.a = 1"),
               ("trigger", "kept_u", "after update on ended for each row", "set @a = 1"),
               ("event", "kept_e", "on schedule every 1 day disable do", "set @a = 1"),
               ("procedure", "kept_p", "()", "select 1"),
               ("function", "kept_f", "() returns int deterministic", "return 1"),
               ("procedure", "kept_b", "()", "begin select 1; end"))),
         "insert into ended values (1, 2)"),
        """drop trigger kept_t0; drop trigger kept_t1; drop event kept_e0; drop event kept_e1;
        drop procedure kept_p0; alter procedure kept_p1 comment 'x'; drop function kept_f0;
        drop function kept_f1; drop procedure kept_b0; drop procedure kept_b1;
        update ended set a = 3; drop table ended;""",
    ),
    Case(
        "the rights on a routine",
        ("create procedure given() select 1", "create user if not exists guest_of_given",
         "grant execute on procedure given to guest_of_given"),
        "alter procedure given comment 'x'; drop procedure given;",
    ),
    Case(
        "users, and rights that go with what the plan makes",
        ("create user if not exists guest_of_given",),
        """create user maker identified by 'x', 'maker'@'10.%' account lock;
        create user if not exists guest_of_given;
        create procedure fresh_given() select 1;
        grant execute on procedure fresh_given to guest_of_given with grant option;
        grant select, insert on *.* to maker, maker@'10.%';
        revoke insert on *.* from maker; alter user maker identified by 'y';""",
    ),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, family_server: Any, family_database: str) -> Iterator[Project]:
    """A project on MySQL and MariaDB, whose ledger is there."""
    yield from opened(Project(tmp_path, family_server.url(family_database)))
    execute(family_server, None, "drop user if exists guest_of_given")


def test_what_a_failed_plan_has_changed_is_there_again(
    project: Project, family_server: Any
) -> None:
    state, wrong = Shown(family_server, project.database), []
    execute(family_server, project.database, "create table users (id int primary key)")
    project.write("001_case.sql", FAILURE)
    refused(project.migrate("up", "--fresh"), 9)
    for case in CASES:
        if case.only not in ("", family_server.engine):
            continue
        execute(family_server, project.database, *case.there)
        before = state.look() + rights(family_server, project.database)
        project.write("001_case.sql", f"{case.section}\n{FAILURE}")
        failed = project.migrate("up")
        after = state.look() + rights(family_server, project.database)
        difference = show_difference(before, after)
        if difference or failed.code != 9 or "(1050)" not in failed.err:
            wrong.append(f"{case.name}: {failed.code} {failed.all} {difference}")
            project.migrate("resolve", "--mark-rolled-back", "the test goes on")
    assert not wrong, "\n".join(wrong)


def rights(server: Any, database: str) -> str:
    """Who is there, and who has rights on the routines of a database."""
    with server.connect(None) as connection, connection.cursor() as cursor:
        cursor.execute("select user, host, routine_name, proc_priv from mysql.procs_priv "
                       "where db = %s order by 1, 2, 3", (database,))  # fmt: skip
        routines = cursor.fetchall()
        cursor.execute("select user, host from mysql.user order by 1, 2")
        return repr((routines, cursor.fetchall()))


def test_what_a_client_of_another_character_set_has_made_is_made_again_by_it(
    project: Project, family_server: Any
) -> None:
    state = Shown(family_server, project.database)
    with pymysql.connect(
        host=family_server.host, port=family_server.port, user=family_server.user,
        database=project.database, charset="latin1", autocommit=True, ssl_disabled=True,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        for sql in ("create table users (id int primary key, name varchar(9))",
                    "create procedure cafe() select 'é'", "create procedure thé() select 1",
                    "create view ete as select 'é' as è",
                    "create trigger ou before insert on users for each row set new.name = 'é'",
                    "create function fa() returns char(1) deterministic return 'é'"):  # fmt: skip
            cursor.execute(sql)
    project.write("001_case.sql", FAILURE)
    refused(project.migrate("up", "--fresh"), 9)
    before = state.look()
    sections = (
        "drop procedure cafe;\ndrop procedure thé;\ndrop view ete;\ndrop trigger ou;\n"
        "alter function fa comment 'x';"
    )
    project.write("001_case.sql", f"{sections}\n{FAILURE}")
    refused(project.migrate("up"), 9, "as it was before")
    assert show_difference(before, state.look()) == ""


@pytest.mark.parametrize(("charset", "name"), [("hebrew", "cafא"), ("gbk", "caf中")])
def test_a_routine_whose_name_is_printed_wrongly_is_left_alone(
    mysql_project: Project, mysql_server: Any, charset: str, name: str
) -> None:
    with pymysql.connect(
        host=mysql_server.host, port=mysql_server.port, user=mysql_server.user,
        database=mysql_project.database, charset=charset, autocommit=True, ssl_disabled=True,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute(f"create procedure {name}() select 1")
    mysql_project.write("001_case.sql", f"create table made (id int);\ndrop procedure {name};")
    refused(mysql_project.migrate("up", "--fresh"), 9, name, "could not be made again")
    with mysql_server.connect(mysql_project.database) as shown, shown.cursor() as cursor:
        assert cursor.execute("show tables like 'made'") == 0
        assert cursor.execute(f"show create procedure {name}") == 1


def test_settings_that_no_transaction_allows_are_run_outside_of_one(
    project: Project, family_server: Any
) -> None:
    project.write(
        "001_case.sql",
        "set names utf8mb4; set session sql_log_bin = 0;"
        "set transaction isolation level read committed; create table made (id int);",
    )
    succeed(project.migrate("up", "--allow-non-atomic"))
    with family_server.connect(project.database) as connection, connection.cursor() as cursor:
        assert cursor.execute("show tables like 'made'") == 1


def test_a_missing_file_of_certificates_is_named(project: Project) -> None:
    project.write("001_case.sql", FAILURE)
    url = f"{project.url}?ssl_ca=/nowhere/ca.pem"
    result = project.migrate("plan", environ={"TEST_URL": url})
    refused(result, 64, "ssl_ca names /nowhere/ca.pem, which cannot be read: No such file")


def test_rights_that_the_role_cannot_see_are_told_before_anything_runs(
    project: Project, family_server: Any
) -> None:
    project.configure("copies: {limit: 1MB}\n")
    user, database = "blind_to_rights", project.database
    grants = f"grant all on `{database}`.* to {user}"
    execute(family_server, None, f"create user {user}", grants)
    try:
        url = project.url.replace("root@", f"{user}@")
        with family_server.connect(database, user=user) as connection:
            connection.query("create procedure own() select 1")
        project.write("001_case.sql", "create table made (id int);\ndrop procedure own;")
        result = project.migrate("up", "--fresh", environ={"TEST_URL": url})
        refused(result, 9, "the rights on the procedure own along", "mysql.procs_priv TO")
        execute(
            family_server, database, "create table top (id int primary key, a int unique)",
            "create table old (id int primary key, a int, foreign key (a) references top (a) "
            "on delete cascade)", "create table free (id int primary key, a int, b int)",
            "create view theirs as select 1",
            "create trigger theirs before insert on old for each row set @x = 1",
            "create trigger theirs_too before update on free for each row set @x = 1",
        )  # fmt: skip
        for gone in (
            "drop view theirs", "drop table old", "rename table old to kept;\ndrop table kept",
            "update old set a = null", "delete from top", "insert ignore into old values (1, 1)",
            "replace into old values (1, null)", "truncate table old",
            "rename table free to kept;\nupdate kept set a = 1", "alter table free drop column a",
        ):  # fmt: skip
            project.write("001_case.sql", f"create table made (id int);\n{gone};\n{FAILURE}")
            result = project.migrate("up", environ={"TEST_URL": url})
            refused(result, 9, " is defined by root@", "SET_ANY_DEFINER")
        execute(family_server, database, "drop trigger theirs_too", "create trigger unhurt_too "
                "before insert on free for each row set @x = 1")  # fmt: skip
        execute(
            family_server, None, "grant create, drop, alter, insert, select on "
            f"`{database}\\_lockgate\\_%`.* to {user}",
        )  # fmt: skip
        project.write("001_case.sql", "alter table free drop column a;")
        succeed(project.migrate("up", environ={"TEST_URL": url}))
        with family_server.connect(database) as connection, connection.cursor() as cursor:
            assert cursor.execute("show tables like 'made'") == 0
            assert cursor.execute("show create procedure own") == 1
    finally:
        execute(family_server, None, f"drop user {user}")


def test_the_servers_default_engine_is_no_assumption(project: Project, family_server: Any) -> None:
    project.configure("transaction: step\npolicy: {non_atomic: deny}\n")
    project.write("001_made.sql", "create table made (id int primary key);")
    project.write("002_rows.sql", "insert into made values (1);\ninsert into made values (1);")
    with given_to_all(family_server, "default_storage_engine", "MyISAM"):
        result = project.migrate("up", "--fresh")
    refused(result, 3, "NOT ATOMIC after 002_rows.sql:2", "keeps its rows at once")


def test_of_a_parent_that_the_role_cannot_read_the_grant_is_said(
    project: Project, family_server: Any
) -> None:
    user, database = "blind_to_parents", project.database
    ledger = f"{database}_ledger"
    project.configure(f"copies: {{limit: 1MB}}\nhistory: {{schema: {ledger}}}\n")
    all_but_select = "insert, update, delete, create, alter, drop, index, references, show view"
    execute(
        family_server, database, "create table users (id int)",
            "create table p (id int primary key)",
        "create table c (id int primary key, a int, constraint of_p foreign key (a) "
        "references p (id))", f"create database {ledger}", f"create user {user}",
        f"grant all on {ledger}.* to {user}", f"grant {all_but_select} on {database}.* to {user}",
        f"grant all on `{database}\\_lockgate\\_%`.* to {user}", f"grant select on c to {user}",
    )  # fmt: skip
    try:
        url = {"TEST_URL": project.url.replace("root@", f"{user}@")}
        looks = ("show create table p", "show create table c", "select * from p")
        before = [ask(family_server, database, look) for look in looks]
        for sql in ("alter table c drop foreign key of_p", "drop table c", "update p set id = 2"):
            project.write("001_case.sql", f"create table made (id int);\n{sql};\n{FAILURE}")
            result = project.migrate("up", "--fresh", environ=url)
            refused(result, 9, "SELECT command denied", "both tables of the foreign key of_p")
            assert [ask(family_server, database, look) for look in looks] == before
            grants = re.findall("GRANT SELECT ON .*? TO …", result.all)
            execute(family_server, None, *(one.replace("…", user) for one in grants))
            refused(project.migrate("up", "--fresh", environ=url), 9, "1050", "as it was before")
            assert [ask(family_server, database, look) for look in looks] == before
            execute(family_server, database, f"revoke select on p from {user}")
    finally:
        execute(family_server, None, f"drop user {user}", f"drop database {ledger}")
