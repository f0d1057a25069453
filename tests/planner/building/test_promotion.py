"""Promotion: what receipts and ledgers show of another environment, and what the policy says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lockgate.planner.building.build import build_down_plan
from lockgate.planner.building.compare import compare
from lockgate.planner.building.promotion import (
    Origin,
    SignedReceipt,
    confirmed_by,
    find_prospects,
    origin_by_ledger,
    origin_by_receipts,
    with_promotion,
)
from lockgate.planner.building.records import build_baseline_plan
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.decision import Decision
from lockgate.planner.environments.judgement import judged, refuse_start
from lockgate.planner.environments.policy import PolicySettings, loosened, misplaced
from lockgate.planner.errors import Denied
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.planfile import parse_plan, render_plan
from lockgate.planner.plan.proof import StepCost
from lockgate.planner.plan.receipt import FinishedRun, make_receipt
from lockgate.planner.plan.start import Start
from lockgate.views.plan.notes import show_notes
from tests.planner.literals import NOW, SETTING, UUID, ledger, migration, up_plan

ONE, TWO, THREE = migration(1), migration(2), migration(3)
OTHER_TWO = migration(2, "create table t2 (id bigint);")
NEEDS_TWO = migration(3, requires="2")
STAGING = replace(SETTING, environment="staging")
HOUR = timedelta(hours=1)
PLAN = up_plan([ONE, TWO])
NOTHING = Ledger()
RUN = FinishedRun("7d0c", PLAN.digest, "ann", (), "0.1.0", NOW - 4 * HOUR, NOW - 3 * HOUR, "")
TERMS = {"from": "staging", "min_soak": "2h"}


def receipt(
    plan: Plan, *, ago: timedelta = 3 * HOUR, signers: tuple[str, ...] = ("ci",)
) -> SignedReceipt:
    """A receipt of a run that ended so long before the production plan is made."""
    run = replace(RUN, plan_digest=plan.digest, started_at=NOW - ago - HOUR, finished_at=NOW - ago)
    return SignedReceipt(make_receipt(plan, run, uuid=UUID), signers)


def ran(migrations: Iterable[Migration], **keys: Any) -> SignedReceipt:
    """The receipt of a run in staging."""
    return receipt(up_plan(migrations, setting=STAGING), **keys)


def by_receipts(*receipts: SignedReceipt) -> Origin:
    return origin_by_receipts("shop", "staging", receipts)


def settings(**terms: Any) -> PolicySettings:
    return PolicySettings.model_validate({"promotion": TERMS | terms})


def decision(origin: Origin | None, plan: Plan = PLAN, **terms: Any) -> Decision:
    """What the policy says of a plan for which this is known."""
    known = plan if origin is None else with_promotion(plan, origin)
    (found,) = judged(known, settings(**terms)).decisions
    return found


class TestReceipts:
    def test_what_ran_long_enough_ago_with_the_same_checksum_is_promoted(self) -> None:
        found = decision(by_receipts(ran([ONE, TWO])))
        assert found.answer == "allow"
        assert "1, 2 ran in staging, by receipt" in found.reason
        assert "may start" not in found.reason

    def test_a_plan_shows_what_a_step_has_cost_where_it_ran(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cost = StepCost(batches=3, rows=5000, batches_ms=1200, others_waited_ms=0, others_waiting=1)
        run = replace(RUN, plan_digest=PLAN.digest)
        seen = make_receipt(up_plan([ONE, TWO], setting=STAGING), run, uuid=UUID, costs={2: cost})
        plan = with_promotion(PLAN, by_receipts(SignedReceipt(seen, ())))
        assert plan.promotion is not None
        assert [proof.cost for proof in plan.promotion.proofs] == [None, cost]
        show_notes(plan)
        assert "in staging: 3 batches in 1s, 5,000 rows changed" in capsys.readouterr().out

    def test_the_receipts_of_several_runs_count_together(self) -> None:
        first, both = ran([ONE], ago=9 * HOUR), ran([TWO])
        assert decision(by_receipts(both, first)).answer == "allow"

    def test_without_any_the_plan_is_denied_with_the_ways_out(self) -> None:
        found = decision(None)
        assert (found.answer, found.reason) == ("deny", "Nothing shows that 1, 2 ran in staging.")
        assert "--receipt FILE" in found.do
        assert "migrate promote --from staging --to dev" in found.do

    def test_what_did_not_run_is_named(self) -> None:
        found = decision(by_receipts(ran([ONE])))
        assert (found.answer, found.reason) == (
            "deny",
            "Not promoted: 2 is not applied in staging.",
        )

    def test_another_checksum_is_told_with_both(self) -> None:
        found = decision(by_receipts(ran([ONE, OTHER_TWO])))
        assert found.answer == "deny"
        assert "2 is applied in staging with another checksum" in found.reason
        assert OTHER_TWO.checksum[:16] in found.reason
        assert TWO.checksum[:16] in found.reason

    @pytest.mark.parametrize("change", [{"environment": "qa"}, {"project": "blog"}])
    def test_one_of_elsewhere_shows_nothing(self, change: dict[str, str]) -> None:
        foreign = receipt(up_plan([ONE, TWO], setting=replace(STAGING, **change)))
        found = decision(by_receipts(foreign))
        assert found.answer == "deny"
        assert "1 is not applied in staging" in found.reason
        assert f"The receipt {foreign.receipt.digest[:16]} is of environment" in found.reason

    def test_what_was_rolled_back_since_does_not_count(self) -> None:
        back = build_down_plan(compare([ONE, TWO], ledger([ONE, TWO])), ledger([ONE, TWO]), STAGING)
        undone = receipt(back, ago=HOUR)
        found = decision(by_receipts(undone, ran([ONE, TWO])))
        assert found.answer == "deny"
        assert "2 is rolled back in staging at 2026-11-22 08:30:00 UTC" in found.reason
        again = ran([TWO], ago=timedelta(minutes=1))
        assert decision(by_receipts(again, undone, ran([ONE, TWO]))).answer == "allow"

    def test_what_was_only_recorded_there_does_not_count(self) -> None:
        recorded = build_baseline_plan(compare([ONE, TWO], Ledger()), Ledger(), STAGING, "2")
        found = decision(by_receipts(receipt(recorded)))
        assert found.answer == "deny"
        assert "1 is only recorded in staging, by a baseline" in found.reason

    def test_the_proofs_are_part_of_the_plan(self) -> None:
        known = seal(with_promotion(PLAN, by_receipts(ran([ONE]))))
        assert known.promotion is not None
        one, two = known.promotion.proofs
        assert (one.applied_at, two.applied_at) == (NOW - 3 * HOUR, None)
        assert two.obstacle == "not applied in staging"
        assert known.intent_digest == PLAN.intent_digest
        assert parse_plan(render_plan(known).encode(), "plan.json") == known


class TestSignatures:
    def test_where_they_are_asked_for_the_signer_is_told(self) -> None:
        found = decision(by_receipts(ran([ONE, TWO], signers=("ann",))), receipt="signed")
        assert found.answer == "allow"
        assert "signed by ann" in found.reason

    def test_a_receipt_without_one_is_denied(self) -> None:
        signed, bare = ran([ONE], signers=("ann",)), ran([TWO], signers=())
        found = decision(by_receipts(signed, bare), receipt="signed")
        assert found.answer == "deny"
        assert found.reason == "The receipt that shows 2 bears no signature that counts."


class TestLedger:
    ORIGIN = origin_by_ledger("staging", ledger([ONE, TWO]))

    def test_it_shows_what_is_applied_where_receipts_are_optional(self) -> None:
        found = decision(self.ORIGIN, receipt="optional")
        assert found.answer == "allow"
        assert "1, 2 ran in staging, by its history." in found.reason

    @pytest.mark.parametrize("means", ["required", "signed"])
    def test_it_is_not_enough_where_receipts_are_required(self, means: str) -> None:
        found = decision(self.ORIGIN, receipt=means)
        assert (found.answer, found.reason) == (
            "deny",
            "No receipt shows that 1, 2 ran in staging.",
        )

    def test_of_another_environment_than_the_policys_it_shows_nothing(self) -> None:
        assert decision(origin_by_ledger("qa", ledger([ONE, TWO])), receipt="optional").answer == (
            "deny"
        )


class TestClaims:
    """A receipt that nobody has signed, as anybody can write one."""

    def test_it_is_only_a_claim(self) -> None:
        found = decision(by_receipts(ran([ONE, TWO], signers=())))
        assert found.answer == "deny"
        assert "is only a claim" in found.reason

    def test_the_history_of_the_environment_confirms_it_with_its_own_times(self) -> None:
        bare = by_receipts(ran([ONE, TWO], ago=100 * HOUR, signers=()))
        told = confirmed_by(bare, ledger([ONE, TWO]))
        assert told.records[ONE.key].applied_at == ledger([ONE]).entries[0].applied_at
        assert decision(told, min_soak="0s").answer == "allow"

    def test_what_the_history_does_not_have_is_not_shown(self) -> None:
        bare = by_receipts(ran([ONE, TWO], signers=()))
        found = decision(confirmed_by(bare, ledger([ONE])))
        assert found.answer == "deny"
        assert "2 is not applied in staging" in found.reason

    @pytest.mark.parametrize("means", ["required", "signed"])
    def test_only_the_named_signers_count(self, means: str) -> None:
        origin = by_receipts(ran([ONE, TWO], signers=("ann",)))
        assert decision(origin, receipt=means, signers=["ann", "ci"]).answer == "allow"
        assert decision(origin, receipt=means, signers=["ci"]).answer == "deny"


class TestSoak:
    EARLY = with_promotion(PLAN, by_receipts(ran([ONE], ago=9 * HOUR), ran([TWO], ago=HOUR)))

    def test_a_plan_may_be_made_before_its_end_and_says_when_it_ends(self) -> None:
        found = decision(None, self.EARLY)
        assert found.answer == "allow"
        assert "`apply` may start at 2026-11-22 10:30:00 UTC, after 2h there." in found.reason

    def test_a_start_before_its_end_is_denied_by_the_databases_clock(self) -> None:
        plan = judged(self.EARLY, settings())
        with pytest.raises(Denied, match=r"until 2026-11-22 10:30:00 UTC"):
            refuse_start(Start(plan, NOW + HOUR - timedelta(seconds=1)), settings())
        refuse_start(Start(plan, NOW + HOUR), settings())

    def test_without_one_a_plan_may_start_in_the_second_in_which_the_other_ended(self) -> None:
        just_now = ran([ONE, TWO], ago=timedelta(microseconds=-400_000))
        plan = with_promotion(PLAN, by_receipts(just_now))
        assert "may start" not in decision(None, plan, min_soak="0s").reason
        refuse_start(Start(judged(plan, settings(min_soak="0s")), NOW), settings(min_soak="0s"))

    def test_a_start_is_judged_by_the_policy_of_then(self) -> None:
        plan = judged(self.EARLY, settings())
        with pytest.raises(Denied, match="has to stay there for 1d"):
            refuse_start(Start(plan, NOW + HOUR), settings(min_soak="1d"))


class TestExempt:
    def test_a_rollback_needs_no_proof(self) -> None:
        back = build_down_plan(compare([ONE], ledger([ONE])), ledger([ONE]), SETTING)
        assert judged(back, settings()).decisions == ()
        refuse_start(Start(back, NOW), settings())

    def test_nor_does_a_baseline(self) -> None:
        recorded = build_baseline_plan(compare([ONE], Ledger()), Ledger(), SETTING, "1")
        assert with_promotion(recorded, by_receipts()).promotion is None
        assert judged(recorded, settings()).decisions == ()


class TestPolicy:
    @pytest.mark.parametrize(
        ("terms", "looser"),
        [
            ({}, False),
            ({"min_soak": "3h", "receipt": "signed"}, False),
            ({"min_soak": "1h"}, True),
            ({"receipt": "optional"}, True),
            ({"from": "dev"}, True),
        ],
    )
    def test_less_time_less_proof_or_another_place_is_looser(
        self, terms: dict[str, str], looser: bool
    ) -> None:
        assert (loosened(settings(**terms), settings()) == "promotion") is looser

    def test_none_is_looser_than_any(self) -> None:
        assert loosened(PolicySettings(), settings()) == "promotion"
        assert loosened(settings(), PolicySettings()) is None

    @pytest.mark.parametrize(
        ("name", "names", "problem"),
        [
            ("production", ("production", "staging"), ""),
            ("staging", ("production", "staging"), "staging cannot be promoted from itself"),
            ("production", ("production",), "there is no environment staging beside this one"),
        ],
    )
    def test_it_names_another_environment(
        self, name: str, names: tuple[str, ...], problem: str
    ) -> None:
        key, told = misplaced(settings(), name, names)
        assert (key, told) == (("promotion", f"promotion.from: {problem}") if problem else ("", ""))


class TestPromote:
    @staticmethod
    def promoted(origin: Origin, files: list[Migration], found: Ledger = NOTHING) -> Plan:
        return up_plan(files, found, only=origin.checksums)

    def rows(
        self, origin: Origin, files: list[Migration], found: Ledger = NOTHING, **soak: Any
    ) -> dict[str, tuple[str, str, str, str]]:
        plan = self.promoted(origin, files, found)
        return {
            each.version: (each.there, each.here, each.outcome, each.reason)
            for each in find_prospects(compare(order(files), found), origin, plan, **soak)
        }

    def test_the_plan_is_that_of_the_same_files_alone(self) -> None:
        origin = by_receipts(ran([ONE, TWO]))
        assert self.promoted(origin, [ONE, TWO, THREE]) == up_plan([ONE, TWO])

    def test_what_is_held_back_holds_back_what_requires_it(self) -> None:
        origin = by_receipts(ran([ONE, OTHER_TWO, NEEDS_TWO]))
        plan = self.promoted(origin, [ONE, TWO, NEEDS_TWO])
        assert [step.version for step in plan.steps] == ["1"]
        rows = self.rows(origin, [ONE, TWO, NEEDS_TWO])
        assert rows["2"][:3] == ("changed", "pending", "held back")
        assert "another checksum" in rows["2"][3]
        assert rows["3"] == ("applied", "pending", "held back", "requires 2, held back as well")

    def test_each_migration_has_its_row(self) -> None:
        origin = origin_by_ledger("staging", ledger([TWO, migration(9)]))
        assert self.rows(origin, [ONE, TWO, THREE], ledger([ONE])) == {
            "1": ("not applied", "applied", "already there", ""),
            "2": ("applied", "pending", "promoted", ""),
            "3": ("not applied", "pending", "held back", "not applied in staging"),
            "9": ("applied", "unknown", "held back", "no file here has this version"),
        }

    def test_what_soaks_is_in_the_plan_and_marked(self) -> None:
        origin = by_receipts(ran([ONE], ago=HOUR))
        assert self.rows(origin, [ONE], soak=2 * HOUR)["1"] == (
            "applied", "pending", "promoted", "soaking until 2026-11-22 10:30:00 UTC",
        )  # fmt: skip
