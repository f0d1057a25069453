"""The examples in the docstrings of the views hold."""

import doctest
import importlib
import pkgutil

import pytest

from lockgate import views

MODULES = [found.name for found in pkgutil.walk_packages(views.__path__, "lockgate.views.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_view_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    found = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(found) >= 9
