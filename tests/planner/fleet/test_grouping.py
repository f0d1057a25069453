"""Groups: targets that are equal in all that a plan depends on, and no others."""

from dataclasses import replace

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.fleet.grouping import (
    Outline,
    SeenTarget,
    enlarged,
    find_unsure,
    group_targets,
)
from lockgate.planner.fleet.place import TargetPlace
from tests.planner.literals import SERVER, ledger, migration

ONE, TWO = migration(1), migration(2)


def seen(name: str, digest: str = "d", *, applied: int = 1, size: int = 0) -> SeenTarget:
    """A target with so many migrations applied."""
    outline = Outline(digest, {"t1": (10, size)} if size else {})
    return SeenTarget(TargetPlace(name), SERVER, ledger([ONE, TWO][:applied]), outline)


def grouped(*found: SeenTarget, leave_drifted: bool = True) -> tuple[list[str], dict[str, str]]:
    """The names of each group together, and the reasons of those in none."""
    groups, odd = group_targets(found, leave_drifted=leave_drifted)
    names = ["".join(one.place.name for one in group.members) for group in groups]
    return names, {one.name: one.reason for one in odd}


def test_equal_targets_are_one_group_in_the_order_of_their_names() -> None:
    assert grouped(seen("c"), seen("a"), seen("b")) == (["abc"], {})


def test_another_history_is_another_group_and_the_largest_is_first() -> None:
    assert grouped(seen("a", applied=2), seen("b"), seen("c")) == (["bc", "a"], {})


def test_another_version_of_the_server_is_another_group() -> None:
    older = replace(SERVER, dialect=replace(SERVER.dialect, version=150000))
    assert grouped(seen("a"), seen("b"), replace(seen("c"), server=older))[0] == ["ab", "c"]


def test_a_minority_of_one_history_has_drifted() -> None:
    assert grouped(seen("a"), seen("b", "x"), seen("c")) == (["ac"], {"b": "drifted"})


def test_without_a_majority_all_have_drifted() -> None:
    assert grouped(seen("a"), seen("b", "x")) == ([], {"a": "drifted", "b": "drifted"})


def test_without_a_majority_what_their_last_runs_have_left_says_who_has_drifted() -> None:
    kept, changed = replace(seen("a"), changed=()), replace(seen("b", "x"), changed=("table t",))
    assert grouped(kept, changed) == (["a"], {"b": "drifted"})
    assert grouped(kept, seen("b", "x")) == (["a"], {"b": "drifted"})
    _, (odd,) = group_targets([kept, changed], leave_drifted=True)
    assert "table t" in odd.detail


def test_one_that_is_alone_in_its_history_is_not_its_own_majority() -> None:
    alone = seen("a", applied=2)
    assert grouped(replace(alone, changed=("table t",)), seen("b"), seen("c"))[1] == {
        "a": "drifted"
    }
    assert grouped(replace(alone, changed=()), seen("b"), seen("c"))[1] == {}
    assert grouped(alone, seen("b"), seen("c"))[1] == {}


def test_who_is_unsure() -> None:
    sure = [seen("a"), seen("b"), seen("c", "x")]
    alone, new = seen("d", applied=2), seen("e", applied=0)
    assert [one.place.name for one in find_unsure([*sure, alone, new])] == ["d"]
    assert [one.place.name for one in find_unsure(sure[1:])] == ["b", "c"]


def test_those_that_a_run_has_left_behind_as_drifted_do_not_vouch_for_each_other() -> None:
    ahead = [seen(name, "e", applied=2) for name in "abcd"]
    left = [replace(seen(name, "x"), changed=("table t",)) for name in "ef"]
    late = replace(seen("g"), changed=())
    assert [one.place.name for one in find_unsure([*ahead, *left, late])] == ["e", "f", "g"]
    assert grouped(*ahead, *left, late) == (["abcd", "g"], {"e": "drifted", "f": "drifted"})


def test_of_those_that_are_as_their_runs_left_them_a_minority_has_drifted() -> None:
    kept = [replace(seen(name), changed=()) for name in "ab"]
    other = replace(seen("c", "x"), changed=())
    changed = replace(seen("d"), changed=("table t",))
    assert grouped(*kept, other, changed) == (["ab"], {"c": "drifted", "d": "drifted"})


def test_drifted_ones_may_be_groups_of_their_own() -> None:
    assert grouped(seen("a"), seen("b", "x"), seen("c"), leave_drifted=False) == (["ac", "b"], {})


def test_databases_without_a_history_have_not_drifted() -> None:
    assert grouped(seen("a", applied=0), seen("b", "x", applied=0))[1] == {}


def test_the_largest_target_stands_for_its_group() -> None:
    (group,), _ = group_targets([seen("a", size=5), seen("b", size=9)], leave_drifted=True)
    assert group.first.place.name == "b"
    assert group.sizes == {"t1": (10, 9)}


def test_a_table_is_as_large_as_in_any_target() -> None:
    facts = Facts({"t1": TableFacts("", 3, 50, {}), "t2": TableFacts("", 1, 1, {})})
    found = enlarged(facts, {"t1": (10, 20), "gone": (5, 5)}).tables
    assert {name: (table.rows, table.size) for name, table in found.items()} == {
        "t1": (10, 50),
        "t2": (1, 1),
    }


def test_schemas_and_databases_are_groups_of_their_own() -> None:
    schema = replace(seen("b", "x"), place=TargetPlace("b", schema="b"))
    assert grouped(seen("a"), schema, seen("c")) == (["ac", "b"], {})
