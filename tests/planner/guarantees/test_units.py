# ruff: noqa: E501 (a sample is one line)
"""What a plan on MySQL and MariaDB guarantees: each statement, the units of steps, the verdict."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.database.facts import ColumnFacts, Facts, ForeignKey, TableFacts
from lockgate.planner.database.mentions import read_mentions
from lockgate.planner.guarantees.guarantee import COMPENSATION, ONE_TRANSACTION
from lockgate.planner.guarantees.statement_guarantees import Terms
from lockgate.planner.guarantees.units import _group, rejudge
from lockgate.planner.plan.plan import Plan
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import MARIADB, MYSQL
from tests.planner.literals import SERVER, SETTING, migration, up_plan

UTF8 = ("utf8mb4", "utf8mb4_0900_ai_ci")
USERS = TableFacts(
    "InnoDB",
    rows=3,
    size=16384,
    columns={
        "id": ColumnFacts("int", False, counts=True),
        "name": ColumnFacts("varchar(50)", True, *UTF8),
        "Age": ColumnFacts("smallint unsigned", True),
        "total": ColumnFacts("decimal(10,2)", True),
        "mood": ColumnFacts("enum('a','b')", False, *UTF8),
        "twice": ColumnFacts("int", True, generated=True),
    },
    primary_key=("id",),
    collation=UTF8[1],
)
FACTS = Facts(
    tables={
        "users": USERS,
        "touched": replace(USERS, columns={"at": ColumnFacts("timestamp", True, updates_itself=True)}),
        "watched": replace(USERS, triggers=("g",)),
        "parent": USERS,
        "child": replace(USERS, size=2048),
        "famous": USERS,
        "filled": replace(USERS, triggers=("h",), triggered=read_mentions("set new.name = lower(new.name)", MYSQL)),
        "noted": replace(USERS, triggers=("n",), triggered=read_mentions("insert into child (name) values (1)", MYSQL)),
        "texts": replace(USERS, primary_key=("name",)),
        "keyless": replace(USERS, primary_key=()),
        "versioned": replace(USERS, versioned=True),
    },
    views=frozenset({"v", "bv"}),
    broken_views=frozenset({"bv"}),
    functions=frozenset({"f", "lowered", "twofold"}),
    code={
        "lowered": read_mentions("return lower(replace(s, 'a', 'b'))", MYSQL),
        "twofold": read_mentions("return lowered(f(s))", MYSQL),
    },
    foreign_keys=(
        ForeignKey("child", "parent", "up", ("id",), on_update=True, on_delete=True),
        ForeignKey("elsewhere.fan", "famous", "fan", ("id",), on_delete=True),
        ForeignKey("users", "child", "plain", ("id",)),
        ForeignKey("users", "unmade", "dangling", ("id",), on_delete=True),
    ),
    strict=True,
)  # fmt: skip
MIXED = replace(FACTS, tables={**FACTS.tables, "old": replace(USERS, storage_engine="MyISAM")})
LIMIT = 20000


def plan(
    *ups: str, facts: Facts = FACTS, limit: int | None = None, mode: str = "plan", alone: int = 0
) -> Plan:
    """A plan of these up sections; the one with number `alone` says transaction:false."""
    server = replace(SERVER, dialect=MYSQL)
    setting = replace(SETTING, server=server, facts=facts, copy_limit=limit, transaction=mode)  # type: ignore[arg-type]
    options = {alone: "transaction:false"}
    steps = [migration(n, up, options=options.get(n, "")) for n, up in enumerate(ups, 1)]
    return up_plan(steps, setting=setting)


def guarantees(found: Plan) -> list[str]:
    return [one.guarantee for step in found.steps for one in step.statements]


def reasons(found: Plan) -> list[str]:
    return [one.reason for step in found.steps for one in step.statements]


def units(found: Plan) -> list[int | None]:
    return [step.transaction for step in found.steps]


class TestAStatementAlone:
    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("select 1", "transactional"),
            ("set foreign_key_checks = 0", "transactional"),
            ("create temporary table x (a int)", "transactional"),
            ("use shop", "transactional"),
            ("update users set name = 1", "transactional"),
            ("insert into v values (1)", "transactional"),
            ("select f(1)", "transactional"),
            ("create table x (a int)", "compensated"),
            ("create or replace view v as select 1", "compensated"),
            ("create trigger h before insert on users for each row set new.name = 1", "compensated"),
            ("create procedure p() drop table users", "compensated"),
            ("drop function f", "compensated"),
            ("drop view v", "compensated"),
            ("create index i on users (name)", "compensated"),
            ("alter table users add z int, rename column name to n, alter total set default 1", "compensated"),
            ("alter table users rename to people", "compensated"),
            ("rename table users to people", "compensated"),
            ("alter table users drop column twice", "compensated"),
            ("alter table users auto_increment = 5, comment 'x', engine=innodb", "compensated"),
            ("alter table users partition by key (id)", "compensated"),
            ("analyze table users", "compensated"),
            ("drop table users", "deferred"),
            ("drop table if exists users, shop.parent", "deferred"),
            ("truncate users", "point-of-no-return"),
            ("alter table users drop name", "point-of-no-return"),
            ("alter table users convert to charset latin1", "compensated"),
            ("alter table users convert to charset sjis", "point-of-no-return"),
            ("alter table users drop partition p", "point-of-no-return"),
            ("alter table users engine = myisam", "point-of-no-return"),
            ("alter table elsewhere.users add a int", "point-of-no-return"),
            ("rename table users to elsewhere.users", "point-of-no-return"),
            ("rename table v to w", "point-of-no-return"),
            ("insert into elsewhere.t values (1)", "point-of-no-return"),
            ("use elsewhere", "point-of-no-return"),
            ("set global max_connections = 1", "point-of-no-return"),
            ("grant select on users to a", "point-of-no-return"),
            ("create user a, b", "compensated"),
            ("create user if not exists a", "compensated"),
        ],
    )  # fmt: skip
    def test_has_the_guarantee_of_what_it_does(self, sql: str, expected: str) -> None:
        found = plan(f"{sql};")
        assert guarantees(found) == [expected]
        assert units(found) == [1]
        atomic = ONE_TRANSACTION if expected == "transactional" else COMPENSATION
        assert found.verdict == atomic
        assert bool(reasons(found)[0]) == (expected != "transactional")

    @pytest.mark.parametrize(
        "clause", ["add primary key (Age)", "modify age smallint unsigned primary key"]
    )
    def test_null_in_a_new_key_is_lost_without_strict_mode(self, clause: str) -> None:
        alter = f"alter table keyless {clause};"
        lax = replace(FACTS, strict=False)
        assert guarantees(plan(alter)) == ["compensated"]
        assert guarantees(plan(alter, facts=lax)) == ["point-of-no-return"]
        found = plan(f"set sql_mode = ''; {alter}")
        assert guarantees(found)[1] == "point-of-no-return"
        assert "NULL becomes another value" in reasons(found)[1]
        not_null = "alter table keyless add primary key (id);"
        assert guarantees(plan(not_null, facts=lax)) == ["compensated"]

    @pytest.mark.parametrize("name", ["v", "V", "`bv`"])
    @pytest.mark.parametrize("rest", ["(id int primary key)", "like users"])
    def test_a_view_that_has_the_name_is_not_taken_for_a_new_table(
        self, name: str, rest: str
    ) -> None:
        rows = f"delete from {name};"
        found = plan(f"create table if not exists {name} {rest}; {rows} drop view if exists w;")
        assert guarantees(found)[1] != "implied"

    @pytest.mark.parametrize(
        "definition",
        [
            "name varchar(50) not null comment 'x' first",
            "name varchar(80)",
            "name varchar(80) character set utf8mb4 collate utf8mb4_bin",
            "age int unsigned",
            "age int",
            "AGE smallint(5) unsigned null default 3",
            "id bigint auto_increment",
            "total decimal(12,3)",
            "mood enum('a', 'b', 'c')",
            "twice int as (id * 2) stored",
        ],
    )
    def test_may_widen_a_column(self, definition: str) -> None:
        assert guarantees(plan(f"alter table users modify {definition};")) == ["compensated"]

    @pytest.mark.parametrize(
        "definition",
        [
            "name char(40)",
            "name varchar(80) character set sjis",
            "name tinytext",
            "name int",
            "age float",
            "total decimal(12,1)",
            "total int",
            "mood enum('b', 'c')",
            "mood varchar(9)",
            "twice int",
            "name varchar(80) as (mood)",
            "total decimal(10,2) auto_increment",
            "nothing int",
        ],
    )
    def test_must_not_narrow_one_or_change_its_type(self, definition: str) -> None:
        column = definition.split()[0]
        found = plan(f"alter table users modify {definition};")
        assert guarantees(found) == ["point-of-no-return"]
        assert column in reasons(found)[0]
        assert "`copies: {limit: …}`" in reasons(found)[0]

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("call p()", "what the procedure does"),
            ("execute s", "the text that it runs"),
            ("drop database d", "DROP DATABASE"),
            ("create or replace table users (a int)", "drops the old table"),
            ("insert into old values (1), (2)", "keeps its rows at once"),
        ],
    )
    def test_that_may_fail_half_way_makes_no_unit(self, sql: str, why: str) -> None:
        found = plan(f"create table a (a int);\n{sql};", facts=MIXED)
        assert units(found) == [None]
        assert guarantees(found) == ["point-of-no-return"] * 2
        assert found.verdict.startswith("NOT ATOMIC after 1_m1.sql:2: its section cannot ")
        assert why in found.verdict
        alone = plan(f"{sql};", facts=MIXED)
        assert alone.verdict.startswith("NOT ATOMIC after 1_m1.sql:2: ")
        assert why in alone.verdict

    def test_may_forbid_null_only_where_the_server_is_strict(self) -> None:
        sql = "alter table users modify name varchar(50) not null;"
        lax = replace(FACTS, strict=False)
        assert guarantees(plan(sql, facts=lax)) == ["point-of-no-return"]
        assert guarantees(plan(f"set sql_mode = '';\n{sql}"))[1] == "point-of-no-return"

    @pytest.mark.parametrize(
        "definition",
        [
            "name varchar(40)",
            "name varchar(80) character set latin1",
            "name text",
            "age smallint",
            "age tinyint unsigned",
            "age varchar(5)",
            "total decimal(12,2) unsigned",
            "total decimal(11,4)",
            "mood enum('b', 'a', 'c')",
            "mood enum('b')",
        ],
    )
    def test_may_ask_what_a_strict_server_refuses(self, definition: str) -> None:
        sql = f"alter table users modify {definition};"
        assert guarantees(plan(sql)) == ["compensated"]
        lax = guarantees(plan(sql, facts=replace(FACTS, strict=False)))
        grows = definition in ("name text", "mood enum('b', 'a', 'c')")
        assert lax == ["compensated" if grows else "point-of-no-return"]

    def test_may_change_invalid_dates_where_the_server_is_not_strict(self) -> None:
        dated = replace(USERS, columns={**USERS.columns, "born": ColumnFacts("date", True)})
        lax = replace(FACTS, tables={"dated": dated}, strict=False)
        sql = "alter table dated modify age bigint unsigned null;"
        assert guarantees(plan(sql, facts=lax)) == ["point-of-no-return"]
        assert "may change invalid dates of born" in reasons(plan(sql, facts=lax))[0]
        assert guarantees(plan(sql, facts=replace(lax, strict=True))) == ["compensated"]
        quick = "alter table dated add index i (age);"
        assert guarantees(plan(quick, facts=lax)) == ["compensated"]

    def test_must_not_drop_a_table_that_others_refer_to_unguarded(self) -> None:
        found = plan("set foreign_key_checks = 0;\ndrop table child;")
        assert guarantees(found) == ["transactional", "point-of-no-return"]
        assert "users refers to" in reasons(found)[1]
        for sql in ("set foreign_key_checks = 0;\ndrop table child, users;",
                    "set foreign_key_checks = 0;\ndrop table watched;",
                    "set foreign_key_checks = 0;\ndrop table if exists unmade;",
                    "set foreign_key_checks = 0;\nset foreign_key_checks = 1;\ndrop table child;"):  # fmt: skip
            assert guarantees(plan(sql))[-1] == "deferred", sql

    def test_keeps_the_rows_of_a_table_without_transactions(self) -> None:
        for sql in ("delete from old;", "insert into watched values (1);", "drop table old;",
                    "insert into v values (1);", "alter table old add a int;", "select f(1);"):  # fmt: skip
            assert guarantees(plan(sql, facts=MIXED)) == ["point-of-no-return"], sql
        assert guarantees(plan("delete from users;", facts=MIXED)) == ["transactional"]

    @pytest.mark.parametrize(
        "sql",
        [
            "drop view bv",
            "drop view v, bv",
            "create or replace view bv as select 1",
            "alter view bv as select 1",
        ],
    )
    def test_must_not_touch_a_view_that_is_broken_already(self, sql: str) -> None:
        found = plan(f"{sql};")
        assert guarantees(found) == ["point-of-no-return"]
        assert "the view bv is broken" in reasons(found)[0]

    def test_may_touch_a_view_that_it_breaks_itself_or_that_is_mended(self) -> None:
        found = plan("drop table users;\ndrop view v;")
        assert guarantees(found) == ["deferred", "compensated"]
        mended = plan("create or replace view bv as select 1;", "drop view bv;", mode="step")
        assert guarantees(mended) == ["point-of-no-return", "compensated"]

    @pytest.mark.parametrize(
        "sql",
        [
            "alter table versioned add z int",
            "alter table versioned comment 'x'",
            "create index i on versioned (name)",
            "alter table versioned drop column name",
            "truncate versioned",
            "drop table versioned",
            "alter table users add system versioning",
        ],
    )
    def test_must_not_change_a_system_versioned_table(self, sql: str) -> None:
        found = plan(f"{sql};", limit=LIMIT)
        assert guarantees(found) == ["point-of-no-return"]
        assert "system" in reasons(found)[0]

    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("create table x (a int) with system versioning;\ninsert into x values (1)", "implied"),
            ("rename table versioned to w", "compensated"),
            ("create trigger h before insert on versioned for each row set new.name = 1", "compensated"),
        ],
    )  # fmt: skip
    def test_may_make_or_rename_a_system_versioned_table(self, sql: str, expected: str) -> None:
        found = plan(f"{sql};\ncreate table y (a int);")
        assert guarantees(found)[-2] == expected
        assert found.verdict == COMPENSATION

    @pytest.mark.parametrize(
        "sql",
        [
            "create table x (a int) with system versioning;\nalter table x add z int",
            "create table x (a int, b int with system versioning);\nalter table x add z int",
            "create table x like versioned;\nalter table x add z int",
            "rename table versioned to x;\nalter table x add z int",
        ],
    )
    def test_knows_which_tables_the_plan_has_versioned(self, sql: str) -> None:
        assert guarantees(plan(f"{sql};"))[-1] == "point-of-no-return"

    def test_may_change_a_table_whose_versioning_has_ended(self) -> None:
        found = plan("alter table versioned drop system versioning;",
                     "alter table versioned add z int;")  # fmt: skip
        assert guarantees(found) == ["point-of-no-return", "compensated"]

    @pytest.mark.parametrize(
        "sql",
        [
            "set check_constraint_checks = 0",
            "set @@session.sql_log_bin := OFF",
            "set skip_replication = on",
            "set sql_quote_show_create = 0",
            "set @a = 1, sql_select_limit = 1",
            "set enforce_storage_engine = 'MyISAM'",
            "set statement check_constraint_checks = 0 for update users set name = 1",
            "set statement sql_mode = '' for alter table users modify name varchar(50) not null",
        ],
    )
    def test_must_not_set_what_undoing_would_need(self, sql: str) -> None:
        found = plan(f"{sql};\ncreate table x (a int);")
        assert guarantees(found)[0] == "point-of-no-return"
        assert reasons(found)[0].startswith("it sets ")
        assert found.verdict.startswith("NOT ATOMIC")

    @pytest.mark.parametrize(
        "sql",
        [
            "set check_constraint_checks = 1, sql_log_bin = on",
            "set sql_select_limit = default, unique_checks = 0",
            "set statement max_statement_time = 9 for create table y (a int)",
            "set statement foreign_key_checks = 0 for select 1",
        ],
    )
    def test_may_set_what_does_no_harm(self, sql: str) -> None:
        assert plan(f"{sql};\ncreate table x (a int);").verdict == COMPENSATION

    def test_of_an_unknown_table_cannot_lose_a_column(self) -> None:
        found = plan("alter table unknown drop a, modify b int;", limit=LIMIT)
        assert guarantees(found) == ["point-of-no-return"]


class TestCopies:
    @pytest.mark.parametrize(
        "sql",
        [
            "alter table users drop column name, modify total int",
            "alter table users modify name char(3)",
            "alter table users change Age years float",
            "alter table users convert to character set sjis",
            "truncate table keyless",
            "truncate watched",
            "delete from filled;\ncreate table x (a int)",
            "update users set name = 1;\ncreate table x (a int)",
            "delete from keyless;\ncreate table x (a int)",
        ],
    )
    def test_keep_what_a_statement_loses_when_the_environment_allows_it(self, sql: str) -> None:
        found = plan(f"{sql};", limit=LIMIT)
        assert guarantees(found)[0] == "compensated-by-copy"
        assert found.verdict == COMPENSATION
        (warning,) = found.warnings
        assert warning.startswith("Step 1 statement 1: ")
        assert "are copied first. What others write" in warning  # and no size: an estimate moves
        assert "would be overwritten" in warning

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("alter table users drop column id", "by the primary key"),
            ("alter table users modify ID float", "by the primary key"),
            ("alter table texts convert to character set sjis", "by the primary key"),
            ("alter table keyless drop column name", "without a primary key"),
            ("delete from watched;\ncreate table x (a int)", "triggers of watched do is not known"),
            ("delete from famous;\ncreate table x (a int)", "elsewhere.fan is no table"),
            ("delete from versioned;\ncreate table x (a int)", "its history would show"),
            ("alter table users drop partition p", "drops partitions"),
            (
                "alter table filled drop column name;\ntruncate filled",
                "may name columns that are gone",
            ),
            (
                "alter table filled rename column name to n;\ndelete from filled;\ncreate table x (i int)",
                "may name columns that are gone",
            ),
            ("truncate unknown", "no table that was there"),
            (
                "alter table users alter column Twice set default 1",
                "no default of Twice, a generated",
            ),
        ],
    )
    def test_are_not_taken_of_what_they_could_not_bring_back(self, sql: str, why: str) -> None:
        found = plan(f"{sql};", limit=LIMIT)
        assert guarantees(found)[-1] == "point-of-no-return"
        assert why in reasons(found)[-1]
        assert found.warnings == ()

    def test_of_a_dropped_column_overwrite_nothing(self) -> None:
        found = plan("alter table parent drop column name;", limit=LIMIT)
        assert guarantees(found) == ["compensated-by-copy"]
        assert found.warnings == ()

    @pytest.mark.parametrize(
        ("sql", "tables"),
        [
            ("delete from parent", "parent, child"),
            ("replace into parent (id) values (1)", "parent, child"),
            ("update parent set id = 2", "parent, child"),
            ("update parent p join users u using (id) set p.id = 2", "parent, child"),
            ("insert into parent values (1) on duplicate key update id = 2", "parent, child"),
            ("insert into parent values (1)", "parent"),
            ("update parent set name = 2", "parent"),
            ("update parent p join users u using (id) set p.name = u.name", "parent"),
            ("insert into noted values (1)", "noted, child"),
        ],
    )
    def test_are_taken_of_all_tables_that_a_change_reaches(self, sql: str, tables: str) -> None:
        found = plan(f"{sql};\ncreate table x (a int);", limit=LIMIT)
        assert guarantees(found)[0] == "compensated-by-copy"
        assert f"it changes rows of {tables}; the rows are copied" in reasons(found)[0]

    @pytest.mark.parametrize(
        "chain",
        [
            "create table fresh (id int primary key); create table middle (id int primary key, "
            "f int references fresh (id) on delete cascade); alter table users add m int references "
            "middle (id) on delete cascade",
            "set foreign_key_checks = 0; alter table users add f int references fresh (id) "
            "on delete cascade; create table fresh (id int primary key)",
            "create table fresh (id int primary key); rename table fresh to unmade; "
            "create table fresh like unmade; rename table fresh to f2, unmade to fresh; "
            "rename table fresh to unmade, f2 to fresh; alter table users add f int references "
            "fresh (id) on delete cascade",
        ],
    )
    def test_are_taken_where_foreign_keys_lead_from_new_tables_to_old_ones(
        self, chain: str
    ) -> None:
        found = plan(f"{chain}; delete from fresh; create table x (a int);", limit=LIMIT)
        assert guarantees(found)[-2] == "compensated-by-copy"

    def test_are_taken_where_an_old_foreign_key_names_a_table_that_the_plan_makes(self) -> None:
        sql = (
            "create table unmade (id int primary key); delete from unmade; create table x (a int);"
        )
        assert guarantees(plan(sql, limit=LIMIT))[1] == "compensated-by-copy"
        sql = "create table unmade (id int primary key); insert into unmade values (1); alter table x add y int;"
        assert guarantees(plan(sql, limit=LIMIT))[1] == "implied"

    def test_are_not_taken_beyond_the_limit(self) -> None:
        found = plan("alter table users drop name;", limit=8192)
        assert guarantees(found) == ["point-of-no-return"]
        assert "16kB are more than the 8kB" in reasons(found)[0]


class TestRows:
    def test_that_nothing_but_rows_follows_are_of_one_transaction(self) -> None:
        found = plan("create table x (a int);\nupdate users set name = 1;\nselect 1;\n"
                     "insert into x values (1);", "delete from users;")  # fmt: skip
        assert guarantees(found) == ["compensated", *["transactional"] * 4]
        assert units(found) == [1, 1]
        assert found.verdict == COMPENSATION
        assert plan("delete from users;", "update users set name = 1;").verdict == ONE_TRANSACTION

    @pytest.mark.parametrize(
        "sql",
        [
            "create table x (a int);\ninsert into x values (1)",
            "create table x (a int);\nrename table x to y;\ninsert into y values (1)",
            "create table x (a int) engine = myisam;\ninsert into x values (1)",
            "create table x (a int);\ntruncate x",
            "create table x (a int);\nload data infile 'a' into table x",
            "alter table users add z int, add y int;\nupdate users set Z = name, y = 1",
            "alter table users add z int;\nalter table users rename column z to y;\nupdate users set y = 1",
            "alter table users add z int;\nrename table users to u;\nupdate u set z = 1",
        ],
    )
    def test_of_what_the_unit_made_are_undone_with_it(self, sql: str) -> None:
        found = plan(f"{sql};\nalter table keyless comment 'x';")
        assert guarantees(found)[-2] == "implied"
        assert found.verdict == COMPENSATION

    @pytest.mark.parametrize(
        "sql",
        [
            "update users set name = 1",
            "insert into x values (1)",
            "create table if not exists users (a int);\ninsert into users values (1)",
            "create table if not exists USERS (a int);\ninsert into USERS values (1)",
            "alter table users add z int;\nupdate users set z = 1, name = 2",
            "alter table users add z int;\nalter table users rename column z to name, rename column name to z;\nupdate users set z = 1",
            "alter table users modify name text;\nalter table users add if not exists name int;\nupdate users set name = 1",
            "alter table users add z int;\ninsert into users (z) values (1)",
            "alter table watched add z int;\nupdate watched set z = 1",
            "alter table filled add z int;\nupdate filled set z = 1",
            "alter table touched add z int;\nupdate touched set z = 1",
            "alter table users add z int;\nupdate users set z = f(1)",
            "alter table users add if not exists name int;\nupdate users set name = 1",
            "create table x (a int);\ncreate trigger h before insert on x for each row delete from users;\ninsert into x values (1)",
            "create table x (a int primary key);\nalter table users add foreign key (id) references x (a) on delete cascade;\ndelete from x",
            "alter table users modify name timestamp, add z int;\nupdate users set z = 1",
            "set default_storage_engine = 'x';\ncreate table x (a int);\ndelete from x, users using x join users",
        ],
    )  # fmt: skip
    def test_amid_other_statements_are_not_undone_otherwise(self, sql: str) -> None:
        found = plan(f"{sql};\ncreate table last (a int);")
        assert units(found) == [None]
        assert found.verdict.startswith("NOT ATOMIC after 1_m1.sql:")
        assert "point-of-no-return" in guarantees(found)

    @pytest.mark.parametrize(
        "sql",
        [
            "delete from users;\ndelete from old;",
            "delete from users;\nset @a = f(1);",
            "delete from users;\nset autocommit = 1;",
            "create table x (a int) engine=memory;\ndelete from users;\ninsert into x values (1);",
        ],
    )
    def test_before_what_no_transaction_holds_are_not_trailing(self, sql: str) -> None:
        assert units(plan(sql, facts=MIXED)) == [None]

    def test_of_a_table_that_an_earlier_unit_made_are_old(self) -> None:
        first = "create table x (a int);\ngrant all on x to y;"
        found = plan(first, "insert into x values (1);\ncreate table y (a int);")
        assert units(found) == [1, None]
        assert "the size of x is not known" in "".join(reasons(found))

    def test_are_not_of_one_transaction_across_the_renewal_of_a_session(self) -> None:
        found = plan("set @a = 1;\nupdate users set name = @a;", "insert into users values (1);")
        assert units(found) == [1, 2]
        copied = plan("set @a = 1;\nupdate users set name = @a;", "delete from users;", limit=LIMIT)
        assert guarantees(copied) == ["transactional", "compensated-by-copy", "transactional"]
        assert (
            plan("update users set name = 1;", "set @a = 1;\ndelete from users;").verdict
            == ONE_TRANSACTION
        )

    def test_of_a_temporary_table_are_the_sessions_own(self) -> None:
        found = plan("create temporary table users (a int);\ninsert into users values (1);\n"
                     "create table x (a int);\ndrop temporary table users;\ndrop table x;")  # fmt: skip
        assert guarantees(found)[1] == "transactional"
        assert found.verdict == COMPENSATION
        found = plan(
            "create temporary table users (a int);\nalter table users add b int;\nselect 1;"
        )
        assert units(found) == [None]


VIEWS = {
    "hidden": read_mentions("select `f`() AS `x`", MYSQL),
    "outer_one": read_mentions("select `hidden`.`x` AS `x` from `shop`.`hidden`", MYSQL),
    "plain": read_mentions("select `users`.`f` AS `f`, abs(1) AS `y` from `shop`.`users`", MYSQL),
}
HIDING = replace(FACTS, views=FACTS.views | VIEWS.keys(), mentions=VIEWS)
LAST = "create table last (a int);"


class TestViews:
    @pytest.mark.parametrize(
        "sql",
        [
            "create table n (i int);\ninsert into n select x from hidden",
            "select * from `Outer_one`",
            "set @a = (select x from outer_one)",
            "create table k as select * from hidden",
            "create temporary table k select * from hidden",
            "create view w as select f() as x;\nselect * from w",
            "create view w as select `F`() as x;\nselect * from W",
            "create view w as select * from hidden;\ndelete from users where id in (select * from w)",
            "alter view plain as select f(1) as x;\nselect * from plain",
            "create or replace view hidden as select 1 as x;\n"
            "create or replace view v as select f(2) as x;\n"
            "create or replace view hidden as select * from v;\nselect * from outer_one",
        ],
    )  # fmt: skip
    def test_that_call_a_function_are_weighed_like_the_call(self, sql: str) -> None:
        found = plan(f"{sql};\n{LAST}", facts=HIDING)
        assert units(found) == [None]
        assert "through a view it calls the function f" in found.verdict

    @pytest.mark.parametrize(
        "sql",
        [
            "create table n (i int);\ninsert into n select f from plain",
            "select * from plain",
            "create view w as select * from hidden",
            "create or replace view hidden as select 1 as x;\nselect * from outer_one",
            "drop view hidden;\ncreate view hidden as select 1 as x;\nselect * from outer_one",
        ],
    )
    def test_that_call_none_or_are_not_read_are_as_good_as_tables(self, sql: str) -> None:
        found = plan(f"{sql};\n{LAST}", facts=HIDING)
        assert found.verdict == COMPENSATION

    def test_that_call_a_function_may_be_read_in_the_transaction(self) -> None:
        found = plan("create table n (i int);\ninsert into n select x from hidden;", facts=HIDING)
        assert guarantees(found) == ["compensated", "transactional"]


NUMBERED = replace(
    FACTS,
    tables={**FACTS.tables, "numbered": replace(USERS, sequences=frozenset({"shop.sq"}))},
    views=frozenset({"v", "nv"}),
    mentions={
        "v": read_mentions("select nextval(shop.sq) AS a", MARIADB),
        "nv": read_mentions("select `numbered`.`id` AS `id` from `shop`.`numbered`", MARIADB),
        "uv": read_mentions("select `users`.`id` AS `id` from `shop`.`users`", MARIADB),
    },
    has_sequences=True,
)


def maria(*ups: str) -> Plan:
    """A plan of these up sections on a database with a sequence `sq`."""
    setting = replace(SETTING, server=replace(SERVER, dialect=MARIADB), facts=NUMBERED)
    return up_plan([migration(n, up) for n, up in enumerate(ups, 1)], setting=setting)


class TestSequences:
    @pytest.mark.parametrize(
        "sql",
        [
            "select nextval(sq)",
            "do nextval(SQ)",
            "select next value for `Sq`",
            "select next value for sq",
            "set @a = nextval(sq)",
            "update users set name = setval(sq, 9)",
            "select * from v",
            "insert into users (name) values (nextval(sq))",
            "insert into numbered (name) values (1)",
            "insert into nv values (1)",
            "update numbered set id = default",
            "create table n (id int default nextval(sq), x int);\ninsert into n (x) values (1)",
            "create table n like numbered;\ninsert into n (name) values (1)",
            "create table n (a int) as select nextval(sq) as a",
            "create temporary table n (id int default nextval(sq))",
            "create temporary table n like numbered",
            "alter table users add z int default nextval(sq)",
            "alter table users alter total set default nextval(sq);\ninsert into users (id) values (1)",
            "create sequence if not exists sq;\nselect nextval(sq)",
            "create sequence s;\nrename table s to t, sq to s;\nselect nextval(s)",
        ],
    )  # fmt: skip
    def test_keep_what_a_statement_takes_of_them(self, sql: str) -> None:
        found = maria(f"{sql};")
        assert units(found) == [None]
        assert "it moves the sequence" in reasons(found)[-1]
        assert found.verdict.startswith("NOT ATOMIC")

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("insert into watched values (1)", "the triggers of watched may move a sequence"),
            ("select f(1)", "it calls the function f"),
        ],
    )
    def test_may_be_moved_by_code_that_is_not_seen(self, sql: str, why: str) -> None:
        found = maria(f"{sql};")
        assert units(found) == [None]
        assert why in found.verdict

    @pytest.mark.parametrize(
        "sql",
        [
            "create sequence s;\nselect nextval(s)",
            "create sequence s;\ncreate table n (id int default nextval(s), x int);\n"
            "insert into n (x) values (1)",
            "create table n (id int default nextval(sq))",
            "alter table users alter total set default nextval(sq)",
            "select lastval(sq), nextval from users",
            "delete from numbered",
            "insert into uv values (1)",
        ],
    )
    def test_that_the_unit_makes_or_that_stand_still_are_no_obstacle(self, sql: str) -> None:
        assert units(maria(f"{sql};")) == [1]

    def test_of_an_earlier_unit_are_moved_for_good(self) -> None:
        found = maria("create sequence s;\ngrant all on s to y;", "select nextval(s);")
        assert units(found) == [1, None]


class TestUnits:
    def test_join_steps_up_to_one_that_nothing_undoes(self) -> None:
        found = plan(
            "create table a (a int);", "alter table users drop name;", "drop table parent;"
        )
        assert units(found) == [1, 1, 2]
        assert found.verdict == (
            "ATOMIC IN PARTS (2 units, each all or nothing): 2_m2.sql ends a unit: it drops the "
            "column name; with `copies: {limit: …}` in the environment the values would be kept"
        )

    def test_begin_anew_with_what_would_strand_rows(self) -> None:
        found = plan("update users set name = 1;", "create table a (a int);")
        assert units(found) == [1, 2]
        assert found.verdict.startswith("ATOMIC IN PARTS (2 units, ")
        assert "1_m1.sql ends a unit: the next step would keep its rows" in found.verdict

    def test_leave_out_a_step_that_is_not_sound_alone(self) -> None:
        found = plan("create table a (a int);",
                     "insert into users values (1);\ngrant all on a to b;\ncreate table b (a int);",
                     "create table c (a int);")  # fmt: skip
        assert units(found) == [1, None, 2]
        assert guarantees(found) == ["compensated", "transactional", "point-of-no-return",
                                     "point-of-no-return", "compensated"]  # fmt: skip
        assert found.verdict.startswith(
            "NOT ATOMIC after 2_m2.sql:2: its section cannot be undone "
        )
        assert "; after 2_m2.sql:3: GRANT is nothing" in found.verdict
        assert "2_m2.sql:4" not in found.verdict
        assert reasons(found)[3].startswith("its section cannot be undone as a whole")

    def test_are_steps_where_the_environment_says_so(self) -> None:
        found = plan("create table a (a int);", "create table b (a int);", mode="step")
        assert units(found) == [1, 2]
        assert found.verdict.startswith("ATOMIC IN PARTS (2 units, each all or nothing)")

    def test_never_hold_a_section_that_says_otherwise(self) -> None:
        found = plan("select 1;", "create table a (a int);", "select 2;", alone=2)
        assert units(found) == [1, None, 2]
        assert guarantees(found)[1] == "point-of-no-return"
        assert found.verdict == "ATOMIC IN PARTS (3 units, each all or nothing)"
        assert plan("create table a (a int);", alone=1).verdict == COMPENSATION
        assert "NOT ATOMIC" in plan("select 1;\ncreate table a (a int);", alone=1).verdict

    def test_of_an_empty_plan_are_none(self) -> None:
        assert plan().verdict == ONE_TRANSACTION

    def test_no_verdict_calls_compensation_a_transaction(self) -> None:
        assert "transaction" not in COMPENSATION


class TestRollback:
    def test_is_judged_as_a_unit_of_its_own_that_knows_no_table(self) -> None:
        down = "delete from users;\nalter table users drop name;\ndrop table users;"
        server = replace(SERVER, dialect=MARIADB)
        setting = replace(SETTING, server=server, facts=FACTS, copy_limit=LIMIT)
        (step,) = up_plan([migration(1, "select 1;", down)], setting=setting).steps
        found = [one.guarantee for one in step.rollback or ()]
        assert found == ["transactional", "point-of-no-return", "point-of-no-return"]
        (step,) = up_plan([migration(1, "select 1;", "drop table x;")], setting=setting).steps
        assert [one.guarantee for one in step.rollback or ()] == ["deferred"]


class TestRejudging:
    FOUND = plan("alter table users drop name;\nselect 1;", "delete from keyless;", limit=LIMIT)

    def test_by_the_same_facts_finds_nothing(self) -> None:
        assert rejudge(self.FOUND, FACTS, MYSQL, LIMIT) == ()

    def test_finds_what_now_promises_less(self) -> None:
        (found,) = rejudge(self.FOUND, FACTS, MYSQL, None)
        assert found.startswith("1_m1.sql:2: the plan says `compensated-by-copy`, and now it is "
                                "`point-of-no-return`: it drops the column name")  # fmt: skip
        grown = replace(FACTS, tables={**FACTS.tables, "users": replace(USERS, size=LIMIT + 1)})
        assert len(rejudge(self.FOUND, grown, MYSQL, LIMIT)) == 1
        slower = replace(USERS, storage_engine="MyISAM")
        mixed = replace(FACTS, tables={**FACTS.tables, "keyless": slower})
        assert "keyless is not known to be" in rejudge(self.FOUND, mixed, MYSQL, LIMIT)[0]

    def test_passes_over_what_is_done(self) -> None:
        assert rejudge(self.FOUND, FACTS, MYSQL, None, done=1) == ()

    def test_does_not_mind_better_ones(self) -> None:
        worse = plan("alter table users drop name;")
        assert rejudge(worse, FACTS, MYSQL, LIMIT) == ()


SECTIONS = st.lists(
    st.sampled_from(
        [
            "select 1;",
            "set @a = 1;",
            "update users set name = 1;",
            "insert into x values (1);",
            "create table x (a int);",
            "drop table x;",
            "alter table users add z int;",
            "update users set z = 1;",
            "alter table users drop name;",
            "truncate users;",
            "grant all on x to y;",
        ]
    ),
    min_size=1,
    max_size=4,
)


@given(st.lists(SECTIONS, max_size=5), st.sampled_from([None, LIMIT]))
def test_every_unit_is_sound_and_judged_alike_again(
    sections: list[list[str]], limit: int | None
) -> None:
    found = plan(*("\n".join(section) for section in sections), limit=limit)
    for unit in found.units():
        promised = [one.guarantee for step in unit.steps for one in step.statements]
        if unit.transaction is not None:
            assert "point-of-no-return" not in promised[:-1]
    assert rejudge(found, FACTS, MYSQL, limit) == ()
    whole = len(found.units()) <= 1 and None not in units(found)
    assert found.verdict.startswith("ATOMIC") or not whole
    assert (found.verdict == ONE_TRANSACTION) == (
        whole and all(one == "transactional" for one in guarantees(found))
    )


class Copied(Schema):
    """What a database holds, and how often it was copied."""

    times = 0

    def copy(self) -> Schema:
        self.times += 1
        return super().copy()


def test_what_a_database_holds_is_not_copied_for_each_step() -> None:
    steps = plan(*(f"create table new{number} (a int);" for number in range(9))).steps
    schema = Copied(FACTS)
    (unit,) = _group(steps, schema, Terms(MYSQL, "shop"), "plan")
    assert len(unit.steps) == 9
    assert schema.times == 1
    assert schema.is_new("new8")
