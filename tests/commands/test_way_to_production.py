"""The way of a reviewed intent: dev, staging, production, with each way of cheating on it.

One walk for each server: all that is refused must leave production as it was, so that the honest
plan can still be applied in the end.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, Result, refused, succeed
from tests.servers.mysql import MySQLServer
from tests.servers.openssh import Person, new_person
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until

pytestmark = pytest.mark.usefixtures("openssh")

STAGING = "engine: {engine}\ndatabase: {{url_env: STAGING_URL}}\npolicy: {{require_plan: true}}\n"
PRODUCTION = """\
extends: staging
database: {{url_env: PRODUCTION_URL}}
{more}policy:
  require_intent: true
  approvals: {{threshold: 1, signers: [ann]}}
  promotion: {{from: staging, min_soak: {soak}, receipt: signed}}
  windows: {windows}
"""
ALWAYS = '["mon-sun 00:00-24:00"]'


class Walk:
    """A project with three databases of a server, Ann who approves, and a robot's key."""

    def __init__(self, folder: Path, server: Any) -> None:
        self.server = server
        self.names = {name: server.new_database() for name in ("dev", "staging", "production")}
        self.urls = {name: server.url(database) for name, database in self.names.items()}
        self.project = Project(folder, self.urls["dev"])
        self.folder = folder
        self.ann = new_person(folder / "keys", "ann")
        self.robot = new_person(folder / "keys", "robot")
        self.trust(self.ann.line(), self.robot.line())
        self.describe()

    def describe(self, *, soak: str = "0s", windows: str = ALWAYS, more: str = "") -> None:
        """Writes the environments; production's with these terms."""
        engine = self.server.engine
        self.project.write_environment("staging", STAGING.format(engine=engine))
        text = PRODUCTION.format(soak=soak, windows=windows, more=more)
        self.project.write_environment("production", text)

    def trust(self, *lines: str) -> None:
        """Writes whose keys are allowed to sign."""
        (self.folder / "environments/allowed_signers").write_text("".join(lines))

    def migrate(self, *arguments: str, production: str | None = None) -> Result:
        """Runs `migrate` with the three URLs; `production` is another one for production."""
        urls = {
            "STAGING_URL": self.urls["staging"],
            "PRODUCTION_URL": production or self.urls["production"],
        }
        return self.project.migrate(*arguments, environ=urls, start_new_session=True)

    def stage(self, name: str) -> None:
        """Plans and applies what is pending in staging; NAME.json and its signed receipt."""
        succeed(self.migrate("plan", "-e", "staging", "-o", f"{name}.json"))
        receipt = ("--receipt", f"{name}-receipt.json", "--sign-with", str(self.robot.key))
        succeed(self.migrate("apply", f"{name}.json", *receipt))

    def promote(self, out: str, receipt: str) -> Result:
        """`migrate promote` from staging to production."""
        way = ("--from", "staging", "--to", "production")
        return self.migrate("promote", *way, "--receipt", receipt, "-o", out)

    def approve(self, plan: str, person: Person | None = None) -> Result:
        return self.migrate("approve", plan, "--key", str((person or self.ann).key), "--yes")

    def apply(self, plan: str, reviewed: str, production: str | None = None) -> Result:
        given = (plan, "-e", "production", "--reviewed", reviewed)
        return self.migrate("apply", *given, production=production)

    def close(self) -> None:
        self.project.close()
        for name in self.names.values():
            self.server.drop_database(name)


@pytest.fixture(params=["postgres", "mysql"])
def walk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walk]:
    """On PostgreSQL and on MySQL."""
    made = Walk(tmp_path, request.getfixturevalue(f"{request.param}_server"))
    yield made
    made.close()


SECOND = {"postgresql": PostgresServer, "mysql": MySQLServer}


def edit(walk: Walk) -> Result:
    plan = walk.folder / "edited.json"
    plan.write_text((walk.folder / "plan.json").read_text().replace("t2", "tX", 1))
    return walk.apply("edited.json", "staging.json")


def apply_stagings_plan(walk: Walk) -> Result:
    return walk.apply("staging.json", "staging.json")


def use_a_namesake(walk: Walk) -> Result:
    """Another server's database of the same name, with the same history."""
    with SECOND[walk.server.engine]() as other:
        name = walk.names["production"]
        with other.connect(None if walk.server.engine == "mysql" else "postgres") as connection:
            connection.cursor().execute(f"create database {name}")
        return walk.apply("plan.json", "staging.json", production=other.url(name))


def leave_the_receipt_away(walk: Walk) -> Result:
    return walk.migrate("plan", "-e", "production", "-o", "other.json")


def alter_the_receipt(walk: Walk) -> Result:
    text = (walk.folder / "staging-receipt.json").read_text()
    (walk.folder / "altered.json").write_text(text.replace('"name": "t2"', '"name": "tX"'))
    return walk.promote("other.json", "altered.json")


def leave_the_signature_away(walk: Walk) -> Result:
    shutil.copy(walk.folder / "staging-receipt.json", walk.folder / "unsigned.json")
    return walk.promote("other.json", "unsigned.json")


def sign_the_receipt_with_an_unknown_key(walk: Walk) -> Result:
    walk.trust(walk.ann.line())
    return walk.promote("other.json", "staging-receipt.json")


def change_the_file(walk: Walk) -> Result:
    walk.project.write("002_t2.sql", "create table t2 (id bigint);", "drop table t2;")
    try:
        given = ("--receipt", "staging-receipt.json", "-o", "other.json")
        return walk.migrate("plan", "-e", "production", *given)
    finally:
        walk.project.write_tables(1, first=2)


def hurry(walk: Walk) -> Result:
    walk.describe(soak="2h")
    return walk.apply("plan.json", "staging.json")


def come_at_the_wrong_time(walk: Walk) -> Result:
    day = f"{datetime.now(UTC) + timedelta(days=3):%a}".lower()
    walk.describe(windows=f'["{day} 00:00-24:00"]')
    return walk.apply("plan.json", "staging.json")


def sign(walk: Walk, plan: str, person: Person) -> None:
    """Signs a plan past `migrate approve`."""
    digest = json.loads((walk.folder / plan).read_text())["digest"]
    command = ("ssh-keygen", "-q", "-Y", "sign", "-n", "lockgate-plan", "-f", str(person.key))
    signed = subprocess.run(command, input=f"{digest}\n".encode(), capture_output=True, check=True)
    (walk.folder / f"{plan}.{person.name}.sig").write_bytes(signed.stdout)


def come_too_late(walk: Walk) -> Result:
    walk.describe(more="max_plan_age: 1s\n")
    succeed(walk.promote("old.json", "staging-receipt.json"))
    sign(walk, "old.json", walk.ann)
    made = datetime.now(UTC)
    wait_until(
        lambda: datetime.now(UTC) > made + timedelta(seconds=2.1), "it expires"
    )  # whole seconds
    return walk.apply("old.json", "staging.json")


def approve_it_oneself(walk: Walk) -> Result:
    """By a key that is trusted, but of somebody who may not approve; past `migrate approve`."""
    shutil.copy(walk.folder / "plan.json", walk.folder / "mine.json")
    sign(walk, "mine.json", walk.robot)
    return walk.apply("mine.json", "staging.json")


def approve_nothing(walk: Walk) -> Result:
    shutil.copy(walk.folder / "plan.json", walk.folder / "bare.json")
    return walk.apply("bare.json", "staging.json")


def move_an_approval(walk: Walk) -> Result:
    succeed(walk.promote("again.json", "staging-receipt.json"))
    shutil.copy(walk.folder / "plan.json.ann.sig", walk.folder / "again.json.ann.sig")
    return walk.apply("again.json", "staging.json")


def use_an_expired_key(walk: Walk) -> Result:
    walk.trust(walk.ann.line('valid-before="20200101Z"'), walk.robot.line())
    return walk.apply("plan.json", "staging.json")


def use_an_unknown_key(walk: Walk) -> Result:
    walk.trust(walk.robot.line())
    return walk.apply("plan.json", "staging.json")


def show_another_review(walk: Walk) -> Result:
    return walk.apply("plan.json", "first.json")


def show_no_review(walk: Walk) -> Result:
    return walk.migrate("apply", "plan.json", "-e", "production")


CHEATS: list[tuple[Callable[[Walk], Result], int, str]] = [
    (edit, 8, "altered"),
    (apply_stagings_plan, 6, "for the environment staging"),
    (use_a_namesake, 6, "applied to the one database"),
    (leave_the_receipt_away, 3, "ran in staging"),
    (alter_the_receipt, 8, "altered.json was altered"),
    (leave_the_signature_away, 3, "no signature"),
    (sign_the_receipt_with_an_unknown_key, 8, "does not know"),
    (change_the_file, 3, "002"),
    (hurry, 3, "has to stay there for 2h"),
    (come_at_the_wrong_time, 3, "(policy.windows)"),
    (come_too_late, 8, "expired"),
    (approve_it_oneself, 3, "who may not approve here"),
    (approve_nothing, 3, "No approval yet"),
    (move_an_approval, 8, "does not fit"),
    (use_an_expired_key, 8, "expired"),
    (use_an_unknown_key, 8, "does not know"),
    (show_another_review, 3, "was reviewed"),
    (show_no_review, 3, "It was not said what was reviewed"),
]


def walk_through(walk: Walk, name: str, reviewed: str) -> None:
    """Brings what is pending from dev over staging to a plan of production that Ann approves."""
    succeed(walk.migrate("up"))
    walk.stage(name)
    succeed(walk.promote(reviewed, f"{name}-receipt.json"))
    succeed(walk.approve(reviewed))


def test_what_was_reviewed_gets_to_production_and_nothing_else_does(walk: Walk) -> None:
    walk.project.write_tables(1)
    walk_through(walk, "first", "first-plan.json")
    succeed(walk.apply("first-plan.json", "first.json"))
    walk.project.write_tables(1, first=2)
    walk_through(walk, "staging", "plan.json")
    before = walk.server.dump(walk.names["production"])
    for cheat, code, words in CHEATS:
        result = cheat(walk)
        assert (cheat.__name__, result.code) == (cheat.__name__, code), result
        refused(result, code, words)
        assert walk.server.dump(walk.names["production"]) == before, cheat.__name__
        walk.describe()
        walk.trust(walk.ann.line(), walk.robot.line())
    receipt = ("--reviewed", "staging.json", "--receipt", "production-receipt.json")
    succeed(walk.migrate("apply", "plan.json", *receipt))
    assert '"approvers": [\n    "ann"\n  ]' in (walk.folder / "production-receipt.json").read_text()
    assert "already applied" in succeed(walk.apply("plan.json", "staging.json")).out
    matrix = succeed(walk.migrate("status", "--all", "--json")).document["migrations"]
    assert [
        {name: found["state"] for name, found in each["environments"].items()} for each in matrix
    ] == [{"test": "applied", "staging": "applied", "production": "applied"}] * 2
