"""Tables that an ALTER TABLE changed come back, on the real servers: definition, keys and rows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymysql.err import MySQLError

from lockgate.executors.mysql.table.definition import is_same_table, read_table
from lockgate.executors.mysql.table.restoration import SQL_MODE
from tests.executors.mysql.table.cases import (
    CHANGING_SQL,
    CLAUSES,
    CODED,
    CODED_ALTERS,
    NAME,
    PARENT,
    PARTITION_CHANGES,
    PARTITIONS,
    PLAIN,
    RICH_ALTERS,
    RICH_RENAMES,
    RICH_SQL,
    ROWS,
    restore,
)


@dataclass
class Bench:
    """A table on a real server that is altered and restored."""

    server: Any
    database: str
    name: str = "t"
    connection: Any = field(init=False)

    def __post_init__(self) -> None:
        self.connection = self.server.connect(self.database)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        with self.connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            return list(cursor.fetchall())

    def show(self) -> str:
        return str(self.run(f"show create table {self.name}")[0][1])

    def look(self, *, rows: bool = True) -> list[Any]:
        """Definition, catalogue and rows; without what moves by itself."""
        listed = ", ".join(
            "`" + column.replace("`", "``") + "`" for column in read_table(self.show()).columns
        )
        lines = re.sub(r" AUTO_INCREMENT=\d+", "", self.show()).split("\n")
        catalogued = "where table_schema = database() order by table_name,"
        found = [
            *sorted(line.rstrip(",") for line in lines),
            *map(
                _without_introducers,
                self.run(f"select * from information_schema.columns {catalogued} ordinal_position"),
            ),
            *self.run(
                "select index_name, seq_in_index, non_unique, column_name, collation, sub_part, "
                f"index_type, index_comment from information_schema.statistics {catalogued} 1, 2"
            ),
        ]
        values = self.run(f"select {listed} from {self.name}") if rows else []
        return found + sorted(map(repr, values))

    def restore(self, before: str, renamed: Mapping[str, str]) -> None:
        """Runs what `restore_table` says until it says nothing more."""
        self.run(f"set foreign_key_checks = 0, sql_mode = '{SQL_MODE}'")
        for _ in range(3):
            if not (sql := restore(self.name, before, self.show(), renamed)):
                break
            self.run(*sql)
        self.run("set foreign_key_checks = 1, sql_mode = default")

    def restore_by_steps(self, before: str, renamed: Mapping[str, str]) -> int:
        """As `restore`, but dies after each statement and begins again; how many it took."""
        self.run(f"set foreign_key_checks = 0, sql_mode = '{SQL_MODE}'")
        count = 0
        while sql := restore(self.name, before, self.show(), renamed):
            self.run(sql[0])
            count += 1
            assert count < 9, sql
        self.run("set foreign_key_checks = 1, sql_mode = default")
        return count

    def check(
        self, alter: str, renamed: Mapping[str, str] | None = None, *, rows: bool = True
    ) -> None:
        """Alters and restores the table, and finds it as it was."""
        before, seen = self.show(), self.look(rows=rows)
        self.run(f"alter table {self.name} {alter}")
        self.restore(before, renamed or {})
        assert self.look(rows=rows) == seen
        assert is_same_table(before, self.show())
        assert restore(self.name, before, self.show(), renamed or {}) == ()


def _without_introducers(row: tuple[Any, ...]) -> str:
    """MySQL gives a literal beside a column the column's character set when it reads the table,
    and so writes it down at the next ALTER TABLE, whatever that does."""
    return re.sub(r"_[a-z0-9]+(?=\\\\+')", "", repr(row))


@pytest.fixture
def bench(family_server: Any, family_database: str) -> Iterator[Bench]:
    """A bench on each of the two servers."""
    bench = Bench(family_server, family_database)
    yield bench
    bench.connection.close()


@pytest.fixture
def rich(bench: Bench) -> Bench:
    """The bench with the table that has something of everything."""
    bench.name = NAME
    bench.run(*RICH_SQL)
    return bench


@pytest.fixture
def mysql(mysql_server: Any) -> Iterator[Bench]:
    """A bench on MySQL."""
    yield from _own_bench(mysql_server)


@pytest.fixture
def mariadb(mariadb_server: Any) -> Iterator[Bench]:
    """A bench on MariaDB."""
    yield from _own_bench(mariadb_server)


def _own_bench(server: Any) -> Iterator[Bench]:
    name = server.new_database()
    bench = Bench(server, name)
    yield bench
    bench.connection.close()
    server.drop_database(name)


@pytest.mark.parametrize("topic", RICH_ALTERS)
def test_a_rich_table_comes_back(rich: Bench, topic: str) -> None:
    for alter in RICH_ALTERS[topic]:
        rich.check(alter)


def test_a_renamed_column_comes_back_with_its_values(rich: Bench) -> None:
    for alter, renamed in RICH_RENAMES:
        rich.check(alter, renamed)


@pytest.mark.parametrize(
    "alter",
    [
        "drop ab, drop foreign key fs, drop key fs",
        "drop id",
        "drop e, drop st, drop y, drop constraint {}, drop key k",
    ],
)
def test_a_dropped_column_comes_back_in_its_place(rich: Bench, alter: str) -> None:
    (check,) = re.findall(r"CONSTRAINT (`\S*.*`) CHECK \(+`y`", rich.show())
    rich.check(alter.format(check), rows=False)


def test_a_dropped_column_is_filled_before_it_is_restored(rich: Bench) -> None:
    before, seen = rich.show(), rich.look()
    rich.run("create table copy as select id, p, j, v from " + NAME)
    rich.run(f"alter table {NAME} drop w, drop constraint `c``k`, drop v, drop p, drop j")
    for column in ("p", "j", "v"):
        rich.run(
            f"alter table {NAME} add {read_table(before).fillable(column)}",
            f"update {NAME} t join copy using (id) "
            f"set t.{column} = copy.{column}, t.ts = t.ts, t.dt = t.dt",
        )
    rich.restore(before, {})
    rich.run("drop table copy")
    assert rich.look() == seen


def test_a_counter_is_given_back_by_its_own_reader(rich: Bench) -> None:
    assert read_table(rich.show()).auto_increment == 80
    rich.run(f"alter table {NAME} modify id int unsigned not null")
    assert read_table(rich.show()).auto_increment == 0


def test_the_readers_see_what_the_servers_show(rich: Bench) -> None:
    text = rich.show()
    assert tuple(read_table(text).columns)[:4] == ("id", "e", "st", "v")
    assert {"a, b)", "sp ace.$ü", "q`r"} < set(read_table(text).columns)
    assert sorted(read_table(text).columns.keys() - read_table(text).own_columns) == ["g", "w"]
    assert read_table(text).updating_columns == ("ts", "dt")
    assert read_table(text).primary_key == ("id",)
    assert list(read_table(text).foreign_keys) == ["fs"]
    rich.run(f"alter table {NAME} drop e, add e {read_table(text).writable('e')} after id")
    assert tuple(read_table(rich.show()).columns) == tuple(read_table(text).columns)
    assert read_table(rich.show()).writable("e") == read_table(text).writable("e")


def test_partitioning_comes_back(bench: Bench) -> None:
    for before, *others in zip(PARTITIONS, PARTITIONS[1:], PARTITIONS[2:], strict=False):
        bench.run("drop table if exists t", PLAIN + before, ROWS)
        for present in others:
            bench.check(present)
        bench.check("remove partitioning" if before else "add x int")


def test_changed_partitions_come_back(bench: Bench) -> None:
    for before, alter in PARTITION_CHANGES:
        bench.run("drop table if exists t", f"{PLAIN} partition by {before}", ROWS)
        bench.check(alter)


def test_options_and_implied_collations_come_back(bench: Bench) -> None:
    bench.run(CODED, ROWS)
    for alter in CODED_ALTERS:
        bench.check(alter)


def test_a_column_without_a_default_has_none_again(bench: Bench) -> None:
    bench.run(PLAIN, ROWS, "alter table t alter m drop default, alter u drop default")
    bench.check("modify m varchar(9)")
    bench.check("modify u bigint default 3")
    bench.check("modify m varchar(9) after a, add constraint x check (u > 0)")


def test_an_interrupted_restoration_goes_on_where_it_stopped(bench: Bench) -> None:
    bench.run(*CHANGING_SQL)
    before, seen = bench.show(), bench.look()
    bench.run(
        "alter table t drop foreign key fp, drop key ft, rename column m to s, "
        "rename column s to m, modify u bigint, add x int first, rename column up to r, drop key k"
    )
    renamed = {"s": "m", "m": "s", "r": "up"}
    assert bench.restore_by_steps(before, renamed) == 4
    assert bench.look() == seen


def test_swapped_columns_of_other_types_are_swapped_once(bench: Bench) -> None:
    bench.run(PLAIN, "insert into t values (1, 1, 'x', '4', 5)")
    before, seen = bench.show(), bench.look()
    bench.run("alter table t rename column m to u, rename column u to m")
    bench.run("alter table t modify m bigint, modify u varchar(9)")
    assert bench.restore_by_steps(before, {"m": "u", "u": "m"}) == 2
    assert bench.look() == seen


def test_a_name_that_mariadb_misquotes_is_refused(mariadb: Bench) -> None:
    mariadb.run(PARENT, "create table t (a int unsigned)")
    before = mariadb.show()
    mariadb.run(
        "alter table t add `b``c` int unsigned, "
        "add constraint f foreign key (`b``c`) references parent (id)"
    )
    with pytest.raises(ValueError, match="has no end"):
        restore("t", before, mariadb.show())


def test_several_full_text_keys_come_back(bench: Bench) -> None:
    bench.run(
        PLAIN, "alter table t add fulltext key f1 (s)", "alter table t add fulltext key f2 (m,s)"
    )
    bench.check("drop key f1, drop key f2")
    bench.check("drop key f1, add fulltext key f1 (m)")


def test_a_foreign_key_changed_under_its_name_comes_back(bench: Bench) -> None:
    bench.run(
        "create table parent (id int primary key)",
        "create table t (id int primary key, up int, own int, constraint f foreign key (up) "
        "references parent (id), constraint s foreign key (own) references t (id))",
        "insert into parent values (1)",
        "insert into t values (1, 1, null), (2, 1, 1)",
    )
    before, seen = bench.show(), bench.look()
    bench.run("alter table t drop foreign key f, drop foreign key s")
    bench.run(
        "alter table t add constraint f foreign key (up) references t (id) on delete cascade",
        "alter table t add constraint s foreign key (own) references t (id) on delete set null",
    )
    bench.restore(before, {})
    assert bench.look() == seen
    bench.check("rename column id to pk, rename column own to mine", {"pk": "id", "mine": "own"})


def test_generated_columns_follow_the_column_they_are_computed_from(bench: Bench) -> None:
    bench.run(
        PLAIN,
        ROWS,
        "alter table t add x int as (u+1) invisible, add y int as (x+1) stored, add key (y), "
        "add unique (x), add constraint ck check (u > 0)",
    )
    bench.check("drop y, drop x, add x int as (u*2) stored, add y int as (x*2) virtual")
    bench.check("modify u bigint")
    bench.check(
        "drop constraint ck, drop y, drop x, rename column u to v, add x int as (v+5)", {"v": "u"}
    )


def test_mysql_shows_and_hides_what_it_had(mysql: Bench) -> None:
    mysql.run(
        PLAIN,
        ROWS,
        "alter table t add key k1 (u) comment 'x', add key k2 (m) invisible, "
        "add fulltext key ft (m), add key fn ((u+1), (lower(s)) desc), add key multi "
        "((cast(u as signed))), add constraint c1 check (u < 99) not enforced, "
        "add g point srid 4326",
    )
    mysql.check("alter index k1 invisible, alter index k2 visible")
    mysql.check("drop key ft, add fulltext key ft (m) with parser ngram")
    mysql.check("drop key fn, add key fn ((u+2))")
    mysql.check("drop key k2, add key k2 (m) comment 'y'")
    mysql.check("alter check c1 enforced")
    mysql.check("drop key fn, drop key multi, drop check c1, rename column u to v", {"v": "u"})
    mysql.check("modify g geometry")
    mysql.check("secondary_engine=x")


def test_mariadb_ignores_and_checks_what_it_did(mariadb: Bench) -> None:
    mariadb.run(
        PLAIN,
        ROWS,
        "alter table t add key k1 (u), add key k2 (m) ignored, add j json, add x int default (u+1) "
        "check (x > 1 and u > 0), add i inet6 default '::1', add z text compressed, "
        "add l uuid default '00000000-0000-0000-0000-000000000001'",
    )
    mariadb.check("alter index k1 ignored, alter index k2 not ignored")
    mariadb.check("modify j longtext, modify x int")
    mariadb.check("modify z text, modify i varchar(60)")
    mariadb.check("rename column u to v, rename column x to w", {"v": "u", "w": "x"})
    mariadb.check("drop primary key, page_compressed=1 page_compression_level=3")
    mariadb.check("key_block_size=8")


def test_a_table_with_system_versioning_is_read_but_not_changed(mariadb: Bench) -> None:
    mariadb.run("create table t (a int auto_increment primary key) with system versioning")
    before = mariadb.show()
    mariadb.run("insert into t values (), ()", "set system_versioning_alter_history = keep")
    assert is_same_table(before, mariadb.show())
    assert read_table(mariadb.show()).auto_increment == 3
    mariadb.run("alter table t add b int")
    with pytest.raises(ValueError, match="WITH SYSTEM VERSIONING"):
        restore("t", before, mariadb.show())


def test_random_alters_are_undone(bench: Bench) -> None:
    accepted: list[str] = []

    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=4, unique=True))
    def alter_and_restore(clauses: list[str]) -> None:
        bench.run("drop table if exists t, own, parent", *CHANGING_SQL)
        before, seen, alter = bench.show(), bench.look(), ", ".join(clauses)
        renamed = {
            new: old for old, new in re.findall(r"(?:column|change) (\w+) (?:to )?(\w+)", alter)
        }
        try:
            bench.run(f"alter table t {alter}")
        except MySQLError:
            assert bench.look() == seen
            return
        accepted.append(alter)
        bench.restore(before, renamed)
        assert bench.look() == seen, alter

    alter_and_restore()
    assert len(accepted) >= 10
