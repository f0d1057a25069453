"""`-- migrate:online`: an ALTER TABLE by a copy that pt-online-schema-change makes, for real; other
programs by a stand-in that follows what they document."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.failure import ServerError
from lockgate.executors.programs.online_tools import option_file
from lockgate.planner.database.address import parse_url
from lockgate.planner.plan.statement import Named, Online
from tests.commands.running import Project, refused, succeed
from tests.faults.copies import (
    FILE,
    PHASES,
    SECTION,
    Victim,
    ask,
    check,
    execute,
    kill,
    kill_in_phase,
    leftovers,
    prepare,
    reset,
    state,
)
from tests.servers.online_stand_in import install


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def project(server: Any, tmp_path: Path) -> Iterator[Project]:
    database = server.new_database()
    made = prepare(server, database, tmp_path)
    yield made
    made.close()
    server.drop_database(database)


def test_a_table_is_copied_and_back(server: Any, project: Project) -> None:
    execute(server, project.database, "analyze table t")
    shown = succeed(project.migrate("plan")).out
    assert "pt-osc 3.2.1 copies t: --alter=modify n bigint not null --execute" in shown
    assert "COPY" not in shown
    applied = succeed(project.migrate("apply", "plan.json"))
    assert "Successfully altered" in applied.err
    assert "Copying approximately" in applied.err
    assert "Copying approximately 0 rows" not in applied.err  # it would be one chunk
    check(server, project.database)
    reset(server, project.database, project)


def test_killed_in_any_phase_it_is_before_or_after_and_nothing_is_left(
    server: Any, project: Project
) -> None:
    victim: Victim = random.choice(("tool", "lockgate"))
    kill_in_phase(project, server, project.database, random.choice(PHASES), victim)


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_what_was_begun_is_undone_while_the_table_is_as_it_was(
    server: Any, project: Project
) -> None:
    database = project.database
    found, left = kill(project, server, database, "Copying approximately", "tool")
    assert found == "before"
    assert "_t_new" in left
    refused(project.migrate("apply", "plan.json"), 7, "it has left the table _t_new", "--undo")
    succeed(project.migrate("resolve", "--undo", "--reason", "not today"))
    assert (state(server, database), leftovers(server, database)) == ("before", [])
    assert ask(server, database, "select version from schema_migrations") == []
    execute(server, database, "insert into t values (-1, 1)")  # no trigger is in its way
    succeed(project.migrate("up"))


@pytest.mark.parametrize("server", ["mysql"], indirect=True)
def test_names_that_are_taken_are_left_alone(server: Any, project: Project) -> None:
    execute(server, project.database, "create table _t_old (id int)")
    refused(project.migrate("up"), 9, "needs names that are taken by the table _t_old")
    execute(server, project.database, "drop table _t_old")
    project.own["PATH"] = "/usr/bin:/bin"
    refused(project.migrate("up"), 9, "There is no pt-online-schema-change in PATH")


@pytest.fixture(params=["gh-ost", "spirit"])
def stand_in(
    request: pytest.FixtureRequest, mysql_server: Any, tmp_path: Path
) -> Iterator[tuple[Project, str]]:
    """A project whose program is a stand-in, as the real ones are not available here."""
    tool, database = request.param, mysql_server.new_database()
    made = prepare(mysql_server, database, tmp_path)
    made.write(FILE, SECTION.replace("tool=pt-osc chunk-size=500 recursion-method=none",
                                     f"tool={tool}"))  # fmt: skip
    made.own |= {"PATH": f"{install(tmp_path, tool)}:/usr/bin:/bin",
                 "RECORD": str(tmp_path / "record")}  # fmt: skip
    yield made, tool
    made.close()
    mysql_server.drop_database(database)


def test_another_program_copies_by_its_documented_contract(
    mysql_server: Any, stand_in: tuple[Project, str]
) -> None:
    project, tool = stand_in
    succeed(project.migrate("plan"))
    applied = succeed(project.migrate("apply", "plan.json"))
    assert {"gh-ost": "Copy: 500/3000", "spirit": "500/3000 16.67%"}[tool] in applied.err
    check(mysql_server, project.database)
    told = Path(project.own["RECORD"]).read_text().splitlines()
    assert "--alter=modify n bigint not null" in told
    assert mysql_server.password == "" or mysql_server.password not in "".join(told)


def test_another_program_that_is_killed_leaves_what_resolve_removes(
    mysql_server: Any, stand_in: tuple[Project, str]
) -> None:
    project, tool = stand_in
    project.own["SLOW"] = "0.2"
    database = project.database
    found, left = kill(project, mysql_server, database, "1000/3000", "tool")
    assert found == "before"
    assert left == {"gh-ost": ["_t_ghc", "_t_gho"], "spirit": ["_t_chkpnt", "_t_new"]}[tool]
    refused(project.migrate("apply", "plan.json"), 7, "it has left the tables", "--finish")
    project.own["SLOW"] = "0"
    succeed(project.migrate("resolve", "--finish", "--reason", "the program was killed"))
    check(mysql_server, database)


@pytest.mark.parametrize("tool", ["gh-ost", "spirit"])
def test_a_password_that_its_file_cannot_hold_is_refused(tool: str) -> None:
    address = parse_url("mysql://ann:a%22b@localhost/shop")
    online = Online(tool=tool, table=Named(kind="table", name="t"), arguments=())
    with pytest.raises(ServerError, match="cannot be written"):
        option_file(online, address)
    other = online.model_copy(update={"tool": "pt-osc"})
    assert r'password="a\"b"' in option_file(other, address)
