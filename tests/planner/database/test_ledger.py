"""The ledger and its state digest."""

import hashlib
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.database.ledger import Ledger, state_digest
from tests.planner.literals import ledger, migration

rows = st.lists(
    st.tuples(st.from_regex("[0-9]{1,25}", fullmatch=True), st.text("0123456789abcdef"))
)


def test_a_database_that_was_never_written_to_is_absent() -> None:
    assert not Ledger().present
    assert Ledger().serial == 0
    assert ledger([migration(1)]).present


def test_the_digest_is_that_of_canonical_json() -> None:
    expected = b'{"rows":[["1","b"],["10","a"]],"serial":"2"}'
    assert state_digest([("10", "a"), ("1", "b")], 2) == hashlib.sha256(expected).hexdigest()


@given(rows, st.integers(0, 2**63 - 1))
def test_the_digest_can_be_computed_without_a_canonical_json_library(
    some: list[tuple[str, str]], serial: int
) -> None:
    document = {"rows": sorted(map(list, some)), "serial": str(serial)}
    text = json.dumps(document, separators=(",", ":"))
    assert state_digest(some, serial) == hashlib.sha256(text.encode()).hexdigest()


@given(rows, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_rows(some: list, random: object) -> None:  # type: ignore[type-arg]
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert state_digest(shuffled, 1) == state_digest(some, 1)


def test_the_digest_changes_with_a_version_a_checksum_and_the_serial() -> None:
    digests = {
        state_digest([("1", "a")], 1),
        state_digest([("01", "a")], 1),
        state_digest([("1", "b")], 1),
        state_digest([("1", "a")], 2),
        state_digest([], 1),
        state_digest([("1", "a"), ("2", "a")], 1),
    }
    assert len(digests) == 6


def test_the_digest_does_not_depend_on_time_name_or_identity() -> None:
    here = ledger([migration(1), migration(2)])
    there = replace(
        here,
        identity=None,
        entries=tuple(
            replace(one, name="x", applied_at=one.applied_at.min) for one in here.entries
        ),
    )
    assert there.digest == here.digest
