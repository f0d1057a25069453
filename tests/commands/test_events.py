"""`--json`: what a program reads, held to the published schema, however a command ends."""

import json
import signal
import sys
from typing import Any, get_args

import jsonschema
import pytest

from lockgate.executors import events as told
from lockgate.exits import Exit
from lockgate.views.run import events as view
from tests.commands.blocking import held_table, prepare_blocked, wait_until_blocked
from tests.commands.running import ROOT, Project, Result, refused, succeed
from tests.commands.test_exit_codes import BUGGY
from tests.planner.literals import migration, up_plan

SCHEMA = json.loads((ROOT / "docs/reference/events.schema.json").read_text())
STEP = up_plan([migration("001")]).steps[0]
PAGE = (ROOT / "docs/reference/events.md").read_text()


def checked(result: Result) -> list[dict[str, Any]]:
    """The events of a command, each as the schema wants it, from the first to the outcome."""
    lines = result.events
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert lines[0] == {"event": "start", "format": "lockgate-events", "format_version": "1.0"}
    assert [line["event"] for line in lines].count("outcome") == 1
    assert lines[-1]["event"] == "outcome"
    assert lines[-1]["exit_code"] == result.code
    return lines


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def test_every_kind_of_event_is_in_the_schema_and_on_the_page() -> None:
    names = {view.NAMES[kind.__name__] for kind in get_args(told.Event)}
    assert set(view.NAMES.values()) == names
    described = {part["properties"]["event"]["const"] for part in SCHEMA["$defs"].values()
                 if "event" in part["properties"]}  # fmt: skip
    assert described == names | {"start", "outcome"}
    assert all(f"| `{name}` |" in PAGE for name in described)
    outcomes = set(SCHEMA["$defs"]["failure"]["properties"]["outcome"]["enum"])
    named = {code.name.lower().replace("_", "-") for code in Exit}
    assert outcomes == named - {"ok", "changes"}


@pytest.mark.parametrize(
    "event",
    [
        told.LockAwaited(told.OtherSession(1, "u", "h", "2026-01-01T00:00:00Z", "p"), 0.5),
        told.LockAwaited(None, 0.5),
        told.UnitCommitted(1, 2),
        told.Blocked((told.OtherSession(1, "u", "", "2026-01-01T00:00:00Z"),), 1.5),
        told.ServerMessage("NOTICE", "42P07", "exists", "", ""),
        told.StatementSkipped(1, STEP, 1, STEP.statements[0]),
        told.Retried(1, 0.25, "no lock"),
        told.Undoing(2),
        told.StatementProgressed(
            "create index", 1.5, "public.t", "building index", 10, None, "rows"
        ),
        told.ClearingPostponed("shop_lockgate_0b7e2f6c", "Access denied"),
    ],
)
def test_a_rare_event_fits_the_schema(
    event: told.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    view.show_event(event)
    line = json.loads(capsys.readouterr().out)
    jsonschema.validate(line, SCHEMA)
    assert line.keys() == SCHEMA["$defs"][line["event"]]["properties"].keys()


def test_a_run_is_told_from_start_to_outcome(any_project: Project) -> None:
    any_project.write_tables(2)
    lines = checked(succeed(any_project.migrate("up", "--json")))
    assert [line for line in kinds(lines) if line != "committed"] == [
        "start", "run_started", *["statement_finished", "step_finished"] * 2, "outcome",
    ]  # fmt: skip
    assert lines[-1]["outcome"] == "applied"
    assert [step["version"] for step in lines[-1]["steps"]] == ["001", "002"]
    for line in lines:
        definition = "success" if line["event"] == "outcome" else line["event"]
        assert line.keys() == SCHEMA["$defs"][definition]["properties"].keys()

    assert checked(any_project.migrate("up", "--json"))[-1]["outcome"] == "nothing-to-do"
    down = checked(succeed(any_project.migrate("down", "--json")))
    assert down[-1]["steps"] == [{"version": "002", "name": "t2", "direction": "down"}]


def test_what_the_server_says_is_told_before_its_statement_ends(project: Project) -> None:
    said = "do $$ begin raise warning '%', $m$careful: password 'hunter2'$m$; end $$;"
    again = "create table if not exists t (id int);"
    project.write("001_t.sql", f"create table t (id int);\n{again}\n{said}")
    lines = checked(succeed(project.migrate("up", "--json")))
    assert [line for line in kinds(lines) if line in ("server_message", "statement_finished")] == [
        "statement_finished", *["server_message", "statement_finished"] * 2,
    ]  # fmt: skip
    notice, warning = (line for line in lines if line["event"] == "server_message")
    assert (notice["severity"], notice["code"]) == ("NOTICE", "42P07")
    assert warning["message"] == "careful: password '***'"
    project.write("002_t.sql", f"drop table if exists nowhere;\n{said}\nselect 1/0;")
    failed = refused(project.migrate("up"), 9, "division by zero")
    assert [line for line in failed.err.splitlines() if line.isupper() or ": " in line][:2] == [
        'NOTICE: table "nowhere" does not exist, skipping', "WARNING: careful: password '***'",
    ]  # fmt: skip


def test_a_failure_says_where_and_what_the_server_said(any_project: Project) -> None:
    any_project.write("001_bad.sql", "insert into\n  nowhere values (1);")
    result = any_project.migrate("up", "--json")
    (*_, outcome) = checked(refused(result, 9, "nowhere"))
    failure = outcome["failure"]
    line, code = (3, "42P01") if any_project.engine == "postgresql" else (2, "1146")
    assert (failure["file"], failure["line"], failure["code"]) == ("001_bad.sql", line, code)
    assert outcome["outcome"] == "failed"
    assert outcome["do"].endswith("make a new plan.")
    assert outcome.keys() == SCHEMA["$defs"]["failure"]["properties"].keys()
    assert failure.keys() == SCHEMA["$defs"]["refusal"]["properties"].keys()


def test_a_refusal_has_its_outcome_too(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    project.write_tables(1, first=2)
    succeed(project.migrate("up"))
    for arguments, code in (
        (["apply", "plan.json"], Exit.STALE),
        (["apply", "plan.json", "-e", "other"], Exit.WRONG_TARGET),
        (["apply", "no-such-plan.json"], Exit.USAGE),
        (["apply"], Exit.USAGE),
        (["apply", "environments/test.yaml"], Exit.INVALID_PLAN),
        (["up", "-e", "other"], Exit.USAGE),
        (["up", "--to", "9"], Exit.USAGE),
        (["up", "--dry-run"], Exit.USAGE),
    ):
        lines = checked(refused(project.migrate(*arguments, "--json"), code))
        assert lines[-1]["outcome"] == code.name.lower().replace("_", "-")


def test_a_bug_has_its_outcome_too(project: Project) -> None:
    result = project.migrate("up", "--json", command=(sys.executable, "-c", BUGGY))
    assert checked(refused(result, 1))[-1]["outcome"] == "bug"


def test_an_interruption_has_its_outcome_and_a_wait_is_told(
    project: Project, postgres_server: Any
) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        first = project.start("up", "--json")
        wait_until_blocked(postgres_server, project.database)
        second = project.start("up", "--json")
        assert second.stdout is not None
        head = [second.stdout.readline(), second.stdout.readline()]
        for process in (second, first):
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            started = "".join(head) if process is second else ""
            lines = checked(Result(process.returncode, started + out, err))
            assert (lines[-1]["exit_code"], lines[-1]["outcome"]) == (143, "terminated")
            assert ("lock_awaited" in kinds(lines)) == (process is second)


@pytest.mark.parametrize("command", ["plan", "status", "history", "lock"])
def test_a_document_is_one_also_when_it_cannot_be_had(project: Project, command: str) -> None:
    project.write_tables(1)
    document = succeed(project.migrate(command, "--json")).document
    assert document["format"] == f"lockgate-{command}"
    versions = {"status": "1.0", "history": "1.6"}
    assert document["format_version"] == versions.get(command, "1.1")
    nowhere = {"TEST_URL": "postgresql://postgres@127.0.0.1:1/x"}
    result = refused(project.migrate(command, "--json", environ=nowhere), 11)
    assert result.document["format"] == "lockgate-error"
    assert result.document["exit_code"] == 11
    assert "No connection" in result.document["message"]


def test_a_status_is_one_document_when_the_history_is_broken(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    (project.migrations / "001_t1.sql").unlink()
    document = refused(project.migrate("status", "--json"), 10).document
    assert [each["state"] for each in document["migrations"]] == ["missing"]


def test_the_lock_document_names_the_holder(project: Project, postgres_server: Any) -> None:
    prepare_blocked(postgres_server, project)
    with held_table(postgres_server, project.database, "held"):
        process = project.start("up")
        wait_until_blocked(postgres_server, project.database)
        result = project.migrate("lock", "--json")
        assert result.code == Exit.LOCKED
        assert result.document["holder"]["user"] == "postgres"
        assert result.document["holder"]["program"] == "lockgate test"
        shown = project.migrate("lock")
        assert shown.code == Exit.LOCKED
        assert "held by postgres from 127.0.0.1" in shown.out
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert "free" in succeed(project.migrate("lock")).out


def test_a_program_is_told_how_a_run_has_ended(project: Project) -> None:
    """And only a run: how the program ends changes nothing, and it learns no secret."""
    told = project.folder / "told"
    code = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read()); sys.exit(len(sys.argv))"
    project.configure(f"notify: {{command: {json.dumps([sys.executable, '-c', code, 'x'])}}}\n")
    project.write_tables(1)
    result = succeed(project.migrate("up"))
    assert "Warning: `notify` was not told of the run" in result.err
    assert "failed with 2" in result.err
    succeed(project.migrate("up"))
    project.write("002_bad.sql", "insert into nowhere values ('postgres://u:secret@h/d');")
    assert project.migrate("up").code == 9
    good, bad = map(json.loads, told.read_text().splitlines())
    assert (good["outcome"], [step["version"] for step in good["ran"]]) == ("applied", ["001"])
    assert (bad["outcome"], bad["exit_code"], bad["ran"]) == ("failed", 9, [])
    assert "nowhere" in bad["message"]
    assert "secret" not in told.read_text()
