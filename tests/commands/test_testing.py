"""The pytest plugin, in a pytest of its own, as a project of its users runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.scratch import quick_folder
from lockgate.testing import PREFIX
from tests.commands.running import Project

ROWS = """
import pymysql, psycopg, pytest
from lockgate.planner.database.address import parse_url

def connected(url):
    if url.startswith("postgres"):
        return psycopg.connect(url, autocommit=True)
    it = parse_url(url)
    return pymysql.connect(host=it.host, port=it.port, user=it.user, database=it.database,
        password=it.password.get_secret_value() if it.password else "", autocommit=True)

@pytest.mark.parametrize("number", range(3))
def test_rows(lockgate_database, number):
    with connected(lockgate_database.url) as connection:
        cursor = connection.cursor()
        cursor.execute("insert into orders (user_id) values (1)")
        cursor.execute("select (select count(*) from orders), (select n from counted)")
        assert tuple(cursor.fetchone()) == (1, 1)
"""
WALK = "def test_walk(lockgate_stairway):\n    lockgate_stairway.walk()\n"
SCHEMA = (
    "create table users (id int primary key, twice int generated always as (id * 2) stored);"
    "create table orders (user_id int references users (id), constraint one check (user_id > 0));"
    "insert into users (id) values (1);"
    "create view a_users as select id from users;"
    "create view counted as select count(*) as n from a_users;"
)
BACK = "drop view counted; drop view a_users; drop table orders; drop table users;"


@pytest.fixture
def tested(any_project: Project) -> Project:
    """A project with views of views, foreign keys, generated columns and rows."""
    any_project.write("001_schema.sql", SCHEMA, BACK)
    (any_project.folder / "pytest.ini").write_text("[pytest]\nlockgate_environment = test\n")
    return any_project


def run_tests(project: Project, text: str) -> Any:
    (project.folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-p", "lockgate.pytest_plugin", "test_it.py"]  # fmt: skip
    environ = project.environ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    return subprocess.run(
        command, cwd=project.folder, env=environ, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_each_test_has_the_migrated_database_to_itself(tested: Project, any_server: Any) -> None:
    done = run_tests(tested, ROWS)
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done
    assert not [name for name in databases(any_server) if name.startswith("lockgate_pytest_")]


def test_a_stairway_goes_up_down_and_up(tested: Project) -> None:
    done = run_tests(tested, WALK)
    assert done.returncode == 0, done
    tested.write("002_more.sql", "create table more (id int);", "select 1;")
    done = run_tests(tested, WALK)
    assert "002 and its way back leave another schema" in done.stdout, done
    assert "more (added)" in done.stdout


def databases(server: Any) -> list[str]:
    query = "select datname from pg_database" if server.engine == "postgresql" else "show databases"
    system = "postgres" if server.engine == "postgresql" else None
    with server.connect(system) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return [name for (name,) in cursor.fetchall()]


def test_an_embedded_server_is_in_memory_or_where_it_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path, "postgresql://localhost/unused")
    project.write_environment("test", "database: embedded\n")
    project.write("001_schema.sql", "create table orders (id int);")
    settings = "[pytest]\nlockgate_environment = test\n"
    (tmp_path / "pytest.ini").write_text(settings)
    shown = (
        "def test_it(lockgate_database, lockgate_template):\n"
        "    print('at', lockgate_template.address.socket, flush=True)\n    assert False\n"
    )
    done = run_tests(project, shown)
    memory = quick_folder(os.environ)
    home = f"{memory}/{PREFIX}" if memory else f"{tmp_path}/.lockgate/pytest"
    (place,) = re.findall(r"^at (.*)/socket$", done.stdout, re.MULTILINE)
    assert place.startswith(home), done
    assert not (memory and Path(place).exists())
    (tmp_path / "pytest.ini").write_text(f"{settings}lockgate_data = d\n")
    done = run_tests(project, "def test_it(lockgate_database):\n    pass\n")
    assert "1 passed" in done.stdout, done
    assert (tmp_path / "d" / "data").exists()
    assert not (memory and (tmp_path / ".lockgate" / "pytest").exists())
