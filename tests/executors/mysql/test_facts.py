"""The facts of tables, as MySQL and MariaDB tell them."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.mysql import ledger
from lockgate.executors.mysql.catalogue.catalogue import SOURCES
from lockgate.executors.mysql.facts import FOUND, read_facts
from lockgate.planner.database.facts import ColumnFacts, ForeignKey
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.database.mentions import read_mentions
from lockgate.planner.reading.mysql.impact import read_impact
from lockgate.planner.reading.reader import read_impacts
from tests.executors.building import open_test_engine
from tests.executors.rows import ask, execute

TABLES = (
    """create table users (
    id int unsigned not null auto_increment, region char(2) character set latin1 not null,
    name varchar(50) character set utf8mb4 collate utf8mb4_bin,
    seen timestamp not null default current_timestamp on update current_timestamp,
    made datetime default current_timestamp, twice int as (visits * 2) stored, visits int,
    primary key (region, id), unique key (id)) collate utf8mb4_unicode_ci""",
    """create table orders (id int primary key, user_id int unsigned, constraint fk_u
    foreign key (user_id) references users (id) on delete cascade)""",
    """create table notes (id int primary key, user_id int unsigned, constraint fk_n
    foreign key (user_id) references users (id))""",
    "create table plain (a int) engine = MyISAM",
    "create view names as select name from users",
    "create function one() returns int deterministic return 1",
    "create procedure nothing() select 1",
    "create trigger fill before insert on orders for each row set new.id = 1",
)


@pytest.fixture
def session(family_server: Any, family_database: str) -> Iterator[Any]:
    """The executor's session on a database of `TABLES`."""
    execute(family_server, family_database, *TABLES)
    with open_test_engine(family_server, family_database) as engine:
        yield engine.session


def test_a_column_is_told_as_it_is(session: Any) -> None:
    columns = read_facts(session).tables["users"].columns
    assert list(columns) == ["id", "region", "name", "seen", "made", "twice", "visits"]
    assert "unsigned" in columns["id"].type
    assert columns["id"].counts
    assert columns["region"].charset == "latin1"
    assert columns["name"] == ColumnFacts("varchar(50)", True, "utf8mb4", "utf8mb4_bin")
    assert columns["seen"].updates_itself
    assert not columns["seen"].nullable
    assert columns["made"] == ColumnFacts("datetime", True)


def test_only_a_generated_column_is_called_so(session: Any) -> None:
    columns = read_facts(session).tables["users"].columns
    assert [name for name, column in columns.items() if column.generated] == ["twice"]


def test_a_primary_key_has_its_own_order(session: Any) -> None:
    tables = read_facts(session).tables
    assert tables["users"].primary_key == ("region", "id")
    assert tables["plain"].primary_key == ()


def test_a_table_names_its_engine_collation_and_triggers(session: Any) -> None:
    tables = read_facts(session).tables
    assert tables["plain"].storage_engine == "MyISAM"
    assert tables["users"].storage_engine == "InnoDB"
    assert tables["users"].collation == "utf8mb4_unicode_ci"
    assert tables["orders"].triggers == ("fill",)
    assert tables["users"].triggers == ()


def test_foreign_keys_are_told_from_wherever_they_are(
    session: Any, family_server: Any, family_database: str
) -> None:
    own = (
        ForeignKey("notes", "users", "fk_n", ("id",)),
        ForeignKey("orders", "users", "fk_u", ("id",), on_delete=True),
    )
    assert read_facts(session).foreign_keys == own
    other = family_server.new_database()
    try:
        elsewhere = f"references {family_database}.users (id) on update set null"
        execute(
            family_server,
            other,
            "create table far (user_id int unsigned, constraint f foreign key (user_id) "
            f"{elsewhere})",
        )
        far = ForeignKey(f"{other}.far", "users", "f", ("id",), on_update=True)
        assert set(read_facts(session).foreign_keys) == {*own, far}
    finally:
        family_server.drop_database(other)


def test_the_code_of_triggers_and_functions_is_told_as_far_as_it_is_shown(session: Any) -> None:
    facts = read_facts(session)
    assert facts.tables["orders"].triggered == read_mentions(
        "set new.id = 1", session.server.dialect
    )
    assert facts.tables["users"].triggered == Mentions()
    assert facts.code == {"one": read_mentions("return 1", session.server.dialect)}
    assert facts.default_engine == "innodb"


WRITES = (
    *("insert into p values (1, 1)", "update p set v = 2", "update pv set v = 3 where id = 1"),
    *(
        "update pvv set v = 4 where id = 1",
        "insert into p values (1, 1) on duplicate key update v = 5",
    ),
    *("replace into p values (1, 7)", "insert into c values (1, 1)", "delete from p where id = 1"),
    *("delete p, q from p join q", "insert into q values (2)", "truncate q"),
)


def test_what_a_write_is_said_to_set_off_is_what_it_does(
    session: Any, family_server: Any, family_database: str
) -> None:
    execute(
        family_server,
        family_database,
        "create table log (what varchar(30))",
        "create table p (id int primary key, v int)",
        "create table c (id int, pid int, foreign key (pid) references p (id) on delete cascade)",
        "create table q (id int)",
        "create view pv as select * from p",
        "create view pvv as select * from pv",
        "create trigger plain before insert on q for each row set new.id = abs(new.id) + 1",
        *(
            f"create trigger {table}_{event} after {event} on {table} for each row "
            f"insert into log values ('the trigger {table}_{event} of {table}')"
            for table in "pc"
            for event in ("insert", "update", "delete")
        ),
    )
    facts, dialect = read_facts(session), session.server.dialect
    for sql in WRITES:
        execute(family_server, family_database, "delete from log", sql)
        fired = {what for (what,) in ask(family_server, family_database, "select * from log")}
        said = set(read_impact(sql, dialect, facts).fires)
        assert fired <= said, sql
        assert said <= fired or "duplicate" in sql or sql.startswith("delete p, q"), sql
    dropped, write = read_impacts(["drop trigger p_update", WRITES[1]], dialect, facts)
    assert (dropped.fires, write.fires) == ((), ())


def test_views_and_functions_are_named(session: Any) -> None:
    facts = read_facts(session)
    assert facts.views == {"names"}
    assert facts.functions == {"one"}
    assert "names" not in facts.tables


def test_a_view_tells_what_it_calls_and_reads(
    session: Any, family_server: Any, family_database: str
) -> None:
    execute(
        family_server,
        family_database,
        "create view `Calling` as select `one`() as a, 'users(1) \\\\' as b",
        "create view over_it as select a from `Calling`",
    )
    mentions = read_facts(session).mentions
    assert "one" in mentions["calling"].calls
    assert "users" not in mentions["calling"].names
    assert "calling" in mentions["over_it"].names
    assert "one" not in mentions["over_it"].calls | mentions["names"].calls


def test_a_view_that_is_not_shown_may_call_anything(
    family_server: Any, family_database: str, session: Any
) -> None:
    user = f"blind_{family_database[-8:]}"
    execute(
        family_server,
        None,
        f"create user {user}",
        f"grant select, execute on `{family_database}`.* to {user}",
    )
    try:
        with open_test_engine(family_server, family_database, user=user) as blind:
            assert read_facts(blind.session).mentions["names"].calls == {"one"}
        assert "one" not in read_facts(session).mentions["names"].calls
    finally:
        execute(family_server, None, f"drop user {user}")


def test_a_default_tells_the_sequence_that_it_moves(mariadb_server: Any) -> None:
    database = mariadb_server.new_database()
    try:
        with open_test_engine(mariadb_server, database) as engine:
            assert not read_facts(engine.session).has_sequences
            execute(
                mariadb_server,
                database,
                "create sequence `S q`",
                "create table n (id int default (next value for `S q`), a int default 3)",
                "create table plain (a varchar(20) default 'nextval(s)')",
            )
            facts = read_facts(engine.session)
        assert facts.has_sequences
        assert facts.tables["n"].sequences == {f"{database}.s q"}
        assert facts.tables["plain"].sequences == set()
    finally:
        mariadb_server.drop_database(database)


def test_a_view_of_what_is_gone_is_called_broken(
    session: Any, family_server: Any, family_database: str
) -> None:
    assert read_facts(session).broken_views == frozenset()
    execute(
        family_server,
        family_database,
        "create view of_plain as select a from plain",
        "create view of_view as select a from of_plain",
        "create view of_function as select `one`() as a",
        "drop table plain",
        "drop function one",
    )
    facts = read_facts(session)
    assert facts.broken_views == {"of_plain", "of_view", "of_function"}
    assert facts.views == {"names", *facts.broken_views}


def test_a_table_that_keeps_its_history_is_called_versioned(mariadb_server: Any) -> None:
    database = mariadb_server.new_database()
    execute(
        mariadb_server,
        database,
        "create table whole (a int) with system versioning",
        "create table partly (a int, b int with system versioning)",
        "create table plain (a int)",
    )
    with open_test_engine(mariadb_server, database) as engine:
        tables = read_facts(engine.session).tables
    mariadb_server.drop_database(database)
    assert {name for name, table in tables.items() if table.versioned} == {"whole", "partly"}


def test_rows_and_size_are_estimated_as_they_are_now(
    session: Any, family_server: Any, family_database: str
) -> None:
    assert read_facts(session).tables["notes"].rows == 0
    values = ", ".join(f"({number}, null)" for number in range(5000))
    execute(
        family_server,
        family_database,
        f"insert into notes values {values}",
        "analyze table notes",
    )
    notes = read_facts(session).tables["notes"]
    assert 4000 < notes.rows < 6000
    assert notes.size > 50_000


def test_reading_leaves_the_session_as_it_was(session: Any) -> None:
    kept = "show session variables like '%expiry%'"
    before = session.query_all(kept)
    read_facts(session)
    assert session.query_all(kept) == before


@pytest.mark.parametrize(
    ("mode", "strict"),
    [
        ("STRICT_TRANS_TABLES", True),
        ("ANSI_QUOTES,STRICT_ALL_TABLES", True),
        ("ANSI_QUOTES", False),
    ],
)
def test_strict_is_what_the_session_says(session: Any, mode: str, strict: bool) -> None:
    session.execute("set session sql_mode = %s", (mode,))
    assert read_facts(session).strict == strict


def test_another_databases_tables_are_not_told(
    session: Any, family_server: Any, family_database: str
) -> None:
    other = family_server.new_database()
    try:
        execute(family_server, other, "create table foreign_one (a int)")
        assert "foreign_one" not in read_facts(session).tables
        assert ask(family_server, other, "show tables") == [("foreign_one",)]
    finally:
        family_server.drop_database(other)


def test_other_databases_are_not_looked_at(session: Any) -> None:
    """MariaDB says how much it reads; MySQL has indexes."""
    own, names = "a", ("b",)
    kept = (own, names, own, "b", own, names, own, names, names)
    asked = [(FOUND, (own, own)), (ledger.TABLES, kept)]
    for view, columns in SOURCES.items():
        if session.query_all(f"show tables in information_schema like '{view}'"):
            sql = f"select 1 from information_schema.{view} where {columns.split()[0]} = %s"
            asked.append((sql, (own,)))
    for sql, values in asked:
        assert "all databases" not in str(session.query_all(f"explain {sql}", values)), sql
