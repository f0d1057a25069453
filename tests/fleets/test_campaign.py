"""A sample of `make test-fleet`: a few targets, a few kills."""

import random
from contextlib import ExitStack
from pathlib import Path

from tests.fleets.campaign import Campaign
from tests.fleets.world import opened_world


def test_killed_at_random_no_target_is_applied_twice_or_lost(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201
    with ExitStack() as stack:
        world = opened_world(stack, tmp_path, "postgresql", 16, seed)
        campaign = Campaign(world, kills=4, gap=0.2)
        campaign.run(early=1, late=1)
        assert sum(campaign.tally.kills.values()) >= 4
