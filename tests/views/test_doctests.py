"""The examples in the docstrings of the views hold."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["approvals", "grid", "highlight", "markup", "review"])
def test_the_examples_of_a_view_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"lockgate.views.{name}"))
    assert found.failed == 0
    assert found.attempted
