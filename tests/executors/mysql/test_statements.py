# ruff: noqa: E501 (a snippet is one line)
"""The splits of live servers are those of the lexer: one packet of many statements, read by both.

DELIMITER is a command of the client, which the servers do not know: other tests have it.
"""

import re
from collections import Counter
from itertools import islice

import pymysql
import pytest
from pymysql.constants import CLIENT

from lockgate.planner.sql.dialect import MARIADB, MYSQL, Dialect
from lockgate.planner.sql.statements import Statement, scan
from tests.mutations import Mutator

PROCEDURE = "drop procedure if exists p; create procedure p(a int) "
FUNCTION = "drop function if exists f; create function f(a int) returns int deterministic "
TRIGGER = "drop trigger if exists g; create trigger g before insert on t for each row "
EVENT = "drop event if exists e; create event e on schedule every 1 day disable "

SIMPLE = [
    "select 1",
    "select 1; select 2;",
    "select 1;select 2;select 3 ; ",
    "select 1 -- it's; a comment\n; select 2",
    "select 1 --\t; x\n; select 2",
    "select 1 --\n; select 2 --",
    "select 5--1; select 5 --1; select 5---1; select 2",
    "select 1 # c; d\n; select 2#;",
    "select 1 as a#b;\n; select 2",
    "-- it's\nselect 1; # don't\n/* can't */ select 2 /* ; */",
    "select/*;*/1; select 4*/*;*/5, 4 -/*;*/1; /**/ select /*/ ; */ 2",
    "select 1 /* a /* ; */; select 2 /* -- */; select 3 -- /*\n; select 4",
    "select 1 -- x\r; \n, 2; select 3",
    "select 'a;b'; select ';'; select ''; select ''';'''; select ''''",
    r"select 'a\';b'; select 'a\\'; select '\\\';'; select 'a\''''; select 2",
    r"""select "a\";b"; select "a\\"; select "x"";"; select "';'"; select '";"'""",
    "select 'a' 'b;' \"c;\" 'd'; select 'a'\n'b;'; select 2",
    "select 1 as `a;b`; select 1 as `a``;`, 'x'; select 1 as `a\\`; select 1 as `'`",
    "select '\n;\r\n;'; select `;`.a from t as `;`; select 2",
    "select /*!40101 1, */ 2; select 3",
    "select /*! 1, */ 2; select /*!1*/; select 3",
    "select /*!999999 'not closed ; */ 2; select 3",
    "/*!999999 garbage ; ' */ select 1; select 2",
    "select 1 /*!999999 ; */; select 2; /*!999999 ; */ select 3",
    "select /*!999999 a /* ; */ b; */ 2; select 3",
    "select /*!40101 '*/;' */; select 3",
    "/*!40101 select 1 */; select 2 /*!40101 , 3 */; /*!40101 select */ 4",
    "select /*!40101 1 /* ; */ , */ 2 /* ' */; select 3",
    "select /*!40101 1 -- */ ;\n , */ 2; select 3",
    "select /*!50100 1, */ /*!80000 2, */ /*!100000 3, */ /*!100100 4, */ 5; select 6",
    "select /*+ max_execution_time(1000) */ 1; select /*+ ; */ 2",
    "select /*M 1; */ 2; select /* ! 1; */ 3",
    "select _utf8mb4'a;b', N'c;', n';', x'3B', X'3b', b'1', 0x3B, 0b1; select 2",
    "select @a, @@version, @'a;b', @`c;d`, @\"e;\", current_user(); set @a = ';', @b := 1; select 2",
    "select @a := 'x;', @`a` := 2; select @@session.sql_mode, @@global.sql_mode; select 2",
    "select 1 as a$b$c; select 1 as a$$; select 1 as 1a; select 2",
    "select 1e5, .5, 5., 1.5e-3; select t.a from t; select 2",
    "select 1 as größe, 'ü;ä', `é;` from (select 1 as `é;`) x; select 2",
    "select case when 1 then ';' else case 2 when 1 then 2 end end; select if(1,2,3); select 2",
    "select repeat('x;', 2), replace('a', 'b', ';'), insert('a', 1, 1, ';'), left('a', 1); select 2",
    "select 1 as begin, 2 as end; select begin, end from (select 1 as begin, 2 as end) x; select 2",
    "drop table if exists be; create table be(begin int, end int, `case` int); drop table be",
    "create table if not exists u(a int comment 'begin;'); drop table if exists u; select 2",
    "drop table if exists `procedure`; create table `procedure`(a int); drop table `procedure`",
    "create or replace view v as select if(1,2,3) as x; drop view v; select 2",
    "create definer = current_user() sql security invoker view w as select ';'; drop view w",
    "drop procedure if exists begin; drop procedure if exists `;`; select 1 as `function`; select 2",
    "begin; select 1; commit; begin work; select case when 1 then 2 end; rollback; select 3",
    "start transaction; savepoint a; rollback to a; release savepoint a; commit and chain; rollback",
    "do 1; do sleep(0); select 2",
    "insert into t values (1), (2); replace into t set a = 1; delete from t; truncate t; select 2",
    "insert into t select 1 on duplicate key update a = 2; update t set a = 3 where a = 4; select 2",
    "handler t open; handler t read first; handler t close; select 2",
    "show tables like ';'; explain select ';'; describe t; analyze table t; check table t; select 2",
    "alter table t add b int comment ';', add c text; alter table t drop b, drop c; select 2",
    "set names utf8mb4; set session sort_buffer_size = default, @x = ';'; select 2",
    PROCEDURE
    + "begin l : loop leave l; end loop; m:begin end m; n: repeat do 1; until 1 end repeat n; end; do 9",
    PROCEDURE
    + "begin if a then if a then do 1; end if; else case a when 1 then do 2; end case; end if; end; do 9",
    PROCEDURE
    + "begin select case when a then if(a,1,2) else case a when 1 then 2 end end; end; do 9",
    PROCEDURE
    + "begin set a = case a when 1 then 2 end; select 1 as end, 2 as begin, 3 as loop_; end; do 9",
    PROCEDURE
    + "begin if (select case when 1 then 2 end) then do 1; end if; if exists(select 1) then do 2; end if; end; do 9",
    PROCEDURE
    + "begin declare exit handler for sqlexception begin rollback; end; if 1 then begin end; end if; end; do 9",
    PROCEDURE
    + "begin declare continue handler for not found, 1062, sqlstate '23000' begin set a=1; end; do 1; end; do 9",
    PROCEDURE
    + "begin declare exit handler for sqlexception, sqlwarning set a=2; do 1; end; select 9",
    PROCEDURE
    + "begin declare exit handler for sqlstate value '23000' if a then do 1; end if; do 1; end; select 9",
    PROCEDURE
    + "begin declare c condition for sqlstate '45000'; declare exit handler for c begin end; end; do 9",
    PROCEDURE
    + "begin declare exit handler for 1062 set a = if(a, 1, case a when 1 then 2 end); end; do 9",
    PROCEDURE
    + "begin declare exit handler for not found l: begin leave l; end; do 1; end; select 9",
    PROCEDURE
    + "begin declare x int default case when 1 then 2 end; declare k cursor for select 1; open k; end; do 9",
    PROCEDURE
    + "begin declare handler, x int default 1; declare y cursor for select case a when 1 then 2 end; end; do 9",
    PROCEDURE
    + "begin drop table if exists nope; create table if not exists zz(begin int); drop table zz; end; do 9",
    PROCEDURE
    + "begin set @s='select 1; x'; prepare s from @s; execute s; deallocate prepare s; end; select 9",
    PROCEDURE
    + "begin start transaction; insert into t values (1); commit; signal sqlstate '45000'; end; do 9",
    PROCEDURE
    + "comment 'begin; x' language sql not deterministic sql security invoker l: begin leave l; end l; do 9",
    "drop procedure if exists p; create definer=`root`@`localhost` procedure p() begin do 1; end; do 9",
    "drop procedure if exists p; create definer = root@localhost procedure p() do 1; do 9",
    "drop procedure if exists p; create definer=current_user procedure p() begin do 1; end; select 9",
    "drop procedure if exists p; create procedure `p` (in a int, out b varchar(10), c enum(';')) begin do 1; end; do 9",
    "drop procedure if exists p; /*!50003 create*/ /*!50020 definer=`root`@`localhost`*/ "
    "/*!50003 procedure p() begin select 1; end */; select 9",
    "drop procedure if exists p; create procedure p() begin do 1; end; alter procedure p comment ';'; do 9",
    "drop function if exists f; create function f() returns varchar(10) charset utf8mb4 begin return ';'; end; do 9",
    "drop function if exists f; create function f() returns enum('a;', 'b') no sql return 'b'; select 9",
    TRIGGER
    + "set @x=1; drop trigger if exists h; create trigger h before insert on t for each row "
    "follows g begin set @y=1; end; drop trigger h; select 9",
    TRIGGER
    + "set @x=1; drop trigger if exists h; create trigger h before insert on t for each row "
    "precedes `g` if new.a then set @y=1; end if; drop trigger h; select 9",
    EVENT
    + "comment 'do begin' do begin select 1; select 2; end; alter event e comment ';'; select 9",
]
PROCEDURE_BODIES = [
    "select 1",
    "begin end",
    "begin select 1; select 2; end; select 9; call p(1); drop procedure p",
    "if a then select 1; else select 2; end if",
    "if a then select 1; elseif a = 2 then select 2; end if",
    "case a when 1 then select 1; else begin end; end case",
    "case when a then select 1; when 2 then begin end; end case",
    "case case a when 1 then 2 end when 2 then select 1; end case",
    "while a do set a = a - 1; set a = 2; end while",
    "repeat set a = 1; until a end repeat",
    "l: loop leave l; end loop l",
    "l: begin leave l; end",
    "`l;`: begin leave `l;`; end `l;`",
    "begin if a then begin do 1; end; else begin do 2; end; end if; end",
    "begin if case when a then 1 else 0 end = 1 then do 1; end if; end",
    "begin while case a when 1 then 0 end do set a=1; end while; end",
    "begin repeat set a=1; until case a when 1 then 1 end end repeat; end",
    "begin select 1 -- end; '\n; # end\n /* end; */ select 2; end",
    "begin select '; end', \"; end\", 1 as `; end`; end",
    "begin (select 1); (select 2) union (select 3); end",
    "begin begin end; begin begin end; end; end",
    "reads sql data sql security definer begin do 1; end",
    "contains sql comment ';' select 1",
    "/*!50003 begin select 1; end */",
    "insert into t values (case 1 when 1 then 2 end)",
]
FUNCTION_BODIES = [
    "return if(a,1,2); select f(1)",
    "if a then return 1; else return 2; end if; select f(1)",
    "begin declare b int; set b = 1; return b; end; select f(1)",
    "return case a when 1 then 2 else 3 end",
    "case a when 1 then return 2; else return 3; end case",
    "comment ';' reads sql data l: begin return 1; end l",
    "l: loop return 1; end loop",
]
TRIGGER_BODIES = [
    "set new.a=1",
    "begin set new.a=1; if new.a then set new.a=2; end if; end",
    "set new.a=case when 1 then if(1,2,3) end",
    "if new.a then set new.a=1; end if",
    "l: begin leave l; end; drop trigger g",
]
EVENT_BODIES = [
    "do select 1",
    "do begin select 1; select 2; end",
    "do if 1 then do 1; end if; alter event e do begin select 1; do 2; end; drop event e",
    "do do 1; alter definer = current_user event e enable; drop event e",
]
COMMON = [
    *SIMPLE,
    *(f"{PROCEDURE}{body}; select 9" for body in PROCEDURE_BODIES),
    *(f"{FUNCTION}{body}; select 9" for body in FUNCTION_BODIES),
    *(f"{TRIGGER}{body}; select 9" for body in TRIGGER_BODIES),
    *(f"{EVENT}{body}; select 9" for body in EVENT_BODIES),
]
MYSQL_ONLY = [
    "drop function if exists j; create function j() returns int language javascript as $$ ;' $$; do 9",
    "drop function if exists j; create function j() returns int language javascript as $a$ ; $$ $a$; do 9",
    "drop function if exists j; create function j() returns int language javascript as $1$ ; $a$ $1$; do 9",
    "drop procedure if exists j; create procedure j() language javascript as $$ begin; ' $$; do 9",
    "drop library if exists l; create library l language javascript as $$ ;' $$; select 9",
    "select /*!1234567*/, /*!500001, */ 6, /*!500001 ; ' */ 7; select 9",
    "select /*M! ';' */ 1; select /*M! ' */ 2; select 3",
    "select /*!50700 1, */ /*!80034 2, */ /*!99999 ; ' */ 3; select 4",
    "select /*!90000 1, */ /*!090000 2, */ 3; select 4",
]
MARIADB_ONLY = [
    "select /*M! ';', */ 2; select /*M!100100 1, */ /*M!999999 ; ' */ 3; select 3",
    "select /*M! ';*/', */ 2; select 3",
    "select /*!50701 ; ' */ 1; select /*!99999 ; ' */ 2; select /*M!50701 3, */ 4; select 5",
    "select /*!1234567 ; ' */ 1, 2 /*!500001;*/; select /*!0500001*/; select 9",
    r"select \N; select 1, \N as x; select 2",
    "begin not atomic select 1; select 2; end; select 3",
    "begin not atomic if 1 then select 1; end if; begin not atomic do 1; end; end; select 3",
    "if 1 then select 1; else select 2; end if; select 3",
    "case 1 when 1 then select 1; else select 2; end case; select 3",
    "while 0 do select 1; end while; repeat do 1; until 1 end repeat; select 3",
    "for i in 1..0 do select i; select 2; end for; select 3",
    "for r in (select a from t where a > 9) do select r.a; do 1; end for; select 3",
    PROCEDURE
    + "begin for i in reverse 1..2 do select case i when 1 then 2 end; end for; end; do 9",
    PROCEDURE + "begin not atomic select 1; select 2; end; select 9",
    "create or replace procedure p() begin select 1; end; create or replace function f() returns int return 1; do 9",
    "create or replace aggregate function f(x int) returns int begin declare exit handler for not found"
    " return 1; loop fetch group next row; end loop; end; select 9",
    "create or replace table t2(a int); drop table t2; create or replace sequence s2; drop sequence s2",
    "create or replace trigger g before insert on t for each row begin set new.a=1; end; drop trigger g",
    "create procedure if not exists p() begin do 1; end; create function if not exists f() returns int begin return 1; end; do 9",
    "set statement max_statement_time=1000 for select ';'; select 2",
    "execute immediate 'select 1;'; select 2",
]

# Half of these leaves a session that does not answer: they are not mutated.
WHOLE_ONLY = [
    "xa begin 'x;'; xa end 'x;'; xa rollback 'x;'; select 3",
    PROCEDURE + "begin xa begin 'x'; xa end 'x'; xa rollback 'x'; end; select 9",
]

TOKENS = [
    *(";", "'", "''", '"', "`", "--", "-- ", "#", "/*", "*/", "/*!", "/*! ", "/*M!", "/* ; */"),
    *("(", ")", "\n", "\r", " ", "\\", "$$", "$a$", "@", ".", "é", ":", ",", "l: ", "`l`:"),
    *("begin", "end", "end;", "case", "if", "then", "else", "loop", "repeat", "while", "do"),
    *(
        "not atomic",
        "declare",
        "handler for",
        "do 1;",
        "begin end;",
        "case 1 when 1 then 2 end",
    ),
]
MUTATOR = Mutator(
    TOKENS,
    re.compile(r"\w+|\s+|--|/\*M?!|/\*|\*/|.", re.DOTALL),
)
MUTATIONS = 700


HISTORY = """
select sql_text from performance_schema.events_statements_history
join performance_schema.threads using (thread_id)
where processlist_id = connection_id() and nesting_event_level = 0 order by event_id"""
MARK = "do 'the packet follows'"


class Reader:
    """A server that tells what it took for statements.

    `records_rest`: each statement is recorded with all that follows it, as MariaDB does, or alone.
    """

    def __init__(self, server, dialect: Dialect, *, records_rest: bool) -> None:
        self.server = server
        self.records_rest = records_rest
        self.database = server.new_database()
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create table t (a int)")
            cursor.execute(
                "update performance_schema.setup_consumers set enabled = 'YES' "
                "where name in ('events_statements_current', 'events_statements_history')"
            )
            cursor.execute("select version(), @@sql_mode")
            version, sql_mode = cursor.fetchone()
        major, minor, patch = (int(part) for part in re.findall(r"\d+", version)[:3])
        self.dialect = dialect.with_server(major * 10000 + minor * 100 + patch, sql_mode)

    def connect(self):
        return pymysql.connect(
            host=self.server.host,
            port=self.server.port,
            user=self.server.user,
            password=self.server.password,
            database=self.database,
            client_flag=CLIENT.MULTI_STATEMENTS,
            ssl_disabled=True,
        )

    def read(self, sql: str) -> tuple[list[str], bool]:
        """The statements that the server ran, and whether those were all that it was sent."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(MARK)
            complete = _runs(cursor, sql)
            cursor.execute(HISTORY)
            texts = [text or "" for (text,) in cursor.fetchall()]
        if MARK not in texts:  # the history holds a few statements, and a loop's own count too
            return [], False
        pieces = self._pieces(texts[texts.index(MARK) + 1 :])
        taken = pieces if complete else pieces[:-1]
        return [piece for piece in taken if not IGNORED.fullmatch(piece)], complete

    def _pieces(self, texts: list[str]) -> list[str]:
        if not self.records_rest:
            return texts
        following = [*texts[1:], ""]
        pairs = zip(texts, following, strict=True)
        return [text.removesuffix(after).rstrip("; \t\n\r\f\v") for text, after in pairs]


def _runs(cursor, sql: str) -> bool:
    try:
        cursor.execute(sql)
        while cursor.nextset():
            pass
    except pymysql.MySQLError:
        return False
    return True


@pytest.fixture(scope="module")
def mysql(mysql_server):
    return Reader(mysql_server, MYSQL, records_rest=False)


@pytest.fixture(scope="module")
def mariadb(mariadb_server):
    return Reader(mariadb_server, MARIADB, records_rest=True)


COMMENT = r"(?>/\*(?!M?!)(?s:.*?)\*/)"
SKIPPED = rf"(?>/\*.999999(?s:{COMMENT}|.)*?\*/)"
IGNORED = re.compile(rf"(?:[\s;]|#[^\n]*|--(?![^\x00-\x20\x7f])[^\n]*|{SKIPPED}|{COMMENT})*")


def assert_same(ours: list[str], truth: list[str]) -> None:
    """Each of our statements is the server's, but for what the server ignores at its ends.

    MySQL takes the marks out of a conditional comment that it skips.
    """
    assert len(ours) == len(truth), (ours, truth)
    for own, other in zip(ours, truth, strict=True):
        before, found, after = _plain(other).partition(_plain(own))
        assert found, (own, other)
        assert IGNORED.fullmatch(before), (own, other)
        assert IGNORED.fullmatch(after), (own, other)


def _plain(text: str) -> str:
    return text.replace("/*!", "/* ").replace("(*", "/*").replace("*)", "*/")


def split(sql: str, dialect: Dialect, most: int | None = None) -> list[str]:
    """The first statements; what follows the one that the server refused may be nonsense."""
    found = (item for item in scan(sql, dialect) if isinstance(item, Statement))
    return [statement.sql for statement in islice(found, most)]


@pytest.mark.parametrize("sql", COMMON + WHOLE_ONLY + MYSQL_ONLY)
def test_a_snippet_is_split_as_mysql_splits_it(mysql, sql):
    truth, complete = mysql.read(sql)
    assert complete, truth
    assert_same(split(sql, mysql.dialect), truth)


@pytest.mark.parametrize("sql", COMMON + WHOLE_ONLY + MARIADB_ONLY)
def test_a_snippet_is_split_as_mariadb_splits_it(mariadb, sql):
    truth, complete = mariadb.read(sql)
    assert complete, truth
    assert_same(split(sql, mariadb.dialect), truth)


def compare_mutations(reader: Reader, snippets: list[str]) -> Counter[str]:
    """How many mutations the server ran in whole, in part or not at all; each is compared."""
    outcomes: Counter[str] = Counter()
    for sql in MUTATOR.mutations(snippets, MUTATIONS):
        truth, complete = reader.read(sql)
        outcomes["whole" if complete else "part" if truth else "nothing"] += 1
        assert_same(split(sql, reader.dialect, None if complete else len(truth)), truth)
    return outcomes


def test_what_mysql_runs_of_mutations_is_split_as_mysql_splits_it(mysql):
    outcomes = compare_mutations(mysql, COMMON + MYSQL_ONLY)
    assert outcomes["whole"] > 40, outcomes
    assert outcomes["part"] > 200, outcomes


def test_what_mariadb_runs_of_mutations_is_split_as_mariadb_splits_it(mariadb):
    outcomes = compare_mutations(mariadb, COMMON + MARIADB_ONLY)
    assert outcomes["whole"] > 40, outcomes
    assert outcomes["part"] > 200, outcomes
