"""The matrix of migrations and environments."""

from dataclasses import replace

from lockgate.planner.building.compare import compare, standings
from lockgate.planner.building.matrix import Column, lay_out
from lockgate.planner.migrations.migration import Migration
from tests.planner.literals import ledger, migration

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
FILES = [ONE, TWO, THREE]


def column(name: str, *applied: Migration) -> Column:
    """An environment to which these were applied."""
    found = ledger(applied)
    return Column(name, standings(compare(FILES, found), found), found.serial)


def states(*columns: Column) -> list[tuple[str, list[str]]]:
    rows = lay_out(columns).rows
    return [(row.version, [cell.state if cell else "" for cell in row.cells]) for row in rows]


def test_each_environment_has_a_column_and_each_migration_a_row() -> None:
    assert states(column("dev", ONE, TWO), column("production", ONE)) == [
        ("001", ["applied", "applied"]),
        ("002", ["applied", "pending"]),
        ("003", ["pending", "pending"]),
    ]


def test_an_environment_that_nothing_is_known_of_has_empty_cells() -> None:
    unknown = Column("production", problem="cannot connect")
    assert not unknown.is_known
    assert states(column("dev", ONE), unknown)[0] == ("001", ["applied", ""])


def test_another_migration_of_the_same_version_is_a_row_of_its_own() -> None:
    (other,) = standings(compare([migration("001")], ledger()), ledger())
    renamed = Column("legacy", (replace(other, name="other"),), 0)
    assert states(column("dev", ONE), renamed)[:2] == [
        ("001", ["applied", ""]),
        ("001", ["", "pending"]),
    ]


def test_versions_are_in_order_of_their_numbers() -> None:
    files = [migration(9), migration(10)]
    wide = Column("dev", standings(compare(files, ledger()), ledger()), 0)
    assert [row.version for row in lay_out([wide]).rows] == ["9", "10"]


def test_a_summary_counts_the_states() -> None:
    assert column("dev", ONE).summary == "1 applied, 2 pending"
    assert Column("empty", serial=0).summary == "0 applied"
