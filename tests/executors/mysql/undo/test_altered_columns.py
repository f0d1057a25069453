"""Columns whose definitions are hard to make again come back with their values."""

from typing import Any

import pytest

from lockgate.planner.errors import StatementFailed
from lockgate.planner.guarantees.guarantee import COMPENSATION
from tests.executors.building import apply_plan, plan_for
from tests.executors.mysql.undo.copying import LIMIT, copying_engine
from tests.executors.mysql.undo.test_foreign_changes import on_first_statement
from tests.executors.rows import ask, execute

SETUP = (
    "create table t (id int not null auto_increment, a int not null, n int, "
    "u char(36) not null default (uuid()), r double default (rand()), d datetime default (now()), "
    "s timestamp not null default current_timestamp on update current_timestamp, "
    "f bit(3) not null default b'101', doc json not null default ('[]'), hidden int default 7 "
    "invisible, big bigint unsigned, primary key (id), unique key ua (a)) charset = latin1",
    "insert into t (a, n, s, big) values (5, null, '2020-01-01', 18446744073709551615), "
    "(6, 1, '2020-01-02', 9223372036854775808), (7, 2, '2020-01-03', null)",
    "create table named (k varchar(9) primary key, b varchar(20), c text) charset = latin1",
    "insert into named values ('é', 'b', 'c'), ('y', null, null)",
    "create table dates (id int primary key, born date, stamp timestamp null)",
    "set sql_mode = 'ALLOW_INVALID_DATES'",
    "insert into dates values (1, '2020-02-30', '2020-01-01')",
    "set sql_mode = default",
)
SECTIONS = {
    "defaults that are computed": "alter table t drop column u, drop column r, drop column d",
    "defaults of other forms": "alter table t drop column f, drop column doc, drop column hidden",
    "a default of a replaced type": "alter table t modify u varchar(3) default ('x')",
    "the greatest integers": "alter table t modify big decimal(20, 0)",
    "the greatest integers with a fraction": "alter table t modify big decimal(30, 5)",
    "a key that is exchanged": "alter table t drop primary key, add primary key (a), "
    "add key (id);\nalter table t drop column n;\ntruncate table t",
    "a key that is exchanged with it": "alter table t drop primary key, add primary key (a), "
    "add key (id), drop column n",
    "a key that is dropped with it": "alter table t modify id int, drop primary key, drop column n",
    "a key that is renamed with it": "alter table t change id moved int auto_increment, "
    "drop column n",
    "a time that is renamed with it": "alter table t rename column s to moved, drop column n",
    "a key of another character set": "alter table named convert to character set utf8mb4 "
    "collate utf8mb4_bin, drop column b",
    "a NULL that becomes a key": "set sql_mode = '';\nalter table t drop primary key, "
    "add primary key (n), add key (id), drop column a",
    "invalid dates beside an exchanged key": "set sql_mode = '';\nalter table dates drop primary "
    "key, add primary key (stamp)",
    "invalid dates beside a column that was nullable": "set sql_mode = '';\nalter table dates "
    "modify stamp timestamp not null",
    "a default character set of its own": "alter table named default character set utf8mb4;\n"
    "alter table named modify b varchar(100)",
}


engine = copying_engine(*SETUP)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_plan_that_fails_leaves_them_as_they_were(
    family_server: Any, family_database: str, engine: Any, section: str
) -> None:
    text = f"{SECTIONS[section]};\ncreate table fails (a int, a int)"
    plan = plan_for(engine, {"001_a": text}, copy_limit=LIMIT)
    assert plan.verdict == COMPENSATION
    assert "point-of-no-return" not in [one.guarantee for one in plan.steps[0].statements]
    tables = ("t", "named", "dates")
    before = [shown(family_server, family_database, table) for table in tables]
    with pytest.raises(StatementFailed, match="as it was before"):
        apply_plan(engine, plan)
    assert [shown(family_server, family_database, table) for table in tables] == before


def shown(server: Any, database: str, table: str) -> tuple[str, list[Any]]:
    """A table's definition, and the bytes of its rows, of hidden columns too."""
    names = [row[0] for row in ask(server, database, f"show columns from {table}")]
    texts = ", ".join(f"coalesce(hex(cast({name} as binary)), 'null')" for name in names)
    ((_, create),) = ask(server, database, f"show create table {table}")
    return create, ask(server, database, f"select {texts} from {table}")


def test_what_others_write_to_a_column_that_loses_nothing_stays(
    family_server: Any, family_database: str, engine: Any
) -> None:
    text = (
        "alter table t drop column n, modify a bigint not null;\ncreate table fails (a int, a int)"
    )
    plan = plan_for(engine, {"001_a": text}, copy_limit=LIMIT)
    writes = "insert into t (a) values (9)", "update t set a = 55 where a = 5"
    writing = on_first_statement(lambda: execute(family_server, family_database, *writes))
    with pytest.raises(StatementFailed, match="other sessions have written"):
        apply_plan(engine, plan, emit=writing)
    assert ask(family_server, family_database, "select a from t") == [(6,), (7,), (9,), (55,)]
