"""Signatures of plans: whose plans are applied, and who counts as one person; each way of cheating
is refused before anything runs, on every engine where the database has a say."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.commands.running import Project, refused, succeed
from tests.servers.openssh import Person, new_person

pytestmark = pytest.mark.usefixtures("openssh")
SIGNED = "policy: {plan: {signed_by: [ci]}}\n"


class Gate:
    """A project, the job that makes its plans, and people with keys."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder = project.folder
        self.ci = self.hire("ci")
        self.ann = self.hire("ann")
        self.trust(self.ci.line(), self.ann.line())
        project.write_tables(1)

    def hire(self, name: str) -> Person:
        return new_person(self.folder / "keys", name)

    def trust(self, *lines: str) -> None:
        (self.folder / "environments" / "allowed_signers").write_text("".join(lines))

    def plan(self, signer: Person | None = None, *more: str) -> None:
        key = ("--sign-with", str(signer.key)) if signer else ()
        succeed(self.project.migrate("plan", *key, *more))

    def approve(self, key: Path, *more: str) -> None:
        succeed(self.project.migrate("approve", "plan.json", "-k", str(key), "-y", *more))

    def commit(self, author: str) -> None:
        """What is in the folder, as somebody's commit, whose approval does not count."""
        who = ("-c", "user.name=Ann", "-c", f"user.email={author}")
        (self.folder / ".gitignore").write_text("keys\nplan.json*\n")
        for arguments in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "one")):
            subprocess.run(["git", *arguments], cwd=self.folder, check=True)
        self.project.configure("policy: {approvals: {threshold: 1, not_author: true}}\n")

    def refused(self, code: int, *words: str) -> None:
        refused(self.project.migrate("apply", "plan.json"), code, *words)
        assert succeed(self.project.migrate("history", "--json")).document["runs"] == []


@pytest.fixture
def gate(project: Project) -> Gate:
    return Gate(project)


class TestThePlansOwnSignature:
    def test_a_plan_by_the_job_is_applied_and_another_is_not(self, any_project: Project) -> None:
        gate = Gate(any_project)
        any_project.configure(SIGNED)
        gate.plan()
        gate.refused(3, "Only plans that ci made count, and it bears no such signature")
        gate.plan(gate.ann)
        gate.refused(3, "it is signed by ann")
        gate.plan(gate.ci)
        succeed(any_project.migrate("apply", "plan.json"))

    def test_it_is_looked_at_before_the_database_is(self, gate: Gate) -> None:
        gate.project.configure(SIGNED)
        gate.plan()
        result = gate.project.migrate("apply", "plan.json", environ={"TEST_URL": None})
        refused(result, 3, "it bears no such signature")

    def test_up_makes_no_signed_plan(self, gate: Gate) -> None:
        gate.project.configure(SIGNED)
        refused(gate.project.migrate("up"), 3, "Only plans that ci made count")

    def test_the_signature_of_another_plan_does_not_fit(self, gate: Gate) -> None:
        gate.project.configure(SIGNED)
        gate.plan(gate.ci)
        old = (gate.folder / "plan.json.sig").read_text()
        gate.project.write_tables(1, first=2)
        gate.plan()
        assert not (gate.folder / "plan.json.sig").exists(), "an older signature would not fit"
        (gate.folder / "plan.json.sig").write_text(old)
        gate.refused(8, "does not fit what it should sign")

    def test_an_approval_is_no_signature_of_the_job_and_that_is_no_approval(
        self, gate: Gate
    ) -> None:
        gate.project.configure("policy: {plan: {signed_by: [ci]}, approvals: {threshold: 1}}\n")
        gate.plan(gate.ci)
        own, approval = gate.folder / "plan.json.sig", gate.folder / "plan.json.ci.sig"
        approval.write_text(own.read_text())
        gate.refused(8, "was made for another purpose")
        approval.unlink()
        gate.approve(gate.ci.key)
        own.write_text(approval.read_text())
        gate.refused(8, "was made for another purpose")

    def test_a_plan_on_stdout_cannot_be_signed(self, gate: Gate) -> None:
        key = ("--sign-with", str(gate.ci.key))
        refused(gate.project.migrate("plan", "-o", "-", *key), 64, "no signature beside it")

    def test_what_the_job_has_accepted_counts_only_when_its_signature_does(
        self, gate: Gate
    ) -> None:
        gate.project.write("002_two.sql", "create table a ();\ncreate table b ();",
                           flags=" transaction:false")  # fmt: skip
        gate.plan(gate.ci, "--allow-non-atomic")
        gate.refused(3, "NOT ATOMIC")
        gate.project.configure(SIGNED)
        succeed(gate.project.migrate("apply", "plan.json"))

    def test_a_rehearsal_counts_only_when_it_is_signed(self, gate: Gate) -> None:
        gate.project.configure("policy: {rehearsal: required}\n")
        gate.plan(None, "--rehearse")
        gate.refused(3, "No signature says that the plan was rehearsed")
        gate.plan(gate.ci, "--rehearse")
        succeed(gate.project.migrate("apply", "plan.json"))


class TestTheAuthor:
    @pytest.mark.parametrize("names", ["ann@example.com", "ann,ann@example.com"])
    def test_the_author_of_the_commit_is_no_approver(self, gate: Gate, names: str) -> None:
        gate.trust(f"{names} {gate.ann.line().split(' ', 1)[1]}", gate.ci.line())
        gate.commit("Ann@Example.com")
        gate.plan()
        sign = ("approve", "plan.json", "-y", "-k", str(gate.ann.key))
        refused(gate.project.migrate(*sign), 3, "may not approve this plan", "but the author")
        gate.project.configure("policy: {approvals: {threshold: 1}}\n")
        succeed(gate.project.migrate(*sign))
        gate.project.configure("policy: {approvals: {threshold: 1, not_author: true}}\n")
        gate.refused(3, "No approval yet. Signed too by ann")
        gate.approve(gate.ci.key)
        succeed(gate.project.migrate("apply", "plan.json"))

    def test_outside_of_git_the_author_may_be_anybody(self, gate: Gate) -> None:
        gate.project.configure("policy: {approvals: {threshold: 1, not_author: true}}\n")
        gate.plan()
        gate.approve(gate.ann.key)
        gate.refused(3, "does not say who has written its commit")


class TestPersons:
    def test_one_key_with_two_certificates_is_one_person(self, gate: Gate) -> None:
        authority = gate.hire("authority")
        gate.trust(f"*@example.com cert-authority {authority.line().split(' ', 1)[1]}")
        gate.project.configure("policy: {approvals: {threshold: 2}}\n")
        gate.plan()
        for name in ("one@example.com", "two@example.com"):
            public = Path(f"{gate.ann.key}.pub")
            sign = ["ssh-keygen", "-q", "-s", str(authority.key), "-I", name, "-n", name]
            subprocess.run([*sign, str(public)], check=True, capture_output=True)
            certificate = gate.ann.key.with_name(f"{gate.ann.key.name}-cert.pub")
            digest = json.loads((gate.folder / "plan.json").read_text())["digest"]
            signed = subprocess.run(
                ["ssh-keygen", "-q", "-Y", "sign", "-n", "lockgate-plan", "-f", str(certificate)],
                input=f"{digest}\n", text=True, check=True, capture_output=True,
            )  # fmt: skip
            (gate.folder / f"plan.json.{name}.sig").write_text(signed.stdout)
        gate.refused(3, "Needed: 2 approvals")

    def test_one_key_under_two_names_is_one_person(self, gate: Gate) -> None:
        _, key = gate.ann.line().split(" ", 1)
        gate.trust(f"ann,anna {key}")
        gate.project.configure("policy: {approvals: {threshold: 2}}\n")
        gate.plan()
        gate.approve(gate.ann.key)
        first = gate.folder / "plan.json.ann.sig"
        first.with_name("plan.json.anna.sig").write_text(first.read_text())
        gate.refused(3, "Needed: 2 approvals", "Approved by: ann.")

    def test_two_keys_of_one_name_are_one_person(self, gate: Gate) -> None:
        second = gate.hire("second")
        _, key = second.line().split(" ", 1)
        gate.trust(gate.ann.line(), f"ann {key}")
        gate.project.configure("policy: {approvals: {threshold: 2}}\n")
        gate.plan()
        gate.approve(gate.ann.key)
        first = gate.folder / "plan.json.ann.sig"
        first.rename(first.with_name("plan.json.first.sig"))
        gate.approve(second.key)
        gate.refused(3, "Needed: 2 approvals", "Approved by: ann.")


class TestFiles:
    @pytest.fixture
    def approved(self, gate: Gate) -> Gate:
        gate.project.configure("policy: {approvals: {threshold: 1}}\n")
        gate.plan()
        gate.approve(gate.ann.key)
        return gate

    def test_a_dangling_list_of_revoked_keys_revokes_them_all(self, approved: Gate) -> None:
        revoked = approved.folder / "environments" / "revoked_keys"
        revoked.symlink_to("not_there")
        approved.refused(8, "leads to no file, and revokes every key")

    @pytest.mark.parametrize("name", ["plan.json.ann.sig", "plan.json.sig", "plan.json.x.sig"])
    def test_a_pipe_is_refused_and_not_waited_for(self, approved: Gate, name: str) -> None:
        path = approved.folder / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        approved.refused(8, "is no regular file")

    def test_a_device_without_an_end_is_refused(self, approved: Gate) -> None:
        (approved.folder / "plan.json.zero.sig").symlink_to("/dev/zero")
        result = approved.project.migrate("apply", "plan.json")
        assert result.code in (8, 64), result
        assert "plan.json.zero.sig" in result.err

    def test_a_large_file_is_refused(self, approved: Gate) -> None:
        noise = base64.b64encode(os.urandom(70_000)).decode()
        (approved.folder / "plan.json.large.sig").write_text(noise)
        approved.refused(8, "more than 65,536 bytes")


class TestWhatIsSigned:
    def test_approve_shows_the_whole_digest_the_sql_and_the_findings(self, gate: Gate) -> None:
        gate.project.write("002_gone.sql", "drop table somebodys;")
        gate.plan()
        digest = json.loads((gate.folder / "plan.json").read_text())["digest"]
        shown = gate.project.migrate("approve", "plan.json", "-k", str(gate.ann.key), "-y").err
        assert " ".join(digest[place : place + 8] for place in range(0, 64, 8)) in shown
        assert "drop table somebodys;" in shown
        assert "create table t1" in shown
        assert "somebodys" in shown.partition("lost")[2]

    def test_only_the_reviewed_plan_is_signed(self, gate: Gate) -> None:
        gate.plan()
        digest = json.loads((gate.folder / "plan.json").read_text())["digest"]
        approve = ("approve", "plan.json", "-k", str(gate.ann.key), "-y", "--reviewed")
        refused(gate.project.migrate(*approve, digest[:12]), 64, "one has 64 hexadecimal digits")
        other = digest[:12] + "0" * 52
        refused(gate.project.migrate(*approve, other), 3, "it is another plan")
        assert not list(gate.folder.glob("*.sig"))
        grouped = " ".join(digest[place : place + 8] for place in range(0, 64, 8))
        succeed(gate.project.migrate(*approve, grouped))
