"""Matrices of migrations by environments, for the views."""

from dataclasses import replace

from lockgate.planner.building.compare import compare, standings
from lockgate.planner.building.matrix import Column, Matrix, lay_out
from lockgate.planner.migrations.migration import Migration
from tests.planner.literals import ledger, migration

FILES = [migration(f"{number:03}") for number in range(1, 6)]


def column(name: str, *applied: Migration) -> Column:
    """An environment to which these of the files were applied."""
    found = ledger(applied)
    return Column(name, standings(compare(FILES, found), found), found.serial)


def small_matrix() -> Matrix:
    """Every state there is, a file that only one environment has, and one that is not reached."""
    first, second, *_, last = FILES
    legacy, test = column("<legacy>", second), column("test", first, second)
    states = ("changed", "missing", "half done", "under way", "pending")
    altered = tuple(
        replace(each, state=state) for each, state in zip(test.standings, states, strict=True)
    )
    test = replace(test, standings=altered, problem="A run of plan 0123456789ab stopped half-way")
    only = replace(legacy.standings[-1], version="006", name="only_here")
    legacy = replace(legacy, standings=(*legacy.standings, only))
    unknown = Column("production", problem="No connection to the database: refused")
    return lay_out([column("dev", *FILES[:4], last), test, legacy, unknown])
