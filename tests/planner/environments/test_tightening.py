"""Keys beside `policy:` that an environment may not loosen."""

import re
from pathlib import Path

import pytest

from lockgate.planner.environments.environment import Environment, read_environment
from lockgate.planner.environments.keys import EnvironmentFile
from lockgate.planner.environments.tightening import BOUNDED, ENDED, FALLING, KEPT
from lockgate.planner.errors import ConfigurationError


def read(folder: Path, base: str, dev: str) -> Environment:
    directory = folder / "environments"
    directory.mkdir()
    (directory / "base.yaml").write_text(f"{base}\n")
    (directory / "middle.yaml").write_text("extends: base\n")
    (directory / "dev.yaml").write_text(f"extends: middle\ndatabase: embedded\n{dev}\n")
    return read_environment("dev", directory, variables={})


@pytest.mark.parametrize(
    ("base", "dev", "key"),
    [
        ("drift: check", "drift: ignore", "drift"),
        ("drift: check", "unmanaged: [day_*]", "unmanaged"),
        ("drift: check", "drift_scope: schema", "drift_scope"),
        ("max_plan_age: 1h", "max_plan_age: 2h", "max_plan_age"),
        ("max_plan_age: 1h", "max_plan_age: null", "max_plan_age"),
        ("project: shop", "max_plan_age: 30d", "max_plan_age"),
        ("thresholds: {rows: 10}", "thresholds: {rows: 11}", "thresholds.rows"),
        ("thresholds: {size: 1MB}", "thresholds: {size: 1GB}", "thresholds.size"),
        ("project: shop", "thresholds: {rows: 999999999}", "thresholds.rows"),
        ("history: {table: one}", "history: {table: other}", "history.table"),
        ("history: {schema: one}", "history: {schema: other}", "history.schema"),
        ("project: shop", "project: other", "project"),
        ("migrations: db", "migrations: other", "migrations"),
        ("timeouts: {lock: 1s}", "timeouts: {lock: 2s}", "timeouts.lock"),
        ("timeouts: {statement: 1s}", "timeouts: {statement: null}", "timeouts.statement"),
        ("retries: {lock: 1}", "retries: {lock: 2}", "retries.lock"),
        ("blockers: {}", "blockers: {cancel: autovacuum}", "blockers.cancel"),
        (
            "blockers: {terminate_idle_in_transaction: 30s}",
            "blockers: {terminate_idle_in_transaction: 10s}",
            "blockers.terminate_idle_in_transaction",
        ),
    ],
)
def test_what_is_looser_than_below_is_refused_with_its_line(
    base: str, dev: str, key: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, base, dev)
    assert caught.value.what.startswith(f"{key} is ")
    assert "middle.yaml, which this file extends" in caught.value.what
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("base", "dev"),
    [
        ("drift: ignore", "drift: check"),
        ("unmanaged: [a_*, b_*]", "unmanaged: [b_*]"),
        ("drift: ignore", "unmanaged: [a_*]"),
        ("drift_scope: schema", "drift: check"),
        ("max_plan_age: 2h", "max_plan_age: 1h"),
        ("thresholds: {rows: 10}", "thresholds: {rows: 9}"),
        ("history: {table: one}", "history: {table: one}"),
        ("retries: {lock: 1}", "project: shop"),
        ("timeouts: {lock: 2s}", "timeouts: {lock: 1s}"),
        ("project: shop", "timeouts: {lock: 9s}"),
        ("lock: {wait: 1s}", "lock: {wait: 9s}"),
        ("copies: {limit: 1MB}", "copies: {limit: 2MB}"),
        ("project: shop", "blockers: {cancel: autovacuum}"),
        (
            "blockers: {terminate_idle_in_transaction: 30s}",
            "blockers: {terminate_idle_in_transaction: 1m}",
        ),
        ("blockers: {cancel: autovacuum}", "blockers: {cancel: null}"),
    ],
)
def test_what_is_stricter_or_free_is_taken(base: str, dev: str, tmp_path: Path) -> None:
    assert read(tmp_path, base, dev).name == "dev"


def test_every_key_is_one_that_may_only_be_stricter_or_is_said_to_be_free() -> None:
    fields = EnvironmentFile.model_fields
    held = {key[0] for key in (*KEPT, *FALLING, *BOUNDED, *ENDED)}
    held |= {"drift", "unmanaged", "drift_scope"}
    held |= {"policy", "transaction"}
    said = set(re.findall(r"\w+", fields["extends"].description or ""))
    assert set(fields) - held - said == {"extends"}
    stated = {key[0] for key in (*KEPT, *BOUNDED, *ENDED)}
    assert stated <= said
