"""How a fleet's run goes on and stops: soak, throttle, budget, and targets that were replaced."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands.fleets import Fleet, opened
from tests.commands.running import DEADLINE, refused, succeed
from tests.servers.openssh import new_person
from tests.servers.process import wait_until


@pytest.fixture
def fleet(tmp_path: Path, postgres_server: Any) -> Iterator[Fleet]:
    """Twelve schemas of a PostgreSQL database."""
    with opened(tmp_path, postgres_server, "abcdefghijkl") as fleet:
        yield fleet


@pytest.fixture(params=["postgres", "mysql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """Three databases on PostgreSQL and on MySQL in turn."""
    server = request.getfixturevalue(f"{request.param}_server")
    with opened(tmp_path, server, "abc", as_databases=True) as fleet:
        yield fleet


def noted(fleet: Fleet, column: str) -> Any:
    """What is noted of the newest run; None: nothing yet."""
    (table,) = fleet.run(fleet.home, "select to_regclass('lockgate_fleet_run')")[0]
    found = table and fleet.run(
        fleet.home, f"select {column} from lockgate_fleet_run order by started_at desc"
    )
    return found[0][0] if found else None


def test_no_wave_begins_while_the_one_before_it_soaks(fleet: Fleet) -> None:
    fleet.configure("waves: [1, 100%]\nsoak: 1h")
    fleet.plan()
    driver = fleet.project.start("apply", "plan.json")
    wait_until(lambda: noted(fleet, "wave_ended_at") is not None, "the first wave has ended")
    assert list(fleet.states().values()).count("up to date") == 1
    driver.send_signal(signal.SIGTERM)
    told = driver.communicate(timeout=DEADLINE)[1]
    assert driver.returncode == 143, told
    assert "Waiting 1h" in told
    assert "Interrupted. 1 of 12 targets applied, 11 waiting." in told
    assert "Nothing was changed" not in told
    assert "migrate apply plan.json` goes on" in told
    assert list(fleet.states().values()).count("up to date") == 1
    fleet.configure("waves: [1, 100%]")
    assert "12 of 12 targets applied" in succeed(fleet.migrate("apply", "plan.json")).out


def test_of_a_run_whose_driver_was_killed_status_says_that_nobody_goes_on(fleet: Fleet) -> None:
    fleet.configure("waves: [1, 100%]\nsoak: 1h")
    fleet.plan()
    driver = fleet.project.start("apply", "plan.json")
    wait_until(lambda: noted(fleet, "wave_ended_at") is not None, "the first wave has ended")
    assert "No driver" not in succeed(fleet.migrate("status", "-e", "live")).out
    driver.kill()
    driver.communicate(timeout=DEADLINE)
    told = "No driver goes on with it: `migrate apply` of the same plan does."

    def is_told() -> bool:
        return told in succeed(fleet.migrate("status", "-e", "live")).out

    wait_until(is_told, "the server has noticed it")
    page = succeed(fleet.migrate("status", "-e", "live", "--format", "html")).out
    assert "No driver goes on with it" in page


def test_no_target_begins_on_a_server_that_is_above_a_limit(fleet: Fleet) -> None:
    fleet.configure("throttle: {running: 3}")
    fleet.plan()
    with ExitStack() as stack:
        busy = [stack.enter_context(closing(fleet.server.connect(fleet.home))) for _ in range(4)]
        for one in busy:
            one.pgconn.send_query(b"select pg_sleep(600)")
        driver = fleet.project.start("apply", "plan.json")
        wait_until(lambda: noted(fleet, "wave") == 1, "the first wave has begun")
        shown = succeed(fleet.migrate("status", "-e", "live", "--json")).document
        assert list(shown["holds"].values()) == ["throttle.running"]
        assert {one["state"] for one in shown["targets"]} == {"pending"}
        page = succeed(fleet.migrate("status", "-e", "live", "--format", "html")).out
        assert "throttle.running" in page
        for one in busy:
            one.cancel()
    told = driver.communicate(timeout=DEADLINE)
    assert "12 of 12 targets applied" in told[0], told


def test_when_too_many_fail_no_more_than_those_under_way_are_done(fleet: Fleet) -> None:
    fleet.configure("failures: {total: 0}\nparallel: 2")
    fleet.up("--to", "1")
    fleet.plan()
    for name in fleet.names:
        fleet.run(name, "create table orders (id int)")
    refused(fleet.migrate("apply", "plan.json"), 12, "failures.total")
    shown = succeed(fleet.migrate("history", "-e", "live", "--json")).document["runs"][0]
    assert 1 <= shown["targets"]["failed"] <= 4
    assert shown["targets"]["waiting"] == 12 - shown["targets"]["failed"]


def test_targets_with_nothing_to_do_are_no_part_of_a_run(fleet: Fleet) -> None:
    fleet.configure("failures: {total: 0}")
    fleet.up("--to", "1")
    for name in fleet.names[:9]:
        succeed(fleet.migrate("up", "-e", f"live/{name}"))
    fleet.plan()
    for name in fleet.names[9:]:
        fleet.run(name, "create table orders (id int)")
    told = refused(fleet.migrate("apply", "plan.json"), 12, "0 of 3 targets applied, 3 failed.")
    assert "waiting" not in told.err
    run = succeed(fleet.migrate("history", "-e", "live", "--json")).document["runs"][0]
    assert run["targets"] == {"failed": 3}
    succeed(fleet.migrate("status", "-e", "live", "--verify"))
    run = succeed(fleet.migrate("history", "-e", "live", "--json")).document["runs"][0]
    assert run["targets"] == {"waiting": 3}
    for name in fleet.names[9:]:
        fleet.run(name, "drop table orders")
    assert "3 of 3 targets applied." in succeed(fleet.migrate("apply", "plan.json")).out


def test_a_run_stops_between_two_targets_when_its_time_is_over(fleet: Fleet) -> None:
    fleet.plan()
    told = refused(fleet.migrate("apply", "plan.json", "--max-time", "1ms"), 12, "--max-time")
    assert "0 of 12 targets applied, 12 waiting" in told.err
    assert "12 of 12 targets applied" in succeed(fleet.migrate("apply", "plan.json")).out


def test_a_target_that_stops_between_two_batches_goes_on_with_the_same_plan(
    databases: Fleet,
) -> None:
    databases.up()
    values = ", ".join(f"({number}, 'a')" for number in range(300))
    for name in databases.names:
        databases.run(name, f"insert into users values {values}")
    databases.project.write(
        "004_fill.sql",
        "-- migrate:batch key=id size=10 pause=50ms\nupdate users set text = 'x' "
        "where id > {{lo}} and id <= {{hi}};",
    )
    databases.plan()
    stopped = databases.migrate("apply", "plan.json", "--max-time", "3s")
    assert stopped.code in (0, 12), stopped
    assert ": failed:" not in stopped.err, stopped
    succeed(databases.migrate("apply", "plan.json"))
    for name in databases.names:
        assert databases.run(name, "select count(*) from users where text = 'x'") == [(300,)]


def test_each_migration_of_a_target_is_checked_at_its_own_end(fleet: Fleet) -> None:
    fleet.project.write("004_rows.sql", "insert into lines values (7);")
    fleet.project.write("005_heals.sql", "insert into heads values (7);")
    fleet.project.write(
        "003_items.sql",
        "create table heads (id int primary key);\n"
        "create table lines (head int references heads deferrable initially deferred);",
    )
    fleet.configure("failures: {total: 0}")
    fleet.plan()
    refused(fleet.migrate("apply", "plan.json"), 12, "Step 4 of 5 failed: 004_rows.sql")
    fleet.project.write(
        "004_rows.sql", "insert into heads values (7);\ninsert into lines values (7);"
    )
    fleet.project.write("005_heals.sql", "alter table lines add column more int;")
    fleet.up()
    assert fleet.applied(fleet.names[0])[-1] == "005"


def test_a_database_that_was_replaced_is_refused_and_told(databases: Fleet) -> None:
    databases.up("--to", "1")
    databases.plan()
    gone = databases.names[1]
    databases.run(databases.home, f"drop database {databases.quote(gone)}")
    databases.create(gone)
    result = databases.migrate("apply", "plan.json", "--receipt", "done.json")
    refused(result, 4, "2 of 3 targets applied, 1 refused", gone)
    receipt = json.loads((databases.project.folder / "done.json").read_text())
    assert {one["name"]: one["state"] for one in receipt["targets"]}[gone] == "refused"
    with closing(databases.server.connect(gone)) as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from information_schema.tables "
                       f"where table_schema in ('public', '{gone}')")  # fmt: skip
        assert cursor.fetchone()[0] == 0


def test_what_a_fleet_has_run_is_promoted_to_the_next_by_its_signed_receipt(
    fleet: Fleet, postgres_server: Any, openssh: None
) -> None:
    ann = new_person(fleet.project.folder / "keys", "ann@example.com")
    (fleet.project.folder / "environments" / "allowed_signers").write_text(ann.line())
    fleet.plan("--to", "2")
    signing = ("--receipt", "done.json", "--sign-with", str(ann.key))
    succeed(fleet.migrate("apply", "plan.json", *signing))
    with opened(fleet.project.folder / "next", postgres_server, "xy") as other:
        fleet.project.write_environment(
            "next",
            "engine: postgresql\ndatabase: {url_env: NEXT_URL}\n"
            f'fleet: {{targets: {{schemas: "{other.prefix}%"}}}}\n'
            "policy: {promotion: {from: live, receipt: signed}}\n",
        )
        url = {"NEXT_URL": other.project.url}
        asked = ("promote", "--from", "live", "--to", "next", "-o", "next.json")
        refused(fleet.migrate(*asked, environ=url), 64, "live is a fleet")
        text = (fleet.project.folder / "done.json").read_text()
        (fleet.project.folder / "else.json").write_text(text)
        unsigned = fleet.migrate(*asked, "--receipt", "else.json", environ=url)
        refused(unsigned, 3, "policy.promotion")
        succeed(fleet.migrate(*asked, "--receipt", "done.json", environ=url))
        assert (fleet.project.folder / "next.json").stat().st_size < 60_000
        succeed(fleet.migrate("apply", "next.json", environ=url))
        assert [other.applied(name) for name in other.names] == [["001", "002"]] * 2
