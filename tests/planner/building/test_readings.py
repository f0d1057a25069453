"""What a plan carries of each statement: read once, by the rules of the plan's own server."""

from dataclasses import replace

import pytest

from lockgate.planner.building.readings import read_statement, with_readings
from lockgate.planner.plan.statement import Named
from lockgate.planner.sql.dialect import DIALECTS
from tests.planner.literals import SETTING, migration, up_plan


@pytest.mark.parametrize("engine", DIALECTS)
def test_every_statement_that_runs_carries_its_reading(engine: str) -> None:
    server = replace(SETTING.server, dialect=DIALECTS[engine])
    plan = up_plan([migration(1), migration(2)], setting=replace(SETTING, server=server))
    kinds = [one.reading and one.reading.kind for step in plan.steps for one in step.statements]
    assert kinds == ["create table", "create table"]


@pytest.mark.parametrize("engine", DIALECTS)
def test_it_names_what_is_changed_and_whose_rows_are_written(engine: str) -> None:
    def objects(sql: str) -> tuple[Named, ...]:
        return read_statement(sql, DIALECTS[engine]).objects

    assert objects("drop table a.t") == (Named(kind="table", name="t", qualifier="a"),)
    assert objects("delete from t") == (Named(kind="table", name="t"),)


@pytest.mark.parametrize(
    ("engine", "sql", "opaque"),
    [
        ("postgresql", "do $$ begin end $$", True),
        ("postgresql", "select 1", False),
        ("postgresql", "select query_to_xml('delete from t', true, true, '')", True),
        ("postgresql", "create view v as select * from ts_stat('select a from t')", True),
        ("postgresql", "create event trigger e on ddl_command_end execute function f()", True),
        ("postgresql", "insert into a.t (b) values (a.f())", True),
        ("postgresql", "insert into a.t (b) values (pg_catalog.now())", False),
        ("postgresql", "create rule r as on insert to t do also select a.f()", True),
        ("postgresql", "alter table t alter a type int using a.f(b)", True),
        ("postgresql", "create table t (a int default a.f())", False),
        ("postgresql", "select f()", True),
        ("postgresql", "select lower(a), count(*), f.a from f where a in (1)", False),
        ("postgresql", "insert into t values (f())", True),
        ("postgresql", "update t set a = 1 where f(a)", True),
        ("postgresql", "create table t as select f()", True),
        ("postgresql", "create index on t (f(a))", True),
        ("postgresql", "alter table t add a uuid default uuid_generate_v4()", True),
        ("postgresql", "alter table t alter a set default f()", False),
        ("postgresql", "create table t (a int default f())", False),
        ("postgresql", "create view v as select f()", False),
        ("postgresql", "insert into t values " + "(1, now()), " * 3000 + "(1, f())", True),
        ("postgresql", "insert into t values " + "(1, now()), " * 3000 + "(1, 'f()')", False),
        (
            "postgresql",
            "create trigger g before insert on t for each row execute function f()",
            True,
        ),
        (
            "postgresql",
            "create trigger g before insert on t for each row execute function "
            "suppress_redundant_updates_trigger()",
            False,
        ),
        (
            "postgresql",
            "create function f() returns trigger language plpgsql as "
            "$$ begin new.a := g(); return new; end $$",
            True,
        ),
        (
            "postgresql",
            "create function f() returns trigger language plpgsql as $$ begin "
            "if (new.a > 1) then insert into u (a) values (lower(new.a)); end if; end $$",
            False,
        ),
        ("postgresql", "create function f() returns int language sql as 'select g()'", False),
        ("mysql", "select f()", True),
        ("mysql", "insert into t (a) values (f ())", True),
        ("mysql", "select a from t join u on f(a)", True),
        ("mysql", "create table t as select f()", True),
        ("mysql", "select `count`(1)", True),
        ("mysql", "create table t (a varchar(5), key k (a), check (a in ('x')))", False),
        ("mysql", "with x (a) as (select 1) select count(*), a from x group by (a)", False),
        ("mysql", "insert into t (a) values (now()) on duplicate key update a = values(a)", False),
        ("mysql", "create trigger g before insert on t for each row set new.a = f()", True),
        ("mysql", "create function f() returns int return g()", False),
        ("mysql", "select nvl(1)", True),
        ("mariadb", "select nvl(a, 1) from t", False),
        ("mysql", "insert into a.t (b) values (a.f())", True),
        ("mysql", "insert into a.t (b) values (now())", False),
        ("mysql", "prepare s from 'select 1'", True),
        ("mariadb", "set @a = a.f()", True),
        ("mysql", "call p()", True),
        ("mariadb", "call p()", True),
        ("mysql", "select 1", False),
    ],
)
def test_code_that_was_not_read_is_marked(engine: str, sql: str, opaque: bool) -> None:
    assert read_statement(sql, DIALECTS[engine]).opaque is opaque


def test_ddl_of_mysql_commits_by_itself_and_that_of_postgresql_does_not() -> None:
    sql = "alter table t add a int"
    assert read_statement(sql, DIALECTS["mysql"]).commits == "itself"
    assert read_statement(sql, DIALECTS["postgresql"]).commits == "never"


def test_vacuum_runs_outside_of_a_transaction_only() -> None:
    assert read_statement("vacuum t", DIALECTS["postgresql"]).outside_only


def test_a_statement_that_has_a_reading_keeps_it() -> None:
    plan = up_plan([migration(1)])
    assert with_readings(plan.steps, DIALECTS["mysql"]) == plan.steps
