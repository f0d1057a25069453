"""The long run of the oracle: `python -m tests.oracle`, which `make test-oracle` runs."""

import random
import sys

import click

from tests.oracle.campaign import break_off, open_bench, shapes_of
from tests.servers.postgres import PostgresServer

AT_ONCE = 2_000


@click.command()
@click.option("--forms", default=20_000, help="How many statements to measure.")
@click.option("--pairs", default=2_000, help="How many that come after another of the same plan.")
@click.option("--failures", default=300, help="How many to break off outside of a transaction.")
@click.option("--seed", default=None, type=int, help="The first seed; by default at random.")
def main(forms: int, pairs: int, failures: int, seed: int | None) -> None:
    """Measure statements of PostgreSQL, and hold what a plan says of them against it."""
    first = random.SystemRandom().randrange(10**9) if seed is None else seed
    seeds = range(first, first + max(1, forms // AT_ONCE))
    click.echo(f"seeds {seeds.start} to {seeds.stop - 1}")
    with PostgresServer() as server, open_bench(server) as bench:
        tally = bench.run(seeds, min(forms, AT_ONCE))
        following = bench.run_pairs(first, pairs)
        endings = break_off(server, first, failures)
    click.echo(f"{tally.table()}\nafter another statement:\n{following.table()}")
    click.echo(endings.table())
    click.echo(f"over-said, by shape:\n{shapes_of(tally.over)}")
    faults = [*tally.faults(), *following.faults(), *endings.faults]
    for fault in faults:
        click.echo(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
