r"""The splits of PostgreSQL's own parser, as libpg_query has it, are those of the lexer.

COPY data and commands of psql are no part of the server's grammar: other tests have them.
"""

import re
from collections import Counter

import postgast
import pytest

from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.sql.statements import split_statements
from tests.mutations import Mutator

SNIPPETS = [
    "select 1",
    "select 1;",
    ";",
    " ; ; select 1 ;; ",
    "select 1; select 2",
    "select 1;select 2;select 3;",
    "select 1\n;\n\nselect 2\r\n;\r\n",
    "-- only a comment; with a semicolon",
    "/* only; a comment */",
    "select 1 -- it's; a comment\n; select 2",
    "select 1 /* it's; a comment */; select 2",
    "/* a /* b; */ c; */ select 1 /* ; */; select 2",
    "/*/* /**/ ; */*/ select 1; select /**/ 2",
    "select 1 /* -- */ ; select 2 -- /*\n; select 3",
    "select 1 -- x\r, 2; select 3",
    "select 1--\n;select 2--",
    "select 1 +--;\n2; select 5---1;\n; select 3",
    "select 4*/*;*/5, 4 -/*;*/ 1, 4 </*;*/5; select 2",
    "select 1 @/* ; */ - 2; select 2",
    "select 'a;b'; select ';'",
    "select ''; select ''';'''; select ''''",
    "select 'it''s; fine'; select 2",
    r"select 'a\'; select 'b'",
    r"select E'a\';b'; select e'x\\'; select 3",
    r"select E'a''\';'; select E'\\'';'; select E''",
    "select E'a'\n'b\\';c'; select 2",
    "select E'a'   \t\n'b\\';c'; select 2",
    "select 'a'\n'b\\'; select 2",
    "select E'a\n;\\\n;'; select 2",
    r"select 1 as e, 'a\'; select 2",
    r"create table tab_e(x text default 'a\'); select 2",
    r"""select U&'d\0061t;a', U&"d\0061;" from (select 1 as "da;") q; select 2""",
    "select u&'d!0061;' uescape '!'; select 2",
    r"select U&'\\'; select 2",
    "select N'a;b', n';'; select 2",
    "select B'101', b'0', X'3B', x'3b'; select 2",
    "select national character varying 'a;'; select 2",
    "select date '2020-01-01', interval '1' day, time 'x;'; select 2",
    'select 1 as "a;b"; select 1 as "a""; "; select 2',
    'select 1 as "a\';", 2 as ";\'"; select 2',
    'select ";".";" from ";"; select 2',
    "select $$a;b$$; select $x$;$$;$x$; select 2",
    "do $$ begin perform 1; end $$; select 2",
    "do $x$ begin perform $$;$$; end $x$; select 2",
    "select $a$;$ab$;$a$; select 2",
    "select $é$a;b$é$, $_1$;$_1$, $A$;$a$;$A$; select 2",
    "select $$'$$; select $$--$$; select $$/*$$; select 2",
    "select $$;\n\n;$$, $t$ $ $$ $t $t$; select 2",
    "select $1; select $1, $2; select 2",
    "create table a$b$c(x int); create table d$b$e(x int)",
    "select 1 as foo$$; select 2",
    "select f($$x;$$); select 2",
    "select $$a$$ as a$$$$; select 2",
    "create table r(x int); create rule rr as on insert to r do also (notify a; notify b)",
    "create or replace rule rr as on update to r do instead (delete from a;; select 1;)",
    "create rule rr as on delete to r do instead nothing; select 2",
    "create rule rr as on delete to r where (old.a > 1) do (select ';'); select 2",
    "create rule rr as on insert to r do instead (insert into x values ((1), (2)); select (1))",
    "create procedure p() begin atomic insert into pt values (1); delete from pt where x=1; end",
    "create procedure p() begin atomic end; select 2",
    "create or replace procedure p() begin atomic select 1; select 2; end; select 2",
    "create function h() returns int begin atomic select 1 as end; end; select 3",
    "create function h() returns int begin atomic select 1 as begin; end; select 3",
    "create function h() returns int begin atomic select 1 as atomic; end; select 3",
    "create function h() returns int begin atomic select case when a then 1 end; end",
    "create function h() returns int begin atomic select 1; -- end;\n select 2; end; select 3",
    "create function h() returns int begin atomic; end; select 3",
    "create function h() returns int begin atomic; ; select (select 1); end; select 3",
    "create function h() returns int begin atomic select 1; select (1) end; end; select 3",
    "create function h() returns int begin /* x */ atomic select 1; /* ; */ end /* */; select 3",
    "create function h() returns int begin atomic insert into t select 1; (select 1); end",
    "create function h() returns int begin atomic with a as (select 1) select 2; values (1); end",
    'create function h() returns int begin atomic select 1 "end"; end; select 3',
    "create function h() returns int begin atomic select x.end from x; end; select 3",
    "create function k(a int) returns int return case when a>1 then 1 else 2 end; select 3",
    "create function f(begin int, atomic int) returns int return 1; select 3",
    "create function f(a int default (1)) returns int set search_path to public return 1; select 3",
    "create function begin() returns int as ';' language sql; select 3",
    "create function begin() returns atomic language sql begin atomic select 1; end; select 3",
    "create function f() returns text as 'select '';''' language sql; select 2",
    "create function f() returns void language plpgsql as 'begin perform ''x;''; end;'; select 2",
    "create function f() returns void language plpgsql as $f$ begin perform 1; end; $f$; select 2",
    "create function f() returns trigger as $$ begin return new; end $$ language plpgsql; select 2",
    "create function f() returns c as 'a', 'b;' language c strict; select 2",
    "begin; select 1; end; begin work; select case when true then 1 end; commit",
    "begin; savepoint begin; rollback to begin; release begin; end",
    "begin isolation level serializable read only; end transaction and no chain; select 2",
    "start transaction; commit and chain; rollback; abort; prepare transaction ';'; select 1",
    'create table tb("begin" int, atomic int); select 2',
    "create table tb2(begin int, atomic int); select 1 as begin; select 2",
    "create table function(a int); create table rule(procedure int); select 2",
    "select 1; select 'ü;ä' as größe; select 2",
    "select '1'::int; select a[1:2] from (select array[1,2] a) q; select 2",
    "select '{}'::jsonb #> '{a}', '{}'::jsonb #- '{a}', '{\"a\":1}'::jsonb ? 'a;'; select 2",
    "select 1 # 2, # 3, @ -5, |/ 4, !~ 'x'; select 2",
    "create schema s1 create table t1(x int) create view v1 as select 1; select 2",
    "select 0x1F, 0o17, 1_000, 0b01, 1.5e-3, .5, 5., 1e5; select 2",
    "select 1\f\v;select 2",
    "select\t1\t;\tselect\t2",
    "select (select (select ((1)))); select ((2))",
    "select array[[1],[2]], (array[1])[1]; select 2",
    "insert into t values (1, ';'), (2, $$;$$); insert into t default values",
    "insert into t(a) select 1 on conflict (a) do update set b = ';' returning *; select 2",
    "update t set a = ';' where b = ';' returning *; delete from t using u where t.a = u.a",
    "merge into t using u on t.a = u.a when matched then delete when not matched then do nothing",
    "create table t (a int, b text default ';' check (b <> ';')); comment on table t is ';'",
    "create table u partition of t for values from (1) to (2); select 2",
    "alter table t add column a int, alter column b set default ';', drop constraint c; select 2",
    "create unique index concurrently if not exists i on t (lower(a)) include (b) where a <> ';'",
    "create trigger g before insert on t for each row execute function f(';'); drop trigger g on t",
    "create trigger g after update of a on t when (old.a is null) execute function f(';')",
    "create event trigger e on ddl_command_start when tag in ('x;') execute function f(); select 2",
    "create view v as select 1 as \";\"; create materialized view m as select ';' with no data",
    "create recursive view v (n) as values (1) union all select n + 1 from v; select 2",
    "create type e as enum ('a;', 'b'); create type c as (a int, b text); select 2",
    "create sequence s start 1; alter sequence s restart; select nextval('s;')",
    "create extension if not exists hstore; grant select on t to r",
    "create policy p on t for select to public using (a = ';') with check (true); select 2",
    "create operator === (leftarg = int, rightarg = int, function = f); select 1 === 2",
    "create aggregate a(int) (sfunc = f, stype = int, initcond = ';'); select 2",
    "create cast (int as text) with function f(int); create collation c (locale = ';')",
    "create server s foreign data wrapper w options (host ';'); create publication p for table t",
    "create statistics s on a, b from t; analyze t; vacuum (verbose) t; cluster t; reindex table t",
    "explain (analyze) select ';'; prepare p as select ';'; execute p(1); deallocate p",
    "declare c cursor for select ';'; fetch all from c; listen x; notify x, ';'; unlisten *",
    "lock table t in access exclusive mode; truncate t, u restart identity cascade; discard all",
    "set search_path to ';', public; show search_path; reset search_path; set local a.b = 'c;'",
    "set time zone 'x;'; set session authorization default; set constraints all deferred",
    "copy t to stdout; copy (select ';') to '/x;y' with (format csv, delimiter ';'); select 2",
    "copy t from '/x;y' delimiter ';'; copy t from program 'x;'; select 2",
    "call p(';'); do language plpgsql 'begin; end'; select 2",
    "table t; values (1), (2); with a as (select 1), b as (table a) select * from b; (select 1)",
    "select * from t where a like '%;' escape ';'; select * from t for update of t skip locked",
    "select case when a then ';' else case b when 1 then 2 end end from t; select 2",
    "select count(*) filter (where a) over (partition by b order by c rows 1 preceding) from t",
    "select * from xmltable('/;' passing x columns a int path ';'); select 2",
    "select json_value('{}', '$.a;'), json_object('a': ';'), json_array(1, 2); select 2",
    "select * from json_table('[]', '$[*]' columns (a int path '$.;')) j; select 2",
    'select a is distinct from b, a between 1 and 2, a in (1, 2), not a, a collate "C"; select 2',
    "select extract(year from a), position(';' in a), trim(both ';' from a)",
    "select cast(a as numeric(10, 2)), a::varchar(3)[], row(1, 2), (t).a, (f(x)).*; select 2",
    "select * from a natural join b left join lateral (select ';') c on true cross join d",
    "select * from f(a => 1, b := ';') with ordinality as t(x, y); select 2",
    "select a from t group by grouping sets ((a), ()) order by 1 desc nulls last limit 1",
    "select * from rows from (f(1), g(2)) as t; select * from t tablesample system (1); select 2",
    "select t.end, begin, atomic from begin; select 2",
    "select 1 as select; select 1 as from; select 1 as function; select 1 as copy",
    "select 'a'\n\n 'b;'; select 2",
    "select e 'a'; select x from y; select e\n'\\'; select 2",
    "security label on table t is ';'; refresh materialized view m",
    "alter function f() set search_path = ';'; alter database d set a.b to ';'; select 2",
    "drop function if exists f(int), g(); drop rule r on t; drop table t, u cascade",
    "\n\n\n-- one\n-- two\n\nselect 1;\n\n-- three\n\nselect 2;\n\n-- four\n",
    "select 1;\r\n-- x;\r\nselect 2;\r\n/* y;\r\n*/\r\n",
    "select '\r\n;\r\n', \"\r\n;\"; select 2",
    "select '--;', '/*;', '*/', '$$;', E'\\';--'; select 2",
    'select "--;", "/*;", "$$;", "\'" from t; select 2',
    "select 1 as a /* ' */, 2 as b -- \"\n, 3 as c /* $$ */; select 2",
]

INSERTED = [
    *(
        ";",
        ";;",
        "\t;",
        "'",
        "''",
        '"',
        "$$",
        "$a$",
        "--",
        "-- x\n",
        "/*",
        "*/",
        "/* ; */",
        "\\",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "E'",
        "E'\\';'",
        "e",
        "u&'",
        "$1",
        "$",
        ".",
        "é",
        ":",
        ",",
        "\n",
        "\r",
    ),
    *(" ", "begin", "atomic", "begin atomic", "end", "end;", "case", "rule", "select 1", "as"),
]
MUTATOR = Mutator(
    INSERTED,
    re.compile(r"\w+|\s+|--|/\*|\*/|\$\$|.", re.DOTALL),
)
MUTATIONS = 20_000


def parsed(sql: str) -> list[str] | None:
    """The statements of PostgreSQL's parser, with comments at their ends; None: it refuses."""
    try:
        return postgast.split(sql)
    except postgast.PgQueryError:
        return None


def assert_same(sql: str, truth: list[str]) -> None:
    """Each of our statements is the parser's, but for white space and comments at its ends."""
    ours = [statement.sql for statement in split_statements(sql, POSTGRESQL)]
    assert len(ours) == len(truth), sql
    for own, other in zip(ours, truth, strict=True):
        before, found, after = other.partition(own)
        assert found, sql
        assert not before.strip(), sql
        assert not postgast.parse(after).stmts, sql


@pytest.mark.parametrize("sql", SNIPPETS)
def test_a_snippet_is_split_as_the_parser_splits_it(sql):
    truth = parsed(sql)
    assert truth is not None
    assert_same(sql, truth)


def test_what_the_parser_accepts_of_mutations_is_split_as_the_parser_splits_it():
    outcomes: Counter[str] = Counter()
    for sql in MUTATOR.mutations(SNIPPETS, MUTATIONS):
        truth = parsed(sql)
        if truth is None or sql.startswith("\ufeff"):
            outcomes["refused"] += 1
            continue
        outcomes["compared"] += 1
        assert_same(sql, truth)
    assert outcomes["compared"] > 3_000, outcomes
