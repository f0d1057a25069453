"""Passwords in statements are not shown."""

import pytest

from lockgate.planner.passwords import hide_passwords


@pytest.mark.parametrize(
    "sql",
    [
        "create role a login password 'hunter2'",
        "ALTER USER a ENCRYPTED PASSWORD E'hunt\\'er2'",
        "create role a password $x$hunter2$x$ login",
        "create role a\n  password\n  'hunter2",
        "create user a identified by 'hunter2'",
        "create user a identified with caching_sha2_password by 'hunter2'",
        "create user mapping for a server s options (user 'u', password 'hunter2')",
    ],
)
def test_a_password_is_hidden(sql: str) -> None:
    shown = hide_passwords(sql)
    assert "er2" not in shown
    assert "***" in shown


def test_all_else_is_shown() -> None:
    sql = "select 'password', password from users where password = $1 and n = 'x'"
    assert hide_passwords(sql) == sql
