"""Promotion from staging to production: the way of honest people, and each way of cheating."""

import json
from pathlib import Path

import pytest

from tests.commands.promoting import Pair
from tests.commands.running import refused, succeed
from tests.servers.openssh import Person, new_person

PLAN = ("plan", "-e", "production")
PROMOTE = ("promote", "--from", "staging", "--to", "production")
RECEIPT = ("--receipt", "staging.json")
AGE = "update schema_migrations set applied_at = applied_at - interval '2' hour"
ONE_SERVER = pytest.mark.parametrize("pair", ["postgres"], indirect=True)
"""For what has nothing to do with the server."""


def test_what_ran_in_staging_is_promoted(pair: Pair) -> None:
    pair.stage()
    refused(pair.migrate(*PLAN, *RECEIPT, STAGING_URL=None), 64, "have its receipts signed")
    planned = succeed(pair.migrate(*PLAN, *RECEIPT))
    assert "policy    promotion: allow: 001, 002 ran in staging, by receipt" in planned.out
    receipt, plan = pair.read("staging.json"), pair.read("plan.json")
    assert receipt["intent_digest"] == plan["intent_digest"]
    assert [proof["receipt"] for proof in plan["promotion"]["proofs"]] == [receipt["digest"]] * 2
    succeed(pair.migrate("apply", "plan.json"))
    assert "2 applied" in succeed(pair.migrate("status", "-e", "production")).out
    succeed(pair.migrate("down", "-e", "production"))


def test_promote_plans_what_staging_has_and_tells_the_rest(pair: Pair) -> None:
    pair.stage()
    pair.project.write_tables(1, first=3)
    with pair.untouched():
        promoted = pair.migrate(*PROMOTE, *RECEIPT, "-o", "promoted.json", "--detailed-exitcode")
    assert promoted.code == 2
    table = [" ".join(line.split()) for line in promoted.out.splitlines()[:4]]
    assert table == [
        "version name staging production promotion",
        "001 t1 applied pending promoted",
        "002 t2 applied pending promoted",
        "003 t3 not applied pending held back: not applied in staging",
    ]
    succeed(pair.migrate("apply", "promoted.json"))
    again = succeed(pair.migrate(*PROMOTE, *RECEIPT, "-o", "again.json", "--detailed-exitcode"))
    assert "001      t1    applied      applied     already there" in again.out


@ONE_SERVER
def test_an_environment_is_not_promoted_to_itself(pair: Pair) -> None:
    itself = pair.migrate("promote", "--from", "staging", "--to", "staging")
    refused(itself, 64, "staging is both where it has run and where it is to run")


@ONE_SERVER
def test_promote_makes_the_plan_that_plan_makes_of_these_files(pair: Pair) -> None:
    pair.stage()
    succeed(pair.migrate(*PLAN, *RECEIPT))
    (late,) = pair.project.write_tables(1, first=3)
    succeed(pair.migrate(*PROMOTE, *RECEIPT, "-o", "promoted.json"))
    (pair.project.migrations / late).unlink()
    apart = {"created_at", "expires_at", "digest", "source"}
    plan, promoted = pair.read("plan.json"), pair.read("promoted.json")
    assert {key for key in plan if plan[key] != promoted[key]} <= apart


def test_promote_needs_no_policy_and_only_reads_staging(pair: Pair) -> None:
    pair.describe("production", "TEST_URL")
    pair.project.write("003_late.sql", "create table late (id int);")
    pair.stage()
    before = pair.server.dump(pair.staging)
    pair.project.write("004_later.sql", "create table later (id int);")
    promoted = succeed(pair.migrate(*PROMOTE, "--json"))
    assert [step["version"] for step in promoted.document["steps"]] == ["001", "002", "003"]
    assert promoted.document["promotion"]["by"] == "ledger"
    assert pair.server.dump(pair.staging) == before
    succeed(pair.migrate("apply", "plan.json"))


@ONE_SERVER
def test_what_requires_a_migration_that_is_held_back_is_held_back(pair: Pair) -> None:
    pair.stage()
    text = (pair.project.migrations / "002_t2.sql").read_text()
    (pair.project.migrations / "002_t2.sql").write_text(f"-- edited after staging\n{text}")
    pair.project.write("003_a.sql", "create table a (id int);")
    three = pair.project.migrations / "003_a.sql"
    three.write_text(f"-- migrate:requires 002\n{three.read_text()}")
    promoted = succeed(pair.migrate(*PROMOTE, *RECEIPT))
    assert "held back: applied in staging with another checksum" in promoted.out
    assert [step["version"] for step in pair.read("plan.json")["steps"]] == ["001"]


def test_without_a_receipt_the_plan_is_denied(pair: Pair) -> None:
    pair.stage()
    with pair.untouched():
        refused(pair.migrate(*PLAN), 3, "Nothing shows that 001, 002 ran in staging.")
        refused(pair.migrate("apply", "plan.json"), 3, "(policy.promotion)")
        refused(pair.migrate(*PROMOTE), 3, "No receipt shows that 001, 002 ran in staging.")
        refused(pair.migrate("apply", "plan.json"), 3, "(policy.promotion)")
        refused(pair.migrate("up", "-e", "production"), 3, "(policy.promotion)")


def test_an_altered_receipt_is_refused(pair: Pair) -> None:
    pair.stage()
    text = (pair.folder / "staging.json").read_text()
    (pair.folder / "staging.json").write_text(text.replace('"t2"', '"t3"'))
    with pair.untouched():
        for command in (PLAN, PROMOTE):
            refused(pair.migrate(*command, *RECEIPT), 8, "was altered after it was made")
    assert not (pair.folder / "plan.json").exists()


@pytest.mark.parametrize("settings", ["project: blog\n", ""])
def test_a_receipt_of_elsewhere_shows_nothing(pair: Pair, settings: str) -> None:
    name = "staging" if settings else "qa"
    pair.describe(name, "STAGING_URL", settings)
    succeed(pair.migrate("plan", "-e", name, "-o", "other.json"))
    succeed(pair.migrate("apply", "other.json", *RECEIPT))
    with pair.untouched():
        refused(pair.migrate(*PLAN, *RECEIPT), 3, "not of staging of default")
        refused(pair.migrate("apply", "plan.json"), 3, "001 is not applied in staging")
        promoted = succeed(pair.migrate(*PROMOTE, *RECEIPT))
    assert "not of staging of default" in promoted.err
    assert pair.read("plan.json")["steps"] == []


def test_another_checksum_is_denied(pair: Pair) -> None:
    pair.stage()
    pair.project.write("002_t2.sql", "create table t2 (id bigint);")
    with pair.untouched():
        refused(pair.migrate(*PLAN, *RECEIPT), 3, "002 is applied in staging with another checksum")
        refused(pair.migrate("apply", "plan.json"), 3, "another checksum")


def test_too_little_soak_is_planned_and_not_applied(pair: Pair) -> None:
    pair.demand(min_soak="1h")
    pair.stage()
    planned = succeed(pair.migrate(*PLAN, *RECEIPT))
    assert "`apply` may start at" in planned.out
    assert "promoted: soaking until" in succeed(pair.migrate(*PROMOTE, *RECEIPT)).out
    with pair.untouched():
        for options in ([], ["--dry-run"]):
            refused(pair.migrate("apply", "plan.json", *options), 3, "has to stay there for 1h")
    pair.demand(min_soak="0s")
    succeed(pair.migrate("apply", "plan.json"))


def test_a_rollback_in_staging_is_seen_in_its_history(pair: Pair) -> None:
    pair.demand(receipt="optional", min_soak="1h")
    succeed(pair.migrate("up", "-e", "staging"))
    pair.query(pair.staging, AGE)
    assert "ran in staging, by its history." in succeed(pair.migrate(*PLAN)).out
    succeed(pair.migrate("down", "-e", "staging"))
    with pair.untouched():
        refused(pair.migrate(*PLAN), 3, "002 is not applied in staging")
        refused(pair.migrate("up", "-e", "production"), 3, "002 is not applied in staging")
    succeed(pair.migrate("up", "-e", "production", "--to", "1"))


def test_a_rollback_in_staging_is_seen_by_its_own_receipt(pair: Pair) -> None:
    pair.stage()
    succeed(pair.migrate("plan", "-e", "staging", "--down", "1", "-o", "back.json"))
    succeed(pair.migrate("apply", "back.json", "--receipt", "back-receipt.json"))
    with pair.untouched():
        refused(
            pair.migrate(*PLAN, "--receipt", "back-receipt.json", *RECEIPT),
            3, "002 is rolled back in staging at",
        )  # fmt: skip


def test_a_baseline_in_staging_is_no_proof_and_one_in_production_needs_none(pair: Pair) -> None:
    succeed(pair.migrate("plan", "-e", "staging", "--baseline", "2", "-o", "base.json"))
    succeed(pair.migrate("apply", "base.json", *RECEIPT))
    with pair.untouched():
        refused(pair.migrate(*PLAN, *RECEIPT), 3, "only recorded in staging, by a baseline")
    refused(pair.migrate(*PLAN, "--baseline", "2", *RECEIPT), 64, "No receipt is asked for here.")
    succeed(pair.migrate(*PLAN, "--baseline", "2"))
    succeed(pair.migrate("apply", "plan.json"))


def test_staging_that_leads_to_another_database_is_refused(pair: Pair) -> None:
    pair.demand(receipt="optional")
    succeed(pair.migrate("up", "-e", "staging"))
    pair.describe("production", "TEST_URL")
    succeed(pair.migrate("up", "-e", "production"))
    pair.project.write_tables(1, first=3)
    pair.demand(receipt="optional")
    with pair.untouched():
        refused(pair.migrate(*PLAN, STAGING_URL=pair.project.url), 6, "belongs to environment")


@ONE_SERVER
def test_the_policy_must_name_another_environment(pair: Pair) -> None:
    for source, words in (("production", "from itself"), ("qa", "there is no environment qa")):
        pair.describe("production", "TEST_URL", f"policy:\n  promotion: {{from: {source}}}\n")
        refused(pair.migrate(*PLAN), 64, "production.yaml:4: policy.promotion.from", words)


@ONE_SERVER
@pytest.mark.usefixtures("openssh")
class TestSigned:
    @pytest.fixture
    def ann(self, tmp_path: Path) -> Person:
        return new_person(tmp_path / "keys", "ann@example.com")

    @staticmethod
    def sign(pair: Pair, person: Person, allowed: str) -> None:
        """Runs staging with a receipt that this person signs, and allows these keys."""
        pair.demand(receipt="signed")
        (pair.folder / "environments" / "allowed_signers").write_text(allowed)
        pair.stage("staging.json", "--sign-with", str(person.key))

    def test_a_signed_receipt_is_good_and_names_its_signer(self, pair: Pair, ann: Person) -> None:
        self.sign(pair, ann, ann.line('namespaces="lockgate-receipt"'))
        assert "signed by ann@example.com" in succeed(pair.migrate(*PLAN, *RECEIPT)).out
        succeed(pair.migrate("apply", "plan.json"))

    def test_one_without_a_signature_is_denied(self, pair: Pair, ann: Person) -> None:
        self.sign(pair, ann, ann.line())
        (pair.folder / "staging.json.sig").unlink()
        with pair.untouched():
            refused(pair.migrate(*PLAN, *RECEIPT), 3, "bears no signature")
            refused(pair.migrate("apply", "plan.json"), 3, "bears no signature")

    @pytest.mark.parametrize(
        ("options", "words"),
        [('valid-before="20200101"', "has expired"), ('namespaces="lockgate-plan"', "purpose")],
    )
    def test_a_key_that_is_not_good_is_refused(
        self, pair: Pair, ann: Person, options: str, words: str
    ) -> None:
        self.sign(pair, ann, ann.line(options))
        with pair.untouched():
            refused(pair.migrate(*PLAN, *RECEIPT), 8, words)
        assert not (pair.folder / "plan.json").exists()

    def test_an_unknown_key_is_refused(self, pair: Pair, ann: Person, tmp_path: Path) -> None:
        self.sign(pair, ann, new_person(tmp_path / "keys", "bob@example.com").line())
        with pair.untouched():
            refused(pair.migrate(*PLAN, *RECEIPT), 8, "allowed_signers does not know")
            refused(pair.migrate(*PROMOTE, *RECEIPT), 8, "allowed_signers does not know")

    def test_the_signature_of_another_receipt_is_refused(self, pair: Pair, ann: Person) -> None:
        self.sign(pair, ann, ann.line())
        pair.project.write_tables(1, first=3)
        pair.stage("other.json", "--sign-with", str(ann.key))
        (pair.folder / "staging.json.sig").write_bytes(
            (pair.folder / "other.json.sig").read_bytes()
        )
        with pair.untouched():
            refused(pair.migrate(*PLAN, *RECEIPT), 8, "does not fit what it should sign")


@ONE_SERVER
def test_several_runs_are_shown_by_several_receipts(pair: Pair) -> None:
    pair.stage("first.json")
    pair.project.write_tables(1, first=3)
    pair.stage("second.json")
    refused(pair.migrate(*PLAN, "--receipt", "second.json"), 3, "001 is not applied in staging")
    succeed(pair.migrate(*PLAN, "--receipt", "second.json", "--receipt", "first.json"))
    digests = {pair.read(name)["digest"] for name in ("first.json", "second.json")}
    proofs = json.loads((pair.folder / "plan.json").read_text())["promotion"]["proofs"]
    assert {proof["receipt"] for proof in proofs} == digests


def invent(pair: Pair) -> None:
    """A receipt of some invented fields, for a staging where nothing ran."""
    from lockgate.planner.document import sealed
    from lockgate.planner.plan.receipt import Receipt, write_receipt

    succeed(pair.migrate("plan", "-e", "staging", "-o", "staging-plan.json"))
    plan = pair.read("staging-plan.json")
    steps = [
        {key: step[key] for key in ("direction", "version", "name", "checksum")} | {"statements": 1}
        for step in plan["steps"]
    ]
    told = {key: plan[key] for key in ("tool_version", "project", "target", "intent_digest")}
    receipt = Receipt.model_validate(
        told
        | {
            "run": "r",
            "environment": "staging",
            "plan_digest": plan["digest"],
            "actor": "me",
            "started_at": "2020-01-01T00:00:00Z",
            "finished_at": "2020-01-01T00:00:00Z",
            "result": plan["result"],
            "steps": steps,
            "fingerprint": None,
            "digest": "0" * 64,
        }
    )
    write_receipt(sealed(receipt), pair.folder / "staging.json")


def test_an_invented_receipt_shows_nothing(pair: Pair) -> None:
    pair.project.write_tables(2)
    pair.demand(min_soak="1h")
    invent(pair)
    with pair.untouched():
        refused(pair.migrate(*PLAN, *RECEIPT), 3, "not applied in staging")
        refused(pair.migrate("apply", "plan.json"), 3, "(policy.promotion)")


def test_proofs_that_were_written_into_the_plan_are_verified_again(pair: Pair) -> None:
    from lockgate.planner.plan.plan import Plan, seal
    from lockgate.planner.plan.planfile import render_plan

    pair.project.write_tables(2)
    invent(pair)
    assert pair.migrate(*PLAN, *RECEIPT).code == 3
    document = pair.read("plan.json")
    document["decisions"] = []
    for proof in document["promotion"]["proofs"]:
        proof.update(
            applied_at="2020-01-01T00:00:00Z", receipt="a" * 64, signers=["ci"], confirmed=True
        )
        proof["obstacle"] = ""
    forged = render_plan(seal(Plan.model_validate(document)))
    (pair.folder / "plan.json").write_text(forged)
    with pair.untouched():
        refused(pair.migrate("apply", "plan.json"), 3, "(policy.promotion)")
