"""How a table is altered whose indexes, row format or computed columns keep a server from the way
that it would else take: said by the facts that a plan reads, and held to what servers accept."""

from contextlib import suppress
from typing import Any

import pymysql
import pytest

from lockgate.executors.mysql.facts import read_facts
from lockgate.planner.reading.mysql.impact import read_impact
from lockgate.planner.reading.reader import ImpactReader
from tests.executors.building import open_test_engine
from tests.executors.rows import ask, execute

WAYS = ("algorithm=instant", "algorithm=inplace, lock=none", "algorithm=inplace, lock=shared",
        "algorithm=copy, lock=shared")  # fmt: skip
LAYOUTS = {
    "plain": "",
    "text": ", fulltext f (x)",
    "texts": ", fulltext f (x, v)",
    "numbered": ", FTS_DOC_ID bigint unsigned not null default 7",
    "place": ", g point not null srid 0 default (point(1, 1))",
    "places": ", g point not null srid 0 default (point(1, 1)), spatial index (g)",
    "keys": ", key kv (v), key kab (a, b), key kx (x(5))",
    "unique": ", unique (v)",
    "worded": ", fulltext (v)",
    "virtual": ", g int as (a + 1) virtual",
    "virtuals": ", g int as (a + 1) virtual, key (g), h varchar(30) as (concat(v, 'x')) virtual",
    "stored": ", g int as (a + 1) stored",
    "compressed": "",
}
REBUILDS = ["add column n int", "drop column b", "modify a int not null", "modify a int first",
            "force"]  # fmt: skip
CASES = [
    *(("text", each) for each in REBUILDS),
    ("text", "add column n int, add index (n)"),
    ("text", "add column n int as (a + 1) virtual"),
    ("text", "drop column x"),
    ("text", "drop column b, drop index f"),
    ("text", "add column n int, drop key f"),
    ("text", "rename column b to c"),
    ("text", "add index (a)"),
    ("text", "modify a bigint"),
    ("texts", "drop column v"),
    *(
        (layout, f"add fulltext w (v){more}")
        for layout in ("plain", "text", "numbered", "place")
        for more in (
            "",
            ", add fulltext vx (v, x)",
            ", add column n int",
            ", force",
            ", add index (a)",
            ", add column n int as (a + 1) virtual",
        )
    ),
    ("text", "drop key f, add fulltext w (v)"),
    ("text", "drop key f, add fulltext w (v), force"),
    ("text", "drop key f, add fulltext w (v), add fulltext vx (v, x)"),
    ("place", "add spatial index (g)"),
    ("place", "add spatial index (g), add fulltext w (v)"),
    ("place", "add spatial index (g), add column n int as (a + 1) virtual"),
    ("text", "add fulltext w (v), add index (a), add column n int as (a + 1) virtual"),
    *(("places", each) for each in REBUILDS if "first" not in each),
    ("places", "drop column g"),
    ("keys", "drop column v"),
    ("keys", "drop column a"),
    ("keys", "drop column x"),
    ("keys", "modify v varchar(20) collate utf8mb4_bin"),
    ("unique", "modify v varchar(20) collate utf8mb4_bin"),
    ("worded", "modify v varchar(20) collate utf8mb4_bin"),
    ("plain", "modify v varchar(20) collate utf8mb4_bin"),
    ("plain", "modify v varchar(20) collate utf8mb4_general_ci"),
    ("virtual", "add column n int"),
    ("virtual", "add column n int after id"),
    ("virtual", "add column n int, add column m int as (a + 2) virtual"),
    ("virtual", "add column m int as (a + 2) virtual, rename column b to c"),
    ("virtual", "add column m int as (a + 2) virtual, alter a set default 4"),
    ("virtual", "add column n int, drop column g"),
    ("virtual", "drop column g, drop column b"),
    ("virtual", "drop column g"),
    ("plain", "add column n int as (a + 1) virtual first"),
    ("plain", "add column n int as (a + 1) virtual after id"),
    ("plain", "add column n int as (a + 1) virtual, add index (n)"),
    ("stored", "modify a int default 4"),
    ("stored", "drop column b"),
    ("stored", "modify a int not null"),
    *(("compressed", each) for each in REBUILDS),
    ("compressed", "modify v varchar(30)"),
]
DEFAULTS = ["(curdate())", "(now() + interval 1 day)", "(concat('a', 'b'))", "(1 + 1)",
            "(cast('1' as char))", "(a)", "(abs(a))", "(`a`)", "(json_array())", "(if(1, 2, 3))",
            "(utc_timestamp())", "_utf8mb4'x'", "b'1'", "null", "(_latin1'x')"]  # fmt: skip
DEFAULTS_OF_MARIADB = ["curdate()", "uuid()", "uuid_short()", "a", "rand()", "now(3)", "abs(a)",
                       "concat('a', 'b')", "user()", "abs(uuid_short())", "(rand())", "(uuid())",
                       "(lower(uuid()))", "(sysdate())", "(@x)"]  # fmt: skip
CASES += [
    *(("plain", f"add column n varchar(64) default {each}") for each in DEFAULTS),
    ("plain", "add column n varchar(64) default (a) check (n > 0)"),
    ("plain", "add column n varchar(64) default (concat('a', a)) unique"),
    ("plain", "add column n varchar(64) default (concat('a', 'b')) unique"),
    ("plain", "add column n datetime(3) default now(3)"),
    ("plain", "add column n timestamp default current_timestamp on update current_timestamp"),
    ("plain", "add column n varchar(64) default (curdate()), add index (n)"),
    ("virtual", "add column n varchar(64) default (curdate()) first"),
    ("virtual", "modify g int as (a + 2) virtual"),
    ("virtual", "change g h int as (a + 2) virtual"),
    ("virtual", "modify g int as (a + 2) virtual, add column n int"),
    ("virtual", "modify g int as (a + 2) virtual, add column n int as (b) virtual"),
    ("virtual", "modify g int as (a + 2) virtual, drop column b"),
    ("virtual", "modify g int as (a + 2) virtual, add index (a)"),
    ("virtual", "modify g bigint as (a + 2) virtual"),
    ("virtual", "modify g int unsigned as (a + 2) virtual"),
    ("virtual", "modify g int as (a + 2) virtual after id"),
    ("virtuals", "modify g int as (a + 2) virtual"),
    ("virtuals", "modify h varchar(30) as (concat(v, 'y')) virtual"),
    ("virtuals", "modify h varchar(30) character set latin1 as (concat(v, 'y')) virtual"),
    ("stored", "modify g int as (a + 2) stored"),
]
OF_MYSQL = [
    ("plain", "add index ((a + 1))"),
    ("plain", "add column n int, add index ((a + 1))"),
    ("plain", "add index i (b, (lower(v)))"),
    ("plain", "add unique index i (b, (lower(v)))"),
]
OF_MARIADB = [
    ("plain", "add system versioning"),
    *(("plain", f"add column n varchar(64) default {each}") for each in DEFAULTS_OF_MARIADB),
    ("virtual", "modify g int as (b) virtual, modify b bigint"),
]
ALL = [(layout, alter, "") for layout, alter in CASES]
ALL += [(*case, "mysql") for case in OF_MYSQL] + [(*case, "mariadb") for case in OF_MARIADB]


def table(layout: str, engine: str) -> str:
    text = LAYOUTS[layout].replace("srid 0 ", "" if engine == "mariadb" else "srid 0 ")
    end = "row_format=compressed" if layout == "compressed" else ""
    return (
        "create table t (id int auto_increment primary key, a int, b int, v varchar(20), x text"
        f"{text}) collate utf8mb4_general_ci {end}"
    )


@pytest.mark.parametrize(("layout", "alter", "only"), ALL)
def test_what_else_a_table_has_decides_how_it_is_altered(
    family_server: Any, family_database: str, layout: str, alter: str, only: str
) -> None:
    engine = family_server.engine
    if only not in ("", engine):
        pytest.skip(f"{engine} has no such thing")
    sql = f"alter table t {alter}"
    made = ("drop table if exists t", table(layout, engine), "insert into t (a, x) values (1, 'y')")
    execute(family_server, family_database, *made)
    with open_test_engine(family_server, family_database) as opened:
        dialect, facts = opened.session.server.dialect, read_facts(opened.session)
    (hold,) = read_impact(sql, dialect, facts).holds
    for way in WAYS:
        execute(family_server, family_database, *made)
        made_as = table_id(family_server, family_database)
        with suppress(pymysql.MySQLError):
            execute(family_server, family_database, f"{sql}, {way}")
            break
    else:
        pytest.fail(f"the server takes no way: {sql}")
    lock = "" if hold.algorithm == "instant" else f", lock={hold.lock.lower()}"
    assert f"algorithm={hold.algorithm}{lock}" == way
    rebuilt = table_id(family_server, family_database) != made_as
    assert (hold.work == "rewrite") == rebuilt


def table_id(server: Any, database: str) -> Any:
    """The number of a table, which a rebuild changes."""
    held = "innodb_tables" if server.engine == "mysql" else "innodb_sys_tables"
    sql = f"select table_id from information_schema.{held} where name = '{database}/t'"
    return ask(server, database, sql)


def test_an_index_that_a_plan_makes_is_known_in_its_next_migration(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, table("plain", family_server.engine))
    with open_test_engine(family_server, family_database) as opened:
        dialect, facts = opened.session.server.dialect, read_facts(opened.session)
    reader = ImpactReader(dialect, facts)
    list(reader.read(["create fulltext index f on t (x)"]))
    ((hold,),) = [one.holds for one in reader.read(["alter table t add column n int"])]
    assert (hold.lock, hold.work) == ("SHARED", "rewrite")


def test_a_spatial_index_that_a_plan_makes_is_taken_for_no_other(
    family_server: Any, family_database: str
) -> None:
    execute(family_server, family_database, table("place", family_server.engine))
    with open_test_engine(family_server, family_database) as opened:
        dialect, facts = opened.session.server.dialect, read_facts(opened.session)
    reader = ImpactReader(dialect, facts)
    list(reader.read(["create spatial index s on t (g)"]))
    ((hold,),) = [one.holds for one in reader.read(["alter table t add column n int"])]
    execute(family_server, family_database, "create spatial index s on t (g)",
            "alter table t add column n int, algorithm=instant")  # fmt: skip
    assert (hold.algorithm, hold.work) == ("instant", "none")
