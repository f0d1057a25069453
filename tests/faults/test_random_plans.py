"""Random plans with a random fault each; hypothesis chooses, the same ones each time."""

import os
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.faults.bench import Bench, Prepared
from tests.faults.choice import SERVER_SIDES, TURNS
from tests.faults.engines import open_bench
from tests.faults.fault import Fault, Variant
from tests.faults.grammar import plans
from tests.faults.judgement import Verdict, judge, judge_natural
from tests.faults.table import tell_violation

EXAMPLES = int(os.environ.get("LOCKGATE_TEST_RANDOM_PLANS", "6"))
"""For each engine."""


def test_a_random_plan_under_a_fault_ends_before_or_after(any_server: Any) -> None:
    engine = any_server.engine
    with open_bench(any_server) as bench:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            plans(engine), st.sampled_from(TURNS), st.sampled_from(SERVER_SIDES), st.floats(0, 0.99)
        )
        def check(plan: Any, turn: tuple[str, str], server_side: str, place: float) -> None:
            prepared = bench.prepare_case(Variant(engine, "random", "up"), plan)
            note("\n".join(migration.text for migration in plan.migrations))
            if prepared.fails:
                natural = judge_natural(prepared)
                assert not natural.violations, tell_violation(natural)
            number = 1 + int(place * len(prepared.messages))
            verdict = _do(bench, prepared, turn[0], number, turn[1] or server_side)
            assert not verdict.violations, tell_violation(verdict)

        check()


def _do(bench: Bench, prepared: Prepared, kind: str, number: int, side: str) -> Verdict:
    fault = Fault(prepared.variant, kind, number, side)
    return judge(fault, prepared, bench.inject(prepared, fault))
