"""Rollback from stored plans: which run's SQL counts, what is not believed, what is not known."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lockgate.planner.building.build import Setting, build_down_plan, build_stored_down_plan
from lockgate.planner.building.compare import compare
from lockgate.planner.building.stored_runs import (
    FROM_DATABASE,
    StoredRun,
    find_applied,
    stored_source,
)
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.document import document_digest
from lockgate.planner.errors import (
    AlteredPlan,
    HistoryError,
    InvalidPlan,
    IrreversibleMigration,
    MalformedPlan,
    StillRequired,
    UnsupportedPlan,
    UsageError,
)
from lockgate.planner.migrations.directory import read_migrations
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, intend, seal
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
from tests.planner.literals import NOW, SERVER, SETTING, after, ledger, migration, read, up_plan

ONE, TWO, THREE = migration("001"), migration("002"), migration("003")
ALL = (ONE, TWO, THREE)
TEMPLATE = read(
    "-- migrate:template jinja\n-- migrate:up\ncreate table {{ name }} (id int);\n"
    "-- migrate:down\ndrop table {{ name }};\n"
)


def run(plan: Plan, status: str = "COMMITTED", *, minutes: int = 0) -> StoredRun:
    """A run of a plan, begun some minutes after the others."""
    started = NOW + timedelta(minutes=minutes)
    whole, undone = status in ("COMMITTED", "CLEANED"), status == "ROLLED_BACK"
    text = plan.model_dump_json()
    return StoredRun(f"run-{minutes}", plan.digest, started, text, whole, undone)


def applied(*migrations: Migration, setting: Setting = SETTING) -> tuple[Ledger, StoredRun]:
    """An untouched database to which one plan has applied these, and its run."""
    plan = up_plan(migrations, setting=setting)
    return after(Ledger(), plan.steps), run(plan)


def down_plan(
    found: Ledger,
    runs: Iterable[StoredRun],
    setting: Setting = SETTING,
    *,
    steps: int | None = None,
    to: str | None = None,
) -> Plan:
    return build_stored_down_plan(runs, found, setting, steps=steps, to=to)


def sql(plan: Plan) -> list[str]:
    return [statement.sql for step in plan.steps for statement in step.statements]


def transactions(plan: Plan) -> list[int | None]:
    return [step.transaction for step in plan.steps]


def named(name: str) -> Setting:
    return replace(SETTING, variables={"name": name})


class TestThePlan:
    def test_rolls_back_by_what_the_applied_plan_has_kept(self) -> None:
        found, kept = applied(*ALL)
        plan = down_plan(found, [kept], steps=2)
        assert [step.version for step in plan.steps] == ["003", "002"]
        assert {step.direction for step in plan.steps} == {"down"}
        assert sql(plan) == ["drop table t003", "drop table t002"]
        assert plan == intend(seal(plan))

    def test_runs_what_the_plan_from_the_files_would(self) -> None:
        found, kept = applied(*ALL)
        files = build_down_plan(compare(order(ALL), found), found, SETTING, to="0")
        stored = down_plan(found, [kept], to="0")
        assert stored.intent_digest == files.intent_digest
        assert (stored.base, stored.result) == (files.base, files.result)
        assert stored.verdict == files.verdict
        for one, other in zip(stored.steps, files.steps, strict=True):
            assert one.model_copy(update={"findings": ()}) == other

    def test_says_that_its_sql_comes_from_the_database_and_from_which_plan(self) -> None:
        found, kept = applied(ONE)
        plan = down_plan(found, [kept], replace(SETTING, warnings=("Before.",)), steps=1)
        assert plan.warnings == ("Before.", FROM_DATABASE)
        assert kept.plan_digest[:16] in plan.steps[0].findings[0].message

    def test_takes_the_last_of_several_plans_first(self) -> None:
        found, first = applied(ONE)
        second = up_plan(ALL, found)
        found = after(found, second.steps)
        plan = down_plan(found, [first, run(second, minutes=1)], to="0")
        assert [step.version for step in plan.steps] == ["003", "002", "001"]

    def test_has_no_step_when_nothing_stands_above_the_version(self) -> None:
        found, kept = applied(*ALL)
        plan = down_plan(found, [kept], to="3")
        assert (plan.steps, plan.warnings) == ((), ())

    @pytest.mark.parametrize("choice", [{"steps": 4}, {"steps": 0}, {"to": "7"}])
    def test_asks_for_no_more_than_is_applied(self, choice: dict[str, int]) -> None:
        found, kept = applied(*ALL)
        with pytest.raises(UsageError):
            build_stored_down_plan([kept], found, SETTING, **choice)  # type: ignore[arg-type]

    def test_a_baseline_is_rolled_back_too(self) -> None:
        plan = up_plan([ONE])
        steps = tuple(step.model_copy(update={"statements": ()}) for step in plan.steps)
        baseline = seal(plan.model_copy(update={"steps": steps}))
        found = after(Ledger(), baseline.steps)
        assert sql(down_plan(found, [run(baseline)], steps=1)) == ["drop table t001"]


class TestTransactions:
    def test_a_down_section_outside_of_a_transaction_stays_there(self) -> None:
        alone = migration("002", options="transaction:false")
        found, kept = applied(ONE, alone, THREE)
        plan = down_plan(found, [kept], to="0")
        assert transactions(plan) == [1, None, 2]

    def test_only_the_down_section_counts(self) -> None:
        mixed = read(
            "-- migrate:up transaction:false\ncreate index concurrently i on t (a);\n"
            "-- migrate:down\ndrop index i;\n"
        )
        found, kept = applied(mixed)
        assert transactions(down_plan(found, [kept], steps=1)) == [1]

    @pytest.mark.parametrize("options", ["", "transaction:false"])
    def test_an_engine_that_commits_ddl_has_what_its_files_would_give(self, options: str) -> None:
        setting = replace(SETTING, server=replace(SERVER, dialect=MYSQL))
        some = (ONE, migration("002", options=options), THREE)
        found, kept = applied(*some, setting=setting)
        files = build_down_plan(compare(order(some), found), found, setting, to="0")
        stored = down_plan(found, [kept], setting, to="0")
        assert transactions(stored) == transactions(files)
        assert stored.verdict == files.verdict

    @pytest.mark.parametrize("options", ["", "transaction:false"])
    @pytest.mark.parametrize("forgotten", [(), ("reason",)])
    def test_an_older_plan_tells_it_by_its_reasons_and_the_oldest_by_the_guarantee(
        self, forgotten: tuple[str, ...], options: str
    ) -> None:
        plan = up_plan([migration("001", options=options)])
        document = json.loads(plan.model_dump_json())
        step = document["steps"][0]
        assert step.pop("rollback_transactional") is (not options)
        for key in forgotten:
            for statement in step["rollback"]:
                del statement[key]
        document["digest"] = document_digest(document)
        older = replace(run(plan), text=json.dumps(document), plan_digest=document["digest"])
        found = after(Ledger(), plan.steps)
        expected = None if options else 1
        assert transactions(down_plan(found, [older], steps=1)) == [expected]

    def test_it_is_told_by_its_own_field_whatever_the_reasons_say(self) -> None:
        plan = up_plan([migration("001", options="transaction:false")])
        document = json.loads(plan.model_dump_json())
        for statement in document["steps"][0]["rollback"]:
            statement.update(reason="another word for it", guarantee="transactional")
        document["digest"] = document_digest(document)
        other = replace(run(plan), text=json.dumps(document), plan_digest=document["digest"])
        found = after(Ledger(), plan.steps)
        assert transactions(down_plan(found, [other], steps=1)) == [None]


class TestWhichRunCounts:
    def twice(self) -> tuple[Ledger, Plan, Plan]:
        """A migration that was applied, rolled back, and applied again with other SQL."""
        first = up_plan([TEMPLATE], setting=named("old"))
        found = after(Ledger(), first.steps)
        back = down_plan(found, [run(first)], steps=1)
        found = after(found, back.steps)
        second = up_plan([TEMPLATE], found, named("new"))
        return after(found, second.steps), first, second

    def test_the_newest_that_applied_it(self) -> None:
        found, first, second = self.twice()
        runs = [run(first), run(second, minutes=2)]
        assert sql(down_plan(found, runs, steps=1)) == ["drop table new"]
        assert sql(down_plan(found, reversed(runs), steps=1)) == ["drop table new"]

    def test_the_newest_by_the_serial_when_the_clock_was_set_back(self) -> None:
        found, first, second = self.twice()
        runs = [run(first, minutes=2), run(second)]
        assert sql(down_plan(found, runs, steps=1)) == ["drop table new"]

    @pytest.mark.parametrize("status", ["COMMITTED", "CLEANED", "STOPPED", "RESOLVED", "APPLYING"])
    def test_one_whose_steps_are_kept(self, status: str) -> None:
        plan = up_plan(ALL)
        found = after(Ledger(), plan.steps[:2])
        assert sql(down_plan(found, [run(plan, status)], to="0")) == [
            "drop table t002",
            "drop table t001",
        ]

    def test_none_that_was_rolled_back(self) -> None:
        undone = up_plan([TEMPLATE], setting=named("undone"))
        plan = up_plan([TEMPLATE], setting=named("kept"))
        found = after(Ledger(), plan.steps)
        runs = [run(plan), run(undone, "ROLLED_BACK", minutes=1)]
        assert sql(down_plan(found, runs, steps=1)) == ["drop table kept"]
        with pytest.raises(HistoryError, match="no run here has applied it"):
            down_plan(found, runs[1:], steps=1)

    def test_the_one_that_went_on_where_another_had_stopped(self) -> None:
        stopped = up_plan([ONE, replace(TEMPLATE, version="002")], setting=named("stopped"))
        found = after(Ledger(), stopped.steps[:1])
        went_on = up_plan([ONE, replace(TEMPLATE, version="002")], found, named("new"))
        found = after(found, went_on.steps)
        runs = [run(stopped, "STOPPED"), run(went_on, minutes=1)]
        assert sql(down_plan(found, runs, to="0")) == ["drop table new", "drop table t001"]

    def test_a_run_that_was_cut_off_did_not_get_behind_the_serial(self) -> None:
        plan = up_plan(ALL)
        by_hand = replace(after(Ledger(), plan.steps), serial=2)
        found = {one.version: one for one in find_applied(by_hand, [run(plan, "APPLYING")])}
        assert found["002"].step
        assert found["003"].step is None

    def test_none_of_another_checksum(self) -> None:
        found, kept = applied(migration("001", "create table other (id int);"))
        here = replace(found, entries=ledger([ONE]).entries)
        with pytest.raises(HistoryError, match=ONE.checksum[:16]):
            down_plan(here, [kept], steps=1)


class TestWhatIsNotKnown:
    def test_a_migration_that_was_recorded_in_another_way(self) -> None:
        with pytest.raises(HistoryError, match="001 m001 cannot be rolled back") as caught:
            down_plan(ledger([ONE]), [], steps=1)
        assert "without `--from-database`" in caught.value.do

    def test_others_can_still_be_rolled_back(self) -> None:
        plan = up_plan([ONE, TWO], ledger([ONE]))
        found = after(ledger([ONE]), plan.steps)
        assert sql(down_plan(found, [run(plan)], steps=1)) == ["drop table t002"]

    def test_a_migration_without_a_way_back(self) -> None:
        found, kept = applied(migration("001", down=""))
        with pytest.raises(IrreversibleMigration, match=r"001_m001\.sql has no statements"):
            down_plan(found, [kept], steps=1)

    def test_a_way_back_that_undoes_nothing_runs_nothing(self) -> None:
        found, kept = applied(read("-- migrate:up\nselect 1;\n-- migrate:down nothing\n"))
        assert sql(down_plan(found, [kept], steps=1)) == []

    def test_what_is_repeatable_is_not_rolled_back(self) -> None:
        view = read("-- migrate:up\nselect 1;\n", "R__view.sql")
        found, kept = applied(ONE, view)
        assert [step.version for step in down_plan(found, [kept], to="0").steps] == ["001"]

    def test_what_stays_may_not_require_what_goes(self) -> None:
        found, kept = applied(migration("001", requires="2"), TWO)
        with pytest.raises(StillRequired, match="002 cannot be rolled back alone: 001"):
            down_plan(found, [kept], to="1")

    def test_what_stays_and_was_applied_later_may_require_it_unseen(self) -> None:
        plan = up_plan([TWO])
        found = after(Ledger(), plan.steps)
        late = replace(ledger([ONE]).entries[0], applied_at=NOW + timedelta(days=9))
        found = replace(found, entries=(late, *found.entries))
        warnings = down_plan(found, [run(plan)], to="1").warnings
        assert warnings[0] == FROM_DATABASE
        assert warnings[1].startswith("Applied later, and staying: 001.")


class TestWhatIsNotBelieved:
    @staticmethod
    def refused(changed: StoredRun, kind: type[InvalidPlan]) -> InvalidPlan:
        found, _ = applied(ONE)
        with pytest.raises(kind, match="The plan of run run-0") as caught:
            down_plan(found, [changed], steps=1)
        return caught.value

    def test_a_plan_with_another_statement(self) -> None:
        _, kept = applied(ONE)
        text = kept.text.replace("drop table t001", "drop table users")
        error = self.refused(replace(kept, text=text), AlteredPlan)
        assert "lockgate_runs" in error.do
        assert "without `--from-database`" in error.do

    def test_a_statement_whose_own_digest_does_not_fit(self) -> None:
        _, kept = applied(ONE)
        document = json.loads(kept.text)
        document["steps"][0]["rollback"][0]["sql"] = "drop table users"
        document["digest"] = document_digest(document)
        changed = replace(kept, text=json.dumps(document), plan_digest=document["digest"])
        assert "contradicts itself" in self.refused(changed, AlteredPlan).what

    def test_a_plan_in_the_place_of_another(self) -> None:
        _, kept = applied(ONE)
        other = up_plan([ONE], setting=replace(SETTING, tool_version="9"))
        error = self.refused(replace(kept, text=other.model_dump_json()), AlteredPlan)
        assert kept.plan_digest[:16] in error.what

    @pytest.mark.parametrize("text", ["", "{}", '{"format": "lockgate-plan"'])
    def test_what_is_no_plan(self, text: str) -> None:
        _, kept = applied(ONE)
        assert "lockgate_runs" in self.refused(replace(kept, text=text), MalformedPlan).do

    def test_a_format_that_this_lockgate_does_not_know(self) -> None:
        _, kept = applied(ONE)
        text = kept.text.replace('"format_version":"1.1"', '"format_version":"2.0"')
        assert "format 2.0" in self.refused(replace(kept, text=text), UnsupportedPlan).what


def test_the_source_is_that_of_a_folder_with_what_is_applied(tmp_path: Path) -> None:
    for name in ("001_a.sql", "002_b.sql"):
        (tmp_path / name).write_text(f"-- migrate:up\nselect '{name}';\n")
    folder = read_migrations(tmp_path, POSTGRESQL)
    source = stored_source(ledger(folder.migrations))
    assert source.digest == folder.digest
    assert (source.commit, source.dirty) == (None, None)
