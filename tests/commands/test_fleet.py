"""Fleets as a user meets them: planned, reviewed, approved and applied as one database is."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.views.markup import escape
from tests.commands.fleets import Fleet, opened
from tests.commands.running import refused, succeed
from tests.servers.openssh import new_person


@pytest.fixture
def fleet(tmp_path: Path, postgres_server: Any) -> Iterator[Fleet]:
    """Five schemas of a PostgreSQL database."""
    with opened(tmp_path, postgres_server, "abcde") as fleet:
        yield fleet


@pytest.fixture(params=["postgres", "mysql"])
def any_fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """Four databases on PostgreSQL and on MySQL in turn."""
    server = request.getfixturevalue(f"{request.param}_server")
    with opened(tmp_path, server, "abcd", as_databases=True) as fleet:
        yield fleet


def names(fleet: Fleet, group: dict[str, Any]) -> str:
    """The targets of a group, without their prefix."""
    return "".join(target["name"].removeprefix(fleet.prefix) for target in group["targets"])


def hire(fleet: Fleet, name: str) -> Path:
    """The key of a person whose signatures count."""
    person = new_person(fleet.project.folder / "keys", name)
    (fleet.project.folder / "environments" / "allowed_signers").write_text(person.line())
    return person.key


def test_one_plan_fits_all_that_are_equal(any_fleet: Fleet) -> None:
    plan = any_fleet.plan()
    assert [names(any_fleet, group) for group in plan["groups"]] == ["abcd"]
    succeed(any_fleet.migrate("apply", "plan.json"))
    assert [any_fleet.applied(name) for name in any_fleet.names] == [["001", "002", "003"]] * 4
    assert any_fleet.states() == dict.fromkeys("abcd", "up to date")


def test_applying_it_again_does_nothing(fleet: Fleet) -> None:
    fleet.up()
    before = fleet.run(fleet.names[0], "select count(*) from lockgate_runs")
    assert "5 of 5 targets applied" in succeed(fleet.migrate("apply", "plan.json")).out
    assert fleet.run(fleet.names[0], "select count(*) from lockgate_runs") == before


def test_targets_with_another_history_are_another_group(fleet: Fleet) -> None:
    fleet.up("--to", "1")
    succeed(fleet.migrate("up", "-e", f"live/{fleet.names[4]}", "--to", "2"))
    plan = fleet.plan()
    assert [names(fleet, group) for group in plan["groups"]] == ["abcd", "e"]
    assert [len(group["plan"]["steps"]) for group in plan["groups"]] == [2, 1]
    succeed(fleet.migrate("apply", "plan.json"))
    assert set(fleet.states().values()) == {"up to date"}


def test_the_odd_ones_are_left_alone_with_their_reason(fleet: Fleet) -> None:
    fleet.up("--to", "1")
    a, b, c, _, e = fleet.names
    fleet.run(a, "alter table users add column hand_made int")
    fleet.run(b, "insert into schema_migrations values ('900', 'x', repeat('0', 64), now())")
    fleet.create(f"{fleet.prefix}z")
    fleet.run(f"{fleet.prefix}z", "create table already (id int)")
    fleet.run(c, "update lockgate_target set environment = 'other'")
    plan = fleet.plan()
    assert [names(fleet, group) for group in plan["groups"]] == ["de"]
    odd = {one["name"].removeprefix(fleet.prefix): one["reason"] for one in plan["odd"]}
    assert odd == {"a": "drifted", "b": "ahead", "c": "foreign", "z": "never seen"}
    assert "2 targets in 1 group, 4 not included" in succeed(fleet.migrate("show", "plan.json")).out
    comment = succeed(fleet.migrate("show", "plan.json", "--format", "markdown")).out
    assert comment.startswith("<!-- lockgate-plan live -->")
    assert "## 2 targets in 1 group, 4 not included on `live`" in comment
    assert "create table orders" in comment
    assert f"| drifted | {escape(a)} |" in comment
    page = succeed(fleet.migrate("show", "plan.json", "--format", "html")).out
    assert "2 targets in 1 group, 4 not included" in page
    refused(fleet.migrate("show", "plan.json", "--format", "sql"), 64, "not shown as sql")
    page = succeed(fleet.migrate("status", "-e", "live", "--format", "html")).out
    assert "1 foreign" in page
    succeed(fleet.migrate("apply", "plan.json"))
    assert fleet.applied(a) == ["001"]
    assert fleet.applied(e) == ["001", "002", "003"]


def test_a_changed_target_that_is_alone_in_its_history_is_left_alone(any_fleet: Fleet) -> None:
    any_fleet.up("--to", "1")
    alone = any_fleet.names[3]
    succeed(any_fleet.migrate("up", "-e", f"live/{alone}", "--to", "2"))
    assert [names(any_fleet, group) for group in any_fleet.plan()["groups"]] == ["abc", "d"]
    any_fleet.run(alone, "alter table users add column hand_made int")
    plan = any_fleet.plan()
    assert [names(any_fleet, group) for group in plan["groups"]] == ["abc"]
    (odd,) = plan["odd"]
    assert (odd["name"], odd["reason"]) == (alone, "drifted")
    assert "users changed" in odd["detail"]


def test_changed_targets_that_a_run_has_left_alone_are_left_alone_by_the_next_plan_too(
    any_fleet: Fleet,
) -> None:
    any_fleet.up("--to", "1")
    changed = any_fleet.names[2:]
    for name in changed:
        any_fleet.run(name, "create table hand_made (id int)")
    succeed(any_fleet.migrate("up", "-e", f"live/{any_fleet.names[0]}", "--to", "2"))
    succeed(any_fleet.migrate("up", "-e", f"live/{any_fleet.names[1]}", "--to", "2"))
    plan = any_fleet.plan()
    assert [names(any_fleet, group) for group in plan["groups"]] == ["ab"]
    assert [(one["name"], one["reason"]) for one in plan["odd"]] == [
        (name, "drifted") for name in changed
    ]


def test_of_two_targets_the_one_that_is_as_its_run_left_it_goes_on(fleet: Fleet) -> None:
    fleet.up("--to", "1")
    a = fleet.names[0]
    for name in fleet.names[2:]:
        fleet.run(fleet.home, f"drop schema {name} cascade")
    fleet.run(a, "alter table users add column hand_made int")
    plan = fleet.plan()
    assert [names(fleet, group) for group in plan["groups"]] == ["b"]
    assert [one["name"] for one in plan["odd"]] == [a]
    drifted = fleet.migrate("drift", "-e", "live", "--json").document["drifted"]
    assert [one["name"] for one in drifted] == [a]


def test_a_target_that_was_changed_since_the_plan_is_refused(fleet: Fleet) -> None:
    fleet.plan()
    succeed(fleet.migrate("up", "-e", f"live/{fleet.names[1]}", "--to", "1"))
    result = refused(fleet.migrate("apply", "plan.json"), 4, "4 of 5 targets applied, 1 refused")
    assert fleet.names[1] in result.err
    assert fleet.applied(fleet.names[1]) == ["001"]


def test_a_plan_that_was_edited_is_refused(fleet: Fleet) -> None:
    fleet.plan()
    path = fleet.project.folder / "plan.json"
    path.write_text(path.read_text().replace("varchar(20)", "varchar(99)"))
    refused(fleet.migrate("apply", "plan.json"), 8, "altered")


def test_a_plan_of_other_databases_is_refused_by_each(
    fleet: Fleet, tmp_path: Path, postgres_server: Any
) -> None:
    fleet.plan()
    other = postgres_server.new_database()
    with postgres_server.connect(other) as connection:
        for name in fleet.names:
            connection.execute(f"create schema {name}")
    url = {"TEST_URL": postgres_server.url(other)}
    refused(fleet.migrate("apply", "plan.json", environ=url), 4, "5 refused")
    postgres_server.drop_database(other)


def test_a_dry_run_shows_the_sql_of_each_group_and_applies_nothing(fleet: Fleet) -> None:
    succeed(fleet.migrate("up", "-e", f"live/{fleet.names[4]}", "--to", "2"))
    fleet.plan()
    shown = succeed(fleet.migrate("apply", "plan.json", "--dry-run"))
    assert [shown.out.count(f"create table {name} ") for name in ("users", "items")] == [1, 2]
    assert "Group 1: 4 targets" in shown.err
    refused(fleet.migrate("apply", "plan.json", "--dry-run", "--json"), 64, "only one of")
    assert fleet.states() == dict.fromkeys("abcde", "pending")


def test_with_drift_check_a_schema_that_was_changed_since_the_plan_is_refused(
    any_fleet: Fleet,
) -> None:
    any_fleet.configure(more="drift: check\n")
    any_fleet.up("--to", "1")
    any_fleet.plan()
    any_fleet.run(any_fleet.names[1], "alter table users add column hand_made int")
    refused(any_fleet.migrate("apply", "plan.json"), 4, "3 of 4 targets applied, 1 refused")
    note = "update lockgate_fleet_target set state = 'waiting' where state = 'applied'"
    any_fleet.run(any_fleet.home, note)  # as when its driver was killed before it noted them
    refused(any_fleet.migrate("apply", "plan.json"), 4, "3 of 4 targets applied, 1 refused")


def test_names_are_data(tmp_path: Path, postgres_server: Any) -> None:
    odd = ['q"uo te', "back\\slash", "per%cent'", "../up", "$(id)"]
    with opened(tmp_path, postgres_server, odd, as_databases=False) as fleet:
        plan = fleet.plan()
        known = {target["name"] for group in plan["groups"] for target in group["targets"]}
        assert known == set(fleet.names) - {f"{fleet.prefix}per%cent'"}
        succeed(fleet.migrate("apply", "plan.json"))
        assert fleet.applied(fleet.names[0]) == ["001", "002", "003"]


def test_waves_go_one_after_another(fleet: Fleet) -> None:
    fleet.configure(f"waves: [[{fleet.names[2]}], 60%, 100%]")
    plan = fleet.plan()
    waves = {t["name"][-1]: t["wave"] for group in plan["groups"] for t in group["targets"]}
    assert waves == {"c": 1, "a": 2, "b": 2, "d": 3, "e": 3}
    events = succeed(fleet.migrate("apply", "plan.json", "--json")).events
    assert [one["targets"] for one in events if one["event"] == "wave"] == [1, 2, 2]


def test_failures_pause_the_run_and_the_same_command_goes_on(fleet: Fleet) -> None:
    fleet.configure("waves: [2, 100%]\nfailures: {total: 0}\nparallel: 1")
    fleet.up("--to", "1")
    fleet.plan()
    fleet.run(fleet.names[0], "create table orders (id int)")
    refused(fleet.migrate("apply", "plan.json"), 12, "failures.total", "goes on")
    shown = succeed(fleet.migrate("history", "-e", "live", "--json")).document["runs"]
    assert [one["state"] for one in shown] == ["paused", "finished"]
    assert shown[0]["targets"]["failed"] == 1
    assert "1 failed, " in succeed(fleet.migrate("history", "-e", "live")).out
    assert [fleet.applied(name) for name in fleet.names[2:]] == [["001"]] * 3
    fleet.run(fleet.names[0], "drop table orders")
    assert "5 of 5 targets applied" in succeed(fleet.migrate("apply", "plan.json")).out


def test_a_check_between_waves_pauses(fleet: Fleet) -> None:
    fleet.run(fleet.home, "create table errors (n int)")
    fleet.configure('waves: [1, 100%]\ncheck: "select count(*) from errors"')
    fleet.plan()
    fleet.run(fleet.home, "insert into errors values (1)")
    refused(fleet.migrate("apply", "plan.json"), 12, "the check says 1")
    fleet.run(fleet.home, "delete from errors")
    succeed(fleet.migrate("apply", "plan.json"))


def test_a_policy_holds_for_every_group(fleet: Fleet) -> None:
    fleet.project.write("002_orders.sql", "drop table users;")
    fleet.up("--to", "1")
    for name in fleet.names[1:]:
        succeed(fleet.migrate("up", "-e", f"live/{name}", "--to", "2"))
    fleet.configure(more="policy: {destructive: deny}\n")
    refused(fleet.migrate("plan", "-e", "live"), 3, "policy.destructive")
    plan = json.loads((fleet.project.folder / "plan.json").read_text())
    assert [len(group["targets"]) for group in plan["groups"]] == [4, 1]
    refused(fleet.migrate("apply", "plan.json"), 3, "policy.destructive")
    assert fleet.applied(fleet.names[1]) == ["001", "002"]


def test_one_approval_and_one_signed_receipt_are_for_all(fleet: Fleet, openssh: None) -> None:
    ann = hire(fleet, "ann@example.com")
    fleet.configure(more="policy: {approvals: {threshold: 1}}\n")
    fleet.plan()
    refused(fleet.migrate("apply", "plan.json"), 3, "Needed: 1 approval")
    assert fleet.states() == dict.fromkeys("abcde", "pending")
    shown = succeed(fleet.migrate("approve", "plan.json", "--key", str(ann), "--yes"))
    assert "Fleet plan" in shown.err
    assert "Approved by ann@example.com" in succeed(fleet.migrate("show", "plan.json")).out
    signing = ("--receipt", "done.json", "--sign-with", str(ann))
    succeed(fleet.migrate("apply", "plan.json", *signing))
    receipt = json.loads((fleet.project.folder / "done.json").read_text())
    assert receipt["approvers"] == ["ann@example.com"]
    assert [one["state"] for one in receipt["targets"]] == ["applied"] * 5
    runs = {fleet.run(name, "select id from lockgate_runs")[0][0] for name in fleet.names}
    assert {one["run"] for one in receipt["targets"]} == runs
    assert (fleet.project.folder / "done.json.sig").exists()
    approvers = fleet.run(fleet.names[3], "select approvers from lockgate_runs")
    assert approvers == [("ann@example.com",)]


def test_it_is_said_where_to_learn_why_a_target_is_unreachable(fleet: Fleet) -> None:
    (fleet.project.folder / "t.yaml").write_text("- {name: away, host: 127.0.0.1, port: 1}\n")
    fleet.project.write_environment(
        "live", "database: {url_env: TEST_URL}\nfleet: {targets: {file: t.yaml}}\n"
    )
    told = "`migrate doctor -e live/away` says why".replace("away", "TARGET")
    assert told in succeed(fleet.migrate("status", "-e", "live")).out
    doctor = refused(fleet.migrate("doctor", "-e", "live/away"), 11, "")
    assert "No connection to the database" in doctor.all


def test_a_receipt_names_no_host_of_a_target_that_was_not_reached(any_fleet: Fleet) -> None:
    any_fleet.configure("failures: {total: 1}")
    any_fleet.plan()
    gone = any_fleet.names[2]
    any_fleet.project.folder.joinpath("tenants.yaml").write_text(
        "".join(
            f"- {{name: {name}, database: {name + '_gone' * (name == gone)}}}\n"
            for name in any_fleet.names
        )
    )
    path = any_fleet.project.folder / "environments" / "live.yaml"
    targets = f'targets: {{databases: "{any_fleet.prefix}%"}}'
    path.write_text(path.read_text().replace(targets, "targets: {file: tenants.yaml}"))
    refused(any_fleet.migrate("apply", "plan.json", "--receipt", "done.json"), 11, "1 unreachable")
    text = (any_fleet.project.folder / "done.json").read_text()
    assert [one["state"] for one in json.loads(text)["targets"]].count("unreachable") == 1
    assert any_fleet.server.host not in text


def test_an_approval_of_another_plan_is_refused(fleet: Fleet, openssh: None) -> None:
    ann = hire(fleet, "ann@example.com")
    fleet.plan("--to", "1")
    succeed(fleet.migrate("approve", "plan.json", "--key", str(ann), "--yes"))
    (signature,) = fleet.project.folder.glob("plan.json.*.sig")
    kept = signature.read_text()
    fleet.plan("--force")
    signature.write_text(kept)
    refused(fleet.migrate("apply", "plan.json"), 8, "does not fit")


def test_what_has_run_in_staging_is_promoted_to_all(fleet: Fleet, postgres_url: str) -> None:
    url = {"STAGING_URL": postgres_url}
    fleet.project.write_environment(
        "staging", "engine: postgresql\ndatabase: {url_env: STAGING_URL}\n"
    )
    fleet.configure(more="policy: {promotion: {from: staging, receipt: optional}}\n")
    succeed(fleet.migrate("up", "-e", "staging", "--to", "2", environ=url))
    refused(fleet.migrate("plan", "-e", "live", environ=url), 3, "not applied in staging")
    succeed(fleet.migrate("promote", "--from", "staging", "--to", "live", environ=url))
    succeed(fleet.migrate("apply", "plan.json", environ=url))
    assert [fleet.applied(name) for name in fleet.names] == [["001", "002"]] * 5


def test_what_came_since_the_plan_is_told(fleet: Fleet) -> None:
    fleet.plan()
    fleet.create(f"{fleet.prefix}new")
    assert f"{fleet.prefix}new" in succeed(fleet.migrate("apply", "plan.json")).err


def test_a_rollback_is_planned_in_the_same_way(fleet: Fleet) -> None:
    fleet.up()
    fleet.up("--down", "1")
    assert [fleet.applied(name) for name in fleet.names] == [["001", "002"]] * 5


def test_down_takes_back_what_the_last_run_has_applied_the_newest_wave_first(fleet: Fleet) -> None:
    fleet.configure("waves: [1, 3, 100%]\nfailures: {total: 0}\nparallel: 1")
    fleet.up("--to", "1")
    succeed(fleet.migrate("up", "-e", f"live/{fleet.names[0]}", "--to", "2"))
    fleet.plan()
    fleet.run(fleet.names[2], "create table orders (id int)")
    refused(fleet.migrate("apply", "plan.json"), 12)
    assert [fleet.applied(name)[-1] for name in fleet.names] == ["003", "003", *["001"] * 3]
    refused(fleet.migrate("down", "-e", "live", "--steps", "1"), 64, "what its last run")
    events = succeed(fleet.migrate("down", "-e", "live", "--json")).events
    assert [one["name"][-1] for one in events if one["event"] == "target"] == ["b", "a"]
    assert [fleet.applied(name)[-1] for name in fleet.names] == ["002", *["001"] * 4]


def test_down_says_that_the_last_run_has_applied_nothing(fleet: Fleet) -> None:
    fleet.configure("failures: {total: 0}")
    fleet.up("--to", "1")
    fleet.plan()
    for name in fleet.names:
        fleet.run(name, "create table orders (id int)")
    refused(fleet.migrate("apply", "plan.json"), 12, "failures.total")
    assert "Nothing to roll back" in succeed(fleet.migrate("down", "-e", "live")).out
    assert fleet.applied(fleet.names[0]) == ["001"]


def test_what_is_noted_is_made_again_from_the_targets(fleet: Fleet) -> None:
    fleet.up()
    fleet.run(fleet.home, "update lockgate_fleet_target set state = 'waiting', run = ''")
    shown = succeed(fleet.migrate("status", "-e", "live", "--cached", "--json")).document
    assert {one["state"] for one in shown["targets"]} == {"waiting"}
    fleet.run(fleet.home, f"delete from lockgate_fleet_target where name = '{fleet.names[0]}'")
    assert "of 4 targets" in succeed(fleet.migrate("status", "-e", "live", "--verify")).err
    shown = succeed(fleet.migrate("status", "-e", "live", "--cached", "--json")).document
    assert [one["state"] for one in shown["targets"]] == ["applied"] * 5


def test_a_trigger_of_others_on_the_coordinators_tables_is_refused(any_fleet: Fleet) -> None:
    any_fleet.up("--to", "1")
    body = "for each row set new.detail = 'x'"
    if any_fleet.project.engine == "postgresql":
        any_fleet.run(
            any_fleet.home,
            "create function f() returns trigger language plpgsql as 'begin return new; end'",
        )
        body = "for each row execute function f()"
    any_fleet.run(
        any_fleet.home, f"create trigger other before update on lockgate_fleet_target {body}"
    )
    any_fleet.plan()
    refused(any_fleet.migrate("apply", "plan.json"), 10, "has the trigger other")
    assert any_fleet.states() == dict.fromkeys("abcd", "pending")


def test_a_command_for_one_database_asks_which(fleet: Fleet) -> None:
    refused(fleet.migrate("up", "-e", "live"), 64, "-e live/TARGET")
    refused(fleet.migrate("status", "-e", "live/none"), 64, "no target none")


def test_nothing_of_a_plan_says_where_its_databases_are(fleet: Fleet) -> None:
    text = json.dumps(fleet.plan())
    host = fleet.server.host
    assert [word for word in (host, str(fleet.server.port), fleet.server.user) if word in text] == [
        fleet.server.user  # the name of the role `postgres` is a part of `postgresql`
    ]


def test_drift_names_the_targets_that_differ_and_what_differs(any_fleet: Fleet) -> None:
    any_fleet.up()
    assert "No drift: 4 targets compared." in succeed(any_fleet.migrate("drift", "-e", "live")).out
    changed = any_fleet.names[1]
    any_fleet.run(changed, "alter table users add column hand_made int")
    result = any_fleet.migrate("drift", "-e", "live")
    assert result.code == 4, result.err
    assert f"1 of 4 targets drifted. - is expected, + is there:\n  {changed}: its " in result.out
    assert any(line.lstrip().startswith("+") and "hand_made" in line
               for line in result.out.splitlines())  # fmt: skip
    refused(any_fleet.migrate("drift", "-e", "live", "--replay"), 64, "-e live/TARGET")


def test_drift_of_all_databases_alike_is_found_by_what_their_runs_left(any_fleet: Fleet) -> None:
    any_fleet.up()
    for name in any_fleet.names:
        any_fleet.run(name, "alter table users add column hand_made int")
    result = any_fleet.migrate("drift", "-e", "live", "--json")
    assert result.code == 4, result.err
    assert [one["name"] for one in result.document["drifted"]] == any_fleet.names
    assert "users" in result.document["drifted"][0]["lines"][0]


def test_drift_of_one_schema_is_no_other_targets(fleet: Fleet) -> None:
    fleet.up()
    a, b = fleet.names[:2]
    fleet.run(a, "alter table users add column hand_made int")
    refused(fleet.migrate("drift", "-e", f"live/{a}"), 4)
    fleet.run(fleet.home, "create table public.of_all (id int)")
    succeed(fleet.migrate("drift", "-e", f"live/{b}"))


def test_drift_of_all_schemas_alike_is_found_by_what_their_runs_left(fleet: Fleet) -> None:
    fleet.up()
    for name in fleet.names:
        fleet.run(name, "alter table users owner to pg_monitor")  # no part of a definition
    result = fleet.migrate("drift", "-e", "live", "--json")
    assert result.code == 4, result.err
    assert {one["name"]: one["lines"] for one in result.document["drifted"]} == {
        name: [f"table {name}.users changed"] for name in fleet.names
    }


def test_an_emergency_passes_over_what_the_environment_names_and_is_kept(fleet: Fleet) -> None:
    fleet.configure(more="policy: {approvals: {threshold: 1}, break_glass: [approvals]}\n")
    fleet.plan()
    refused(fleet.migrate("apply", "plan.json"), 3, "Needed: 1 approval")
    refused(fleet.migrate("apply", "plan.json", "--emergency", " "), 64, "has a reason")
    result = fleet.migrate(
        "apply", "plan.json", "--emergency", "ticket 7", "--receipt", "done.json"
    )
    assert "EMERGENCY: ticket 7" in succeed(result).err
    for name in fleet.names:
        assert fleet.run(name, "select emergency from lockgate_runs") == [("ticket 7",)]
    receipt = json.loads((fleet.project.folder / "done.json").read_text())
    assert receipt["emergency"] == "ticket 7"
    fleet.configure("crew: procrastinate", "policy: {break_glass: [approvals]}\n")
    fleet.plan("--force", "--down", "1")
    refused(fleet.migrate("apply", "plan.json", "--emergency", "x"), 64, "with workers")


def test_the_program_of_notify_is_told_how_the_targets_ended(fleet: Fleet) -> None:
    told = fleet.project.folder / "told"
    code = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    notify = f"notify: {{command: {json.dumps([sys.executable, '-c', code])}}}\n"
    fleet.configure("waves: [2, 100%]\nfailures: {total: 0}\nparallel: 1", notify)
    fleet.up("--to", "1")
    fleet.plan()
    fleet.run(fleet.names[0], "create table orders (id int)")
    refused(fleet.migrate("apply", "plan.json"), 12)
    refused(fleet.migrate("apply", "plan.json", "--reviewed", "0" * 64), 3)
    first, second = map(json.loads, told.read_text().splitlines())
    assert (first["outcome"], first["targets"]) == ("applied", {"applied": 5})
    assert (second["outcome"], second["exit_code"], second["targets"]["failed"]) == (
        "paused",
        12,
        1,
    )
    assert "failures.total" in second["message"]
