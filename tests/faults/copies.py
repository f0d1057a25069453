"""A copy of a table by pt-online-schema-change whose program, or lockgate itself, is killed with -9
in one of its phases: the table is as before or as after, and nothing is left.

`python -m tests.faults.copies` does it in each phase on MySQL and MariaDB.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Any, Literal

import click

from tests.commands.forked import close_nursery
from tests.commands.running import DEADLINE, Project, succeed
from tests.executors.building import begin_ledger
from tests.servers.mariadb import MariaDBServer
from tests.servers.mysql import MySQLServer
from tests.servers.process import wait_until
from tests.servers.toolkit import install

ROWS = 3000
PHASES = ("Creating new table", "Altering new table", "Creating triggers", "Created triggers",
          "Copying approximately", "Copied rows", "Analyzing new table", "Swapping tables",
          "Swapped", "Dropping old table", "Dropped old table", "Dropping triggers")  # fmt: skip
FILE = "001_widen.sql"
SECTION = """-- migrate:online tool=pt-osc chunk-size=500 recursion-method=none
alter table t modify n bigint not null;
"""
BACK = "-- migrate:online tool=pt-osc recursion-method=none\nalter table t modify n int not null;\n"
RESOLVED = ("migrate resolve --finish", "it has left")

Victim = Literal["tool", "lockgate"]


def prepare(server: Any, database: str, folder: Path) -> Project:
    """A project with a ledger, a table with rows, and a migration by a copy; the program is in the
    folder's PATH."""
    begin_ledger(server, database)
    numbers = ", ".join(f"({number}, {number})" for number in range(ROWS))
    execute(server, database, "create table t (id int primary key, n int not null, key (n))")
    execute(server, database, f"insert into t values {numbers}")
    tools = install(folder)
    project = Project(folder, server.url(database))
    project.own["PATH"] = f"{tools}:{os.environ.get('PATH', os.defpath)}"
    project.write(FILE, SECTION, BACK)
    return project


def kill_in_phase(project: Project, server: Any, database: str, phase: str, victim: Victim) -> str:
    """Kills it once, and settles what that has left; what the table was then: `before` or `after`.

    Raises:
        AssertionError: the table is something else, or lockgate says something else of it.
    """
    found, left = kill(project, server, database, phase, victim)
    again = project.migrate("apply", "plan.json")
    if left:
        assert again.code == 7, (phase, again)
        assert all(text in again.err for text in RESOLVED), (phase, again)
        assert all(name in again.err for name in left), (phase, left, again)
        assert leftovers(server, database) == left, "nothing is removed unasked"
        succeed(project.migrate("resolve", "--finish", "--reason", "the program was killed"))
    else:
        succeed(again)
    check(server, database)
    return found


def kill(
    project: Project, server: Any, database: str, phase: str, victim: Victim
) -> tuple[str, list[str]]:
    """Kills a run; what the table is then, and what is beside it."""
    succeed(project.migrate("plan"))
    process = project.start("apply", "plan.json", "--json")
    killed = _kill_at(process, phase, victim)
    _, err = process.communicate(timeout=DEADLINE)
    assert killed, f"{phase} was not reached: {err}"
    wait_until(lambda: not _works(server, database), "the server has ended what was begun")
    return state(server, database), leftovers(server, database)


def check(server: Any, database: str) -> None:
    """The table is as it is to be, with all its rows, and nothing is beside it."""
    assert state(server, database) == "after"
    assert leftovers(server, database) == []
    counted = ask(server, database, "select count(*), sum(n) from t")
    assert [tuple(map(int, row)) for row in counted] == [(ROWS, ROWS * (ROWS - 1) // 2)]
    assert ask(server, database, "select version from schema_migrations") == [("001",)]


def reset(server: Any, database: str, project: Project) -> None:
    """Rolls the migration back, which is a copy too."""
    succeed(project.migrate("down"))
    assert state(server, database) == "before"


def _kill_at(process: Any, phase: str, victim: Victim) -> bool:
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "copy_progressed" and phase in event["text"]:
            for pid in [process.pid] if victim == "lockgate" else _children(process.pid):
                os.kill(pid, signal.SIGKILL)
            return True
    return False


def _children(pid: int) -> list[int]:
    """The program, unless it has just ended by itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in children.read_text().split()] if children.exists() else []


def _works(server: Any, database: str) -> bool:
    sql = "select info from information_schema.processlist where db = %s and info like '%%_t_%%'"
    with server.connect(None) as connection, connection.cursor() as cursor:
        return bool(cursor.execute(sql, (database,)))


def state(server: Any, database: str) -> str:
    ((_, text),) = ask(server, database, "show create table t")
    return "after" if "`n` bigint" in text else "before"


def leftovers(server: Any, database: str) -> list[str]:
    tables = ask(server, database, "show tables like '\\_t\\_%'")
    triggers = ask(
        server, database,
        "select trigger_name from information_schema.triggers where trigger_schema = database()",
    )  # fmt: skip
    return sorted(name for (name,) in (*tables, *triggers))


def execute(server: Any, database: str, sql: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def ask(server: Any, database: str, sql: str) -> list[Any]:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


@click.command()
def main() -> None:
    """Kills the program, and lockgate, in each phase."""
    for kind in (MySQLServer, MariaDBServer):
        with kind() as server:
            for victim in ("tool", "lockgate"):
                for phase in PHASES:
                    _once(server, phase, victim)
    close_nursery()


def _once(server: Any, phase: str, victim: Any) -> None:
    database = server.new_database()
    with tempfile.TemporaryDirectory() as folder:
        project = prepare(server, database, Path(folder))
        try:
            found = kill_in_phase(project, server, database, phase, victim)
            click.echo(f"{server.engine}: {victim} killed at {phase!r}: {found}, and no leftovers")
        finally:
            project.close()
            server.drop_database(database)


if __name__ == "__main__":
    main()
