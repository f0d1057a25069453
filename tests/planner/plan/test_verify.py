"""That a plan and a live database belong together: target, base, age, and unfinished runs."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.building.build import build_down_plan
from lockgate.planner.building.compare import compare
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import ExpiredPlan, InvalidPlan, StalePlan, Unresolved, WrongTarget
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.verify import (
    decode_evidence,
    encode_evidence,
    find_position,
    refuse_expired,
    refuse_foreign,
    refuse_other_rules,
    refuse_read_only,
    refuse_unresolved,
    refuse_wrong_target,
)
from lockgate.planner.sql.dialect import MARIADB, MYSQL
from tests.planner.literals import (
    IDENTITY,
    NOW,
    SERVER,
    SETTING,
    UUID,
    after,
    ledger,
    migration,
    up_plan,
)

FILES = tuple(migration(f"{number:03}") for number in range(1, 5))
BASE = ledger(FILES[:1])
PLAN = up_plan(FILES, BASE)


def down_plan(found: Ledger, to: str = "0") -> Plan:
    return build_down_plan(compare(FILES, found), found, SETTING, to=to)


class TestPosition:
    def test_is_the_number_of_steps_that_the_ledger_already_has(self) -> None:
        assert [find_position(PLAN, after(BASE, PLAN.steps[:done])) for done in range(4)] == [
            *(0, 1, 2, 3)
        ]

    def test_on_an_untouched_database_is_0(self) -> None:
        assert find_position(up_plan(FILES), Ledger()) == 0

    def test_of_a_plan_without_steps_is_0(self) -> None:
        assert find_position(up_plan(FILES, ledger(FILES)), ledger(FILES)) == 0

    @given(st.integers(1, 4), st.data())
    def test_is_found_in_plans_of_either_direction(self, applied: int, data: st.DataObject) -> None:
        found = ledger(FILES[:applied])
        for plan in (up_plan(FILES, found), down_plan(found)):
            done = data.draw(st.integers(0, len(plan.steps)))
            assert find_position(plan, after(found, plan.steps[:done])) == done

    def test_other_rows_at_the_same_serial_are_stale(self) -> None:
        others = (migration("001", "select 'another';"), migration("007"))
        for one in others:
            with pytest.raises(StalePlan):
                find_position(PLAN, ledger([one]))

    def test_an_up_step_that_was_recorded_with_another_checksum_is_stale(self) -> None:
        with pytest.raises(StalePlan):
            find_position(PLAN, ledger([FILES[0], migration("002", "select 'another';")]))

    def test_a_row_under_another_spelling_of_the_version_is_stale(self) -> None:
        left = after(BASE, PLAN.steps[:1])
        renamed = replace(left.entries[1], version="2")
        with pytest.raises(StalePlan):
            find_position(PLAN, replace(left, entries=(left.entries[0], renamed)))

    @pytest.mark.parametrize("serial", [0, 2, 4, 5, 99])
    def test_the_base_rows_at_another_serial_are_stale(self, serial: int) -> None:
        with pytest.raises(StalePlan):
            find_position(PLAN, replace(BASE, serial=serial))

    def test_up_and_down_again_is_stale_though_the_rows_are_the_same(self) -> None:
        up = after(BASE, PLAN.steps[:1])
        again = after(up, down_plan(up, to="1").steps)
        assert again.entries == BASE.entries
        with pytest.raises(StalePlan):
            find_position(PLAN, again)

    def test_a_down_step_whose_row_is_there_again_is_stale(self) -> None:
        found = ledger(FILES)
        plan = down_plan(found, to="2")
        with pytest.raises(StalePlan):
            find_position(plan, replace(found, serial=found.serial + 1))

    def test_an_applied_plan_is_stale_as_soon_as_more_was_applied(self) -> None:
        some = up_plan(FILES, BASE, to="3")
        assert find_position(some, after(BASE, some.steps)) == 2
        with pytest.raises(StalePlan):
            find_position(some, ledger(FILES))

    def test_a_stale_plan_shows_both_states(self) -> None:
        with pytest.raises(StalePlan) as caught:
            find_position(PLAN, ledger(FILES, serial=9))
        assert f"serial 1 ({BASE.digest[:16]})" in caught.value.what
        assert "serial 9" in caught.value.what
        assert "migrate plan" in caught.value.do


class TestExpiry:
    EXPIRING = up_plan(FILES, setting=replace(SETTING, max_age=timedelta(hours=1)))

    def test_a_plan_holds_until_its_end_by_the_databases_clock(self) -> None:
        refuse_expired(self.EXPIRING, SERVER)
        refuse_expired(self.EXPIRING, replace(SERVER, now=NOW + timedelta(hours=1)))

    def test_a_plan_is_expired_after_its_end(self) -> None:
        late = NOW.astimezone(timezone(timedelta(hours=2))) + timedelta(hours=1, seconds=1)
        with pytest.raises(ExpiredPlan) as caught:
            refuse_expired(self.EXPIRING, replace(SERVER, now=late))
        assert "expired at 2026-11-22 10:30:00 UTC" in caught.value.what
        assert "says 2026-11-22 10:30:01 UTC" in caught.value.what
        assert isinstance(caught.value, InvalidPlan)

    def test_a_plan_without_an_end_never_expires(self) -> None:
        refuse_expired(PLAN, replace(SERVER, now=NOW + timedelta(days=9999)))


class TestTarget:
    def test_the_database_of_the_plan_is_accepted(self) -> None:
        refuse_wrong_target(PLAN, SERVER, BASE)
        refuse_wrong_target(up_plan(FILES), SERVER, Ledger())

    @pytest.mark.parametrize(
        ("server", "what"),
        [
            (replace(SERVER, dialect=MARIADB), "for postgresql, this is mariadb"),
            (replace(SERVER, database="other"), "this is public.schema_migrations in other"),
            (replace(SERVER, history_table="app.history"), "this is app.history in shop"),
            (replace(SERVER, evidence={"system_identifier": "8"}), "another server or another"),
        ],
    )
    def test_another_one_is_refused(self, server: object, what: str) -> None:
        with pytest.raises(WrongTarget) as caught:
            refuse_wrong_target(PLAN, server, BASE)  # type: ignore[arg-type]
        assert what in caught.value.what
        assert caught.value.do

    def test_marks_that_only_one_side_could_read_are_not_compared(self) -> None:
        refuse_wrong_target(PLAN, replace(SERVER, evidence={}), BASE)
        refuse_wrong_target(PLAN, replace(SERVER, evidence={"database_oid": "16384"}), BASE)

    def test_a_newer_server_version_is_accepted(self) -> None:
        refuse_wrong_target(PLAN, replace(SERVER, version="19.1"), BASE)

    @pytest.mark.parametrize("identity", [None, replace(IDENTITY, uuid="another")])
    def test_an_identity_that_is_gone_or_another_is_refused(self, identity: object) -> None:
        with pytest.raises(WrongTarget, match=UUID):
            refuse_wrong_target(PLAN, SERVER, replace(BASE, identity=identity))  # type: ignore[arg-type]

    def test_a_plan_that_hides_the_identity_which_its_base_has_is_refused(self) -> None:
        hidden = PLAN.model_copy(update={"target": PLAN.target.model_copy(update={"uuid": None})})
        assert hidden.base.present
        with pytest.raises(WrongTarget, match="does not say which"):
            refuse_wrong_target(hidden, SERVER, BASE)

    def test_a_plan_from_before_the_first_run_fits_a_database_that_now_has_an_identity(
        self,
    ) -> None:
        refuse_wrong_target(up_plan(FILES), SERVER, BASE)

    def test_a_read_only_server_is_refused(self) -> None:
        refuse_read_only(SERVER)
        with pytest.raises(WrongTarget, match="read-only"):
            refuse_read_only(replace(SERVER, read_only=True))


class TestRules:
    ANSI = replace(SERVER, dialect=MYSQL.with_server(90704, "ANSI_QUOTES"))

    def test_a_server_that_reads_sql_by_the_plans_modes_is_accepted(self) -> None:
        stricter = MYSQL.with_server(90800, "STRICT_ALL_TABLES,ANSI_QUOTES")
        plan = up_plan(FILES, setting=replace(SETTING, server=self.ANSI))
        refuse_other_rules(plan, self.ANSI)
        refuse_other_rules(plan, replace(self.ANSI, dialect=stricter))

    @pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"])
    def test_one_that_would_read_it_otherwise_makes_the_plan_stale(self, mode: str) -> None:
        plan = up_plan(FILES, setting=replace(SETTING, server=self.ANSI))
        other = replace(SERVER, dialect=MYSQL.with_server(90704, mode))
        with pytest.raises(StalePlan, match=f"the server has '{mode}'"):
            refuse_other_rules(plan, other)

    def test_a_plan_that_did_not_note_them_is_not_held_against_them(self) -> None:
        target = PLAN.target.model_copy(update={"server_number": None})
        refuse_other_rules(PLAN.model_copy(update={"target": target}), self.ANSI)


class TestForeign:
    def test_a_database_without_an_identity_is_anybodys(self) -> None:
        refuse_foreign(SERVER, Ledger(), project="any", environment="any")

    def test_the_environments_own_database_is_accepted(self) -> None:
        refuse_foreign(SERVER, BASE, project="shop", environment="dev")

    @pytest.mark.parametrize(("project", "environment"), [("shop", "prod"), ("blog", "dev")])
    def test_that_of_another_project_or_environment_is_refused(
        self, project: str, environment: str
    ) -> None:
        with pytest.raises(WrongTarget) as caught:
            refuse_foreign(SERVER, BASE, project=project, environment=environment)
        assert "belongs to environment dev of project shop" in caught.value.what
        assert "migrate rebind" in caught.value.do

    def test_a_copy_on_another_server_or_under_another_name_is_refused(self) -> None:
        for mark in ("system_identifier", "database_oid"):
            copy = replace(SERVER, evidence={**SERVER.evidence, mark: "1"})
            with pytest.raises(WrongTarget, match="is a copy"):
                refuse_foreign(copy, BASE, project="shop", environment="dev")

    def test_a_databases_name_may_hold_any_character(self) -> None:
        server = replace(SERVER, evidence={"database": "a;b=c%3B", "server_uuid": "1"})
        identity = replace(IDENTITY, evidence=encode_evidence(server.evidence))
        found = replace(BASE, identity=identity)
        refuse_foreign(server, found, project="shop", environment="dev")
        copy = replace(server, evidence={"database": "a;b=c;"})
        with pytest.raises(WrongTarget, match="is a copy"):
            refuse_foreign(copy, found, project="shop", environment="dev")


names = st.from_regex("[a-z_]+", fullmatch=True)


@given(st.dictionaries(names, st.text()))
def test_evidence_comes_back_as_it_was_written(evidence: dict[str, str]) -> None:
    assert decode_evidence(encode_evidence(evidence)) == evidence


class TestUnresolved:
    OTHER = replace(BASE, unresolved=("f" * 64,))

    def test_a_run_of_another_plan_is_refused(self) -> None:
        for plan in (None, PLAN):
            with pytest.raises(Unresolved) as caught:
                refuse_unresolved(self.OTHER, plan)
            assert "plan ffffffffffffffff stopped half-way" in caught.value.what
            assert "migrate resolve" in caught.value.do

    def test_a_run_of_the_same_plan_may_go_on(self) -> None:
        refuse_unresolved(BASE)
        refuse_unresolved(replace(BASE, unresolved=(PLAN.digest,)), PLAN)

    def test_a_run_of_the_same_plan_does_not_excuse_another(self) -> None:
        both = replace(BASE, unresolved=(PLAN.digest, "f" * 64))
        with pytest.raises(Unresolved, match="ffffffffffff"):
            refuse_unresolved(both, PLAN)
