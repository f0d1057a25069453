"""The times that the ledger keeps: the wall clock at the end, by the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.executors.building import apply_up, by_hand, open_test_engine


def test_times_are_those_of_the_end(any_server: Any, any_database: str) -> None:
    wait = "select pg_sleep(1.5);" if any_server.engine == "postgresql" else "do sleep(1.5);"
    with open_test_engine(any_server, any_database) as engine:
        apply_up(engine, {"001_a": "create table a (id int);", "002_b": wait})
        ((run,), ledger) = engine.store.runs.read_runs(1), engine.store.read_ledger()
        begun = datetime.fromisoformat(run.started_at)
        assert datetime.fromisoformat(run.finished_at) - begun >= timedelta(seconds=1)
        assert ledger.entries[-1].applied_at - begun >= timedelta(seconds=1)


def test_a_clock_that_a_migration_has_stopped_goes_on_for_lockgate(
    family_server: Any, family_database: str
) -> None:
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, {"001_a": "set timestamp = 1000000000;\ncreate table a (id int);"})
        (entry,) = engine.store.read_ledger().entries
        assert abs(entry.applied_at - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize("setting", ["timestamp = 1000000000", "time_zone = '+09:00'"])
def test_a_clock_that_a_trigger_of_another_has_stopped_goes_on_for_lockgate(
    family_server: Any, family_database: str, setting: str
) -> None:
    """The table is one that a migration writes to."""
    migrations = {"001_a": "create table a (id int primary key);"}
    with open_test_engine(family_server, family_database) as engine:
        apply_up(engine, migrations)
        by_hand(engine).execute(
            f"create trigger t before insert on a for each row set @@session.{setting}"
        )
        migrations |= {"002_b": "insert into a values (1);", "003_c": "insert into a values (2);"}
        apply_up(engine, migrations)
        for entry in engine.store.read_ledger().entries:
            assert abs(entry.applied_at - datetime.now(UTC)) < timedelta(hours=1)
        finished = datetime.fromisoformat(engine.store.runs.read_runs(1)[0].finished_at)
        assert abs(finished - datetime.now(UTC)) < timedelta(hours=1)
