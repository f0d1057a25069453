"""A server's age: which are refused, and by which sentence."""

from pathlib import Path

import pytest

from lockgate.planner.database.server import OLDEST, refuse_old_server
from lockgate.planner.errors import UsageError


@pytest.mark.parametrize(
    ("engine", "version", "told"),
    [
        ("postgresql", 120022, "PostgreSQL 12, and the oldest that lockgate works with is 13."),
        ("postgresql", 90624, "PostgreSQL 9, and"),
        ("mysql", 50744, "MySQL 5.7, and the oldest that lockgate works with is 8.0."),
        ("mariadb", 100439, "MariaDB 10.4, and the oldest that lockgate works with is 10.5."),
    ],
)
def test_an_old_server_is_refused_by_its_series(engine: str, version: int, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_old_server(engine, version)
    assert told in refused.value.what


@pytest.mark.parametrize(
    ("engine", "version"),
    [("postgresql", 130000), ("postgresql", 190000), ("mysql", 80000), ("mariadb", 100500)],
)
def test_the_oldest_and_all_that_came_after_are_taken(engine: str, version: int) -> None:
    refuse_old_server(engine, version)


def test_the_pages_say_which_are_the_oldest() -> None:
    root = Path(__file__).parents[3]
    page, readme = (
        (root / "docs/reference/servers.md").read_text(),
        (root / "README.md").read_text(),
    )
    for name, series in OLDEST.values():
        oldest = ".".join(map(str, series))
        assert f"| {name} | {oldest} |" in page
        assert f"| {name} | {oldest} to " in readme
