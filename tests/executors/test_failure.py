"""Advice on what a server refuses: rights are named only where it is about rights."""

import pytest

from lockgate.executors.failure import ServerError, advice

GRANT = "Give the role its rights."


@pytest.mark.parametrize("code", ["42501", "1142"])
def test_a_missing_right_is_to_be_given(code: str) -> None:
    assert advice(ServerError(code, "permission denied"), GRANT) == GRANT


@pytest.mark.parametrize("code", ["22P05", "22021", "1366"])
def test_a_character_that_the_database_lacks_is_not_called_a_right(code: str) -> None:
    said = advice(ServerError(code, "has no equivalent in encoding LATIN1"), GRANT)
    assert "Rename it." in said
    assert "rights" not in said


def test_what_an_event_trigger_refuses_names_it_first() -> None:
    said = advice(ServerError("P0001", "no tables here"), GRANT)
    assert said.index("event trigger") < said.index("give the role its rights")
