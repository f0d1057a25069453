"""Plans that would change what lockgate keeps: refused, with the line and the way out."""

from dataclasses import replace

import pytest

from lockgate.planner.building.own_tables import refuse_own_tables
from lockgate.planner.errors import MigrationFileError
from tests.planner.literals import SETTING, migration, up_plan

SERVER = replace(SETTING.server, history_table="public.schema_migrations")


def refuse(sql: str, default: str = "public") -> None:
    refuse_own_tables(up_plan([migration(1, f"select 1;\n{sql};")]).steps, SERVER, default)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("drop table schema_migrations", "the table schema_migrations"),
        ("drop table if exists a, public.schema_migrations cascade", "the table schema_migrations"),
        ("create table schema_migrations (version text)", "the table schema_migrations"),
        ("alter table lockgate_runs add column x int", "the table lockgate_runs"),
        ("truncate lockgate_target", "the table lockgate_target"),
        ("insert into schema_migrations values ('1')", "the table schema_migrations"),
        ("delete from public.lockgate_journal", "the table lockgate_journal"),
        ("drop schema public cascade", "the schema public"),
    ],
)
def test_what_drops_changes_or_writes_one_is_refused(sql: str, told: str) -> None:
    with pytest.raises(MigrationFileError) as refused:
        refuse(sql)
    assert f"keeps what is applied in {told}," in refused.value.what
    assert (refused.value.line, str(refused.value.path)) == (3, "1_m1.sql")
    assert "history: {table: lockgate_history}" in refused.value.do


@pytest.mark.parametrize(
    "sql",
    [
        "create table if not exists schema_migrations (version text)",
        "create view v as select version from schema_migrations",
        "grant select on schema_migrations to public",
        "comment on table schema_migrations is 'ours'",
        "create index i on schema_migrations (applied_at)",
        "drop table old.schema_migrations",
        "drop table schema_migrations_old",
        "drop schema old cascade",
    ],
)
def test_what_leaves_them_as_they_are_passes(sql: str) -> None:
    refuse(sql)


def test_a_name_without_a_schema_is_one_of_the_default_schema() -> None:
    refuse("drop table schema_migrations", default="app")
