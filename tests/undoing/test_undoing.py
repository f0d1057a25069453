"""What a failed plan leaves on MySQL and MariaDB is what was there, by a look of another's.

A sample that is the same each time; `make test-undoing` draws new plans, and fails each of them
behind every statement.
"""

import os
from typing import Any

import pytest

from tests.undoing.campaign import MODES, Tally, opened_world

PLANS = int(os.environ.get("LOCKGATE_TEST_UNDOING", "200"))
"""On each engine, over all modes; each fails behind its last statement."""


@pytest.mark.parametrize("mode", MODES)
def test_a_random_plan_that_fails_leaves_nothing(family_server: Any, mode: str) -> None:
    tally, place = Tally(), list(MODES).index(mode)
    with opened_world(family_server, mode) as world:
        world.run(range(1 + place, PLANS + 1, len(MODES)), tally, everywhere=False)
    assert tally.differences == []
    assert tally.ends["undone"] >= PLANS // len(MODES) // 2
