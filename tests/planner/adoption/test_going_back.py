"""Whether the other tool may go on, and what is to be done before it may."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from lockgate.planner.adoption import tool as kinds
from lockgate.planner.adoption.going_back import Return, refuse_return
from lockgate.planner.adoption.matching import Takeover
from lockgate.planner.adoption.tool import AppliedThere, MigrationTool
from lockgate.planner.adoption.tools import alembic, atlas, dbmate, knex, supabase
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.database.recording import AdoptedTable, Recorded, Recording
from lockgate.planner.errors import HistoryError
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.value import replace
from tests.planner.literals import NOW, ledger, migration

ONE, TWO, THREE = migration(1), migration(2), migration(3)
ROW = "  insert into history (version) values ('{}');"


def returning(
    tool: MigrationTool, *applied: str, back: bool = True, name: str = "history"
) -> Return:
    """A tool that has taken over version 1, and calls these applied by now."""
    rows = tuple(map(AppliedThere, applied))
    history = Takeover(tool, FoundTable("app", name, frozenset()), kinds.Testimony(rows))
    adopted = AdoptedTable(tool.name, "app", "history", ("1",))
    return Return(adopted, history, (ONE, TWO, THREE), POSTGRESQL, lambda file: back)


def adopted(*applied: object) -> Ledger:
    """A ledger that has recorded version 1; of these, what comes after it was run."""
    found = ledger(applied)  # type: ignore[arg-type]
    steps = (Recorded(ONE.key, ONE.checksum, NOW),)
    there = AdoptedTable("Alembic", "app", "history", ("ae10",))
    recording = Recording(NOW, NOW + timedelta(seconds=1), steps, there)
    return replace(found, recordings=(recording,))


def refusal(found: Ledger, tools: Sequence[Return]) -> str:
    with pytest.raises(HistoryError) as caught:
        refuse_return(found, tools)
    return str(caught.value)


def test_a_tool_that_knows_all_may_go_on() -> None:
    refuse_return(adopted(ONE), [returning(dbmate.TOOL, "1")])
    refuse_return(adopted(ONE, TWO), [returning(dbmate.TOOL, "1", "2")])
    refuse_return(adopted(), [returning(dbmate.TOOL)])


def test_what_was_applied_is_rolled_back_or_written_as_rows() -> None:
    told = refusal(adopted(ONE, TWO, THREE), [returning(dbmate.TOOL, "1")])
    assert "lockgate has applied 2, 3 since, which dbmate does not know." in told
    assert "Roll them back with `migrate down --steps 2`. Or, if they are to stay, have" in told
    assert told.splitlines()[-2:] == [ROW.format(2), ROW.format(3)]


def test_there_is_no_talk_of_a_way_back_that_there_is_not() -> None:
    told = refusal(adopted(ONE, TWO), [returning(dbmate.TOOL, "1", back=False)])
    assert "migrate down" not in told
    assert "Have dbmate note that they are applied, as below." in told
    told = refusal(adopted(ONE, TWO, THREE), [returning(dbmate.TOOL, "1", "3")])
    assert "migrate down" not in told  # that would take 3 first
    assert told.endswith(ROW.format(2))


def test_what_was_rolled_back_is_applied_again_or_taken_out_of_the_table() -> None:
    told = refusal(adopted(), [returning(dbmate.TOOL, "1")])
    assert "lockgate has rolled back 1 since, which dbmate calls applied." in told
    assert "`migrate up --to 1`" in told
    assert told.endswith("  delete from history where version = '1';")


def test_a_command_for_both_ways_names_the_last_one_that_is_left() -> None:
    steps = tuple(Recorded(one.key, one.checksum, NOW) for one in (ONE, TWO))
    found = replace(
        adopted(ONE), recordings=(Recording(NOW, NOW, steps, adopted().recordings[0].adopted),)
    )
    told = refusal(found, [returning(atlas.TOOL, "1", "2")])
    assert told.endswith("  atlas migrate set 1 --url URL --dir file://DIR")
    told = refusal(adopted(ONE, TWO), [returning(atlas.TOOL, "1")])
    assert told.endswith("  atlas migrate set 2 --url URL --dir file://DIR")


def test_a_command_needs_the_name_that_the_table_had() -> None:
    name = "history_before_lockgate"
    told = refusal(adopted(ONE, TWO), [returning(supabase.TOOL, "1", name=name)])
    assert told.splitlines()[-2:] == [
        f"  alter table {name} rename to history;",
        "  supabase migration repair --db-url URL --status applied 2",
    ]
    told = refusal(adopted(ONE, TWO), [returning(dbmate.TOOL, "1", name=name)])
    assert told.endswith(f"\n  insert into {name} (version) values ('2');")


class TestCode:
    """None of our migrations is one of a tool whose migrations are code."""

    def test_what_was_applied_is_no_migration_of_it(self) -> None:
        told = refusal(adopted(ONE, TWO), [returning(alembic.TOOL, "ae10")])
        assert "`migrate down --steps 1`" in told
        assert "`migrate plan --forget 2 -o forget.json`" in told
        assert told.endswith("call them applied: `alembic stamp REVISION`.")

    def test_what_was_rolled_back_is_known_when_its_table_says_something_else(self) -> None:
        told = refusal(adopted(), [returning(alembic.TOOL, "ae10")])
        assert told.endswith("alembic stamp REVISION   (the last one that is left, or base)")
        refuse_return(adopted(), [returning(alembic.TOOL, "1975")])

    def test_its_table_is_called_as_its_users_call_it(self) -> None:
        told = refusal(adopted(ONE, TWO), [returning(knex.TOOL, "ae10")])
        assert told.endswith("call them applied: a row in history with the file's name.")
        told = refusal(adopted(), [returning(knex.TOOL, "ae10")])
        assert told.endswith("\n  delete from history where name = 'FILE.js';")

    def test_what_is_applied_again_is_known_to_it(self) -> None:
        later = replace(ledger([ONE]).entries[0], applied_at=NOW + timedelta(days=1))
        refuse_return(replace(adopted(), entries=(later,)), [returning(alembic.TOOL, "ae10")])


def test_a_table_that_is_gone_is_to_be_restored() -> None:
    assert "is gone, or is another one: restore it" in refusal(adopted(ONE, TWO), [])
