"""Comparison of the files with the ledger."""

from dataclasses import replace

import pytest

from lockgate.planner.building.compare import (
    compare,
    refuse_broken_history,
    refuse_out_of_order,
    standings,
)
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import (
    BrokenHistory,
    HistoryError,
    MigrationFileError,
    OutOfOrder,
    StalePlan,
)
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.verify import find_position
from tests.planner.literals import ledger, migration, read, up_plan

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
EDITED = migration("001", "select 'edited';")


def test_everything_is_pending_on_an_empty_database() -> None:
    found = compare([ONE, TWO], Ledger())
    assert found.pending == (ONE, TWO)
    assert (found.applied, found.changed, found.missing, found.out_of_order) == ((), (), (), ())
    assert found.last_applied == ""


def test_what_has_an_entry_of_the_same_checksum_is_applied() -> None:
    found = compare([ONE, TWO, THREE], ledger([ONE, TWO]))
    assert (found.applied, found.pending, found.last_applied) == ((ONE, TWO), (THREE,), "002")


def test_an_entry_of_another_checksum_is_changed_and_nothing_else() -> None:
    applied = ledger([ONE, TWO])
    found = compare([EDITED, TWO], applied)
    assert found.changed == ((EDITED, applied.entries[0]),)
    assert (found.applied, found.pending, found.missing) == ((TWO,), (), ())


def test_an_entry_without_a_file_is_missing() -> None:
    applied = ledger([ONE, TWO])
    assert compare([TWO], applied).missing == (applied.entries[0],)


def test_a_pending_migration_below_the_last_applied_applied_is_out_of_order() -> None:
    found = compare([ONE, TWO, THREE], ledger([TWO]))
    assert found.pending == (ONE, THREE)
    assert found.out_of_order == (ONE,)


def test_the_last_applied_version_is_found_by_number_not_by_text() -> None:
    nine, ten = migration(9), migration(10)
    assert compare([nine, ten], ledger([ten, nine])).last_applied == "10"


def test_versions_match_as_numbers() -> None:
    applied = ledger([ONE])
    entry = replace(applied.entries[0], version="1")
    found = compare([ONE, TWO], replace(applied, entries=(entry,)))
    assert (found.applied, found.pending) == ((ONE,), (TWO,))


def test_a_renamed_file_with_the_same_content_is_still_applied() -> None:
    applied = ledger([ONE])
    entry = replace(applied.entries[0], name="an_earlier_name")
    assert compare([ONE], replace(applied, entries=(entry,))).applied == (ONE,)


def test_pending_migrations_stand_in_the_order_in_which_they_run() -> None:
    first = migration("001", requires="003")
    assert compare(order([first, TWO, THREE]), Ledger()).pending == (TWO, THREE, first)


class TestRefusals:
    def test_a_sound_history_is_accepted(self) -> None:
        refuse_broken_history(compare([ONE, TWO], ledger([ONE])))

    def test_changed_and_missing_files_are_each_named(self) -> None:
        with pytest.raises(BrokenHistory) as caught:
            refuse_broken_history(compare([EDITED, THREE], ledger([ONE, TWO])))
        error = caught.value
        assert (error.changed, error.missing) == (("001",), ("002",))
        assert f"changed  001_m001.sql: applied {ONE.checksum[:16]}" in error.what
        assert "missing  002 m002" in error.what
        assert error.what.startswith("2 applied migrations no longer match the files")
        assert "git checkout" in error.do

    def test_one_changed_file_is_spoken_of_in_the_singular(self) -> None:
        with pytest.raises(BrokenHistory, match=r"^1 applied migration no longer matches"):
            refuse_broken_history(compare([EDITED], ledger([ONE])))

    def test_only_those_out_of_order_that_would_run_are_refused(self) -> None:
        found = compare([ONE, TWO, THREE], ledger([TWO]))
        refuse_out_of_order(found, [THREE])
        with pytest.raises(OutOfOrder) as caught:
            refuse_out_of_order(found, found.pending)
        assert caught.value.versions == ("001",)
        assert "before 002, which is applied: 001" in caught.value.what
        assert "Give it a higher version, or set `out_of_order: warn`" in caught.value.do

    def test_versions_that_are_texts_have_no_higher_one(self) -> None:
        late, last = (replace(ONE, version=f"a.sql::{n}::ann") for n in (2, 1))
        found = compare([late, last], ledger([last]))
        with pytest.raises(OutOfOrder, match=r"Put it after a\.sql::1::ann where the order"):
            refuse_out_of_order(found, found.pending)

    def test_both_are_broken_history_for_a_caller(self) -> None:
        assert issubclass(BrokenHistory, HistoryError)
        assert issubclass(OutOfOrder, HistoryError)


def test_what_runs_behind_all_that_is_applied_is_not_out_of_order() -> None:
    migrations = order([migration(1), migration(2, requires="5"), *map(migration, (3, 4, 5))])
    assert [each.version for each in migrations] == ["1", "3", "4", "5", "2"]
    found = compare(migrations, ledger(migrations[:4]))
    assert [each.version for each in found.pending] == ["2"]
    assert found.out_of_order == ()
    assert [each.version for each in compare(migrations, ledger(migrations[3:])).out_of_order] == [
        "1",
        "3",
        "4",
    ]


class TestRepeatable:
    """Repeatable migrations run again when they change, or what they require has run after them."""

    def read(self, name: str, sql: str, requires: str = "") -> Migration:
        header = f"-- migrate:requires {requires}\n" if requires else ""
        return read(f"{header}-- migrate:up\n{sql};\n", f"R__{name}.sql")

    def states(self, files: list[Migration], found: Ledger) -> dict[str, str]:
        comparison = compare(order(files), found)
        return {one.version: one.state for one in standings(comparison, found)}

    def test_they_come_last_and_are_never_out_of_order(self) -> None:
        view = self.read("a", "select 1")
        running = order([view, migration("3"), migration("2")])
        assert [one.version for one in running] == ["2", "3", "R__a"]
        comparison = compare(running, ledger([view]))
        assert comparison.out_of_order == ()
        assert [one.version for one in comparison.pending] == ["2", "3"]

    def test_a_changed_one_is_to_repeat_and_no_broken_history(self) -> None:
        old, new = self.read("a", "select 1"), self.read("a", "select 2")
        assert self.states([new], ledger([old])) == {"R__a": "to repeat"}
        refuse_broken_history(compare([new], ledger([old])))
        assert self.states([old], ledger([old])) == {"R__a": "applied"}

    def test_so_is_one_whose_requirement_is_pending_or_has_run_after_it(self) -> None:
        base, view = self.read("b", "select 1"), self.read("a", "select 2", "5 R__b")
        five = migration("5")
        assert self.states([five, base, view], ledger([base, view]))["R__a"] == "to repeat"
        assert self.states([five, base, view], ledger([five, view, base]))["R__a"] == "to repeat"
        assert self.states([five, base, view], ledger([five, base, view]))["R__a"] == "applied"
        changed = self.read("b", "select 3")
        found = self.states([five, changed, view], ledger([five, base, view]))
        assert found == {"5": "applied", "R__b": "to repeat", "R__a": "to repeat"}

    def test_one_without_a_file_is_removed_and_not_missing(self) -> None:
        found = ledger([self.read("a", "select 1")])
        comparison = compare((), found)
        assert [entry.version for entry in comparison.removed] == ["R__a"]
        assert comparison.missing == ()
        assert self.states([], found) == {"R__a": "removed"}

    def test_no_versioned_migration_can_require_one(self) -> None:
        text = "-- migrate:requires R__a\n-- migrate:up\nselect 1;\n"
        with pytest.raises(MigrationFileError, match="requires R__a, which is repeatable"):
            order([self.read("a", "select 1"), read(text, "1_b.sql")])

    def test_a_plan_of_one_that_runs_again_can_be_found_again_at_every_point(self) -> None:
        old, new = self.read("a", "select 1"), self.read("a", "select 2")
        before = ledger([old])
        plan = up_plan([migration("1"), new], before)
        assert [step.replaces for step in plan.steps] == [None, old.checksum]
        assert find_position(plan, before) == 0
        halfway = ledger([old, migration("1")], serial=2)
        assert find_position(plan, halfway) == 1
        assert find_position(plan, ledger([new, migration("1")], serial=3)) == 2
        with pytest.raises(StalePlan):
            find_position(plan, ledger([old, migration("1")], serial=3))


def test_texts_are_shown_in_the_order_of_their_files() -> None:
    names = ("zebra", "ant")
    files = [replace(migration("1"), version=name, name=name) for name in names]
    found = standings(compare(files, Ledger()), Ledger())
    assert [one.version for one in found] == ["zebra", "ant"]
