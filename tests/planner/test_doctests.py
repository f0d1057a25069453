"""The examples in docstrings hold: of every module of the planner and the executors."""

import doctest
import importlib
import pkgutil

import pytest

from lockgate import executors, planner

MODULES = [
    found.name
    for package in (planner, executors)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    found = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(found) >= 11
