"""What servers of different versions print alike; `tests/versions` holds it against servers."""

from pathlib import Path

import pytest

from lockgate.planner.database.catalogue import Catalogue
from lockgate.planner.plan.other_version import LEFT_OUT, comparable


@pytest.mark.parametrize(
    ("name", "newer", "older"),
    [
        ("table t", 'column a: not null true\nconstraint t_a_not_null: definition "NOT NULL a"',
         "column a: not null true"),
        ("view v", "owner o\ndefinition:\n  SELECT a\n  FROM t",
         "owner o\ndefinition:\n  SELECT t.a"),
        ("table t", 'privileges ["o=arwdDxtm/o"]', 'privileges ["o=arwdDxt/o"]'),
        ("extension citext", 'version "1.8"\nschema public', 'version "1.6"\nschema public'),
        ("type r", 'range {"of": "int", "multirange": "m"}',
         'range {"of": "int", "multirange": null}'),
    ],
)  # fmt: skip
def test_what_differs_by_version_alone_is_no_difference(name: str, newer: str, older: str) -> None:
    one, other = (comparable(Catalogue({name: text})) for text in (newer, older))
    assert one.objects == other.objects


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table t", 'constraint positive: definition "CHECK ((a > 0))"'),
        ("table t", "column m: type integer"),
        ("view v", "owner o\ncomment mine"),
        ("function f()", "definition:\n  CREATE FUNCTION f()\n   AS $$ select 1 $$"),
        ("schema app", "owner postgres"),
    ],
)
def test_all_else_is_compared(name: str, text: str) -> None:
    assert comparable(Catalogue({name: text})).objects == {name: text}


def test_the_page_says_what_is_left_out() -> None:
    page = Path(__file__).parents[3] / "docs/reference/servers.md"
    assert LEFT_OUT in " ".join(page.read_text().split())
