"""Policies: what they refuse, what they warn of, and that a warning keeps the plan sound."""

import pytest

from planner.errors import Denied
from planner.guarantee import COMPENSATION, ONE_TRANSACTION
from planner.plan import Plan, seal
from planner.planfile import parse_plan, render_plan
from planner.policies.non_atomic import judge_non_atomic
from tests.planner.building import migration, up_plan

CUT = up_plan([migration(1), migration(2, "vacuum t1;", options="transaction:false")])


def with_verdict(verdict: str) -> Plan:
    return seal(up_plan([migration(1)]).model_copy(update={"verdict": verdict}))


class TestNonAtomic:
    def test_a_plan_that_can_stop_half_way_is_refused_with_the_place_and_the_ways_out(self) -> None:
        with pytest.raises(Denied) as caught:
            judge_non_atomic(CUT, "deny")
        assert "NOT ATOMIC after step 1 statement 1" in caught.value.what
        assert "--allow-non-atomic" in caught.value.do
        assert "non_atomic: warn" in caught.value.do

    def test_a_warning_is_part_of_the_plan_and_of_its_digest(self) -> None:
        warned = judge_non_atomic(CUT, "warn")
        assert warned.warnings == (*CUT.warnings, f"The plan is {CUT.verdict}.")
        assert warned.digest != CUT.digest
        assert warned.intent_digest == CUT.intent_digest
        assert parse_plan(render_plan(warned).encode(), "plan.json") == warned

    def test_it_may_be_allowed_without_a_word(self) -> None:
        assert judge_non_atomic(CUT, "allow") is CUT

    @pytest.mark.parametrize("verdict", [ONE_TRANSACTION, COMPENSATION])
    @pytest.mark.parametrize("rule", ["deny", "warn", "allow"])
    def test_an_atomic_plan_pleases_every_rule(self, verdict: str, rule: str) -> None:
        plan = with_verdict(verdict)
        assert judge_non_atomic(plan, rule) is plan  # type: ignore[arg-type]
