"""A delimiter ends a statement wherever the client of MySQL would see it, and costs no pattern."""

import re
from typing import Any

import pytest

from lockgate.planner.sql import dialect
from lockgate.planner.sql.delimited import DelimitedText, Found
from lockgate.planner.sql.dialect import MYSQL
from lockgate.planner.sql.statements import split_statements


def cut(sql: str, delimiter: str) -> list[tuple[str, str]]:
    """The kinds and the texts of all tokens."""
    text, position, found = DelimitedText(sql, MYSQL, delimiter), 0, []
    while (token := text.find(position)).kind != "end":
        assert isinstance(token, Found)
        position = token.end
        found.append((token.kind, sql[token.start : token.end]))
    return found


@pytest.mark.parametrize("delimiter", ["//", "END", "x", "$$", "|", "-a", "1"])
def test_a_token_ends_where_the_delimiter_begins(delimiter: str) -> None:
    found = cut(f"ab{delimiter}34{delimiter}", delimiter)
    assert [text for kind, text in found if kind == "delimiter"] == [delimiter] * 2
    assert "".join(text for _, text in found) == f"ab{delimiter}34{delimiter}"


@pytest.mark.parametrize("whole", ["'a//b'", "`//`", "/*! 1 //", "-- // x", "$a$"])
def test_what_is_quoted_or_a_comment_is_not_cut(whole: str) -> None:
    assert cut(whole, "//" if "//" in whole else "a")[0][1] in (whole, "/*!", "$a$")


def test_a_name_for_each_statement_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    split_statements("delimiter first\nselect 1 first", MYSQL)

    def refuse(*_: Any) -> None:
        raise AssertionError("a pattern is made")

    monkeypatch.setattr(dialect, "_one_of", refuse)
    monkeypatch.setattr(re, "compile", refuse)
    text = "".join(f"delimiter d{place}e\nselect {place} d{place}e\n" for place in range(300))
    assert len(split_statements(text, MYSQL)) == 300
