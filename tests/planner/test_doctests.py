"""The examples in docstrings hold: of every module of the planner and the executors."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(("lockgate", *path.relative_to(ROOT).with_suffix("").parts))
    for top in ("planner", "executors")
    for path in sorted((ROOT / top).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    told = doctest.testmod(importlib.import_module(name))
    assert told.attempted
    assert told.failed == 0


def test_there_are_examples() -> None:
    assert len(MODULES) >= 50
