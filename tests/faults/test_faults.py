"""A sample of the fault injection, deterministic; `make test-faults` does all of it."""

import time
from typing import Any

from tests.faults.campaign import run_faults
from tests.faults.choice import choose_sample, list_variants
from tests.faults.engines import open_bench
from tests.faults.table import list_violations

PLANS, FAULTS = 6, 20
"""For each engine."""

DEADLINE = 45.0
"""Seconds, for a machine that is slow or has other things to do."""


def test_a_plan_under_a_fault_ends_before_or_after_and_never_between(any_server: Any) -> None:
    with open_bench(any_server) as bench:
        variants = choose_sample(list_variants(any_server.engine, bench.collection), PLANS)
        until = time.monotonic() + DEADLINE
        verdicts = list(run_faults(bench, variants, FAULTS, until))
    assert verdicts
    assert not list_violations(verdicts)
