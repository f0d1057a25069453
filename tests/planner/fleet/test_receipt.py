"""The receipt of a fleet's run, as a value and as a file."""

from pathlib import Path

import pytest

from lockgate.planner.errors import AlteredPlan
from lockgate.planner.fleet.receipt import (
    FleetReceipt,
    TargetEnd,
    make_fleet_receipt,
    parse_fleet_receipt,
    read_fleet_receipt,
    write_fleet_receipt,
)
from tests.planner.fleet.test_fleet_plan import fleet_plan
from tests.planner.literals import NOW


def test_it_says_how_each_target_ended_and_is_refused_when_altered(tmp_path: Path) -> None:
    ends = [
        TargetEnd(name=name, group=1, state=state, run="", detail="")
        for name, state in (("b", "refused"), ("a", "applied"))
    ]
    receipt = make_fleet_receipt(
        fleet_plan("a", "b"), ends, tool_version="0.1.0", actor="ann", job=None, approvers=("bob",),
        started_at=NOW, finished_at=NOW,
    )  # fmt: skip
    assert [one.name for one in receipt.targets] == ["a", "b"]
    assert [step.version for step in receipt.groups[0].steps] == ["1"]
    path = tmp_path / "receipt.json"
    write_fleet_receipt(receipt, path)
    assert read_fleet_receipt(path) == receipt
    text = path.read_text()
    for altered in (
        text.replace('"name": "b"', '"name": "c"'), text.replace("bob", "eve"), receipt.carried(),
    ):  # fmt: skip
        path.write_text(altered)
        with pytest.raises(AlteredPlan, match="altered"):
            read_fleet_receipt(path)


def fleet_receipt(*states: str) -> FleetReceipt:
    """That of a run of targets that ended so."""
    names = "abc"[: len(states)]
    ends = [TargetEnd(name=name, group=1, state=state, run="", detail="")
            for name, state in zip(names, states, strict=True)]  # fmt: skip
    return make_fleet_receipt(
        fleet_plan(*names), ends, tool_version="0.1.0", actor="ann", job=None, approvers=(),
        started_at=NOW, finished_at=NOW,
    )  # fmt: skip


def test_a_plan_carries_it_without_its_targets_under_the_same_digest() -> None:
    receipt = fleet_receipt("applied", "applied")
    carried = parse_fleet_receipt(receipt.carried().encode(), "x")
    assert (carried.digest, carried.targets) == (receipt.digest, ())


def test_what_was_not_applied_to_all_targets_shows_nothing_for_a_promotion() -> None:
    assert [step.version for step in fleet_receipt("applied", "applied").steps] == ["1"]
    assert fleet_receipt("applied", "failed").steps == ()
    assert fleet_receipt("applied", "refused").steps == ()
