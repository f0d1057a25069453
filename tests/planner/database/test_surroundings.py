"""What a replay is not compared in: what no migration decides on; and what it is compared in."""

import pytest

from lockgate.planner.database.catalogue import Catalogue
from lockgate.planner.database.surroundings import Drift, Surroundings

BORN = 'owner pg_database_owner\nprivileges ["=U/o", "o=UC/o"]\ncomment "standard public schema"'
MADE = "owner me\ncolumn id: type integer"
GRANTED = 'owner me\nprivileges ["app=r/me", "me=arwd/me"]\ncolumn id: type integer'


def compare(name: str, expected: str, found: str) -> Drift:
    """How an object differs, on a database that was born with a schema public."""
    around = Surroundings("me", Catalogue({"schema public": BORN}))
    return around.compare(Catalogue({name: expected}), Catalogue({name: found}))


@pytest.mark.parametrize(
    ("name", "expected", "found"),
    [
        ("schema public", BORN, "owner ann"),
        ("schema public", BORN, 'owner postgres\nprivileges ["=UC/postgres", "app=U/postgres"]'),
        ("schema public", BORN.replace('["', '["app=U/o", "'),
         'owner postgres\nprivileges ["app=UC/postgres", "=UC/postgres", "postgres=UC/postgres"]'),
        ("table t", MADE, MADE.replace("me", "ann")),
        ("table t", MADE, GRANTED),
        ("table t", MADE, f'{MADE}, privileges ["app=r/me"]'),
        ("table t", GRANTED, GRANTED.replace("app=r/", "app=r*w/").replace("me", "ann")),
        ("view v", 'definer "me"\nsql_mode A\nview_definition x',
         'definer "ann@%"\nsql_mode B\nview_definition x'),
        ("extension citext", 'version "1.6"\nschema public', 'version "1.4"\nschema public'),
        ("grants", "'a'@'%' on table t: privileges [\"SELECT\"]",
         "'a'@'%' on table t: privileges [\"INSERT\", \"SELECT\"]\n'b'@'%': privileges [\"ALL\"]"),
    ],
)  # fmt: skip
def test_what_no_migration_decides_on_is_passed_over(name: str, expected: str, found: str) -> None:
    assert compare(name, expected, found) == Drift((), (name,))


@pytest.mark.parametrize(
    ("name", "expected", "found", "line"),
    [
        ("schema public", BORN.replace('["', '["app=U/o", "'), BORN, "app U"),
        ("schema public", BORN.replace('"=U/o", ', ""), BORN, "everybody U"),
        ("schema public", BORN.replace("standard", "our"), BORN, "our public"),
        ("table t", GRANTED, MADE, "app r"),
        ("table t", GRANTED, GRANTED.replace('["', '["=r/me", "'), "everybody r"),
        ("table t", MADE.replace("me", "app"), MADE, "owner app"),
        ("table t", MADE, f"{MADE}\ncolumn late: type integer", "column late"),
        ("function f()", 'owner me\nprivileges ["me=X/me"]', "owner me", "everybody X"),
        ("grants", "'a'@'%' on table t: privileges [\"SELECT\"]",
         "'a'@'%' on table t: privileges [\"INSERT\"]", "SELECT"),
    ],
)  # fmt: skip
def test_what_a_migration_makes_is_compared(
    name: str, expected: str, found: str, line: str
) -> None:
    drift = compare(name, expected, found)
    assert [each.object for each in drift.differences] == [name]
    assert line in "\n".join(drift.differences[0].lines)
    assert drift.passed == ()


def test_the_default_rights_of_an_administrator_are_no_difference() -> None:
    found = Catalogue({"default privileges": 'of me for r: privileges ["app=r/me"]'})
    assert Surroundings("me").compare(Catalogue({}), found).differences == ()
