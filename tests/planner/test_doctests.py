"""The examples in docstrings hold: of every planner module, and of the executors' pure ones."""

import doctest
import importlib
import pkgutil

import pytest

import planner

MODULES = [
    *(found.name for found in pkgutil.walk_packages(planner.__path__, "planner.")),
    "executors.parameters",
    "executors.session_state",
    "executors.mysql_statements",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    found = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(found) >= 11
