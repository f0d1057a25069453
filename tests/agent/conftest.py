"""A project on a fresh database, as an agent finds it."""

from tests.commands.conftest import project  # noqa: F401
