"""Reviewers do not see the passwords in statements, and see all else."""

import pytest

from lockgate.planner.review.passwords import has_password, without_passwords
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("create role a password 'it''s' login", "create role a password '***' login"),
        ("alter role a password $x$hunter2$x$", "alter role a password '***'"),
        ("do $f$ begin create role a password 'hunter2'; end $f$",
         "do $f$ begin create role a password '***'; end $f$"),
        ("create subscription s connection 'host=h password=hunter2' publication p",
         "create subscription s connection 'host=h password=***' publication p"),
        ("create subscription s connection 'postgres://u:hunter2@h/d' publication p",
         "create subscription s connection 'postgres://u:***@h/d' publication p"),
    ],
)  # fmt: skip
def test_a_reviewer_sees_a_statement_without_its_password(sql: str, shown: str) -> None:
    assert without_passwords(sql, POSTGRESQL) == shown
    assert has_password(sql, POSTGRESQL)


def test_nothing_but_a_string_is_hidden_from_a_reviewer() -> None:
    for sql in (
        "select 1 -- password '\n; drop table users; select 'x'",
        "/* password ' */ delete from users /* ' */",
        "select \"password\" 'a' from t",
        "create table t (password text default '', connection text default 'a:b@c')",
    ):
        assert without_passwords(sql, POSTGRESQL) == sql
    assert without_passwords("set password = 'hunter2'", MYSQL) == "set password = '***'"


def test_a_hash_in_place_of_a_password_is_none() -> None:
    kept = "create role a password 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5'"
    assert not has_password(kept, POSTGRESQL)
    assert "SCRAM" not in without_passwords(kept, POSTGRESQL)
