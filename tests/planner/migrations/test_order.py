"""The order of migrations: what each requires first, the lowest version first."""

from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.versions import VersionKey, version_key
from tests.planner.literals import migration


def graph(*edges: tuple[int, str]) -> list[Migration]:
    return [migration(version, requires=requires) for version, requires in edges]


def numbers(migrations: Iterable[Migration]) -> list[int]:
    return [int(one.version) for one in order(migrations)]


def ordered(*edges: tuple[int, str]) -> list[int]:
    return numbers(graph(*edges))


def test_without_requirements_the_order_is_that_of_versions() -> None:
    assert ordered((10, ""), (9, ""), (1, ""), (12345678901234567890, "")) == [
        *(1, 9, 10),
        12345678901234567890,
    ]


def test_what_is_required_runs_first() -> None:
    assert ordered((1, "3"), (2, ""), (3, "")) == [2, 3, 1]


def test_the_lowest_version_that_is_ready_runs_next() -> None:
    assert ordered((1, ""), (2, "9"), (3, ""), (9, "1"), (10, "")) == [1, 3, 9, 2, 10]


def test_a_diamond_runs_each_migration_once() -> None:
    assert ordered((4, "2 3"), (3, "1"), (2, "1"), (1, "")) == [1, 2, 3, 4]


def test_a_required_version_is_matched_as_a_number() -> None:
    assert ordered((1, "0007"), (7, "")) == [7, 1]


def test_a_version_that_is_required_twice_counts_once() -> None:
    assert ordered((1, "2 2 002"), (2, "")) == [2, 1]


def test_an_unknown_version_names_the_file_that_requires_it() -> None:
    with pytest.raises(MigrationFileError) as caught:
        ordered((1, ""), (2, "1 7 8"))
    assert str(caught.value).startswith("2_m2.sql: requires 7, 8, and no migration has")
    assert caught.value.do


@pytest.mark.parametrize(
    ("edges", "chain"),
    [
        ([(1, "1")], "1_m1.sql requires 1_m1.sql"),
        ([(1, ""), (2, "3"), (3, "2")], "3_m3.sql requires 2_m2.sql requires 3_m3.sql"),
        (
            [(1, "3"), (2, "1"), (3, "2")],
            "1_m1.sql requires 3_m3.sql requires 2_m2.sql requires 1_m1.sql",
        ),
    ],
)
def test_a_circle_is_shown_in_the_direction_of_requires(
    edges: list[tuple[int, str]], chain: str
) -> None:
    with pytest.raises(MigrationFileError) as caught:
        ordered(*edges)
    shown = caught.value.what.split(": ")[1].split(" requires ")
    expected = chain.split(" requires ")
    assert len(shown) == len(expected)
    assert set(pairwise(shown)) == set(pairwise(expected))
    assert "migrate:requires" in caught.value.do


def test_a_circle_beside_sound_migrations_names_only_its_members() -> None:
    with pytest.raises(MigrationFileError) as caught:
        ordered((1, ""), (2, "1 4"), (3, "2"), (4, "3"), (5, "4"))
    assert "5_m5.sql" not in caught.value.what


@st.composite
def acyclic(draw: st.DrawFn) -> list[Migration]:
    """Migrations that require only such as stand before them in a hidden order."""
    hidden = draw(st.lists(st.integers(0, 10**20), unique=True, max_size=12))
    found = []
    for place, version in enumerate(hidden):
        some = draw(st.sets(st.sampled_from(hidden[:place]))) if place else set()
        found.append(migration(version, requires=" ".join(map(str, sorted(some)))))
    return found


@given(acyclic(), st.randoms())
def test_order_respects_requires_and_not_the_order_of_its_input(
    migrations: list[Migration], random: Random
) -> None:
    result = order(migrations)
    assert sorted(one.key for one in result) == sorted(one.key for one in migrations)
    seen: set[VersionKey] = set()
    for one in result:
        assert {version_key(version) for version in one.requires} <= seen
        seen.add(one.key)
    shuffled = list(migrations)
    random.shuffle(shuffled)
    assert order(shuffled) == result


def test_a_chain_and_a_star_of_thousands_are_ordered() -> None:
    chain = graph((1, ""), *((number, str(number - 1)) for number in range(2, 2001)))
    star = graph((1, ""), *((number, "1") for number in range(2, 2001)))
    assert numbers(chain) == list(range(1, 2001))
    assert numbers(reversed(star)) == list(range(1, 2001))
