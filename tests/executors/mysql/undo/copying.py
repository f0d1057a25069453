"""Engines that may copy rows before statements that cannot be undone otherwise."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.executors.building import open_test_engine
from tests.executors.rows import execute

LIMIT = 10_000_000
"""Bytes of rows that a plan may copy."""


def open_copying_engine(server: Any, database: str, **settings: Any) -> AbstractContextManager[Any]:
    """An engine whose environment allows that."""
    return open_test_engine(server, database, copies={"limit": "10MB"}, **settings)


def copying_engine(*setup: str, **settings: Any) -> Any:
    """A fixture: such an engine on a database in which these statements have run, on MySQL and
    MariaDB in turn."""

    @pytest.fixture
    def engine(family_server: Any, family_database: str) -> Iterator[Any]:
        execute(family_server, family_database, *setup)
        with open_copying_engine(family_server, family_database, **settings) as opened:
            yield opened

    return engine
