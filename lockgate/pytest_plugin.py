"""The pytest plugin: fixtures of `lockgate.testing`, which is imported by the first that asks.

See docs/how-to/test.md. It is loaded by every pytest of an environment where lockgate is
installed, so it must import nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lockgate.testing import Stairway, Template, TestDatabase


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the migrations and the server for the tests are."""
    parser.addini("lockgate_environment", "the environment of the tests", default="dev")
    parser.addini("lockgate_environments", "the folder of the environments", default="environments")
    parser.addini("lockgate_data", "where an embedded server of the tests keeps its data")


@pytest.fixture(scope="session")
def lockgate_template(pytestconfig: pytest.Config) -> Iterator[Template]:
    """The migrated database that the databases of the tests are clones of."""
    from lockgate.planner.environments.folder import EnvironmentsFolder
    from lockgate.testing import open_template
    from lockgate.workspace import load_environment

    path = pytestconfig.rootpath / pytestconfig.getini("lockgate_environments")
    folder = EnvironmentsFolder(path, path.parent) if path.is_dir() else None
    name = pytestconfig.getini("lockgate_environment")
    data = pytestconfig.getini("lockgate_data")
    home = pytestconfig.rootpath / data if data else None
    with open_template(load_environment(name, folder), home) as template:
        yield template


@pytest.fixture
def lockgate_database(lockgate_template: Template) -> Iterator[TestDatabase]:
    """A database of the test's own, with all migrations applied: its `name` and its `url`."""
    with lockgate_template.clone() as database:
        yield database


@pytest.fixture
def lockgate_stairway(lockgate_template: Template) -> Iterator[Stairway]:
    """An empty database; `walk()` applies each migration, rolls it back and applies it again."""
    with lockgate_template.stairway() as stairway:
        yield stairway
