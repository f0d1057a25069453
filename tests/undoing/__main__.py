"""The long run: `python -m tests.undoing`, which `make test-undoing` runs."""

import random
import sys

import click

from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.undoing.campaign import MODES, Tally, opened_world

SERVERS = {"mysql": MySQLServer, "mariadb": MariaDBServer}


@click.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice(sorted(SERVERS)))
@click.option("--plans", default=2_000, help="How many, on each engine.")
@click.option("--seed", default=None, type=int, help="The first seed; by default at random.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(sorted(MODES)))
def main(engines: tuple[str, ...], plans: int, seed: int | None, modes: tuple[str, ...]) -> None:
    """Fail random plans behind each of their statements, and look at what is left."""
    first = random.SystemRandom().randrange(10**6) if seed is None else seed
    found = 0
    for engine in engines or tuple(SERVERS):
        tally, chosen = Tally(), modes or tuple(MODES)
        with SERVERS[engine]() as server:
            for place, mode in enumerate(chosen):
                with opened_world(server, mode) as world:
                    for seed_of_one in range(first + place, first + plans, len(chosen)):
                        world.run([seed_of_one], tally, everywhere=True)
                        while found < len(tally.differences):
                            click.echo(tally.differences[found])
                            found += 1
        click.echo(f"{engine}, seeds {first} to {first + plans - 1}: {tally.table()}")
        found = 0
        if tally.differences:
            sys.exit(1)


if __name__ == "__main__":
    main()
