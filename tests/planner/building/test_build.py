"""Building of plans: which steps, in which order and transaction, and the state they leave."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.building.build import (
    build_down_plan,
    build_up_plan,
    result_state,
)
from lockgate.planner.building.compare import compare
from lockgate.planner.building.records import build_baseline_plan
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import (
    BrokenHistory,
    IrreversibleMigration,
    MigrationFileError,
    OutOfOrder,
    StillRequired,
    UsageError,
)
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, intend, seal
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL, Dialect
from tests.planner.literals import NOW, SERVER, SETTING, UUID, after, ledger, migration, up_plan

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
ALL = (ONE, TWO, THREE)


def versions(plan: Plan) -> list[str]:
    return [step.version for step in plan.steps]


def transactions(plan: Plan) -> list[int | None]:
    return [step.transaction for step in plan.steps]


def down_plan(
    migrations: tuple[Migration, ...],
    found: Ledger | None = None,
    *,
    steps: int | None = None,
    to: str | None = None,
) -> Plan:
    found = found or ledger(order(migrations))
    return build_down_plan(compare(order(migrations), found), found, SETTING, steps=steps, to=to)


class TestUp:
    def test_applies_what_is_pending_in_order(self) -> None:
        plan = up_plan([THREE, ONE, TWO], ledger([ONE]))
        assert versions(plan) == ["002", "003"]
        assert {step.direction for step in plan.steps} == {"up"}

    def test_a_step_carries_the_sql_both_ways(self) -> None:
        (step,) = up_plan([ONE]).steps
        assert (step.name, step.file, step.checksum) == ("m001", ONE.filename, ONE.checksum)
        assert [one.sql for one in step.statements] == ["create table t001 (id int)"]
        assert step.rollback is not None
        assert [(one.sql, one.line) for one in step.rollback] == [("drop table t001", 4)]

    def test_a_migration_without_a_way_back_has_no_rollback(self) -> None:
        assert up_plan([migration(1, down="")]).steps[0].rollback is None

    def test_nothing_pending_is_a_plan_without_steps_that_keeps_the_state(self) -> None:
        plan = up_plan(ALL, ledger(ALL))
        assert plan.steps == ()
        assert plan.result == plan.base

    def test_nothing_to_do_on_an_untouched_database_leaves_it_absent(self) -> None:
        assert not up_plan([]).result.present

    @pytest.mark.parametrize("to", ["2", "002", "00002"])
    def test_to_a_version_stops_with_it(self, to: str) -> None:
        assert versions(up_plan(ALL, to=to)) == ["001", "002"]

    def test_to_a_version_that_is_applied_plans_what_is_pending_below_it(self) -> None:
        assert versions(up_plan(ALL, ledger([ONE, TWO]), to="2")) == []

    def test_to_a_version_brings_along_what_it_requires(self) -> None:
        needs_later = migration("002", requires="9")
        found = up_plan([ONE, needs_later, migration("5"), migration("9", requires="7"),
                         migration("7")], to="2")  # fmt: skip
        assert versions(found) == ["001", "7", "9", "002"]

    @pytest.mark.parametrize("to", ["4", "0", "", "-1", "abc", "٣", "2 ", "9" * 5000])
    def test_to_an_unknown_version_is_refused(self, to: str) -> None:
        with pytest.raises(UsageError, match="No migration has version") as caught:
            up_plan(ALL, to=to)
        assert "migrate status" in caught.value.do

    def test_a_broken_history_is_refused(self) -> None:
        with pytest.raises(BrokenHistory):
            up_plan([migration("001", "select 'edited';"), TWO], ledger([ONE]))

    def test_out_of_order_is_refused_unless_the_environment_allows_it(self) -> None:
        with pytest.raises(OutOfOrder):
            up_plan(ALL, ledger([TWO]))
        allowed = replace(SETTING, allow_out_of_order=True)
        assert versions(up_plan(ALL, ledger([TWO]), allowed)) == ["001", "003"]

    def test_a_template_is_given_the_settings_variables(self) -> None:
        text = migration(1, "select '{{ tenant }}';")
        template = replace(text, template=True)
        plan = up_plan([template], setting=replace(SETTING, variables={"tenant": "042"}))
        assert plan.steps[0].statements[0].sql == "select '042'"
        with pytest.raises(MigrationFileError, match="'tenant' is undefined"):
            up_plan([template])


class TestDown:
    def test_by_default_rolls_back_the_last_one(self) -> None:
        plan = down_plan(ALL)
        assert versions(plan) == ["003"]
        assert plan.steps[0].direction == "down"
        assert [one.sql for one in plan.steps[0].statements] == ["drop table t003"]
        assert plan.steps[0].rollback is None

    def test_rolls_back_in_the_reverse_of_the_order_of_application(self) -> None:
        assert versions(down_plan(ALL, steps=2)) == ["003", "002"]
        late = ledger([ONE, THREE, TWO])
        assert versions(down_plan(ALL, late, steps=2)) == ["002", "003"]

    def test_among_migrations_of_one_transaction_the_running_order_decides(self) -> None:
        first = migration("001", requires="003")
        found = ledger(order([first, TWO, THREE]))
        same = tuple(replace(entry, applied_at=NOW) for entry in found.entries)
        plan = down_plan((first, TWO, THREE), replace(found, entries=same), steps=3)
        assert versions(plan) == ["001", "003", "002"]

    def test_a_clock_that_was_set_back_does_not_turn_requirements_round(self) -> None:
        needing = migration("002", requires="001")
        one, two = ledger([ONE, needing]).entries
        earlier = replace(two, applied_at=one.applied_at - timedelta(hours=1))
        found = replace(ledger([ONE, needing]), entries=(one, earlier))
        assert versions(down_plan((ONE, needing), found, steps=1)) == ["002"]
        assert versions(down_plan((ONE, needing), found, to="0")) == ["002", "001"]

    def test_to_a_version_rolls_back_all_above_it(self) -> None:
        assert versions(down_plan(ALL, to="1")) == ["003", "002"]
        assert versions(down_plan(ALL, to="003")) == []
        assert versions(down_plan(ALL, to="0")) == ["003", "002", "001"]

    def test_to_zero_rolls_back_everything_a_version_0_too(self) -> None:
        assert versions(down_plan((migration("0000"), migration("0001")), to="0")) == [
            "0001",
            "0000",
        ]

    @pytest.mark.parametrize("to", ["3", "4", "", "x", "-1", "9" * 5000])
    def test_to_a_version_that_is_not_applied_is_refused(self, to: str) -> None:
        with pytest.raises(UsageError, match="is not applied"):
            down_plan(ALL, ledger([ONE, TWO]), to=to)

    @pytest.mark.parametrize("steps", [4, 0, -1])
    def test_more_steps_than_are_applied_or_none_are_refused(self, steps: int) -> None:
        with pytest.raises(UsageError, match="cannot be rolled back"):
            down_plan(ALL, steps=steps)

    def test_what_one_that_stays_requires_may_not_go(self) -> None:
        some = (ONE, TWO, migration("003", requires="005"), migration("005"))
        with pytest.raises(StillRequired) as caught:
            down_plan(some, to="3")
        assert caught.value.version == "005"
        assert caught.value.by == ("003",)
        assert "Roll back further" in caught.value.do
        assert versions(down_plan(some, to="2")) == ["003", "005"]

    def test_what_is_required_only_by_one_that_is_pending_may_go(self) -> None:
        some = (ONE, TWO, migration("003", requires="002"))
        assert versions(down_plan(some, ledger([ONE, TWO]))) == ["002"]

    def test_a_migration_without_a_way_back_is_irreversible(self) -> None:
        some = (ONE, migration("002", down=""))
        with pytest.raises(IrreversibleMigration) as caught:
            down_plan(some)
        assert caught.value.version == "002"
        assert "002_m002.sql" in caught.value.what

    def test_a_broken_history_is_refused(self) -> None:
        with pytest.raises(BrokenHistory):
            down_plan((ONE,), ledger([ONE, TWO]))

    def test_a_step_is_named_as_the_history_table_names_it(self) -> None:
        found = ledger([ONE])
        entry = replace(found.entries[0], version="1")
        assert versions(down_plan((ONE,), replace(found, entries=(entry,)))) == ["1"]


class TestTransactions:
    ALONE = migration("002", options="transaction:false")

    def test_consecutive_steps_share_one_by_default(self) -> None:
        assert transactions(up_plan(ALL)) == [1, 1, 1]

    def test_a_step_outside_of_any_cuts_the_plan(self) -> None:
        some = (ONE, self.ALONE, THREE, migration("004"))
        assert transactions(up_plan(some)) == [1, None, 2, 2]
        assert transactions(up_plan((self.ALONE, THREE))) == [None, 1]

    def test_in_mode_step_each_has_its_own(self) -> None:
        setting = replace(SETTING, transaction="step")
        some = (ONE, self.ALONE, THREE, migration("004"))
        assert transactions(up_plan(some, setting=setting)) == [1, None, 2, 3]

    def test_a_rollback_has_them_too(self) -> None:
        assert transactions(down_plan((ONE, self.ALONE, THREE), steps=3)) == [1, None, 2]

    def test_an_engine_that_commits_ddl_has_units_in_their_place(self) -> None:
        setting = replace(SETTING, server=replace(SERVER, dialect=MYSQL))
        some = (ONE, self.ALONE, THREE, migration("004"))
        assert transactions(up_plan(ALL, setting=setting)) == [1, 1, 1]
        assert transactions(up_plan(some, setting=setting)) == [1, None, 2, 2]
        stepwise = replace(setting, transaction="step")
        assert transactions(up_plan(some, setting=stepwise)) == [1, None, 2, 3]


class TestWarnings:
    @staticmethod
    def tables(version: int, count: int, create: str = "create table") -> Migration:
        return migration(version, "\n".join(f"{create} t{n} (id int);" for n in range(count)))

    def test_two_thousand_tables_in_one_transaction_are_accepted(self) -> None:
        assert up_plan([self.tables(1, 2000)]).warnings == ()

    @pytest.mark.parametrize("create", ["create table", "CREATE  UNLOGGED\tTABLE"])
    def test_more_would_exhaust_the_lock_table(self, create: str) -> None:
        (warning,) = up_plan([self.tables(1, 1000), self.tables(2, 1001, create)]).warnings
        assert warning.startswith("Transaction 1 creates 2001 tables")
        assert "`transaction: step`" in warning
        assert "`--to VERSION`" in warning

    def test_in_transactions_of_their_own_they_do_not(self) -> None:
        setting = replace(SETTING, transaction="step")
        assert up_plan([self.tables(1, 1500), self.tables(2, 1500)], setting=setting).warnings == ()

    def test_the_settings_warnings_come_first(self) -> None:
        setting = replace(SETTING, warnings=("No migration between 2 and 5.",))
        plan = up_plan([self.tables(1, 2001)], setting=setting)
        assert len(plan.warnings) == 2
        assert plan.warnings[0] == "No migration between 2 and 5."


class TestDocument:
    def test_time_is_the_databases_and_the_end_follows_from_the_greatest_age(self) -> None:
        plan = up_plan([ONE], setting=replace(SETTING, max_age=timedelta(days=7)))
        assert plan.created_at == NOW
        assert plan.expires_at == NOW + timedelta(days=7)
        assert up_plan([ONE]).expires_at is None

    def test_the_target_is_the_server_and_the_identity_of_its_database(self) -> None:
        target = up_plan([ONE], ledger([])).target
        assert (target.engine, target.database) == ("postgresql", "shop")
        assert target.uuid is None
        assert up_plan(ALL, ledger([ONE])).target.uuid == UUID

    def test_the_order_in_which_a_server_gives_its_evidence_does_not_matter(self) -> None:
        turned = dict(sorted(SERVER.evidence.items()))
        setting = replace(SETTING, server=replace(SERVER, evidence=turned))
        here, there = up_plan([ONE]), up_plan([ONE], setting=setting)
        assert here.model_dump_json() == there.model_dump_json()


class TestResult:
    def test_is_what_the_ledger_will_be(self) -> None:
        plan = up_plan(ALL, ledger([ONE]))
        left = after(ledger([ONE]), plan.steps)
        assert plan.base.serial == 1
        assert plan.result.present
        assert (plan.result.serial, plan.result.digest) == (left.serial, left.digest)

    @given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 2**62))
    def test_holds_after_every_step_up_and_back_down(
        self, applied: int, last: int, serial: int
    ) -> None:
        last = max(applied, last)
        files = tuple(migration(number) for number in range(1, last + 1))
        start = replace(ledger(files[:applied], serial=0), serial=serial)
        up = up_plan(files, start)
        for count in range(len(up.steps) + 1):
            left, state = after(start, up.steps[:count]), result_state(start, up.steps[:count])
            assert (state.serial, state.digest) == (left.serial, left.digest)
        end = after(start, up.steps)
        down = down_plan(files, end, to="0")
        empty = after(end, down.steps)
        assert empty.entries == ()
        assert (down.result.serial, down.result.digest) == (empty.serial, empty.digest)


class TestABaselinePlan:
    def test_records_what_is_pending_up_to_a_version_and_runs_nothing(self) -> None:
        migrations = [migration(1), migration(2), migration(3)]
        comparison = compare(migrations, Ledger())
        plan = build_baseline_plan(comparison, Ledger(), SETTING, "2")
        assert [(step.version, step.statements) for step in plan.steps] == [("1", ()), ("2", ())]
        assert {step.findings[0].code for step in plan.steps} == {"baseline"}
        assert all(step.rollback for step in plan.steps), "its way back can still be run"
        assert plan == intend(seal(plan))

    @pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL], ids=lambda one: one.name)
    def test_is_one_transaction_whatever_its_sql_would_be(self, dialect: Dialect) -> None:
        migrations = [migration(1), migration(2, "vacuum t;", options="transaction:false")]
        setting = replace(SETTING, server=replace(SERVER, dialect=dialect))
        comparison = compare(migrations, Ledger())
        plan = build_baseline_plan(comparison, Ledger(), setting, "2")
        assert transactions(plan) == [1, 1]
        assert plan.verdict == "ATOMIC (one transaction)"

    def test_leaves_the_history_that_applying_would(self) -> None:
        migrations = [migration(1), migration(2)]
        comparison = compare(migrations, Ledger())
        baseline = build_baseline_plan(comparison, Ledger(), SETTING, "2")
        applied = build_up_plan(comparison, Ledger(), SETTING)
        assert baseline.result == applied.result
        assert baseline.intent_digest != applied.intent_digest


def test_a_section_without_a_statement_is_a_warning() -> None:
    (warning,) = up_plan([migration(1, up="-- nothing yet"), migration(2)]).warnings
    assert warning.startswith("1_m1.sql has no statement in its up section")


def test_a_baseline_warns_of_no_empty_section() -> None:
    comparison = compare([migration(1, up="")], Ledger())
    assert build_baseline_plan(comparison, Ledger(), SETTING, "1").warnings == ()
