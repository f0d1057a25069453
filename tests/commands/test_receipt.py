"""Receipts of runs, met on each engine: written, kept, had again, signed, and never in the way."""

import json
import stat
import subprocess
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.servers.openssh import new_person

APPLY = ("apply", "plan.json", "--receipt", "receipt.json")


@pytest.fixture
def planned(any_project: Project) -> Project:
    """A project with a plan of two migrations."""
    any_project.write_tables(2)
    succeed(any_project.migrate("plan"))
    return any_project


def read(project: Project, name: str = "receipt.json") -> Any:
    return json.loads((project.folder / name).read_text())


def test_it_says_what_the_run_has_left(planned: Project) -> None:
    result = succeed(planned.migrate(*APPLY))
    receipt, plan = read(planned), read(planned, "plan.json")
    assert f"Receipt {receipt['digest'][:16]} written to receipt.json." in result.err
    assert receipt["plan_digest"] == plan["digest"]
    assert receipt["intent_digest"] == plan["intent_digest"]
    assert receipt["result"] == plan["result"]
    assert receipt["environment"] == "test"
    assert [step["version"] for step in receipt["steps"]] == ["001", "002"]
    assert receipt["fingerprint"]
    assert receipt["started_at"] <= receipt["finished_at"]
    assert stat.S_IMODE((planned.folder / "receipt.json").stat().st_mode) == 0o600
    (run,) = succeed(planned.migrate("history", "--json")).document["runs"]
    assert (run["id"], run["actor"]) == (receipt["run"], receipt["actor"])


def test_the_job_of_ci_is_noted_beside_the_actor(planned: Project) -> None:
    github = {"GITHUB_ACTIONS": "true", "GITHUB_JOB": "staging", "GITHUB_RUN_ID": "77"}
    succeed(planned.migrate(*APPLY, environ=github))
    job = read(planned)["job"]
    assert (job["system"], job["job"], job["run"]) == ("GitHub Actions", "staging", "77")
    (run,) = succeed(planned.migrate("history", "--json")).document["runs"]
    assert run["job"] == job
    shown = succeed(planned.migrate("history")).out
    assert "who (a claim)" in shown
    assert "GitHub Actions, job staging, run 77" in shown


def test_it_is_kept_and_had_again_byte_by_byte(planned: Project) -> None:
    succeed(planned.migrate(*APPLY))
    again = succeed(planned.migrate("apply", "plan.json", "--receipt", "again.json"))
    assert "already applied" in again.out
    first, second = ((planned.folder / n).read_bytes() for n in ("receipt.json", "again.json"))
    assert first == second


def test_a_run_that_kept_none_has_one_all_the_same(planned: Project) -> None:
    succeed(planned.migrate("apply", "plan.json"))
    succeed(planned.migrate(*APPLY))
    receipt = read(planned)
    assert receipt["fingerprint"] is None
    assert receipt["plan_digest"] == read(planned, "plan.json")["digest"]


def test_a_plan_of_the_same_intent_has_that_of_the_run_that_was(planned: Project) -> None:
    succeed(planned.migrate("plan", "-o", "other.json"))
    succeed(planned.migrate("apply", "other.json"))
    succeed(planned.migrate(*APPLY))
    assert read(planned)["plan_digest"] == read(planned, "other.json")["digest"]


def test_a_rollback_has_one_too(planned: Project) -> None:
    succeed(planned.migrate("up"))
    succeed(planned.migrate("plan", "--down", "1"))
    succeed(planned.migrate(*APPLY))
    assert [(s["direction"], s["version"]) for s in read(planned)["steps"]] == [("down", "002")]


def test_equal_schemas_have_equal_fingerprints(planned: Project) -> None:
    succeed(planned.migrate(*APPLY))
    there = read(planned)["fingerprint"]
    succeed(planned.migrate("down", "--to", "0"))
    succeed(planned.migrate("plan"))
    succeed(planned.migrate(*APPLY))
    assert read(planned)["fingerprint"] == there
    succeed(planned.migrate("plan", "--down", "1"))
    succeed(planned.migrate(*APPLY))
    assert read(planned)["fingerprint"] != there


def test_a_failed_run_has_none(any_project: Project) -> None:
    any_project.write("001_a.sql", "create table a (id int); insert into a values (x);")
    succeed(any_project.migrate("plan"))
    assert any_project.migrate(*APPLY).code == 9
    assert not (any_project.folder / "receipt.json").exists()


def test_where_it_cannot_be_written_nothing_runs(planned: Project) -> None:
    for options, words in (
        (["--receipt", "no/receipt.json"], "cannot be written to no/receipt.json"),
        (["--receipt", "."], "cannot be written"),
        (["--receipt", "plan.json"], "It would replace the plan"),
        (["--receipt", "plan.json.receipt"], "taken for an approval"),
        (["--sign-with", "key"], "There is no receipt to sign."),
    ):
        refused(planned.migrate("apply", "plan.json", *options), 64, words)
    assert succeed(planned.migrate("history", "--json")).document["runs"] == []


def test_the_events_stay_events(planned: Project) -> None:
    result = succeed(planned.migrate(*APPLY, "--json"))
    assert result.events[-1]["exit_code"] == 0
    assert read(planned)["environment"] == "test"


@pytest.mark.usefixtures("openssh")
class TestSigning:
    def test_the_signature_lies_beside_it_and_plain_ssh_keygen_verifies_it(
        self, planned: Project
    ) -> None:
        person = new_person(planned.folder / "keys", "ann")
        succeed(planned.migrate(*APPLY, "--sign-with", str(person.key)))
        (planned.folder / "allowed_signers").write_text(person.line())
        subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", person.name,
             "-n", "lockgate-receipt", "-s", "receipt.json.sig"],
            cwd=planned.folder, input=f"{read(planned)['digest']}\n", encoding="utf-8",
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def test_a_key_that_cannot_sign_is_told_before_anything_runs(self, planned: Project) -> None:
        refused(planned.migrate(*APPLY, "--sign-with", "no-key"), 64, "no-key")
        assert succeed(planned.migrate("history", "--json")).document["runs"] == []
