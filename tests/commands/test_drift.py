"""`drift`: what the database has that no migration made."""

from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed

HERE = "rehearsal:\n  url_env: TEST_URL\n"


def run(server: Any, sql: str, database: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def applied(any_project: Project) -> Project:
    """A project with two tables, both applied."""
    any_project.configure(HERE)
    any_project.write_tables(2)
    succeed(any_project.migrate("up"))
    return any_project


def test_a_schema_as_the_migrations_make_it_has_no_drift(applied: Project) -> None:
    result = succeed(applied.migrate("drift", "--replay"))
    assert result.out == "No drift: the schema is what its migrations make.\n"


def test_what_was_changed_since_the_last_run_is_found_without_a_second_server(
    any_project: Project, any_server: Any
) -> None:
    """Not what was there before it; and each run notes it again."""
    any_project.write_tables(2)
    run(any_server, "create table older (id int)", any_project.database)
    succeed(any_project.migrate("up", "--fresh"))
    before = succeed(any_project.migrate("drift"))
    assert before.out.startswith("No drift: the schema is what the last run left (")
    assert before.err == ""
    run(any_server, "alter table t1 add column late int", any_project.database)
    run(any_server, "drop table older", any_project.database)
    result = refused(any_project.migrate("drift"), 4, "`migrate drift --replay`")
    assert "t1 (changed)" in result.out
    assert "older (removed)" in result.out
    assert result.out.endswith("2 objects differ.\n")
    succeed(any_project.migrate("down"))
    assert succeed(any_project.migrate("drift")).out.startswith("No drift")


def test_where_no_run_has_noted_the_schema_the_migrations_are_replayed(
    applied: Project, any_server: Any
) -> None:
    """As in a ledger of an older version, or after one whose process died at its end."""
    run(any_server, "update lockgate_runs set digests = null", applied.database)
    result = succeed(applied.migrate("drift"))
    assert result.err.startswith("No run has noted yet what it left of the schema, so the migr")
    assert result.out == "No drift: the schema is what its migrations make.\n"
    run(any_server, "alter table lockgate_runs drop column digests", applied.database)
    assert "noted yet" in succeed(applied.migrate("drift")).err
    applied.write_tables(1, first=3)
    succeed(applied.migrate("up"))
    assert succeed(applied.migrate("drift")).err == ""
    run(any_server, "update lockgate_target set serial = serial + 1", applied.database)
    assert "The history has changed since" in succeed(applied.migrate("drift")).err
    assert succeed(applied.migrate("drift", "--json")).document["differences"] == []


def test_what_the_server_counts_is_no_drift(project: Project, postgres_server: Any) -> None:
    """Releases of November 2026 and later keep a number of their own among a column's options."""
    project.configure(HERE)
    project.write_tables(1)
    succeed(project.migrate("up"))
    run(
        postgres_server,
        "set allow_system_table_mods = on; update pg_attribute set attoptions = "
        "'{n_distinct=5,pg_attver=7}' where attrelid = 't1'::regclass and attname = 'id'",
        project.database,
    )
    shown = refused(project.migrate("drift", "--replay"), 4).out
    assert 'options ["n_distinct=5"]' in shown


def test_each_object_is_shown_with_its_lines(applied: Project, any_server: Any) -> None:
    run(any_server, "alter table t1 add column late int", applied.database)
    run(any_server, "drop table t2", applied.database)
    result = refused(applied.migrate("drift", "--replay"), 4)
    assert "t1 (changed)\n  +column late" in result.out
    assert "t2 (removed)\n  -" in result.out
    assert result.out.endswith("2 objects differ.\n")


def test_a_program_is_given_a_document(applied: Project, any_server: Any) -> None:
    run(any_server, "create table strange (id int)", applied.database)
    result = applied.migrate("drift", "--replay", "--json")
    assert result.code == 4
    document = result.document
    assert document["format"] == "lockgate-drift"
    (found,) = document["differences"]
    assert found["object"].endswith("strange")
    assert found["change"] == "added"
    assert all(line.startswith("+") for line in found["lines"])
    applied.configure(f'{HERE}unmanaged: ["*strange"]\n')
    succeed(applied.migrate("drift"))


def test_a_project_answers_for_its_own_schema_alone(project: Project, postgres_server: Any) -> None:
    """Two projects in one database: neither is the other's drift, nor makes its plans stale."""
    project.configure(f"{HERE}drift: check\ndrift_scope: schema\n")
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.write_tables(1, first=2)
    succeed(project.migrate("plan"))
    run(
        postgres_server,
        "create schema other; create table other.t1 (id int); create extension hstore schema other",
        project.database,
    )
    for more in ((), ("--replay",)):
        assert succeed(project.migrate("drift", *more)).out.startswith("No drift")
    succeed(project.migrate("apply", "plan.json"))
    run(postgres_server, "create index on t1 (id)", project.database)
    assert refused(project.migrate("drift"), 4).out.count("(") == 2


def test_pending_migrations_are_no_drift(applied: Project) -> None:
    applied.write_tables(1, first=3)
    succeed(applied.migrate("drift"))


def test_files_that_were_changed_cannot_be_replayed(applied: Project) -> None:
    applied.write("001_t1.sql", "create table other (id int);")
    refused(applied.migrate("drift", "--replay"), 10, "001_t1.sql")


def test_a_plan_that_was_not_rehearsed_expects_nothing(applied: Project) -> None:
    applied.write_tables(1, first=3)
    succeed(applied.migrate("plan"))
    refused(applied.migrate("drift", "--expect", "plan.json"), 64, "was not rehearsed")


def test_before_its_plan_is_applied_a_database_is_not_what_the_plan_leaves(
    applied: Project,
) -> None:
    applied.write_tables(1, first=3)
    succeed(applied.migrate("plan", "--rehearse"))
    result = refused(applied.migrate("drift", "--expect", "plan.json"), 4)
    assert "t3 (removed)" in result.out


def test_a_private_server_replays_a_schema_whose_owner_is_no_superuser(
    project: Project, postgres_server: Any
) -> None:
    run(postgres_server, "create role drift_owner login", "postgres")
    try:
        run(postgres_server, "grant create on schema public to drift_owner", project.database)
        project.url = project.url.replace("postgres@", "drift_owner@")
        project.write_tables(1)
        succeed(project.migrate("up"))
        result = succeed(project.migrate("drift", "--replay"))
        assert "not compared: schema public" in result.all
    finally:
        run(postgres_server, "drop owned by drift_owner", project.database)
        run(postgres_server, "drop role drift_owner", "postgres")


def test_what_a_scheduler_makes_is_left_out_by_name(project: Project, postgres_server: Any) -> None:
    """Partitions with all that is on them, also where a foreign key refers to their parent."""
    base = (
        "create table events (day date primary key) partition by range (day);\n"
        "create table notes (day date references events);\n"
        "create table events_p1 partition of events\n"
        "for values from ('2026-01-01') to ('2026-02-01');"
    )
    project.configure(f'{HERE}drift: check\nunmanaged: ["public.events_p*"]\n')
    project.write("001_events.sql", base)
    succeed(project.migrate("up"))
    project.write_tables(1, first=2)
    succeed(project.migrate("plan", "--rehearse"))
    scheduled = (
        "create table events_p2 partition of events "
        "for values from ('2026-02-01') to ('2026-03-01');"
        "create sequence events_p2_id_seq; create rule quiet as on delete to events_p2 do nothing"
    )
    run(postgres_server, scheduled, project.database)
    assert succeed(project.migrate("drift", "--replay")).out.startswith("No drift")
    succeed(project.migrate("apply", "plan.json"))
    succeed(project.migrate("drift", "--expect", "plan.json"))
    run(
        postgres_server,
        'create rule "r on public.events_p1" as on delete to notes do nothing',
        project.database,
    )
    shown = refused(project.migrate("drift", "--replay"), 4).out
    assert shown.count("(added)") == 1
    assert "on public.notes (added)" in shown
    project.configure(HERE)
    assert "table public.events_p2 (added)" in refused(project.migrate("drift", "--replay"), 4).out


def test_a_schema_of_the_search_path_is_there_where_the_migrations_run_again(
    project: Project, postgres_server: Any
) -> None:
    """People have made `app`, and a migration makes `own`."""
    project.configure(HERE)
    path = f"alter database {project.database} set search_path = public, app, own"
    run(postgres_server, f"create schema app; {path}", project.database)
    project.write("001_t.sql", "create schema own; create table app.t (id int);")
    succeed(project.migrate("up"))
    succeed(project.migrate("drift", "--replay"))
    project.write("002_u.sql", "create table app.u (id int);")
    succeed(project.migrate("plan", "--rehearse"))
