"""Databases that the real tools have migrated are taken over, go on with us, and go back to them.

Most of the tools are tried on one engine here; `make test-adoption` tries them on all.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import Project, refused, succeed
from tests.real.tools import TOOLS, RealTool

EVERY = [(name, engine) for name, tool in TOOLS.items() for engine in tool.engines]
OF_FILES = [case for case in EVERY if TOOLS[case[0]].of_files]
OF_CODE = [case for case in EVERY if not TOOLS[case[0]].of_files]


def cases(found: list[tuple[str, str]], *sample: str) -> Any:
    """One for each tool and engine; those that are not in the sample are a campaign's."""
    marks = [() if "-".join(case) in sample else pytest.mark.campaign for case in found]
    return pytest.mark.parametrize(
        ("tool", "server"),
        [pytest.param(*case, marks=mark) for case, mark in zip(found, marks, strict=True)],
        indirect=True,
    )


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> RealTool:
    return TOOLS[request.param]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def project(server: Any, tmp_path: Path) -> Iterator[Project]:
    """A project on a fresh database, which can replay what it takes over."""
    database = server.new_database()
    project = Project(tmp_path, server.url(database))
    yield project
    project.close()
    server.drop_database(database)


def configure(project: Project, tool: RealTool, policy: str = "") -> None:
    replay = "rehearsal: {url_env: TEST_URL}\n"  # faster than a server of its own
    folder = f"migrations: {{directory: migrations, format: {tool.format}}}\n"
    project.configure(f"{folder}{replay}{policy}")


def shops(server: Any, project: Project) -> list[str]:
    """The tables that the migrations have made."""
    names = table_names(server, project.database)
    return [name for name in names if name.startswith("shop_")]


def states(project: Project) -> list[str]:
    """The migrations' states in their order, with `recorded` where one was not run."""
    found = succeed(project.migrate("status", "--json")).document["migrations"]
    return ["recorded" if each["recorded"] else each["state"] for each in found]


def adopted(project: Project) -> Any:
    """The plan of an adoption, when it is applied."""
    succeed(project.migrate("adopt"))
    plan = json.loads((project.folder / "adopt.json").read_text())
    succeed(project.migrate("apply", "adopt.json"))
    return plan


@cases(
    OF_FILES, "dbmate-mysql", "graphile-migrate-postgres", "drizzle-postgres", "yoyo-postgres",
    "sqitch-mysql", "liquibase-mariadb",
)  # fmt: skip
def test_a_tool_of_files_is_taken_over_and_goes_on(
    tool: RealTool, server: Any, project: Project
) -> None:
    """With a hole where the tool leaves one, and with migrations that are pending."""
    configure(project, tool, "policy: {out_of_order: warn}\n")
    first = [1, 2] if tool.orders else [1, 3]
    tool.lay_out(project.migrations, first)
    tool.apply(project.url, project.migrations)
    tool.lay_out(project.migrations, [1, 2, 3, 4])
    refused(project.migrate("up"), 10, f"is the history of {tool.name}, with 2 applied")

    plan = adopted(project)
    assert len(plan["steps"]) == 2
    assert not [one for one in plan["warnings"] if "was not compared" in one]
    why = {step["findings"][0]["why"] for step in plan["steps"]}
    assert all(("by the checksum" in one) is tool.keeps_sums for one in why)
    expected = ["recorded", "recorded" if tool.orders else "out of order", "pending", "pending"]
    expected[first[-1] - 1] = "recorded"
    assert states(project) == expected
    assert succeed(project.migrate("drift")).code == 0

    if tool.way_back:
        succeed(project.migrate("up"))
        assert shops(server, project) == [f"shop_{number}" for number in (1, 2, 3, 4)]
        succeed(project.migrate("down", "--steps", "2"))
        assert shops(server, project) == [f"shop_{number}" for number in first]
    succeed(project.migrate("adopt", "--undo"))
    tool.apply(project.url, project.migrations)
    assert shops(server, project) == [f"shop_{number}" for number in (1, 2, 3, 4)]

    assert len(adopted(project)["steps"]) == 4
    tool.lay_out(project.migrations, [1, 2, 3, 4, 5])
    succeed(project.migrate("up"))
    assert shops(server, project)[-1] == "shop_5"


@cases(
    OF_FILES, "dbmate-postgres", "drizzle-mysql", "graphile-migrate-postgres", "yoyo-mysql",
    "sqitch-postgres", "liquibase-postgres",
)  # fmt: skip
def test_what_a_refusal_to_go_back_says_makes_the_tool_know(
    tool: RealTool, server: Any, project: Project
) -> None:
    """What we have applied is not run again, and what we have rolled back is."""
    configure(project, tool)
    tool.lay_out(project.migrations, [1, 2])
    tool.apply(project.url, project.migrations)
    adopted(project)
    tool.lay_out(project.migrations, [1, 2, 3, 4])
    succeed(project.migrate("up"))
    found = refused(project.migrate("adopt", "--undo"), 10, f"which {tool.name} does not know")
    assert ("migrate down --steps 2" in found.err) is tool.way_back
    follow(found.err, tool, server, project)
    succeed(project.migrate("adopt", "--undo"))
    tool.apply(project.url, project.migrations)

    plan = adopted(project)
    assert len(plan["steps"]) == 4
    why = {step["findings"][0]["why"] for step in plan["steps"]}
    if tool.name != "Liquibase":  # it computes the sums in its next run, for what is in the folder
        assert all(("by the checksum" in one) is tool.keeps_sums for one in why)
    if tool.way_back:
        succeed(project.migrate("down", "--steps", "2"))
        assert shops(server, project) == ["shop_1", "shop_2"]
        told = f"which {tool.name} calls applied"
        follow(refused(project.migrate("adopt", "--undo"), 10, told).err, tool, server, project)
        succeed(project.migrate("adopt", "--undo"))
        tool.apply(project.url, project.migrations)
        assert shops(server, project) == [f"shop_{number}" for number in (1, 2, 3, 4)]


def follow(told: str, tool: RealTool, server: Any, project: Project) -> None:
    """Does what the lines of a refusal say, that are SQL or a command of the tool."""
    lines = [line.strip() for line in told.splitlines() if line.startswith("  ")]
    assert lines
    for line in lines:
        if line.endswith(";"):
            with server.connect(project.database) as connection, connection.cursor() as cursor:
                cursor.execute(line)
        else:
            tool.follow(line, project.url, project.migrations)


@cases(OF_FILES, "drizzle-mysql", "node-pg-migrate-postgres")
def test_a_changed_file_is_refused_where_the_tool_keeps_checksums(
    tool: RealTool, server: Any, project: Project
) -> None:
    configure(project, tool)
    tool.lay_out(project.migrations, [1, 2])
    tool.apply(project.url, project.migrations)
    for path in project.migrations.rglob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"varchar(20)", b"varchar(30)"))
    told = f"Changed since {tool.name} has applied them" if tool.keeps_sums else "shop_1 (changed)"
    refused(project.migrate("adopt"), 10, told)
    for path in project.migrations.rglob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"varchar(30)", b"varchar(20)"))
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    if tool.name != "Liquibase":
        succeed(project.migrate("adopt"))


@cases(OF_FILES, "sql-migrate-mysql", "dbmate-postgres")
def test_what_a_failed_migration_has_left_is_seen(
    tool: RealTool, server: Any, project: Project
) -> None:
    """Either nothing is left, or the tool's table says so, or the schema does."""
    configure(project, tool)
    tool.lay_out(project.migrations, [1])
    tool.apply(project.url, project.migrations)
    tool.lay_out(project.migrations, [1, 2], broken=2)
    tool.fail(project.url, project.migrations)
    tool.lay_out(project.migrations, [1, 2])
    if "shop_2" in shops(server, project):
        refused(project.migrate("adopt"), 10)
        return
    assert len(adopted(project)["steps"]) == 1
    succeed(project.migrate("up"))
    assert shops(server, project) == ["shop_1", "shop_2"]


@cases(OF_CODE, "knex-mysql", "alembic-postgres", "django-postgres")
def test_a_tool_of_code_is_taken_over_by_a_baseline(
    tool: RealTool, server: Any, project: Project
) -> None:
    configure(project, tool)
    code = project.folder / "code"
    tool.lay_out(code, [1, 2])
    tool.apply(project.url, code)
    project.write(
        "001_schema.sql",
        "create table shop_1 (id int primary key, name varchar(20));\n"
        "create table shop_2 (id int primary key, name varchar(20));",
    )
    project.write("002_next.sql", "create table shop_9 (id int);", "drop table shop_9;")
    refused(project.migrate("up"), 10, f"is the history of {tool.name}")
    refused(project.migrate("adopt"), 10, "--baseline VERSION")
    succeed(project.migrate("adopt", "--baseline", "1"))
    succeed(project.migrate("apply", "adopt.json"))
    succeed(project.migrate("up"))
    assert shops(server, project) == ["shop_1", "shop_2", "shop_9"]
    told = f"No migration of {tool.name} makes them", "`migrate down --steps 1`", "--forget 002"
    refused(project.migrate("adopt", "--undo"), 10, *told)
    succeed(project.migrate("down"))
    tool.lay_out(code, [1, 2, 3])
    tool.apply(project.url, code)
    refused(project.migrate("up"), 10, f"{tool.name} has ", "since lockgate took over its history")
    succeed(project.migrate("adopt", "--undo"))
    tool.lay_out(code, [1, 2, 3, 4])
    tool.apply(project.url, code)
    assert shops(server, project) == [f"shop_{number}" for number in (1, 2, 3, 4)]
