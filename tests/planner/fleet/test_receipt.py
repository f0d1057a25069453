"""The receipt of a fleet's run, as a value and as a file."""

from pathlib import Path

import pytest

from lockgate.planner.errors import AlteredPlan
from lockgate.planner.fleet.receipt import (
    TargetEnd,
    make_fleet_receipt,
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
    path.write_text(path.read_text().replace("refused", "applied"))
    with pytest.raises(AlteredPlan, match="altered"):
        read_fleet_receipt(path)
