"""Tools that no registry brings: their tables, by the published DDL, are taken over and given back.

Each is tried on one engine here; `make test-adoption` tries them on all.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.real.published import MADE, PUBLISHED, PublishedTool

EVERY = [(tool, server) for tool in PUBLISHED for server in tool.engines]
SAMPLE = {
    tool.name: tool.engines[place % len(tool.engines)] for place, tool in enumerate(PUBLISHED)
}


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Project]]:
    """A server and a project on a fresh database of it."""
    server = request.getfixturevalue(f"{request.param}_server")
    name = server.new_database()
    project = Project(tmp_path, server.url(name))
    yield server, project
    project.close()
    server.drop_database(name)


def run(server: Any, project: Project, *statements: str) -> list[Any]:
    """The rows of the last statement."""
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def lay_out(tool: PublishedTool, project: Project, *, changed: int = 0) -> None:
    files = dict(tool.whole)
    for number, text in enumerate(MADE, 1):
        files |= tool.files(number, text.replace(" int", " bigint") if number == changed else text)
    for name, text in files.items():
        path = project.migrations / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def states(project: Project) -> list[str]:
    found = succeed(project.migrate("status", "--json")).document["migrations"]
    return ["recorded" if each["recorded"] else each["state"] for each in found]


@pytest.mark.parametrize(
    ("tool", "database", "kind"),
    [
        pytest.param(tool, server, server, id=f"{tool.format}-{server}",
                     marks=() if SAMPLE[tool.name] == server else pytest.mark.campaign)
        for tool, server in EVERY
    ],
    indirect=["database"],
)  # fmt: skip
def test_it_is_taken_over_with_what_is_pending_and_given_back(
    tool: PublishedTool, database: tuple[Any, Project], kind: str
) -> None:
    """With a hole, something pending, a changed file, a half-done one, and a row that went."""
    server, project = database
    project.configure(
        f"migrations: {{directory: migrations, format: {tool.format}}}\n"
        "policy: {out_of_order: warn}\n"
    )
    lay_out(tool, project)
    table = tool.qualified(kind)
    inserts = [f"insert into {table} values {tool.row(kind, number)}" for number in (1, 3)]
    run(server, project, *tool.ddl(kind), *inserts, MADE[0], MADE[2])
    before = run(server, project, f"select * from {table} order by 1")
    refused(project.migrate("up"), 10, f"is the history of {tool.name}, with 2 applied")

    if tool.halfway:
        broken, mended, told = tool.halfway
        run(server, project, broken)
        refused(project.migrate("adopt", "--no-verify"), 10, told)
        run(server, project, mended)
    if tool.keeps_sums:
        lay_out(tool, project, changed=1)
        refused(project.migrate("adopt", "--no-verify"), 10, f"Changed since {tool.name} has")
        lay_out(tool, project)

    succeed(project.migrate("adopt", "--no-verify"))
    plan = json.loads((project.folder / "adopt.json").read_text())
    succeed(project.migrate("apply", "adopt.json"))
    assert states(project) == ["recorded", "out of order", "recorded", "pending"]

    run(server, project, f"delete from {table} where {tool.where.format(n=3)}")
    third = plan["steps"][1]["version"]
    refused(project.migrate("up"), 10, f"{tool.name} has rolled back {third}", f"--forget {third}")
    run(server, project, inserts[1])

    succeed(project.migrate("up"))
    assert states(project) == ["recorded", "applied", "recorded", "applied"]
    undo = project.migrate("down", "--steps", "2")
    if undo.code == 0:
        succeed(project.migrate("adopt", "--undo"))
        refused(project.migrate("up"), 10, f"is the history of {tool.name}, with 2 applied")
    else:
        refused(undo, 10, "has no way back")
    assert run(server, project, f"select * from {table} order by 1") == before
