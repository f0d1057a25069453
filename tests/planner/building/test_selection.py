"""Rollbacks that pass over migrations without a way back."""

import pytest

from lockgate.planner.building.selection import Skips, skip_step
from lockgate.planner.building.stored_runs import AppliedMigration
from lockgate.planner.errors import IrreversibleMigration, UsageError
from lockgate.planner.plan.plan import Step
from tests.planner.literals import ledger, migration


def way_back(one: AppliedMigration) -> Step:
    if one.version == "2":
        raise IrreversibleMigration(one.version, "2_two.sql")
    return skip(one, "").model_copy(update={"record": None})


def skip(one: AppliedMigration, reason: str) -> Step:
    return skip_step(one.version, "m", "m.sql", one.entry.checksum, (), reason)


GOING = [AppliedMigration(entry) for entry in ledger([migration(3), migration(2)]).entries]


class TestSkips:
    def test_only_what_is_named_is_passed_over(self) -> None:
        steps = Skips(("02",), "a backfill").steps(GOING, way_back, skip)
        assert [step.record and step.record.reason for step in steps] == [None, "a backfill"]
        with pytest.raises(IrreversibleMigration):
            Skips().steps(GOING, way_back, skip)

    @pytest.mark.parametrize(
        ("version", "words"), [("3", "has a way back"), ("1", "is not rolled back here")]
    )
    def test_what_has_a_way_back_or_stays_is_refused(self, version: str, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            Skips((version,), "a backfill").steps(GOING, way_back, skip)
