"""Many processes at once: what is to be done is done once, and each is told how it was."""

from collections import Counter
from typing import Any

from tests.commands.running import DEADLINE, Project, Result, refused, succeed

EIGHT = 8
ALREADY = "The plan is already applied; nothing was done.\n"
UP_TO_DATE = "Nothing to do: the database is up to date.\n"


def at_once(project: Project, *arguments: str) -> list[Result]:
    """The results of eight processes that run the same command at the same time."""
    processes = [project.start(*arguments) for _ in range(EIGHT)]
    outputs = [process.communicate(timeout=DEADLINE) for process in processes]
    pairs = zip(processes, outputs, strict=True)
    return [Result(process.returncode, out, err) for process, (out, err) in pairs]


def write_counted(project: Project) -> None:
    """Migrations of which a second run would show."""
    project.write(
        "001_counter.sql", "create table counter (n int);\ninsert into counter values (0)"
    )
    project.write("002_count.sql", "update counter set n = n + 1;")


def count(server: Any, database: str) -> list[Any]:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("select n from counter")
        return [n for (n,) in cursor.fetchall()]


def runs(project: Project) -> list[str]:
    document = succeed(project.migrate("history", "--json")).document
    return [run["status"] for run in document["runs"]]


def test_a_plan_that_eight_apply_is_applied_once(any_project: Project, any_server: Any) -> None:
    write_counted(any_project)
    succeed(any_project.migrate("plan"))
    results = at_once(any_project, "apply", "plan.json")
    assert [result.code for result in results] == [0] * EIGHT, results
    said = Counter(result.out for result in results)
    assert said == {"Applied 2 migrations (001 to 002).\n": 1, ALREADY: EIGHT - 1}
    assert count(any_server, any_project.database) == [1]
    assert runs(any_project) == ["COMMITTED"]


def test_of_eight_that_run_up_one_finds_work(any_project: Project, any_server: Any) -> None:
    write_counted(any_project)
    results = at_once(any_project, "up")
    assert [result.code for result in results] == [0] * EIGHT, results
    said = Counter(result.out for result in results)
    assert said == {"Applied 2 migrations (001 to 002).\n": 1, UP_TO_DATE: EIGHT - 1}
    assert count(any_server, any_project.database) == [1]
    assert runs(any_project) == ["COMMITTED"]


def test_of_two_plans_for_one_state_the_second_is_stale(project: Project) -> None:
    project.write_tables(2)
    succeed(project.migrate("plan", "-o", "one.json", "--to", "1"))
    succeed(project.migrate("plan", "-o", "both.json"))
    succeed(project.migrate("apply", "both.json"))
    refused(project.migrate("apply", "one.json"), 4, "serial 0", "serial 2")
    assert succeed(project.migrate("apply", "both.json")).out == ALREADY
