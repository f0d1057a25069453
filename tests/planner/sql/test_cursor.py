"""The cursor over a statement's tokens: what is code in it, and what is text."""

from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import POSTGRESQL


def test_an_e_string_is_one_token_up_to_its_end() -> None:
    sql = "values (E'it\\'s -- x'\n'and more', 2)"
    tokens = list(read_tokens(sql, POSTGRESQL).rest())
    assert [token.text for token in tokens[2:4]] == ["E'it\\'s -- x'\n'and more'", ","]
    assert tokens[2].kind == "string"
