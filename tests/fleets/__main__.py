"""The long run: `python -m tests.fleets`, which `make test-fleet` runs."""

import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tests.commands.forked import close_nursery
from tests.fleets.campaign import Campaign
from tests.fleets.world import opened_world


@click.command()
@click.option("--targets", default=2_000, help="How many, four fifths of them on PostgreSQL.")
@click.option("--kills", default=200, help="How many, in the same parts.")
@click.option("--seed", default=None, type=int, help="At random by default.")
@click.option("--engine", type=click.Choice(("postgresql", "mysql")), help="Only this one.")
@click.option("--gap", default=1.0, help="Seconds between two kills, on average.")
def main(targets: int, kills: int, seed: int | None, engine: str | None, gap: float) -> None:
    """Kill what takes part in a fleet's run, and look at every target afterwards."""
    first = random.SystemRandom().randrange(10**6) if seed is None else seed
    click.echo(f"seed {first}")
    for name, part in (("postgresql", 0.8), ("mysql", 0.2)):
        if engine not in (None, name):
            continue
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            count = round(targets * part)
            world = opened_world(stack, folder, name, count, first)
            campaign = Campaign(world, round(kills * part), gap)
            early, late = (20, 10) if name == "postgresql" else (4, 3)  # 37 in all
            campaign.run(min(early, count // 8), min(late, count // 8))
            click.echo(f"{name}, {count} targets\n{campaign.tally}")
    close_nursery()


if __name__ == "__main__":
    main()
