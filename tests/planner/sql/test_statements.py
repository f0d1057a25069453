"""What the lexer takes for a statement, a directive or an error, on literals alone."""

import json
from pathlib import Path

import pytest

from lockgate.planner.errors import SplitError
from lockgate.planner.sql.dialect import DIALECTS, MARIADB, MYSQL, POSTGRESQL, Dialect, pieces
from lockgate.planner.sql.statements import Directive, Statement, scan, split_statements

VECTORS = json.loads(Path(__file__).with_name("split_vectors.json").read_text(encoding="utf-8"))
BODY = "create procedure p() begin select 1; end"
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
MYSQL_FAMILY = pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=["mysql", "mariadb"])


def texts(sql, dialect=POSTGRESQL):
    return [statement.sql for statement in split_statements(sql, dialect)]


def refusal(sql, dialect=POSTGRESQL):
    with pytest.raises(SplitError) as caught:
        split_statements(sql, dialect)
    assert caught.value.what
    assert caught.value.do
    return caught.value


def of_vector(vector):
    dialect = DIALECTS[vector["engine"]]
    return dialect.with_server(dialect.version, vector["sql_mode"])


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one["expect"] is not None], ids=lambda one: one["id"]
)
def test_a_text_is_split_as_a_live_server_splits_it(vector):
    assert texts(vector["sql"], of_vector(vector)) == vector["expect"]


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one["expect"] is None], ids=lambda one: one["id"]
)
def test_a_text_without_one_reading_is_refused_with_its_line(vector):
    assert refusal(vector["sql"], of_vector(vector)).line >= 1


def test_every_vector_is_used():
    assert len(VECTORS) == 120


@EVERY_DIALECT
@pytest.mark.parametrize("sql", ["", "\n", ";", " ;; ;\n;", "-- one", "/* ; */", "/* a */;-- b\n;"])
def test_a_text_without_statements_has_none(sql, dialect):
    assert texts(sql, dialect) == []


@EVERY_DIALECT
def test_a_statement_has_the_line_of_its_first_character(dialect):
    sql = "\n-- one\nselect 1;\n\n/* two\n*/ select\n2; select 3;\r\nselect '\n\n'; select 4"
    found = split_statements(sql, dialect, first_line=10)
    assert [statement.line for statement in found] == [12, 15, 16, 17, 19]


@EVERY_DIALECT
def test_words_are_bare_lower_case_and_outside_parentheses(dialect):
    (found,) = split_statements("CREATE Table s.t (a INT) /* x */ 'y' 12 \"z\" Comment", dialect)
    assert found.words == ("create", "table", "s", "comment")


@EVERY_DIALECT
def test_only_the_first_words_are_kept(dialect):
    (found,) = split_statements("select " + "a " * 99, dialect)
    assert len(found.words) == 24


@EVERY_DIALECT
def test_carriage_returns_stay_within_a_statement_alone(dialect):
    assert texts("select\r\n1;\r\nselect 2\r\n;\r\n", dialect) == ["select\r\n1", "select 2"]


@EVERY_DIALECT
def test_directives_come_in_the_order_of_the_file(dialect):
    sql = (
        "-- migrate:requires 1\n-- migrate:up transaction:false \r\nselect 1\n--migrate:down\ndo 2"
    )
    one, two, three, four, five = scan(sql, dialect)
    assert (one, two) == (Directive("requires 1", 1), Directive("up transaction:false", 2))
    assert (three.sql, three.line, four) == ("select 1", 3, Directive("down", 4))
    assert five.sql == "do 2"


@EVERY_DIALECT
def test_a_directive_other_than_up_and_down_leaves_the_statement_whole(dialect):
    sql = "select 1,\n-- migrate:allow x\n2;\nselect 3"
    directive, first, second = scan(sql, dialect)
    assert directive == Directive("allow x", 2)
    assert (first.sql, first.line) == ("select 1,\n-- migrate:allow x\n2", 1)
    assert (second.sql, second.line) == ("select 3", 4)


@EVERY_DIALECT
@pytest.mark.parametrize(
    "sql",
    [
        "select '\n-- migrate:down\n'",
        "/*\n-- migrate:down\n*/ select 1",
        'select 1 as "\n-- migrate:down\n"',
        "select 1 -- migrate:down",
        " -- migrate:down\nselect 1",
        "-- migration:down\nselect 1",
    ],
)
def test_text_that_only_looks_like_a_directive_is_none(sql, dialect):
    assert [type(item) for item in scan(sql, dialect)] == [Statement]


@pytest.mark.parametrize("quote", ["$$", "$x$"])
def test_a_dollar_quote_hides_a_directive(quote):
    sql = f"do {quote}\n-- migrate:down\n{quote}"
    assert list(scan(sql, POSTGRESQL)) == [Statement(sql, 1, ("do",))]


def test_a_directive_ends_a_string_that_could_go_on():
    found = list(scan("select E'a'\n-- migrate:down\n'b\\'", POSTGRESQL))
    assert [type(item) for item in found] == [Statement, Directive, Statement]


def test_down_within_an_atomic_body_is_refused_with_the_line_of_the_body():
    sql = "create function f() returns int\nbegin atomic\nselect 1;\n-- migrate:down\nselect 1"
    assert refusal(sql).line == 2


@MYSQL_FAMILY
def test_down_within_a_body_is_refused_with_the_line_of_the_body(dialect):
    sql = "-- migrate:up\ncreate procedure p()\nbegin\nif 1 then do 1;\n-- migrate:down\nselect 1"
    assert refusal(sql, dialect).line == 3


@MYSQL_FAMILY
def test_a_section_begins_with_the_usual_delimiter(dialect):
    sql = f"delimiter //\n{BODY} //\n-- migrate:down\nselect 1; select 2"
    found = [item.sql for item in scan(sql, dialect) if isinstance(item, Statement)]
    assert found == [BODY, "select 1", "select 2"]


@MYSQL_FAMILY
@pytest.mark.parametrize(
    "delimiter", ["//", "$$", ";;", "|", "END_OF", "@@", "^", "-- ;".strip("- ")]
)
def test_any_delimiter_ends_a_statement_without_space(dialect, delimiter):
    sql = f"DELIMITER {delimiter}\nselect 1{delimiter}\n{BODY}{delimiter}\ndelimiter ;\ndo 2;"
    assert texts(sql, dialect) == ["select 1", BODY, "do 2"]


@MYSQL_FAMILY
def test_delimiter_is_a_name_within_a_statement(dialect):
    sql = "create table t (\n delimiter int); select\ndelimiter from t; select 2"
    assert len(texts(sql, dialect)) == 3


@MYSQL_FAMILY
@pytest.mark.parametrize("line", ["delimiter", "DELIMITER  ", "delimiter \\", "delimiter ''"])
def test_delimiter_without_an_argument_is_refused(dialect, line):
    assert refusal(f"select 1;\n{line}\nselect 2", dialect).line == 2


@MYSQL_FAMILY
def test_a_delimiter_within_a_block_is_refused(dialect):
    assert refusal("delimiter //\ncreate procedure p()\nbegin do 1; //", dialect).line == 3


def test_copy_data_stands_beside_its_statement():
    sql = "copy t (a, b) from stdin;\n1\t;\n-- migrate:down\n\\.\nselect 1;\n"
    copy, select = split_statements(sql, POSTGRESQL)
    assert (copy.sql, copy.copy_data) == ("copy t (a, b) from stdin", "1\t;\n-- migrate:down\n")
    assert (select.sql, select.line, select.copy_data) == ("select 1", 5, None)


@pytest.mark.parametrize(
    ("sql", "data"),
    [
        ('COPY "t" FROM STDIN WITH (FORMAT csv); -- x\r\na\r\n\\.\r\n', "a\r\n"),
        ("copy a$b from stdin; /* x */\n\\.", ""),
        ("copy s.t from stdin csv;\n\\.x\n\\.\n", "\\.x\n"),
    ],
)
def test_copy_data_ends_with_a_line_of_its_own(sql, data):
    assert [one.copy_data for one in split_statements(sql, POSTGRESQL)] == [data]


@pytest.mark.parametrize(
    "sql",
    [
        "\ncopy t from stdin;",
        "\ncopy t from stdin",
        "\ncopy t from stdin;\n1\n2\n",
        "\ncopy t from stdin; select 2;\n1\n\\.\n",
        "\ncopy t from stdin\n-- migrate:down\n",
    ],
)
def test_copy_without_its_data_is_refused(sql):
    assert refusal(sql).line == 2


@pytest.mark.parametrize(
    "sql", ["copy t to stdout;", "copy t from '/x';", "copy t from program 'stdin';"]
)
def test_other_kinds_of_copy_have_no_data(sql):
    assert [one.copy_data for one in split_statements(sql + "select 1", POSTGRESQL)] == [None, None]


@pytest.mark.parametrize(
    ("sql", "dialect", "named"),
    [
        ("select 1;\n\\i other.sql\n", POSTGRESQL, r"\i other.sql"),
        ("select 1\n\\gset\n", POSTGRESQL, r"\gset"),
        ("--\n\\restrict aBc\n", POSTGRESQL, r"\restrict aBc"),
        ("select 1;\nsource other.sql\n", MYSQL, "source other.sql"),
        ("select 1;\n\\. other.sql\n", MYSQL, r"\. other.sql"),
        ("select\n1\\G", MARIADB, r"\G"),
        ("do 1;\npager less;", MARIADB, "pager less"),
    ],
)
def test_a_command_of_the_client_is_refused_by_its_name(sql, dialect, named):
    error = refusal(sql, dialect)
    assert error.what.startswith(f"`{named}` ")
    assert error.line == 2
    assert ("pg_dump" in error.do) == ("restrict" in named)


@EVERY_DIALECT
@pytest.mark.parametrize("opened", ["'", '"', "/*", "'a\n''b"])
def test_what_is_not_closed_is_refused_with_the_line_where_it_opened(dialect, opened):
    assert refusal(f"select 1;\nselect {opened} ;\n\n", dialect).line == 2


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("\ndo $a$ ;\n$b$", POSTGRESQL),
        ("\nselect E'a\\';\n", POSTGRESQL),
        ("\n/* a /* b */;\n", POSTGRESQL),
        ("\ncreate procedure p() language javascript as $$ ;\n", MYSQL),
        ("\nselect `a;\n", MARIADB),
        ("\nselect /*!40101 1;\n", MYSQL),
        ("\nselect /*!999999 1;\n", MARIADB),
        ("\ncreate procedure p() begin\nselect 1;\n", MYSQL),
    ],
)
def test_what_one_engine_knows_and_is_not_closed_is_refused_too(sql, dialect):
    assert refusal(sql, dialect).line == 2


@EVERY_DIALECT
@pytest.mark.parametrize("sql", ["\nselect '\0'", "\n-- \0\n", "\n\0"])
def test_nul_is_refused_wherever_it_stands(sql, dialect):
    assert refusal(sql, dialect).line == 2


@pytest.mark.parametrize(
    "sql",
    [
        "set standard_conforming_strings = off",
        "SET SESSION standard_conforming_strings TO 'off'",
        "set local standard_conforming_strings to default",
        'set "standard_conforming_strings" /* x */ = off',
        "reset standard_conforming_strings",
        "select pg_catalog.set_config('standard_conforming_strings', 'off', false)",
        "do $$ begin set standard_conforming_strings = off; end $$",
    ],
)
def test_a_change_of_standard_conforming_strings_is_refused(sql):
    assert refusal(f"select 1;\n{sql};").line == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SET standard_conforming_strings = on",
        "show standard_conforming_strings",
        "select current_setting('standard_conforming_strings')",
        "alter role r set standard_conforming_strings = off",
        "select set_config('search_path', '', false)",
        "insert into t values ('set standard_conforming_strings = off')",
    ],
)
def test_what_leaves_standard_conforming_strings_as_it_is_passes(sql):
    assert texts(sql + "; select 1") == [sql, "select 1"]


@MYSQL_FAMILY
@pytest.mark.parametrize(
    "sql",
    [
        "set sql_mode='NO_BACKSLASH_ESCAPES'",
        'set session sql_mode = "STRICT_ALL_TABLES,ANSI"',
        "set @@session.sql_mode := 'ansi_quotes'",
        "set @@sql_mode = concat(@@sql_mode, ',ANSI_QUOTES')",
        "/*!40101 set @a = 1, sql_mode = 'ORACLE' */",
        "set `sql_mode` = ansi",
        "set local sql_mode = 4",
        "set @a = 'ANSI'; set sql_mode = @a",
        "set @a = @@sql_mode; set @a = 'ANSI'; set sql_mode = @a",
        "set global max_connections = 9, session sql_mode = 'ANSI'",
    ],
)
def test_a_change_of_how_quotes_are_read_is_refused(sql, dialect):
    assert refusal(f"do 1;\n{sql};", dialect).line == 2


@MYSQL_FAMILY
@pytest.mark.parametrize(
    "sql",
    [
        "set sql_mode=''",
        "set sql_mode = 'TRADITIONAL'",
        "set session sql_mode = strict_all_tables",
        "set sql_mode = default",
        "set sql_mode = 0",
        "set sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')",
        "set sql_mode = (select replace(@@session.sql_mode, 'ONLY_FULL_GROUP_BY', ''))",
        "set @old=@@sql_mode, sql_mode='NO_AUTO_VALUE_ON_ZERO'; set sql_mode=@old",
        "set global sql_mode = 'ANSI'",
        "set @@global.sql_mode = 'ANSI', @x = 'sql_mode=ANSI'",
        "select 'set sql_mode=ANSI'",
        "create procedure p() set sql_mode = 'ANSI'",
    ],
)
def test_a_sql_mode_that_leaves_quotes_alone_passes(sql, dialect):
    assert texts(sql, dialect) == sql.split("; ")


def test_the_same_sql_mode_is_judged_by_the_server_that_reads_it():
    ansi = MYSQL.with_server(80036, "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
    assert len(texts("set sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", ansi)) == 1
    assert refusal("set sql_mode=''", ansi)


def test_a_live_server_decides_what_quotes_and_backslashes_mean():
    ansi = MYSQL.with_server(90704, "STRICT_TRANS_TABLES,ANSI_QUOTES")
    assert (ansi.version, ansi.ansi_quotes, ansi.backslash_escapes) == (90704, True, True)
    assert texts('select "a\\"; select "b"', ansi) == ['select "a\\"', 'select "b"']
    assert POSTGRESQL.with_server(150004).ansi_quotes
    assert not POSTGRESQL.with_server(150004).backslash_escapes


def test_the_version_decides_what_a_conditional_comment_is():
    sql = "select /*!80000 ';*/', */ 1; select 2"
    assert texts(sql, MYSQL) == ["select /*!80000 ';*/', */ 1", "select 2"]
    assert texts("select /*!80000 ; */ 1", MYSQL.with_server(50744)) == ["select /*!80000 ; */ 1"]
    assert texts("select /*!80000 ; */ 1", MARIADB) == ["select /*!80000 ; */ 1"]


def test_the_version_decides_whether_a_dollar_opens_a_string():
    sql = "select 1 as $$; select 2 as $$"
    assert len(texts(sql, MYSQL.with_server(80400))) == 2
    assert len(texts(sql, MARIADB)) == 2
    assert len(texts(sql, MYSQL)) == 1


def test_a_conditional_comment_that_is_skipped_is_no_statement():
    assert texts("/*!999999 a */; /*!999999 b */", MYSQL) == []


@EVERY_DIALECT
@pytest.mark.parametrize(
    "sql",
    [
        "(" * 50_000 + ")" * 50_000,
        "select '" + "a''" * 50_000 + "'",
        "select E'a'" + "\n-- x\n" * 50_000 + "'b'",
        "select 1" + " \n" * 50_000 + "+ 1",
        "select " + "/**/" * 50_000 + "1",
        "select " + "a.b, " * 50_000 + "1",
        "select $a$ " * 2 + "1" * 50_000,
    ],
    ids=["parentheses", "quotes", "continued", "space", "comments", "names", "dollars"],
)
def test_a_large_text_is_read_without_recursion(sql, dialect):
    assert texts(sql + "; select 2", dialect)[-1] == "select 2"


def test_deep_comments_and_blocks_are_read_without_recursion():
    assert texts("/*" * 50_000 + "*/" * 50_000 + "select 1") == ["select 1"]
    body = "create procedure p() " + "begin " * 20_000 + "end; " * 19_999 + "end"
    assert texts(body + "; do 1", MYSQL) == [body, "do 1"]


class TestParentheses:
    """They are one piece where nothing in them can end a statement, and the rest is as ever."""

    ROW = "(1, 'it''s', -2.5, null, now(), (3), x'ff', \"d;q\", count(*))"

    @EVERY_DIALECT
    def test_a_list_of_rows_is_one_piece_however_long_it_is(self, dialect: Dialect) -> None:
        rows = ",\n".join([self.ROW] * 1000)
        piece = pieces(dialect).match(f"{rows}; select 2")
        assert piece is not None
        assert (piece.lastgroup, piece[0]) == ("group", rows)

    @EVERY_DIALECT
    @pytest.mark.parametrize(
        "inside",
        [
            *(
                "a -- );\n, b",
                "a /* ); */, b",
                "1 - 2 / 3 * 4",
                "a*/**/b",
                "';', \";)\"",
                "'a;\n)'",
            ),
            *("((((((1))))))", "a[1], b", "x'00'", "'a''b;'", "a-b-c", "'' , '' '(' ", "-- ;)\n1"),
        ],
    )
    def test_a_statement_ends_behind_them(self, dialect: Dialect, inside: str) -> None:
        for list_of in (f"({inside})", f"(0), ({inside}), (2)", f"(f({inside}))"):
            sql = f"insert into t values {list_of}"
            assert [one.sql for one in split_statements(f"{sql}; select 2", dialect)] == [
                *(sql, "select 2")
            ]

    @pytest.mark.parametrize(
        "inside", [r"E'\';)'", r"e'\\'';)'", "$$;)$$", "$a$ ' $a$", "/* /* */ ); */1"]
    )
    def test_strings_and_comments_of_postgresql_are_kept_whole(self, inside: str) -> None:
        sql = f"insert into t values (0), (1, {inside}), (2)"
        assert len(split_statements(f"{sql}; select 2", POSTGRESQL)) == 2

    @pytest.mark.parametrize(
        "inside", [r"'\';)'", r'"\");"', "`;)`", "# ;)\n1", "1--1", "/*!50000 1 */"]
    )
    def test_those_of_mysql_too(self, inside: str) -> None:
        sql = f"insert into t values (0), (1, {inside}), (2)"
        for dialect in (MYSQL, MARIADB):
            assert len(split_statements(f"{sql}; select 2", dialect)) == 2

    def test_the_parameters_of_a_routine_are_followed_by_its_body(self) -> None:
        sql = "create procedure p (a int, b decimal(3, 1)) begin select 1; select (2); end"
        assert [one.sql for one in split_statements(f"{sql}; select 3", MYSQL)] == [sql, "select 3"]

    @EVERY_DIALECT
    @pytest.mark.parametrize("text", ["(", "(1, (2)", "('a)", "(1;", "(((((1)"])
    def test_what_is_left_open_ends_as_it_did(self, dialect: Dialect, text: str) -> None:
        unclosed = f"select {text}"
        if "'" in text:
            with pytest.raises(SplitError):
                split_statements(unclosed, dialect)
        else:
            assert split_statements(unclosed, dialect)[0].sql == unclosed.rstrip(";")
