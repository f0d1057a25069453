"""What goes with what is dropped, as a plan says it by the facts, held against the server."""

from collections.abc import Iterable
from typing import Any

import pytest
from psycopg.errors import DependentObjectsStillExist

from lockgate.executors.postgresql.catalogue.objects import OTHERS
from lockgate.executors.postgresql.catalogue.relations import TABLES
from lockgate.executors.postgresql.facts import read_facts
from lockgate.planner.reading.impact import Impact, Taken
from lockgate.planner.reading.reader import read_impacts
from lockgate.planner.sql.dialect import POSTGRESQL

SCHEMA = """
create schema s; create schema s2;
create type mood as enum ('a', 'b');
create domain small as int check (value > 0);
create domain smaller as small;
create type pair as (x int, y mood);
create table p (id int primary key, b int, c int, u int unique, m mood, d smaller, cc pair,
    ms mood[], g int generated always as (b * 2) stored, z int default 5, "C d" int);
create index p_bc on p (b, c);
create index p_expression on p ((b + c)) where u > 1;
create index p_include on p (c) include (b);
create index p_quoted on p ("C d", b);
alter table p add constraint p_check check (b < c or u > 0), add constraint p_key unique (b, c);
create statistics p_statistics on b, c from p;
create function stamp() returns trigger language plpgsql as 'begin return new; end';
create trigger p_before before update of b on p for each row when (new.c > 0)
    execute function stamp();
create trigger p_all before insert on p for each row execute function stamp();
create policy p_policy on p using (b > 0);
create view v1 as select id, b from p;
create view v2 as select * from v1;
create materialized view mv as select c from p;
create view grouped as select id, b, count(*) from p group by id;
create function of_row(p) returns int language sql as 'select 1';
create function of_mood(mood) returns mood language sql immutable as 'select $1';
create function same(mood, mood) returns bool language sql as 'select true';
create operator @@@@ (leftarg = mood, rightarg = mood, function = same);
create cast (mood as int) with inout as assignment;
create table child (id int primary key, pid int references p, bb int, cc int,
    foreign key (bb, cc) references p (b, c));
create table heir (extra int) inherits (p);
create table of_pair of pair;
create sequence q;
create table uses (a int default nextval('q'), f mood default of_mood('a'), k int,
    m mood generated always as (of_mood('a'::mood)) stored);
create index uses_f on uses (of_mood(f));
create view uses_v as select of_mood(f) from uses;
create table of_rows (r p, a int);
create publication pub for table p;
create rule r as on insert to v1 do also insert into child (id) values (new.b);
create table parts (id int, at int) partition by range (at);
create table part1 partition of parts for values from (0) to (10);
create index parts_at on parts (at);
create view parts_v as select at from part1;
create table s.t1 (id int primary key, q mood);
create view s2.outer_v as select * from s.t1;
create function s.f() returns int language sql as 'select 1';
create table outside (a int default s.f(), t int references s.t1);
create table counted (a int generated always as identity, b serial);
create table borrows (a int default nextval('counted_b_seq'));
create extension citext;
create table loose (c citext, k int);
create index loose_c on loose (c);
create view loose_v as select c from loose;
create function watch() returns event_trigger language plpgsql as 'begin end';
create event trigger watched on ddl_command_end execute function watch();
"""
DROPS = [
    "alter table p drop column b cascade",
    "alter table p drop column c cascade",
    "alter table p drop column id cascade",
    'alter table p drop column "C d"',
    "alter table p drop column z, drop column u",
    "alter table p drop constraint p_key cascade",
    "alter table p drop constraint p_pkey cascade",
    "drop table p cascade",
    "drop table counted cascade",
    "drop table parts cascade",
    "drop view v1 cascade",
    "drop view v1, v2",
    "drop type mood cascade",
    "drop type pair cascade",
    "drop domain small cascade",
    "drop function stamp cascade",
    "drop function of_mood cascade",
    "drop function same cascade",
    "drop function watch cascade",
    "drop schema s cascade",
    "drop extension citext cascade",
    "drop sequence q cascade",
    "drop index p_bc",
    "drop materialized view mv",
]
# What is only a part of an object that is gone, or of what an extension or a table has made.
UNSAID = ("_not_null", "part1")
"""Goes with its column; of partitions holds what is said of the table."""
OWN = (
    "rule ",
    "trigger ",
    "policy ",
    "statistics ",
    "publication ",
    "sequence ",
    "cast ",
    "operator ",
)

NAMELESS = ("default", "cast", "operator")


def weighed(session: Any, *sql: str) -> Impact:
    """What the last of the statements does, by the facts as the others leave them."""
    (*_, last) = read_impacts(sql, POSTGRESQL, read_facts(session))
    return last


def told(taken: Iterable[Taken]) -> set[str]:
    return {str(one) for one in taken}


def everything(connection: Any) -> set[tuple[str, str]]:
    """All objects, each with its parts."""
    connection.execute("set local search_path = pg_catalog")
    found = {(one, part) for sql in (*TABLES, *OTHERS) for one, part, *_ in connection.execute(sql)}
    connection.execute("reset search_path")
    return found


@pytest.fixture
def seeded(postgres: Any, bystander: Any) -> Any:
    bystander.execute(SCHEMA)
    return postgres.session


def test_what_goes_is_named_and_nothing_else(seeded: Any, bystander: Any) -> None:
    facts, wrong = read_facts(seeded), []
    with bystander.transaction():
        before = everything(bystander)
    for sql in DROPS:
        (impact,) = read_impacts([sql], POSTGRESQL, facts)
        named = {one.name.rpartition(".")[2] for one in impact.takes}
        with bystander.transaction(force_rollback=True):
            bystander.execute(sql)
            gone = before - everything(bystander)
        whole = {one for one, part in gone if not part}
        parts = {(one, part) for one, part in gone if one not in whole or not part}
        lost = {_last(part or one) for one, part in parts if not one.startswith(OWN)}
        spelled = " ".join(impact.loses) + sql
        wrong += [f"{sql}: not named: {one}" for one in lost - named
                  if one not in spelled and not one.endswith(UNSAID)]  # fmt: skip
        known = {_last(part or one) for one, part in gone} | {_last(one) for one, _ in gone}
        wrong += [f"{sql}: does not go: {one}" for one in impact.takes
                  if one.kind not in NAMELESS and _last(one.name) not in known]  # fmt: skip
    assert wrong == []


def _last(name: str) -> str:
    """The own name of an object or a part of it."""
    bare = name.partition(" on ")[0].partition("(")[0].rstrip()
    quoted = bare.rpartition('"')[0].rpartition('"')[2]
    return quoted or bare.rpartition(" ")[2].rpartition(".")[2]


def test_what_keeps_the_server_from_it_is_named(seeded: Any, bystander: Any) -> None:
    facts = read_facts(seeded)
    for sql in DROPS:
        bare = sql.replace(" cascade", "")
        ((kept_by),) = (one.kept_by for one in read_impacts([bare], POSTGRESQL, facts))
        refused = ""
        try:
            with bystander.transaction(force_rollback=True):
                bystander.execute(bare)
        except DependentObjectsStillExist as error:
            refused = str(error)
        assert bool(kept_by) is bool(refused), f"{bare}: {refused}"


def test_rights_and_publications_of_a_column_go_with_it(postgres: Any, bystander: Any) -> None:
    bystander.execute("create table t (id int primary key, a int, b int)")
    bystander.execute("grant select (a) on t to public")
    bystander.execute("create publication few for table t (id, a)")
    impact = weighed(postgres.session, "alter table t drop column a cascade")
    assert told(impact.takes) == {"the rights on t.a", "the publication few of t"}
    assert weighed(postgres.session, "alter table t drop column a").kept_by == (
        Taken("publication", "few", "t"),
    )


def test_casts_and_operators_go_with_their_types(seeded: Any) -> None:
    assert told(weighed(seeded, "drop type mood cascade").takes) >= {
        "the cast (public.mood AS integer)",
        "the operator public.@@@@(public.mood,public.mood)",
    }


def test_tables_that_go_with_others_are_losses(seeded: Any) -> None:
    assert "the table heir" in weighed(seeded, "drop table p cascade").loses
    assert "the table of_pair" in weighed(seeded, "drop type pair cascade").loses
    assert "the table s.t1" in weighed(seeded, "drop schema s cascade").loses


def test_what_a_role_owns_is_named(postgres: Any, bystander: Any, postgres_database: str) -> None:
    role = f"owner_{postgres_database}"
    bystander.execute(f"create role {role}")
    try:
        bystander.execute("create table t (id int)")
        bystander.execute("create view v as select id from t")
        bystander.execute(f"alter table t owner to {role}")
        impact = weighed(postgres.session, f"drop owned by {role} cascade")
        assert told(impact.takes) == {"the table t", "the view v"}
        assert "the table t" in impact.loses
    finally:
        bystander.execute(f"drop owned by {role} cascade")
        bystander.execute(f"drop role {role}")


def test_what_the_plan_has_dropped_or_made_before_counts(seeded: Any) -> None:
    drop = "alter table p drop column b cascade"
    before = told(weighed(seeded, drop).takes)
    gone = ["drop index p_bc", "drop trigger p_before on p", "drop policy p_policy on p",
            "drop view v1 cascade", "alter table p drop constraint p_check"]  # fmt: skip
    after = told(weighed(seeded, *gone, drop).takes)
    assert before - after == {
        "the index p_bc of p", "the trigger p_before of p", "the policy p_policy of p",
        "the view v1", "the view v2", "the constraint p_check of p",
    }  # fmt: skip
    made = "create view made as select p.b from p"
    assert told(weighed(seeded, made, drop).takes) - before == {"the view made"}
    renamed = weighed(seeded, "alter table p rename to w", drop.replace("table p", "table w"))
    assert "the policy p_policy of w" in told(renamed.takes)


def test_what_a_write_sets_off_is_told_unless_it_only_changes_the_row(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute("create table audit (at timestamptz)")
    bystander.execute("create table t (id int primary key, at timestamptz)")
    bystander.execute("create table child (id int references t on delete cascade)")
    for name, body in {
        "stamp": "if tg_op = 'UPDATE' then new.at := now(); end if; return new;",
        "log": "insert into audit values (now()); return null;",
    }.items():
        bystander.execute(
            f"create function {name}() returns trigger language plpgsql as 'begin {body} end'"
            .replace("'UPDATE'", "''UPDATE''")
        )  # fmt: skip
    bystander.execute("create trigger a before insert or update on t execute function stamp()")
    bystander.execute("create trigger b after update or truncate on t execute function log()")
    bystander.execute("create trigger c after delete on child execute function log()")
    bystander.execute("create trigger d after truncate on child execute function log()")
    bystander.execute("create rule r as on insert to child do also notify told")
    of_t, of_child = "the trigger b of t (function log)", "the trigger c of child (function log)"
    emptied = "the trigger d of child (function log)"
    for sql, fired in {
        "insert into t values (1)": (),
        "update t set at = now()": (of_t,),
        "truncate t cascade": (of_t, emptied),
        "truncate child": (emptied,),
        "delete from t where id = 1": (of_child,),
        "insert into child values (1)": ("the rule r of child",),
        "copy t from stdin": (),
    }.items():
        assert weighed(postgres.session, sql).fires == fired, sql
    write = "update t set at = now()"
    for before in ("alter table t disable trigger all", "drop trigger b on t"):
        assert weighed(postgres.session, before, write).fires == ()


def test_what_is_written_through_a_view_is_the_servers_own_choice(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute(
        "create table t (a int); create table u (a int); insert into t values (1), (2);"
        "create view v as select a from t where a > 1; create view over as select a as b from v;"
        "create view instead as select * from v; create view above as select * from instead;"
        "create rule r as on delete to instead do instead delete from u;"
    )
    over = weighed(postgres.session, "delete from over")
    assert over.loses == ("every row of over", "rows of t (through the view over)")
    assert [one.name for one in over.written] == ["t"]
    bystander.execute("delete from over")
    assert bystander.execute("select a from t").fetchall() == [(1,)]
    above = weighed(postgres.session, "delete from above")
    assert (above.loses, above.fires) == (("every row of above",), ("the rule r of instead",))
    assert [one.name for one in above.written] == ["above"]


def test_what_follows_an_updated_key_is_what_the_server_changes(
    postgres: Any, bystander: Any
) -> None:
    bystander.execute(
        "create table p (id int primary key); insert into p values (1);"
        "create table moved (id int unique references p on update cascade);"
        "create table emptied (id int references p on update set null);"
        "create table reset (id int default 1 references p on update set default);"
        "create table deeper (id int references moved (id) on update set null);"
        "create table stays (id int references p);"
        "insert into moved values (1); insert into emptied values (1);"
        "insert into deeper values (1); insert into reset values (null)"
    )
    impact = weighed(postgres.session, "update p set id = 2 where id = 1")
    assert {*impact.loses} == {
        "values of emptied.id (ON UPDATE SET NULL or DEFAULT)",
        "values of reset.id (ON UPDATE SET NULL or DEFAULT)",
        "values of deeper.id (ON UPDATE SET NULL or DEFAULT)",
    }
    assert {one.on.name for one in impact.holds} == {"p", "moved", "emptied", "reset", "deeper"}
    bystander.execute("update p set id = 2 where id = 1")
    rows = [bystander.execute(f"select id from {one}").fetchall()
            for one in ("moved", "emptied", "deeper")]  # fmt: skip
    assert rows == [[(2,)], [(None,)], [(None,)]]
