"""The plan of a fleet as a value and as a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.document import UNSEALED, document_digest
from lockgate.planner.errors import AlteredPlan, InvalidPlan
from lockgate.planner.fleet.fleet_plan import (
    FleetPlan,
    FleetTarget,
    Group,
    is_fleet_plan,
    plan_of,
    read_fleet_plan,
    seal_fleet,
    write_fleet_plan,
)
from lockgate.planner.plan.planfile import read_plan
from tests.planner.literals import UUID, migration, up_plan


def target(name: str) -> FleetTarget:
    return FleetTarget(
        name=name,
        wave=1,
        uuid=UUID,
        database=name,
        history_table="public.schema_migrations",
        evidence={"database_oid": "1"},
    )


def fleet_plan(*names: str) -> FleetPlan:
    """A plan of one group, with these targets."""
    plan = up_plan([migration(1)])
    group = Group(
        proof="1" * 64, definitions="2" * 64, plan=plan, targets=tuple(map(target, names))
    )
    return seal_fleet(
        FleetPlan(
            tool_version="0.1.0",
            created_at=plan.created_at,
            project=plan.project,
            environment=plan.environment,
            source=plan.source,
            groups=(group,),
            intent_digest=UNSEALED,
            digest=UNSEALED,
        )
    )


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan, path = fleet_plan("a", "b"), tmp_path / "plan.json"
    write_fleet_plan(plan, path)
    assert is_fleet_plan(path)
    assert read_fleet_plan(path) == plan
    with pytest.raises(InvalidPlan, match="lockgate-plan"):
        read_plan(path)


def test_a_targets_plan_is_the_groups_but_for_what_the_target_is_known_by() -> None:
    (group,) = fleet_plan("a", "b").groups
    one, other = (plan_of(group, each) for each in group.targets)
    assert (one.target.database, other.target.database) == ("a", "b")
    assert one.steps == other.steps == group.plan.steps
    assert one.digest != other.digest
    assert one == plan_of(group, group.targets[0])


def _sealed(document: dict[str, Any]) -> str:
    return json.dumps(document | {"digest": document_digest(document)})


def _other_sql(document: dict[str, Any]) -> None:
    document["groups"][0]["plan"]["steps"][0]["statements"][0]["sql"] = "drop table users"


def _other_environment(document: dict[str, Any]) -> None:
    document["environment"] = "production"


def _twice(document: dict[str, Any]) -> None:
    document["groups"].append(document["groups"][0])


def _other_intent(document: dict[str, Any]) -> None:
    document["intent_digest"] = "3" * 64


def _other_base(document: dict[str, Any]) -> None:
    document["groups"][0]["plan"]["base"]["serial"] = "7"


@pytest.mark.parametrize(
    "change", [_other_sql, _other_environment, _twice, _other_intent, _other_base]
)
def test_one_that_was_changed_and_sealed_again_contradicts_itself(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path = tmp_path / "plan.json"
    write_fleet_plan(fleet_plan("a"), path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(_sealed(document))
    with pytest.raises(AlteredPlan, match="contradicts itself"):
        read_fleet_plan(path)


def test_ten_thousand_targets_are_a_few_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_fleet_plan(fleet_plan(*(f"tenant_{number:05}" for number in range(10_000))), path)
    assert path.stat().st_size < 5_000_000
