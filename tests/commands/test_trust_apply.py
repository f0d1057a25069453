"""`apply` of a plan that somebody has edited and sealed again, as who can write artifacts may."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lockgate.executors.apply import apply
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.errors import StalePlan
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.planfile import read_plan, render_plan
from lockgate.planner.plan.statement import statement_digest
from lockgate.plans.rereading import reread
from lockgate.trust.admission import PlanFile, admit
from lockgate.trust.approvals import Signatures
from lockgate.workspace import author, load_environment, open_workspace
from tests.commands.running import Project, refused, succeed

Edit = Callable[[dict[str, Any]], object]


def planned(project: Project, policy: str = "") -> dict[str, Any]:
    """The document of the plan, made under this policy."""
    project.configure(f"policy: {{{policy}}}\n" if policy else "")
    succeed(project.migrate("plan"))
    document: dict[str, Any] = json.loads((project.folder / "plan.json").read_text())
    return document


def forge(project: Project, document: dict[str, Any], edit: Edit) -> None:
    """Puts the edited document in the plan's place, with digests that fit it."""
    edit(document)
    for step in document["steps"]:
        for one in (*step["statements"], *(step["rollback"] or ())):
            one["digest"] = statement_digest(one["sql"], one["copy_data"])
    plan = seal(Plan.model_validate(document))
    (project.folder / "plan.json").write_text(render_plan(plan))


def deny(project: Project, policy: str) -> None:
    project.configure(f"policy: {{{policy}}}\n")


def statement(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["steps"][0]["statements"][0]
    return found


@pytest.fixture
def dropping(any_project: Project) -> Project:
    """A project whose next migration drops a table with rows."""
    any_project.write("001_users.sql", "create table users (id int);", "drop table users;")
    succeed(any_project.migrate("up"))
    any_project.write("002_gone.sql", "drop table users;", "create table users (id int);")
    return any_project


def test_an_honest_plan_is_applied(dropping: Project) -> None:
    planned(dropping)
    succeed(dropping.migrate("apply", "plan.json"))


def test_a_loss_that_is_left_out_is_refused(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: statement(plan).update(loses=[]))
    refused(dropping.migrate("apply", "plan.json"), 8, "contradicts its own SQL", "users is lost")


def test_other_sql_than_the_files_is_refused(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: statement(plan).update(sql="drop table lockgate_runs"))
    refused(dropping.migrate("apply", "plan.json"), 8, "not that of the file with its checksum")


def older(plan: dict[str, Any]) -> None:
    """Makes a plan of format 1.0 of it, which says nothing of its statements."""
    plan["format_version"] = "1.0"
    for key in ("server_number", "sql_mode"):
        plan["target"].pop(key, None)
    for step in plan["steps"]:
        step.pop("text")
        for one in (*step["statements"], *(step["rollback"] or ())):
            one.pop("loses")
            one.pop("reading")


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_plan_of_the_past_version_begins_no_run(dropping: Project, more: tuple[str, ...]) -> None:
    """Its SQL could be anything: nothing binds it to its file."""

    def other(plan: dict[str, Any]) -> None:
        older(plan)
        statement(plan).update(sql="drop table lockgate_runs")

    forge(dropping, planned(dropping), other)
    refused(dropping.migrate("apply", "plan.json", *more), 8, "made by an older lockgate")
    shown = succeed(dropping.migrate("show", "plan.json", "--format", "sql")).out
    assert "drop table lockgate_runs" in shown
    succeed(dropping.migrate("diff-plan", "plan.json", "plan.json"))


def test_a_plan_without_its_files_text_begins_no_run(dropping: Project) -> None:
    forge(dropping, planned(dropping), lambda plan: plan["steps"][0].update(text=None))
    refused(dropping.migrate("apply", "plan.json"), 8, "made by an older lockgate")


def test_a_run_of_a_plan_of_the_past_version_can_be_shown_and_rolled_back(
    any_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_project.write_tables(1)
    forge(any_project, planned(any_project), older)
    plan_file = any_project.folder / "plan.json"
    monkeypatch.setenv("TEST_URL", any_project.url)
    place = EnvironmentsFolder(any_project.folder / "environments", any_project.folder)
    with open_workspace(load_environment("test", place)) as work:
        apply(read_plan(plan_file), work.engine, author(), wait=5, emit=lambda event: None)
    assert "nothing" in succeed(any_project.migrate("apply", "plan.json")).out.lower()
    succeed(any_project.migrate("plan", "--down", "1", "--from-database"))
    document = json.loads(plan_file.read_text())
    forge(any_project, document, lambda plan: statement(plan).update(sql="select 1"))
    refused(any_project.migrate("apply", "plan.json"), 8, "made by an older lockgate")
    succeed(any_project.migrate("plan", "--down", "1", "--from-database"))
    succeed(any_project.migrate("apply", "plan.json"))


def test_decisions_of_the_plan_do_not_count(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: plan.update(decisions=[]))
    deny(dropping, "destructive: deny")
    refused(dropping.migrate("apply", "plan.json"), 3, "Data is lost: the table users")


def test_a_finding_that_is_left_out_is_found_again(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: plan["steps"][0].update(findings=[]))
    deny(dropping, "findings: deny")
    refused(dropping.migrate("apply", "plan.json"), 3, "Dangers: ", "(step 1)")


def test_that_it_is_out_of_order_is_found_again(any_project: Project) -> None:
    any_project.write_tables(1, first=2)
    succeed(any_project.migrate("up"))
    any_project.write_tables(1)
    document = planned(any_project, "out_of_order: warn")
    forge(any_project, document, lambda plan: plan["steps"][0].update(findings=[]))
    deny(any_project, "out_of_order: deny")
    refused(any_project.migrate("apply", "plan.json"), 3, "Out of order: 001")
    deny(any_project, "out_of_order: allow")
    succeed(any_project.migrate("apply", "plan.json"))


def test_a_step_that_another_requires_cannot_be_left_out(any_project: Project) -> None:
    any_project.write_tables(2)
    two = any_project.migrations / "002_t2.sql"
    two.write_text(f"-- migrate:requires 001\n{two.read_text()}")
    document = planned(any_project)

    def leave_out(plan: dict[str, Any]) -> None:
        del plan["steps"][0]
        plan["result"] = {**plan["result"], "serial": "1"}

    forge(any_project, document, leave_out)
    refused(any_project.migrate("apply", "plan.json"), 8, "step 1: it requires 001 before it")


def test_what_another_requires_is_not_rolled_back_before_it(any_project: Project) -> None:
    any_project.write_tables(2)
    two = any_project.migrations / "002_t2.sql"
    two.write_text(f"-- migrate:requires 001\n{two.read_text()}")
    succeed(any_project.migrate("up"))
    succeed(any_project.migrate("plan", "--down", "2"))
    document = json.loads((any_project.folder / "plan.json").read_text())
    forge(any_project, document, lambda plan: plan["steps"].reverse())
    refused(any_project.migrate("apply", "plan.json"), 8, "001 is rolled back before it")


def test_a_waiver_that_the_file_does_not_have_waives_nothing(dropping: Project) -> None:
    def waive(plan: dict[str, Any]) -> None:
        for finding in plan["steps"][0]["findings"]:
            finding["allowed"] = "nobody uses it"

    forge(dropping, planned(dropping), waive)
    deny(dropping, "findings: deny")
    refused(dropping.migrate("apply", "plan.json"), 3, "Dangers: ", "(step 1)")


def test_the_age_is_taken_by_the_environment_of_now(dropping: Project) -> None:
    def old(plan: dict[str, Any]) -> None:
        plan.update(created_at="2020-01-01T00:00:00Z", expires_at=None)

    forge(dropping, planned(dropping), old)
    refused(dropping.migrate("apply", "plan.json"), 8, "max_plan_age")
    dropping.configure("max_plan_age: null\n")
    succeed(dropping.migrate("apply", "plan.json"))


def test_a_plan_of_the_future_is_refused(dropping: Project) -> None:
    def early(plan: dict[str, Any]) -> None:
        plan.update(created_at="2190-01-01T00:00:00Z", expires_at=None)

    forge(dropping, planned(dropping), early)
    refused(dropping.migrate("apply", "plan.json"), 8, "Its age is not known")


def test_sizes_that_were_made_small_are_asked_again(any_project: Project) -> None:
    any_project.write(
        "001_a.sql", "create table big (id int not null, n int);\ninsert into big values (1, 1);"
    )
    succeed(any_project.migrate("up"))
    keyed, widened = "add primary key (id)", "modify n bigint"  # each blocks writes on its engine
    change = keyed if any_project.engine == "postgresql" else widened
    any_project.write("002_b.sql", f"alter table big {change};")
    document = planned(any_project, "non_atomic: allow")

    def shrink(plan: dict[str, Any]) -> None:
        for touch in statement(plan)["touches"]:
            touch.update(bytes=0, rows=0)

    forge(any_project, document, shrink)
    deny(any_project, "non_atomic: allow, blocking_ddl: {above: 1kB, answer: deny}")
    refused(any_project.migrate("apply", "plan.json"), 3, "Others wait for work on all of a table")


def test_a_template_is_held_against_the_environments_variables(project: Project) -> None:
    text = "-- migrate:template jinja\n-- migrate:up\ncreate table {{ name }} (id int);\n"
    (project.migrations / "001_a.sql").write_text(text)
    project.configure("variables: {name: one}\n")
    succeed(project.migrate("plan"))
    project.configure("variables: {name: other}\n")
    refused(project.migrate("apply", "plan.json"), 8, "other variables than the environment's")
    project.configure("variables: {name: one}\n")
    succeed(project.migrate("apply", "plan.json"))


def test_values_that_are_cut_without_strict_mode_are_refused_when_left_out(
    family_project: Project,
) -> None:
    family_project.write("001_notes.sql", "create table notes (a varchar(50));")
    succeed(family_project.migrate("up"))
    family_project.write(
        "002_short.sql", "set session sql_mode = '';\nalter table notes modify a varchar(2);"
    )
    document = planned(family_project, "non_atomic: allow")
    cut = document["steps"][0]["statements"][1]
    assert cut["loses"] == ["values of notes.a that do not fit varchar(2)"]
    forge(family_project, document, lambda _: cut.update(loses=[]))
    refused(family_project.migrate("apply", "plan.json"), 8, "contradicts its own SQL", "notes.a")


def test_a_section_that_could_be_undone_is_not_run_in_pieces(family_project: Project) -> None:
    family_project.write("001_notes.sql", "create table notes (a int);")
    succeed(family_project.migrate("up"))
    family_project.write("002_more.sql", "alter table notes add b int;")
    document = planned(family_project)

    def in_pieces(plan: dict[str, Any]) -> None:
        plan["steps"][0]["transaction"] = None
        statement(plan).update(guarantee="point-of-no-return", reason="who knows")

    forge(family_project, document, in_pieces)
    refused(family_project.migrate("apply", "plan.json"), 8, "contradicts its own SQL", "in pieces")


RULE = "create rule r as on insert to notes do instead delete from notes;"
EVENT = "create event e on schedule every 1 day do delete from notes where a < 5;"


def test_what_takes_rows_away_whenever_it_runs_is_a_loss(any_project: Project) -> None:
    any_project.write("001_notes.sql", "create table notes (a int);")
    succeed(any_project.migrate("up"))
    any_project.write("002_gone.sql", RULE if any_project.engine == "postgresql" else EVENT)
    deny(any_project, "destructive: deny, non_atomic: allow")
    refused(any_project.migrate("plan"), 3, "whenever it")


CALLS = {
    "postgresql": (
        "create function t() returns trigger language plpgsql as "
        "$$ begin perform empty_notes(); return new; end $$;",
        "create function t() returns trigger language plpgsql as "
        "$$ begin execute 'delete ' || 'from notes'; return new; end $$;",
    ),
    "mysql": (
        "create event e on schedule every 1 day do call empty_notes();",
        "create trigger t before insert on notes for each row call empty_notes();",
    ),
}
CALLS["mariadb"] = (
    *CALLS["mysql"],
    "create event e on schedule every 1 day do execute immediate concat('delete', ' from notes');",
)


def test_an_event_or_a_trigger_that_runs_other_code_is_not_read(any_project: Project) -> None:
    any_project.write("001_notes.sql", "create table notes (a int);")
    succeed(any_project.migrate("up"))
    deny(any_project, "opaque: deny, non_atomic: allow")
    for sql in CALLS[any_project.engine]:
        any_project.write("002_calls.sql", sql)
        refused(any_project.migrate("plan"), 3, "Code runs that is not read", "create ")


TRIGGERS = {
    "postgresql": [
        f"create function {name}() returns trigger language plpgsql as 'begin {code}; return new; "
        f"end'; create trigger {name} before update on notes for each row execute function {name}()"
        for name, code in (("stamp", "new.a := 2"), ("log", "insert into seen values (1)"))
    ],
    "mysql": [
        f"create trigger {name} before update on notes for each row {code}"
        for name, code in (("stamp", "set new.a = 2"), ("log", "insert into seen values (1)"))
    ],
}
TRIGGERS["mariadb"] = TRIGGERS["mysql"]


def test_the_code_that_a_write_sets_off_is_not_read(any_project: Project, any_server: Any) -> None:
    any_project.write("001_notes.sql", "create table notes (a int); create table seen (a int);")
    succeed(any_project.migrate("up"))
    any_project.write("002_update.sql", "update notes set a = 1 where a = 3;")
    stamp, log = TRIGGERS[any_project.engine]
    with any_server.connect(any_project.database) as connection, connection.cursor() as cursor:
        cursor.execute(stamp)
    planned(any_project, "opaque: deny")
    with any_server.connect(any_project.database) as connection, connection.cursor() as cursor:
        cursor.execute(log)
    told = "step 1 statement 1 (update, the trigger log of notes"
    refused(any_project.migrate("apply", "plan.json"), 3, "Code runs that is not read", told)
    refused(any_project.migrate("plan"), 3, "Code runs that is not read", told)


EMPTIES = {
    "postgresql": "create function f() returns int language sql as "
    "$$ delete from notes; select 1 $$;",
    "mysql": "create function f() returns int deterministic modifies sql data "
    "begin delete from notes; return 1; end;",
}
EMPTIES["mariadb"] = EMPTIES["mysql"]


def test_a_call_of_the_plans_own_function_that_empties_a_table_is_a_loss(
    any_project: Project,
) -> None:
    any_project.write("001_notes.sql", "create table notes (a int);")
    succeed(any_project.migrate("up"))
    any_project.write("002_gone.sql", f"{EMPTIES[any_project.engine]}\nselect f();")
    deny(any_project, "destructive: deny, non_atomic: allow")
    refused(any_project.migrate("plan"), 3, "what f takes away, which it calls")
    any_project.write("002_gone.sql", "select of_the_database();")
    deny(any_project, "opaque: deny, non_atomic: allow")
    refused(any_project.migrate("plan"), 3, "Code runs that is not read", "(select)")


def test_the_steps_of_a_plan_are_in_the_order_of_their_files(any_project: Project) -> None:
    any_project.write_tables(2)
    document = planned(any_project)
    forge(any_project, document, lambda plan: plan["steps"].reverse())
    refused(any_project.migrate("apply", "plan.json"), 3, "Out of order: 001")


def test_what_was_begun_when_it_was_read_is_not_begun_by_trust(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the lock may find that what it had seen done was rolled back."""
    project.write_tables(1)
    document = planned(project)
    succeed(project.migrate("apply", "plan.json"))
    forge(
        project, document, lambda plan: statement(plan).update(sql="drop table schema_migrations")
    )
    monkeypatch.setenv("TEST_URL", project.url)
    place = EnvironmentsFolder(project.folder / "environments", project.folder)
    environment = load_environment("test", place)
    plan = read_plan(project.folder / "plan.json")
    with open_workspace(environment) as work:
        assert reread(plan, work) is None
        now = work.engine.server.now
    let_in = admit(environment, None, PlanFile(None, Signatures(None, ()), ""))
    with pytest.raises(StalePlan, match="rolled back"):
        let_in(plan, now)


def test_a_statement_whose_reading_is_left_out_is_refused(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: statement(plan).update(reading=None, loses=[]))
    refused(dropping.migrate("apply", "plan.json"), 8, "does not say what the statement does")


def test_an_identity_that_is_left_empty_is_refused(dropping: Project) -> None:
    document = planned(dropping)
    forge(dropping, document, lambda plan: plan["target"].update(uuid=""))
    refused(dropping.migrate("apply", "plan.json"), 6, "does not say which one")


def test_a_statement_in_no_transaction_promises_none(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("up"))
    project.write("002_alone.sql", "vacuum;", flags=" transaction:false")
    document = planned(project, "non_atomic: allow")

    def whole(plan: dict[str, Any]) -> None:
        plan["verdict"] = "ATOMIC (one transaction)"
        statement(plan).update(guarantee="transactional", reason="")

    deny(project, "non_atomic: deny")
    forge(project, document, whole)
    refused(project.migrate("apply", "plan.json"), 8, "promises more than its transaction gives")
