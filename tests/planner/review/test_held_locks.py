"""Locks of earlier statements, as a later one finds them."""

from lockgate.planner.reading.reading import Blocked, Hold, Object
from lockgate.planner.review.held_locks import NAMED, HeldLocks, LocksInForce


def hold(name: str, blocks: Blocked = "reads", schema: str = "", *, long: bool = False) -> Hold:
    return Hold(Object("table", name, schema), "L", blocks, "scan" if long else "none")


def test_without_an_earlier_lock_nothing_is_held() -> None:
    assert LocksInForce().apart_from([hold("t")]) == HeldLocks()


def test_only_the_first_are_named_and_all_are_counted() -> None:
    locks = LocksInForce()
    for number in range(10):
        locks.take(hold(f"t{number}", "writes"), "statement 1")
    held = locks.apart_from([])
    assert [one.hold.on.name for one in held.first] == ["t0", "t1", "t2"][:NAMED]
    assert (held.count, held.blocks) == (10, "writes")


def test_the_strongest_lock_of_a_table_counts_and_who_took_it() -> None:
    locks = LocksInForce()
    locks.take(hold("t", "writes"), "statement 1")
    locks.take(hold("t", "reads"), "statement 2")
    locks.take(hold("t", "writes"), "statement 3")
    held = locks.apart_from([])
    assert [(one.by, one.hold.blocks) for one in held.first] == [("statement 2", "reads")]
    assert held.blocks == "reads"


def test_a_table_that_the_statement_keeps_closed_itself_is_left_out() -> None:
    locks = LocksInForce()
    locks.take(hold("t", "reads", "public"), "statement 1")
    locks.take(hold("u", "writes"), "statement 2")
    held = locks.apart_from([hold("t", "reads", long=True)])
    assert (held.count, held.blocks) == (1, "writes")
    assert locks.apart_from([hold("t", "reads", "archive", long=True)]).count == 2
    assert locks.apart_from([hold("t", "writes", long=True)]).count == 2


def test_a_dropped_table_is_held_no_more() -> None:
    locks = LocksInForce()
    locks.take(hold("t"), "statement 1")
    locks.end(Object("table", "t"))
    locks.end(Object("table", "t"))
    assert locks.apart_from([]) == HeldLocks()


def test_after_a_section_its_locks_bear_its_name_and_those_before_keep_theirs() -> None:
    locks = LocksInForce()
    locks.take(hold("t"), "statement 1")
    locks.end_section("001_a.sql")
    locks.take(hold("u"), "statement 1")
    locks.end_section("002_b.sql")
    assert [one.by for one in locks.apart_from([]).first] == ["001_a.sql", "002_b.sql"]
