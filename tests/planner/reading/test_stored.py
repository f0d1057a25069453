"""Code that takes data away is told from names, events and functions of the same words."""

import pytest

from lockgate.planner.reading.stored import runs_other_code, takes_all, takes_away
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import MYSQL


@pytest.mark.parametrize(
    "sql",
    [
        "begin if a then delete from t; end if; end",
        "do truncate table t",
        "alter table t drop column a",
        "for each row delete t from t join u",
    ],
)
def test_it_takes_data_away(sql: str) -> None:
    assert takes_away(tuple(read_tokens(sql, MYSQL).rest()))


@pytest.mark.parametrize(
    "sql",
    [
        "before delete on t for each row set @a = truncate(1.5, 1)",
        "after insert or delete on t",
        "create table t (a int references u on delete cascade, `drop` int)",
        "insert into t values ('delete'), (old.delete)",
        "drop temporary table t",
    ],
)
def test_it_takes_nothing_away(sql: str) -> None:
    assert not takes_away(tuple(read_tokens(sql, MYSQL).rest()))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("delete from a; select 1 from b where c", True),
        ("begin delete from a where b; end", False),
        ("begin if exists (select 1 from b where c) then delete from a; end if; end", True),
        ("delete from a using (select 1) b where a.c = (select d from e)", False),
        ("begin delete from a where b; truncate c; end", True),
        ("select a from b where c", False),
        (") where ( delete from a", True),
    ],
)
def test_what_is_taken_without_a_condition_is_told(sql: str, expected: bool) -> None:
    assert takes_all(tuple(read_tokens(sql, MYSQL).rest())) is expected


@pytest.mark.parametrize(
    "sql",
    [
        "create trigger t before insert on a for each row call p()",
        "begin if a then call p(); end if; end",
        "do execute immediate concat('del', 'ete')",
        "begin perform f(); return new; end",
        "begin perform pg_notify('a', 'b'); perform f(); end",
        "begin x := public.f(1); return new; end",
        "for each row set new.a = `shop`.`f`(1)",
        "begin insert into a.t (b) values (a.f()); end",
    ],
)
def test_it_runs_other_code(sql: str) -> None:
    assert runs_other_code(tuple(read_tokens(sql, MYSQL).rest()))


@pytest.mark.parametrize(
    "sql",
    [
        "create trigger t before insert on a for each row execute function f()",
        "begin perform pg_notify('a', 'b'); return new; end",
        "begin deallocate prepare s; end",
        "for each row insert into t (`call`, a.execute) values ('call p()')",
        "begin insert into a.t (b) select pg_catalog.now(); replace a.t (b) values (1); end",
        "begin select x.b in (1) from a.t x join a.u using (b); create index i on a.t (b); end",
    ],
)
def test_it_runs_no_other_code(sql: str) -> None:
    assert not runs_other_code(tuple(read_tokens(sql, MYSQL).rest()))
