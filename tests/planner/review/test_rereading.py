"""A plan whose digests were computed again, held against its own text: every lie of an attacker
who can write artifacts, on each engine that it concerns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.building.build import build_down_plan
from lockgate.planner.building.compare import compare
from lockgate.planner.building.filetexts import restore_text
from lockgate.planner.building.records import build_baseline_plan
from lockgate.planner.errors import ContradictedPlan
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.planfile import parse_plan
from lockgate.planner.plan.statement import statement_digest
from lockgate.planner.review.inspection import inspect, read_subjects, without_files
from lockgate.planner.review.rereading import bind, refuse_understated, without_claims
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import DIALECTS, POSTGRESQL, Dialect
from tests.planner.literals import SERVER, SETTING, ledger, migration, read, up_plan

ENGINES = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
OLDER = Path(__file__).parents[1] / "plan" / "plan_1_0.json"


def planned(dialect: Dialect, *files: Migration, **setting: Any) -> Plan:
    """The plan that applies these files, inspected as `migrate plan` does."""
    server = replace(SERVER, dialect=dialect)
    plan = up_plan(files, setting=replace(SETTING, server=server, **setting))
    subjects = read_subjects(plan, ReviewTerms(dialect), without_files(plan))
    return seal(inspect(plan, subjects, without_files(plan), [()] * len(files)))


def edited(plan: Plan, edit: Callable[[dict[str, Any]], object], place: int = 0) -> Plan:
    """The plan after an attacker's edit of a step, with digests that fit."""
    document = plan.model_dump(mode="json")
    step = document["steps"][place]
    edit(step)
    for one in (*step["statements"], *(step["rollback"] or ())):
        one["digest"] = statement_digest(one["sql"], one["copy_data"])
    return seal(Plan.model_validate(document))


def refused(plan: Plan, dialect: Dialect, words: str, **variables: str) -> None:
    with pytest.raises(ContradictedPlan, match=words):
        check(plan, dialect, **variables)


def check(plan: Plan, dialect: Dialect, **variables: str) -> None:
    bind(plan, dialect, variables)
    refuse_understated(plan, dialect)


def first(step: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = step["statements"][0]
    return statement


DROP = migration(1, "drop table users;", "create table users (id int);")


class TestBinding:
    @ENGINES
    @pytest.mark.parametrize(
        "file",
        [
            migration(1),
            migration(1, "create table a (id int); -- one\n\ninsert into a values ('x;y');"),
            migration(1, down=""),
            migration(1, options="transaction:false"),
        ],
    )
    def test_an_honest_plan_is_bound_and_its_text_is_the_files(
        self, file: Migration, dialect: Dialect
    ) -> None:
        plan = planned(dialect, file)
        assert restore_text(plan.steps[0]) == file.text
        assert bind(plan, dialect, {}) == (file,)

    def test_copy_rows_are_bound_too(self) -> None:
        file = migration(1, "copy t from stdin;\n1\n2\n\\.\nselect 1;")
        plan = planned(POSTGRESQL, file)
        check(plan, POSTGRESQL)
        other = edited(plan, lambda step: first(step).update(copy_data="1\n3\n"))
        refused(other, POSTGRESQL, "not that of the file with its checksum")

    @ENGINES
    def test_a_baseline_and_a_rollback_are_bound(self, dialect: Dialect) -> None:
        setting = replace(SETTING, server=replace(SERVER, dialect=dialect))
        files, found = [migration(1)], ledger([migration(1)])
        down = build_down_plan(compare(order(files), found), found, setting, steps=1)
        (again,) = bind(down, dialect, {})
        assert again == files[0]
        empty = ledger(serial=0)
        bind(build_baseline_plan(compare(order(files), empty), empty, setting, "1"), dialect, {})

    @ENGINES
    def test_other_sql_than_the_files_is_refused(self, dialect: Dialect) -> None:
        plan = planned(dialect, migration(1))
        other = edited(plan, lambda step: first(step).update(sql="create table x (id int)"))
        refused(other, dialect, "not that of the file with its checksum")

    def test_sql_that_is_hidden_within_a_part_is_refused(self) -> None:
        plan = planned(POSTGRESQL, migration(1, "create table a (id int); drop table users;"))

        def hide(step: dict[str, Any]) -> None:
            gone = step["statements"].pop()
            before, after = step["text"]["parts"][1:3]
            step["text"]["parts"][1:3] = [before + gone["sql"] + after]

        refused(edited(plan, hide), POSTGRESQL, "statements are not those of its file")

    def test_statements_that_are_joined_into_one_are_refused(self) -> None:
        plan = planned(POSTGRESQL, migration(1, "select 1; drop table users;"))

        def join(step: dict[str, Any]) -> None:
            one, other = step["statements"]
            between = step["text"]["parts"].pop(1)
            step["statements"] = [{**one, "sql": one["sql"] + between + other["sql"]}]

        refused(edited(plan, join), POSTGRESQL, "statements are not those of its file")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"version": "9"}, "its version, its name"),
            ({"version": "0001"}, "its version, its name"),
            ({"name": "harmless"}, "its version, its name"),
            ({"file": "001_other.sql"}, "its version, its name"),
            ({"file": "nonsense"}, "cannot be read"),
            ({"requires": ["7"]}, "what it requires"),
            ({"checksum": "a" * 64}, "not that of the file"),
            ({"transaction": None}, "its transaction is not what its file says"),
            ({"rollback_transactional": False}, "its way back runs otherwise"),
        ],
    )
    def test_what_a_step_says_of_its_file_is_held_against_it(
        self, change: dict[str, Any], words: str
    ) -> None:
        plan = planned(POSTGRESQL, migration(1))
        refused(edited(plan, lambda step: step.update(change)), POSTGRESQL, words)

    def test_a_way_back_that_is_left_out_is_refused(self) -> None:
        plan = planned(POSTGRESQL, migration(1))

        def forget(step: dict[str, Any]) -> None:
            step["text"]["parts"] = [restore_text(plan.steps[0])]
            step.update(rollback=None, rollback_transactional=None)

        refused(edited(plan, forget), POSTGRESQL, "its way back is not that of its file")

    def test_a_template_is_rendered_again_with_the_environments_own_variables(self) -> None:
        text = "-- migrate:template jinja\n-- migrate:up\ndrop table {{ name }};\n"
        file, variables = read(text), {"name": "old"}
        plan = planned(POSTGRESQL, file, variables=variables)
        bind(plan, POSTGRESQL, variables)
        refused(plan, POSTGRESQL, "other variables than the environment's", name="new")

        def drop_another(step: dict[str, Any]) -> None:
            step["text"]["variables"] = {"name": "users"}
            first(step).update(sql="drop table users")

        other = edited(plan, drop_another)
        refused(other, POSTGRESQL, "other variables than the environment's", **variables)
        only_sql = edited(plan, lambda step: first(step).update(sql="drop table users"))
        refused(only_sql, POSTGRESQL, "statements are not those of its file", **variables)

    def test_a_plan_of_format_1_0_carries_no_text_and_is_passed_over(self) -> None:
        plan = parse_plan(OLDER.read_bytes(), "plan.json")
        assert bind(plan, POSTGRESQL, {}) == ()
        refuse_understated(plan, POSTGRESQL)


class TestWhatIsSaid:
    @ENGINES
    def test_a_loss_that_is_left_out_is_refused(self, dialect: Dialect) -> None:
        plan = planned(dialect, DROP)
        check(plan, dialect)
        quiet = edited(plan, lambda step: first(step).update(loses=[]))
        refused(quiet, dialect, "it does not say that the table users is lost")

    @ENGINES
    @pytest.mark.parametrize("change", [{"kind": "select"}, {"objects": []}])
    def test_another_kind_or_object_is_refused(
        self, change: dict[str, Any], dialect: Dialect
    ) -> None:
        plan = planned(dialect, DROP)
        other = edited(plan, lambda step: first(step)["reading"].update(change))
        refused(other, dialect, "it is drop table")

    @pytest.mark.parametrize(
        ("engine", "sql"),
        [
            ("postgresql", "do $$ begin end $$;"),
            ("postgresql", "call p();"),
            ("mysql", "call p();"),
            ("mariadb", "call p();"),
        ],
    )
    def test_code_that_was_not_read_is_refused_where_the_plan_is_silent(
        self, engine: str, sql: str
    ) -> None:
        dialect = DIALECTS[engine]
        plan = planned(dialect, migration(1, sql))
        quiet = edited(plan, lambda step: first(step)["reading"].update(opaque=False))
        refused(quiet, dialect, "code that was not read")

    def test_a_lock_that_is_left_out_is_refused(self) -> None:
        plan = planned(POSTGRESQL, DROP)
        quiet = edited(plan, lambda step: first(step).update(touches=[]))
        refused(quiet, POSTGRESQL, "does not tell the lock ACCESS EXCLUSIVE on users")
        milder = edited(plan, lambda step: first(step)["touches"][0].update(blocks="nothing"))
        refused(milder, POSTGRESQL, "does not tell the lock")

    def test_where_it_may_run_is_not_taken_on_trust(self) -> None:
        plan = planned(POSTGRESQL, migration(1, "vacuum t;", options="transaction:false"))
        inside = edited(plan, lambda step: first(step)["reading"].update(outside_only=False))
        refused(inside, POSTGRESQL, "how it runs and fails")

    @ENGINES
    def test_a_verdict_that_promises_more_is_refused(self, dialect: Dialect) -> None:
        parts = [migration(1, "select 1;", options="transaction:false"), migration(2)]
        torn = [migration(1, "select 1;\nselect 2;", options="transaction:false"), migration(2)]
        for files, verdict, better in (
            (parts, "ATOMIC IN PARTS", "ATOMIC (one transaction)"),
            (torn, "NOT ATOMIC", "ATOMIC IN PARTS (2 units, each all or nothing)"),
        ):
            plan = planned(dialect, *files)
            assert plan.verdict.startswith(verdict)
            proud = seal(plan.model_copy(update={"verdict": better}))
            refused(proud, dialect, "it can stop half-way")

    @ENGINES
    def test_a_plan_may_say_more_than_is_read(self, dialect: Dialect) -> None:
        plan = planned(dialect, DROP)
        check(edited(plan, lambda step: first(step)["loses"].append("much else")), dialect)


class TestWaivers:
    def test_a_waiver_counts_only_where_the_files_text_has_it(self) -> None:
        text = "-- migrate:up\n-- migrate:allow drops-data nobody uses it\ndrop table users;\n"
        for file, reason in ((read(text), "nobody uses it"), (DROP, None)):
            plan = planned(POSTGRESQL, file)
            invented = edited(
                plan, lambda step: [one.update(allowed="fine") for one in step["findings"]]
            )
            migrations = bind(invented, POSTGRESQL, {})
            (step,) = without_claims(invented, POSTGRESQL, migrations).steps
            found = {finding.code: finding.allowed for finding in step.findings}
            assert found["drops-data"] == reason

    def test_without_a_text_nothing_is_waived(self) -> None:
        plan = planned(POSTGRESQL, DROP)
        invented = edited(
            plan, lambda step: [one.update(allowed="fine") for one in step["findings"]]
        )
        (step,) = without_claims(invented, POSTGRESQL, ()).steps
        assert {finding.allowed for finding in step.findings} == {None}
