"""`migrate doctor`: what an environment lacks, with the line that gives it."""

from typing import Any

from tests.commands.running import Project, Result, refused, succeed


def checks(result: Result) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in result.document["checks"]}


def test_a_healthy_environment_has_no_problem(any_project: Project) -> None:
    any_project.write_tables(1)
    found = checks(succeed(any_project.migrate("doctor", "--json")))
    assert found["ledger"]["found"] == "none yet: nothing was applied"
    succeed(any_project.migrate("up"))
    found = checks(succeed(any_project.migrate("doctor", "--json")))
    assert {each["grade"] for name, each in found.items() if name != "rights"} == {"ok"}
    assert found["ledger"]["found"] == "1 applied, serial 1"
    assert found["migrations"]["found"] == "1 files"
    assert any_project.database in found["connection"]["found"]


def test_a_server_that_is_away_does_not_hide_the_rest(project: Project) -> None:
    result = project.migrate("doctor", environ={"TEST_URL": "postgresql://who@127.0.0.1:1/nowhere"})
    assert result.code == 11
    assert "ok       migrations: 0 files" in result.out
    assert "PROBLEM  connection: " in result.out


def test_a_history_that_does_not_fit_ends_as_a_command_would(any_project: Project) -> None:
    any_project.write_tables(1)
    succeed(any_project.migrate("up"))
    any_project.write("001_t1.sql", "select 1;")
    refused(any_project.migrate("doctor"), 10)


def test_a_role_without_rights_is_given_the_grant_to_copy(
    any_project: Project, any_server: Any
) -> None:
    database, admin = any_project.database, any_server
    is_postgres = any_server.engine == "postgresql"
    kind = (
        "role doctor_reader login password 'pw'"
        if is_postgres
        else "user doctor_reader identified by 'pw'"
    )
    grant = "select 1" if is_postgres else f"grant select on `{database}`.* to doctor_reader"
    with admin.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"create {kind}")
        cursor.execute(grant)
    try:
        url = any_server.url(database)
        scheme, _, place = url.partition("://")
        reader = f"{scheme}://doctor_reader:pw@{place.rpartition('@')[2]}"
        result = any_project.migrate("doctor", "--json", environ={"TEST_URL": reader})
        rights = checks(result)["rights"]
        assert rights["grade"] == "warning", result
        with admin.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(rights["do"].removesuffix(";"))
        rights = checks(any_project.migrate("doctor", "--json", environ={"TEST_URL": reader}))
        assert rights["rights"]["grade"] == "ok"
    finally:
        with admin.connect(database) as connection, connection.cursor() as cursor:
            if is_postgres:
                cursor.execute("drop owned by doctor_reader")
            what = "role" if is_postgres else "user"
            cursor.execute(f"drop {what} doctor_reader")
