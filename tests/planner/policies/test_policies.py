"""Policies: what each says of a plan, and that what is judged stays sound."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from lockgate.planner.decision import Decision
from lockgate.planner.environments.judgement import judged, refuse_denied, refuse_start
from lockgate.planner.environments.policy import PolicySettings, loosened
from lockgate.planner.errors import Denied
from lockgate.planner.finding import Finding
from lockgate.planner.guarantees.guarantee import COMPENSATION, ONE_TRANSACTION
from lockgate.planner.plan.plan import CommitAuthor, Plan, Rehearsal, seal
from lockgate.planner.plan.planfile import parse_plan, render_plan
from lockgate.planner.plan.start import Start
from lockgate.planner.plan.statement import Touch
from lockgate.planner.policies.approvals import judge_signer
from lockgate.planner.policies.require_plan import judge_unplanned
from lockgate.planner.policies.windows import parse_window
from lockgate.planner.sql.dialect import MYSQL
from tests.planner.literals import SERVER, SETTING, migration, up_plan

PLAIN = up_plan([migration(1)])
AUTHOR = CommitAuthor(name="Ann", email="ann@example.COM")
BY_ANN = seal(
    PLAIN.model_copy(update={"source": PLAIN.source.model_copy(update={"author": AUTHOR})})
)
CUT = up_plan([migration(1), migration(2, "vacuum t1;", options="transaction:false")])
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def settings(**keys: Any) -> PolicySettings:
    return PolicySettings.model_validate(keys)


def decisions(plan: Plan, **keys: Any) -> Mapping[str, Decision]:
    return {decision.policy: decision for decision in judged(plan, settings(**keys)).decisions}


def changed(plan: Plan, **changes: Any) -> Plan:
    return seal(plan.model_copy(update=changes))


def touching(size: int | None, blocks: str = "writes") -> Plan:
    """A plan whose first statement works on all of the table `orders`, of so many bytes."""
    touch = Touch(table="orders", lock="SHARE", blocks=blocks, work="scan", bytes=size)  # type: ignore[arg-type]
    step = PLAIN.steps[0]
    statements = (step.statements[0].model_copy(update={"touches": (touch,)}), *step.statements[1:])
    return changed(PLAIN, steps=(step.model_copy(update={"statements": statements}),))


class TestReachesOut:
    PROGRAM = up_plan([migration(1), migration(2, "copy t1 from program 'id';")])
    GRANT = up_plan([migration(1), migration(2, "grant select on t1 to app;")])

    def test_what_reaches_out_is_warned_of_by_default(self) -> None:
        decision = decisions(self.PROGRAM)["reaches_out"]
        assert decision.answer == "warn"
        assert "step 2 statement 1 runs a program on the server" in decision.reason

    def test_rights_have_an_answer_of_their_own(self) -> None:
        assert "reaches_out" not in decisions(self.GRANT, reaches_out={"answer": "deny"})
        denied = decisions(self.GRANT, reaches_out={"rights": "deny"})["reaches_out"]
        assert (denied.answer, "changes rights" in denied.reason) == ("deny", True)

    def test_the_stricter_answer_is_given(self) -> None:
        both = up_plan([migration(1, "copy t from program 'id'; grant all on t to a;")])
        ask = {"answer": "warn", "rights": "deny"}
        assert decisions(both, reaches_out=ask)["reaches_out"].answer == "deny"


class TestOpaque:
    def test_code_that_is_not_read_is_named(self) -> None:
        plan = up_plan([migration(1, "do $$ begin delete from t; end $$;")])
        assert "opaque" not in decisions(plan)
        assert "step 1 statement 1 (do)" in decisions(plan, opaque="deny")["opaque"].reason

    def test_what_a_write_sets_off_is_named_with_it(self) -> None:
        plan = up_plan([migration(1, "update t set a = 1;")])
        (step,) = plan.steps
        fired = step.statements[0].model_copy(update={"fires": ("the trigger x of t",)})
        plan = changed(plan, steps=(step.model_copy(update={"statements": (fired,)}),))
        assert "opaque" not in decisions(plan)
        denied = decisions(plan, opaque="deny")["opaque"]
        assert "step 1 statement 1 (update, the trigger x of t)" in denied.reason


class TestJudgement:
    def test_a_plain_plan_gets_no_decision_by_default(self) -> None:
        assert judged(PLAIN, settings()) == PLAIN

    def test_a_decision_is_part_of_the_plan_and_of_its_digest(self) -> None:
        warned = judged(CUT, settings(non_atomic="warn"))
        assert warned.digest != CUT.digest
        assert warned.intent_digest == CUT.intent_digest
        assert parse_plan(render_plan(warned).encode(), "plan.json") == warned

    def test_all_denials_are_told_at_once_with_their_ways_out(self) -> None:
        denied = judged(CUT, settings(max_steps=1))
        with pytest.raises(Denied) as caught:
            refuse_denied(denied.decisions)
        assert "NOT ATOMIC after 2_m2.sql:2" in caught.value.what
        assert "(policy.max_steps)" in caught.value.what
        assert "--allow-non-atomic" in caught.value.do
        assert "--to VERSION" in caught.value.do

    def test_a_plan_that_was_denied_is_not_applied_when_the_policy_has_changed(self) -> None:
        denied = judged(CUT, settings())
        with pytest.raises(Denied, match="NOT ATOMIC"):
            refuse_start(Start(denied, MONDAY_NOON), settings(non_atomic="allow"))

    def test_a_plan_that_passed_is_judged_again_by_the_policy_of_now(self) -> None:
        passed = judged(PLAIN, settings())
        with pytest.raises(Denied, match="Without a way back"):
            refuse_start(
                Start(changed(passed, steps=without_way_back(passed).steps), MONDAY_NOON),
                settings(irreversible="deny"),
            )


class TestInParts:
    PARTS = up_plan([migration(1), migration(2, "select 1;", options="transaction:false")])

    def test_it_passes_by_default_and_may_be_denied(self) -> None:
        assert decisions(self.PARTS) == {}
        decision = decisions(self.PARTS, in_parts="deny")["in_parts"]
        assert decision.answer == "deny"
        assert "ATOMIC IN PARTS (2 units, each all or nothing)" in decision.reason
        assert "--to VERSION" in decision.do

    def test_a_plan_of_one_unit_is_none(self) -> None:
        assert decisions(PLAIN, in_parts="deny") == {}


class TestNonAtomic:
    def test_it_is_denied_by_default_with_the_place_and_the_ways_out(self) -> None:
        decision = decisions(CUT)["non_atomic"]
        assert decision.answer == "deny"
        assert "NOT ATOMIC after 2_m2.sql:2" in decision.reason
        assert "--allow-non-atomic" in decision.do

    def test_it_may_be_allowed_without_a_word(self) -> None:
        assert "non_atomic" not in decisions(CUT, non_atomic="allow")

    def test_who_accepts_it_on_the_command_line_is_told_to_the_reviewer(self) -> None:
        decision = decisions(changed(CUT, accepted=("non_atomic",)))["non_atomic"]
        assert decision.answer == "allow"
        assert "--allow-non-atomic" in decision.reason

    @pytest.mark.parametrize("verdict", [ONE_TRANSACTION, COMPENSATION])
    def test_an_atomic_plan_pleases_it(self, verdict: str) -> None:
        assert "non_atomic" not in decisions(changed(PLAIN, verdict=verdict))


def without_way_back(plan: Plan) -> Plan:
    steps = tuple(step.model_copy(update={"rollback": None}) for step in plan.steps)
    return changed(plan, steps=steps)


class TestIrreversible:
    def test_a_migration_without_a_way_back_is_named(self) -> None:
        decision = decisions(without_way_back(PLAIN), irreversible="require-approval")
        assert decision["irreversible"].answer == "require-approval"
        assert decision["irreversible"].reason == "Without a way back: 1."

    def test_one_with_a_way_back_pleases_it(self) -> None:
        assert "irreversible" not in decisions(PLAIN, irreversible="deny")


class TestDestructive:
    def test_what_is_lost_is_named(self) -> None:
        dropping = up_plan([migration(1, "alter table users drop column email;")])
        decision = decisions(dropping, destructive="deny")["destructive"]
        assert decision.answer == "deny"
        assert "email" in decision.reason
        assert "step 1 statement 1" in decision.reason

    @pytest.mark.parametrize(
        ("sql", "lost"),
        [
            ("drop extension citext cascade", "the extension citext"),
            ("with d as (delete from u) select 1", "every row of u"),
            ("delete from u where true", "every row of u"),
            ("alter table u alter column name type varchar(1) using left(name, 1)", "u.name"),
            ("drop function gf(int) cascade", "the function gf"),
        ],
    )
    def test_what_is_lost_by_the_way_is_denied(self, sql: str, lost: str) -> None:
        decision = decisions(up_plan([migration(1, f"{sql};")]), destructive="deny")["destructive"]
        assert decision.answer == "deny"
        assert lost in decision.reason

    def test_what_the_plan_itself_has_made_is_no_loss(self) -> None:
        own = up_plan([migration(1, "create table t (a int);"), migration(2, "drop table t;")])
        assert "destructive" not in decisions(own, destructive="deny")

    def test_a_table_of_a_name_that_the_plan_made_elsewhere_is_lost(self) -> None:
        made = "create schema s; set search_path to s; create table users (a int);"
        dropping = up_plan([migration(1, made), migration(2, "truncate users;")])
        reason = decisions(dropping, destructive="deny")["destructive"].reason
        assert "every row of users (step 2 statement 1)" in reason

    def test_what_may_have_been_there_before_if_not_exists_is_lost(self) -> None:
        made = migration(1, "create table if not exists t (a int);")
        dropping = up_plan([made, migration(2, "drop table t;")])
        assert "the table t" in decisions(dropping, destructive="deny")["destructive"].reason

    @pytest.mark.parametrize(
        ("mode", "sql"),
        [
            ("ANSI_QUOTES", 'drop table "users";'),
            ("NO_BACKSLASH_ESCAPES", "select '\\'; drop table users; -- '"),
            ("", "/*!50700 drop table users */;"),
        ],
    )
    def test_the_plan_is_read_by_the_servers_own_rules(self, mode: str, sql: str) -> None:
        server = replace(SERVER, dialect=MYSQL.with_server(90704, mode))
        dropping = up_plan([migration(1, sql)], setting=replace(SETTING, server=server))
        again = parse_plan(render_plan(dropping).encode(), "plan.json")
        assert "the table users" in decisions(again, destructive="deny")["destructive"].reason

    def test_a_trigger_of_a_table_does_not_make_the_table(self) -> None:
        trigger = "create trigger g before insert on users for each row execute function f();"
        dropping = up_plan([migration(1, trigger), migration(2, "drop table users;")])
        assert "the table users" in decisions(dropping, destructive="deny")["destructive"].reason


class TestBlockingDdl:
    RULE: ClassVar = {"above": "1GB", "answer": "deny"}

    @pytest.mark.parametrize(("size", "denied"), [(2**30, True), (2**30 - 1, False), (None, True)])
    def test_it_speaks_from_a_size_on_and_where_that_is_unknown(
        self, size: int | None, denied: bool
    ) -> None:
        assert ("blocking_ddl" in decisions(touching(size), blocking_ddl=self.RULE)) is denied

    def test_it_names_the_statement_and_the_table(self) -> None:
        reason = decisions(touching(2**31), blocking_ddl=self.RULE)["blocking_ddl"].reason
        assert "step 1 statement 1 on orders (about 2GB)" in reason

    def test_work_that_keeps_nobody_waiting_pleases_it(self) -> None:
        assert "blocking_ddl" not in decisions(touching(2**40, "nothing"), blocking_ddl=self.RULE)


class TestRehearsal:
    def test_a_plan_without_one_is_denied_where_it_is_required(self) -> None:
        assert decisions(PLAIN, rehearsal="required")["rehearsal"].answer == "deny"

    @pytest.mark.parametrize(
        ("changes", "denied"),
        [({}, False), ({"restored": False}, True), ({"repeatable": False}, True)],
    )
    def test_what_it_has_shown_counts(self, changes: dict[str, bool], denied: bool) -> None:
        good = Rehearsal(
            server_version="18", server_number=180001, there_ms=1, back_ms=1, again_ms=1,
            restored=True, repeatable=True, expected={},
        )  # fmt: skip
        seen = changed(PLAIN, rehearsal=good.model_copy(update=changes))
        assert ("rehearsal" in decisions(seen, rehearsal="required")) is denied

    @pytest.mark.parametrize(("reason", "denied"), [(None, True), ("a cache", False)])
    def test_what_a_waiver_answers_for_is_no_obstacle(
        self, reason: str | None, denied: bool
    ) -> None:
        finding = Finding(
            code="not-restored", severity="danger", line=1, message="m", why="w", allowed=reason
        )
        step = PLAIN.steps[0].model_copy(update={"findings": (finding,)})
        bad = Rehearsal(
            server_version="18", server_number=180001, there_ms=1, restored=False, expected={}
        )
        seen = changed(PLAIN, rehearsal=bad, steps=(step,))
        assert ("rehearsal" in decisions(seen, rehearsal="required")) is denied

    @pytest.mark.parametrize(
        ("number", "told"), [(170005, "on PostgreSQL 17, and"), (None, "on an unknown version")]
    )
    def test_one_on_another_version_does_not_count(self, number: int | None, told: str) -> None:
        elsewhere = Rehearsal(
            server_version="17.5", server_number=number, there_ms=1, restored=True,
            repeatable=True, back_ms=1, again_ms=1, expected={},
        )  # fmt: skip
        denied = decisions(changed(PLAIN, rehearsal=elsewhere), rehearsal="required")["rehearsal"]
        assert told in denied.reason
        assert "the database is on PostgreSQL 18." in denied.reason
        assert "postgresql-18" in denied.do


class TestMaxSteps:
    def test_a_longer_plan_is_denied(self) -> None:
        assert decisions(CUT, max_steps=1)["max_steps"].answer == "deny"
        assert "max_steps" not in decisions(CUT, max_steps=2)


NEEDING: dict[str, Any] = {"windows": ["tue 09:00-16:00"], "approvals": {"threshold": 1}}


class TestBreakGlass:
    def test_an_emergency_passes_over_what_the_environment_names(self) -> None:
        start = Start(PLAIN, MONDAY_NOON, emergency="ticket 7")
        refuse_start(start, settings(**NEEDING, break_glass=["windows", "approvals"]))
        with pytest.raises(Denied) as caught:
            refuse_start(start, settings(**NEEDING, break_glass=["windows"]))
        assert "policy.approvals" in caught.value.what
        assert "policy.windows" not in caught.value.what

    def test_it_passes_over_nothing_else(self) -> None:
        start = Start(PLAIN, MONDAY_NOON, emergency="ticket 7")
        whole = ["windows", "approvals"]
        with pytest.raises(Denied, match="require_intent"):
            refuse_start(start, settings(require_intent=True, break_glass=whole))

    def test_there_is_none_where_the_environment_says_nothing_of_it(self) -> None:
        with pytest.raises(Denied, match="has no emergencies"):
            refuse_start(Start(PLAIN, MONDAY_NOON, emergency="ticket 7"), settings())
        with pytest.raises(Denied, match="windows"):
            refuse_start(Start(PLAIN, MONDAY_NOON), settings(**NEEDING, break_glass=["windows"]))


class TestWindows:
    def test_a_start_within_one_is_fine(self) -> None:
        allowed = settings(windows=["sat 00:00-24:00", "mon-thu 09:00-16:00"])
        refuse_start(Start(PLAIN, MONDAY_NOON), allowed)

    def test_a_start_outside_is_denied_with_both_times(self) -> None:
        with pytest.raises(Denied) as caught:
            refuse_start(Start(PLAIN, MONDAY_NOON), settings(windows=["tue 09:00-16:00"]))
        assert "Mon 12:00 UTC" in caught.value.what
        assert "tue 09:00-16:00" in caught.value.what

    def test_the_end_is_outside(self) -> None:
        with pytest.raises(Denied):
            refuse_start(Start(PLAIN, MONDAY_NOON), settings(windows=["mon 11:00-12:00"]))

    def test_one_over_midnight_goes_on_into_the_next_day(self) -> None:
        night = datetime(2026, 11, 24, 3, 59, tzinfo=UTC)
        refuse_start(Start(PLAIN, night), settings(windows=["mon 22:00-04:00"]))

    @pytest.mark.parametrize(
        "text", ["", "mon", "9:00-10:00", "mon 25:00-26:00", "Mon 09:00-10:00"]
    )
    def test_another_spelling_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="days and times"):
            parse_window(text)


class TestRequireIntent:
    def test_where_it_is_required_it_must_be_given(self) -> None:
        with pytest.raises(Denied, match="It was not said what was reviewed"):
            refuse_start(Start(PLAIN, MONDAY_NOON), settings(require_intent=True))

    def test_another_intent_is_denied_also_where_none_is_required(self) -> None:
        with pytest.raises(Denied, match=r"was reviewed"):
            refuse_start(Start(PLAIN, MONDAY_NOON, CUT.intent_digest), settings())

    def test_the_same_intent_passes(self) -> None:
        start = Start(PLAIN, MONDAY_NOON, PLAIN.intent_digest)
        refuse_start(start, settings(require_intent=True))


class TestApprovals:
    TWO: ClassVar = {"threshold": 2, "signers": ["ann", "bob", "eve"]}

    def start(
        self, *approvers: str, plan: Plan = PLAIN, authors: tuple[str, ...] = (), **keys: Any
    ) -> None:
        start = Start(plan, MONDAY_NOON, approvers=approvers, authors=authors)
        refuse_start(start, settings(**keys))

    def denial(self, *approvers: str, plan: Plan = PLAIN, **keys: Any) -> str:
        with pytest.raises(Denied) as caught:
            self.start(*approvers, plan=plan, **keys)
        assert "migrate approve PLAN" in caught.value.do
        return caught.value.what

    def test_the_reviewer_learns_how_many_are_needed_and_of_whom(self) -> None:
        decision = decisions(PLAIN, approvals=self.TWO)["approvals"]
        assert decision.answer == "require-approval"
        assert decision.reason == "Needed: 2 approvals by any of ann, bob, eve."

    def test_enough_people_let_it_start(self) -> None:
        self.start("bob", "eve", approvals=self.TWO)
        self.start("bob", "eve", approvals={"threshold": 2})

    def test_too_few_are_told_with_who_has_and_who_may(self) -> None:
        assert self.denial("eve", approvals=self.TWO) == (
            "Needed: 2 approvals by any of ann, bob, eve. Approved by: eve. (policy.approvals)"
        )

    def test_whoever_is_no_signer_does_not_count_and_is_named(self) -> None:
        told = self.denial("eve", "mallory", approvals=self.TWO)
        assert "Approved by: eve. Signed too by mallory, who may not approve here." in told

    def test_another_policy_may_ask_for_one(self) -> None:
        dropping = up_plan([migration(1, "alter table users drop column email;")])
        ask = {"destructive": "require-approval"}
        told = self.denial(plan=dropping, **ask)
        assert "1 approval by anybody in allowed_signers, for destructive" in told
        assert "No approval yet." in told
        self.start("ann", plan=dropping, **ask)

    def test_what_the_plan_says_itself_counts_after_the_policy_has_changed(self) -> None:
        strict = judged(PLAIN, settings(approvals={"threshold": 1}))
        assert "1 approval" in self.denial(plan=strict)
        self.start("ann", plan=strict)

    def test_the_authors_own_approval_does_not_count(self) -> None:
        other = {"threshold": 1, "not_author": True}
        told = self.denial("ann", plan=BY_ANN, authors=("ann",), approvals=other)
        assert "by anybody in allowed_signers but the author. No approval yet." in told
        assert "Signed too by ann, who may not approve here." in told
        self.start("ann", "bob", plan=BY_ANN, authors=("ann",), approvals=other)
        self.start("ann", plan=BY_ANN, authors=("ann",), approvals={"threshold": 1})

    def test_an_author_who_is_not_known_may_be_anybody(self) -> None:
        start = Start(PLAIN, MONDAY_NOON, approvers=("ann", "bob"))
        with pytest.raises(Denied, match="does not say who has written"):
            refuse_start(start, settings(approvals={"threshold": 1, "not_author": True}))

    @pytest.mark.parametrize(
        ("names", "expected"),
        [(("Ann@Example.com",), True), (("a", "ann@example.com"), True), (("ann",), False),
         ((), False), (("ann@example.com.evil",), False)],
    )  # fmt: skip
    def test_an_author_is_known_by_their_email(
        self, names: tuple[str, ...], expected: bool
    ) -> None:
        assert BY_ANN.source.is_by(names) is expected

    def test_whose_signature_would_not_count_may_not_sign(self) -> None:
        setting = settings(approvals={"signers": ["ann", "bob"], "not_author": True}).approvals
        assert judge_signer(PLAIN.source, ("bob",), "prod", setting) is None
        told = judge_signer(PLAIN.source, ("eve",), "prod", setting)
        assert told
        assert told.reason == "eve may not approve this plan for prod."
        assert judge_signer(BY_ANN.source, ("ann", "ann@example.com"), "prod", setting) is not None

    def test_more_approvals_than_signers_cannot_be_asked_for(self) -> None:
        with pytest.raises(ValueError, match="higher than the number of signers"):
            settings(approvals={"threshold": 2, "signers": ["ann", "ann"]})


@pytest.mark.parametrize(
    ("key", "stricter", "looser"),
    [
        ("destructive", "deny", "require-approval"),
        ("non_atomic", None, "warn"),
        ("in_parts", "deny", "allow"),
        ("out_of_order", "deny", "allow"),
        ("irreversible", "warn", "allow"),
        ("rollback", "require-approval", "warn"),
        ("findings", "warn", None),
        ("opaque", "warn", "allow"),
        ("reaches_out", {"answer": "deny"}, {}),
        ("reaches_out", {"rights": "warn"}, {}),
        ("blocking_ddl", {"above": "1GB", "answer": "deny"}, {"above": "2GB", "answer": "deny"}),
        ("blocking_ddl", {"above": "1GB", "answer": "deny"}, {"above": "1GB", "answer": "warn"}),
        ("rehearsal", "required", "optional"),
        ("max_steps", 3, 4),
        ("max_steps", 3, None),
        ("windows", ["mon 10:00-11:00"], []),
        ("windows", ["mon 10:00-11:00"], ["mon 10:00-11:01"]),
        ("break_glass", ["windows"], ["windows", "approvals"]),
        ("approvals", {"threshold": 2}, {"threshold": 1}),
        ("approvals", {"signers": ["ann"]}, {}),
        ("approvals", {"not_author": True}, {}),
        ("approvals", {"signers": ["ann"]}, {"signers": ["ann", "bob"]}),
        ("require_plan", True, False),
        ("require_intent", True, False),
    ],
)
def test_each_policy_knows_what_is_looser(key: str, stricter: Any, looser: Any) -> None:
    strict, loose = settings(**{key: stricter}), settings(**{key: looser})
    assert loosened(loose, strict) == key
    assert loosened(strict, loose) is None
    assert loosened(strict, strict) is None


class TestWaivers:
    def waiving(self) -> Plan:
        (step,) = up_plan([migration(1)]).steps
        waived = Finding(
            code="drops-data", severity="danger", line=2, message="m", why="w", allowed="unused"
        )
        return changed(PLAIN, steps=(step.model_copy(update={"findings": (waived,)}),))

    @pytest.mark.parametrize("answer", ["allow", "require-approval", "deny"])
    def test_they_are_named_with_their_reasons_whatever_the_answer(self, answer: str) -> None:
        decision = decisions(self.waiving(), waivers=answer)["waivers"]
        assert decision.answer == answer
        assert "drops-data in 1_m1.sql: unused" in decision.reason

    def test_a_plan_without_any_is_passed_over(self) -> None:
        assert "waivers" not in decisions(PLAIN, waivers="deny")


def test_a_run_without_a_plan_file_is_denied_where_one_is_required() -> None:
    refuse_denied([judge_unplanned("prod", False)])
    with pytest.raises(Denied, match=r"prod takes only reviewed plans\. \(policy\.require_plan\)"):
        refuse_denied([judge_unplanned("prod", True)])
