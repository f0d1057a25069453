"""The cursor over a statement's tokens: what is code in it, and what is text."""

import pytest

from lockgate.planner.sql.cursor import read_head, read_tokens
from lockgate.planner.sql.dialect import DIALECTS, MARIADB, MYSQL, POSTGRESQL, Dialect
from lockgate.planner.sql.statements import split_statements


def test_an_e_string_is_one_token_up_to_its_end() -> None:
    sql = "values (E'it\\'s -- x'\n'and more', 2)"
    tokens = list(read_tokens(sql, POSTGRESQL).rest())
    assert [token.text for token in tokens[2:4]] == ["E'it\\'s -- x'\n'and more'", ","]
    assert tokens[2].kind == "string"


class TestHead:
    """What is read of a statement with rows: all but the rows that are literals alone."""

    HEAD = "insert into t (a, b) values"

    @pytest.mark.parametrize("dialect", [MYSQL, MARIADB, MYSQL.with_server(90704, "ANSI_QUOTES")])
    def test_it_does_not_grow_with_the_rows(self, dialect: Dialect) -> None:
        row = r"(1, -2.5e-3, 'it''s; \n', null, 0xff, x'00', _binary 'a', DEFAULT, now(), true)"
        one, many = (
            [(token.kind, token.text) for token in read_head(f"{self.HEAD} {rows}", dialect).rest()]
            for rows in (row, f"{row} , {row},\n" * 100 + row)
        )
        assert one == many

    @pytest.mark.parametrize(
        "tail",
        ["on duplicate key update a = values(a)", "returning f(a)", "as new on duplicate key "
         "update b = new.b + (select 1)"],
    )  # fmt: skip
    def test_what_follows_the_rows_is_read(self, tail: str) -> None:
        found = [token.text for token in read_head(f"{self.HEAD} (1), (2) {tail}", MYSQL).rest()]
        expected = [token.text for token in read_tokens(tail, MYSQL).rest()]
        assert found[-len(expected) :] == expected

    @pytest.mark.parametrize(
        "value",
        ["f(1)", "s.nextval", "next value for s", "@x := 1", "(select 1)", "a", "`a`", "now(f())",
         "nulls", "truest(1)", "default(a)", "db.now()", "1 + f(1)", "@a"],
    )  # fmt: skip
    def test_a_row_that_names_or_calls_something_is_read(self, value: str) -> None:
        row = f"(0, {value})"
        found = read_head(f"{self.HEAD} (1, 'a'), {row}, (2)", MYSQL).rest()
        texts = [token.text for token in found]
        expected = [token.text for token in read_tokens(row, MYSQL).rest()]
        assert expected == texts[-len(expected) - 2 : -2]

    def test_a_quoted_name_is_no_literal(self) -> None:
        ansi = MYSQL.with_server(90704, "ANSI_QUOTES")
        sql = f'{self.HEAD} (1, "a")'
        assert '"a"' in [token.text for token in read_head(sql, ansi).rest()]
        assert '"a"' not in [token.text for token in read_head(sql, MYSQL).rest()]

    def test_a_comment_that_is_code_is_read_to_its_end(self) -> None:
        sql = f"/*!50000 {self.HEAD} (1) */ on duplicate key update a = 1"
        found = [token.text for token in read_head(sql, MYSQL).rest()]
        assert "*" not in found
        assert found == [token.text for token in read_tokens(sql, MYSQL).rest()]


def texts(sql: str, dialect: Dialect) -> list[str]:
    return [token.text for token in read_tokens(sql, dialect).rest()]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("character", [*"+=<>%|&!^~{}?:/.", "-", "\x01", "\x7f"])
def test_a_run_of_operators_is_few_tokens(character: str, dialect: Dialect) -> None:
    few, many = (texts(f"select 1 {character * size}1", dialect) for size in (1_000, 4_000))
    assert len(few) == len(many) <= 4


@pytest.mark.parametrize("unit", ["(", ",", "a,", ",(", "[)", "a.", "@", ";-", "'',"])
def test_tokens_are_as_many_as_the_text_is_long(unit: str) -> None:
    few, many = (len(texts(f"select {unit * size} 1", MYSQL)) for size in (1_000, 4_000))
    assert many <= 4 * few


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("1 ---- x", ["1", "--"]),
        ("1 -----", ["1", "---"]),
        ("1---1", ["1", "---", "1"]),
        ("1 --1", ["1", "--", "1"]),
        ("1 -/* x */- 1", ["1", "-", "-", "1"]),
        ("1 ///* x */ 1", ["1", "//", "1"]),
        ("1 **/*x*/ 1", ["1", "*", "*", "1"]),
        ("/*!50000 1 ***/ 2", ["1", "**", "2"]),
        ("@a:=1", ["@a", ":", "=", "1"]),
    ],
)
def test_a_run_ends_where_a_comment_begins_or_ends(sql: str, found: list[str]) -> None:
    assert texts(sql, MYSQL) == found


@pytest.mark.parametrize("delimiter", ["||", "//", "--x", ":", "-"])
def test_a_run_ends_before_a_delimiter_of_its_characters(delimiter: str) -> None:
    sql = f"delimiter {delimiter}\nselect 1 !&~{delimiter}\nselect 2{delimiter}\n"
    assert [one.sql for one in split_statements(sql, MYSQL)] == ["select 1 !&~", "select 2"]
