"""The oldest and the newest MariaDB that lockgate is tried on: what it does, and what it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.commands.conftest import opened
from tests.commands.running import Project, refused, succeed
from tests.executors.rows import ask, execute
from tests.servers import fetch
from tests.servers.family import Installation
from tests.servers.galera import PACKAGES
from tests.servers.mariadb import MariaDBServer, installation_of
from tests.servers.mariadb_versions import NewMariaDBServer, OldMariaDBServer
from tests.undoing.campaign import Tally, opened_world

SERVERS = {"10.5": OldMariaDBServer, "11.8": NewMariaDBServer}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each of them in turn."""
    with SERVERS[request.param]() as running:
        yield running


@pytest.fixture
def project(server: Any, tmp_path: Path) -> Iterator[Project]:
    """A project on a fresh database, with a table that others may write to."""
    database = server.new_database()
    rehearsal = "rehearsal: {url_env: TEST_URL}\n"
    project = Project(tmp_path, server.url(database), settings=rehearsal)
    project.write(
        "001_people.sql",
        "create table people (id int primary key, name varchar(20), code smallint);\n"
        "insert into people values (1, 'a', 1), (2, 'b', 2);",
        "drop table people;",
    )
    yield from opened(project)
    server.drop_database(database)


def test_plan_apply_status_and_down_work(project: Project) -> None:
    succeed(project.migrate("plan"))
    succeed(project.migrate("show", "plan.json"))
    succeed(project.migrate("apply", "plan.json", "--dry-run"))
    succeed(project.migrate("apply", "plan.json"))
    succeed(project.migrate("status"))
    succeed(project.migrate("history"))
    succeed(project.migrate("drift"))
    succeed(project.migrate("lock"))
    succeed(project.migrate("down"))


def test_a_plan_is_rehearsed(project: Project) -> None:
    succeed(project.migrate("plan", "--rehearse"))


def test_a_plan_that_fails_is_undone(server: Any, project: Project) -> None:
    succeed(project.migrate("up"))
    project.write(
        "002_fails.sql",
        "alter table people drop column code, add column more int;\n"
        "update people set name = 'z';\n"
        "create view names as select name from people;\n"
        "create table people (id int);",
    )
    refused(project.migrate("up"), 9, "the database is as it was before")
    rows = ask(server, project.database, "select * from people")
    assert rows == [(1, "a", 1), (2, "b", 2)]


def test_random_plans_that_fail_leave_nothing(server: Any) -> None:
    tally = Tally()
    with opened_world(server, "strict") as world:
        world.run(range(300, 312), tally, everywhere=False)
    assert tally.differences == []


def test_who_waits_for_a_copied_table_is_what_the_server_does(
    server: Any, project: Project
) -> None:
    succeed(project.migrate("up"))
    project.write("002_wider.sql", "alter table people modify code bigint;")
    succeed(project.migrate("plan"))
    plan = json.loads((project.folder / "plan.json").read_text())
    (touched,) = plan["steps"][0]["statements"][0]["touches"]
    said = touched["lock"]
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("alter table people modify code bigint, algorithm = copy, lock = none")
            measured = ""  # no lock that others wait for
        except Exception:
            measured = "SHARED"
    assert said == measured


class PluggableMariaDB(MariaDBServer):
    """A MariaDB with the plugins that Debian's package of the server has."""

    address_variable = ""
    own_settings: ClassVar[dict[str, str]] = {
        **MariaDBServer.own_settings,
        "plugin-load-add": "auth_ed25519",
    }

    def install(self) -> Installation:
        self._root = fetch.unpacked("mariadb-cluster", PACKAGES, fetch.machine_suite())
        return installation_of(self._root)

    def command(self) -> list[str]:
        return [*super().command(), f"--plugin-dir={self._root / 'usr/lib/mysql/plugin'}"]


def test_an_account_with_ed25519_logs_in(tmp_path: Path) -> None:
    with PluggableMariaDB() as server:
        database = server.new_database()
        execute(
            server,
            None,
            "create user modern@'127.0.0.1' identified via ed25519 using password('secret')",
            f"grant all on `{database}`.* to modern@'127.0.0.1'",
            "create user modern@localhost identified via ed25519 using password('secret')",
            f"grant all on `{database}`.* to modern@localhost",
        )
        url = server.url(database).replace("root@", "modern:secret@")
        project = Project(tmp_path, url)
        project.write_tables(1)
        succeed(project.migrate("up"))
        without = {"PYTHONPATH": f"{hidden_nacl(tmp_path)}:{project.environ()['PYTHONPATH']}"}
        found = project.migrate("status", environ=without)
        refused(found, 11, "PyNaCl is missing", "pip install 'lockgate[ed25519]'")
        project.close()


def hidden_nacl(folder: Path) -> Path:
    """A folder by which Python finds no PyNaCl."""
    package = folder / "hidden" / "nacl"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('hidden')\n")
    return package.parent
