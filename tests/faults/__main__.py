"""The full fault injection: `python -m tests.faults`, which `make test-faults` runs.

Each violation is told at once, under a name by which `--replay` does that fault alone.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from tests.commands.forked import close_nursery
from tests.faults.campaign import replay, run_faults, run_natural, run_whole
from tests.faults.choice import list_variants
from tests.faults.engines import ENGINES, open_own_bench
from tests.faults.fault import read_fault
from tests.faults.judgement import Verdict
from tests.faults.table import draw_table, tell_violation

FAULTS = 2400
"""How many faults of all engines together, beside the natural ones."""


@dataclass(frozen=True)
class Share:
    """A part of the work: every `parts`-th plan of an engine, beginning with the `part`-th."""

    engine: str
    part: int
    parts: int
    plans: str
    count: int
    seconds: float


def run_share(share: Share) -> list[Verdict]:
    """The verdicts of a part of the work; violations are told as they are found."""
    verdicts: list[Verdict] = []
    with open_own_bench(share.engine) as bench:
        every = list_variants(share.engine, bench.collection)
        variants = [v for v in every if share.plans in v.case][share.part :: share.parts]
        until = time.monotonic() + share.seconds
        whole = [variant for variant in variants if variant.fail is None]
        for source in (
            run_whole(bench, whole),
            run_natural(bench, variants),
            run_faults(bench, variants, share.count, until),
        ):
            for verdict in source:
                verdicts.append(verdict)
                if verdict.violations:
                    click.echo(tell_violation(verdict))
    return verdicts


@click.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice(sorted(ENGINES)))
@click.option("--plans", default="", help="Only plans that have this in their names.")
@click.option("--faults", default=FAULTS, help="How many, over all engines.")
@click.option("--jobs", default=2, help="How many servers to work on at once.")
@click.option("--budget", default=60.0, help="Minutes; what is not done by then is left.")
@click.option("--replay", "name", help="Do one fault, and tell what it came to.")
def main(
    engines: tuple[str, ...], plans: str, faults: int, jobs: int, budget: float, name: str | None
) -> None:
    """Injects faults into the application of plans, and tells what was found."""
    if name:
        sys.exit(replay_one(name))
    chosen = engines or tuple(ENGINES)
    count, seconds = faults // (len(chosen) * jobs), budget * 60 / len(chosen)
    shares = [
        Share(engine, part, jobs, plans, count, seconds)
        for engine in chosen
        for part in range(jobs)
    ]
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = [verdict for part in pool.map(run_share, shares) for verdict in part]
    click.echo(draw_table(verdicts))
    sys.exit(any(verdict.violations for verdict in verdicts))


def replay_one(name: str) -> bool:
    """Whether a fault, done alone, violates anything."""
    fault = read_fault(name)
    with open_own_bench(fault.variant.engine) as bench:
        verdict = replay(bench, fault)
    click.echo(tell_violation(verdict))
    click.echo(f"found: {verdict.found}")
    return bool(verdict.violations)


if __name__ == "__main__":
    try:
        main()
    finally:
        close_nursery()
