"""Approvals on each engine: what satisfies them, and each way of cheating refused with its code
and nothing written."""

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.pseudoterminal import on_terminal
from tests.commands.running import DEADLINE, Project, Result, refused, succeed
from tests.servers.openssh import Person, new_person
from tests.servers.process import wait_until

pytestmark = pytest.mark.usefixtures("openssh")

TWO = "approvals: {threshold: 2, signers: [ann@example.com, bob]}"
ONE = "approvals: {threshold: 1}"


class Desk:
    """A project whose environment asks for approvals, with a plan, and people with keys."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.ann = self.hire("ann@example.com")
        self.bob = self.hire("bob")
        self.trust(self.ann.line(), self.bob.line())
        self.demand(TWO)
        project.write_tables(1)
        self.plan = project.folder / "plan.json"
        succeed(project.migrate("plan"))

    def hire(self, name: str, *, key: str = "") -> Person:
        return new_person(self.project.folder / "keys", name, key=key)

    def demand(self, policy: str) -> None:
        self.project.configure(f"policy: {{{policy}}}\n")

    def trust(self, *lines: str) -> None:
        self.file("allowed_signers").write_text("".join(lines))

    def file(self, name: str) -> Path:
        return self.project.folder / "environments" / name

    def approve(self, person: Person) -> Result:
        key = str(person.key)
        return self.project.migrate("approve", "plan.json", "-k", key, start_new_session=True)

    def approval(self, person: Person, name: str = "plan.json") -> Path:
        return self.project.folder / f"{name}.{person.name}.sig"

    def apply(self, plan: str = "plan.json") -> Result:
        return self.project.migrate("apply", plan)

    def runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = succeed(self.project.migrate("history", "--json")).document[
            "runs"
        ]
        return runs


@pytest.fixture
def desk(any_project: Project) -> Desk:
    """On each engine."""
    return Desk(any_project)


@pytest.fixture
def one_desk(project: Project) -> Desk:
    """On PostgreSQL: what is asked does not depend on the engine."""
    return Desk(project)


def test_two_people_approve_and_the_plan_is_applied(desk: Desk) -> None:
    refused(desk.apply(), 3, "2 approvals by any of ann@example.com, bob", "No approval yet")
    result = succeed(desk.approve(desk.ann))
    assert result.out == "plan.json.ann@example.com.sig\n"
    assert "verdict   ATOMIC" in result.err
    assert "steps     1: up 001 t1" in result.err
    refused(desk.apply(), 3, "Approved by: ann@example.com.")
    assert desk.runs() == []
    succeed(desk.approve(desk.bob))
    shown = succeed(desk.project.migrate("show", "plan.json")).out
    assert "Approved by ann@example.com (plan.json.ann@example.com.sig).\n" in shown
    assert "Approved by bob (plan.json.bob.sig).\n" in shown
    succeed(desk.project.migrate("apply", "plan.json", "--dry-run"))
    succeed(desk.apply())
    assert "already applied" in succeed(desk.apply()).out
    (run,) = desk.runs()
    assert run["approvers"] == "ann@example.com, bob"
    assert "ann@example.com, bob" in succeed(desk.project.migrate("history")).out
    succeed(desk.project.migrate("apply", "plan.json", "--receipt", "receipt.json"))
    receipt = json.loads((desk.project.folder / "receipt.json").read_text())
    assert receipt["approvers"] == ["ann@example.com", "bob"]


def test_what_a_plain_ssh_keygen_signs_is_an_approval(one_desk: Desk) -> None:
    one_desk.demand(ONE)
    digest = json.loads(one_desk.plan.read_text())["digest"]
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "lockgate-plan", "-f", str(one_desk.bob.key)]
    ended = subprocess.run(sign, input=f"{digest}\n", check=True, capture_output=True, text=True)
    (one_desk.project.folder / "plan.json.anything.sig").write_text(ended.stdout)
    succeed(one_desk.apply())


def test_up_and_down_have_no_plan_to_approve(desk: Desk) -> None:
    refused(desk.project.migrate("up"), 3, "Needed: 2 approvals", "`migrate plan`")
    assert desk.runs() == []


def alter_plan(desk: Desk) -> None:
    desk.plan.write_text(desk.plan.read_text().replace("create table t1", "create table tX", 1))


def change_plan(desk: Desk) -> None:
    """A plan with another end has another digest, though it does the same."""
    desk.project.configure(f"policy: {{{TWO}}}\nmax_plan_age: 1h\n")
    succeed(desk.project.migrate("plan", "-o", "changed.json"))
    shutil.move(desk.project.folder / "changed.json", desk.plan)


def bring_from_another_plan(desk: Desk) -> None:
    desk.project.write_tables(1, first=2)
    succeed(desk.project.migrate("plan", "-o", "second.json"))
    shutil.copy(desk.approval(desk.bob), desk.approval(desk.bob, "second.json"))
    shutil.move(desk.project.folder / "second.json", desk.plan)


def forget_the_key(desk: Desk) -> None:
    desk.trust(desk.ann.line())


def let_the_key_expire(desk: Desk) -> None:
    desk.trust(desk.ann.line(), desk.bob.line('valid-before="20200101"'))


def let_the_key_come_later(desk: Desk) -> None:
    desk.trust(desk.ann.line(), desk.bob.line('valid-after="29990101"'))


def revoke_the_key(desk: Desk) -> None:
    desk.file("revoked_keys").write_text(f"{desk.bob.public}\n")


def keep_the_key_for_git(desk: Desk) -> None:
    desk.trust(desk.ann.line(), desk.bob.line('namespaces="git"'))


def damage_the_signature(desk: Desk) -> None:
    desk.approval(desk.bob).write_text("-----BEGIN SSH SIGNATURE-----\n")


def remove_the_signers(desk: Desk) -> None:
    desk.file("allowed_signers").unlink()


CHEATS: list[tuple[Callable[[Desk], None], str]] = [
    (alter_plan, "was altered after it was made"),
    (change_plan, "does not fit what it should sign"),
    (bring_from_another_plan, "does not fit what it should sign"),
    (forget_the_key, "plan.json.bob.sig was made with a key that allowed_signers does not know"),
    (let_the_key_expire, "plan.json.bob.sig was made with a key that has expired"),
    (let_the_key_come_later, "plan.json.bob.sig was made with a key that is not yet valid"),
    (revoke_the_key, "plan.json.bob.sig was made with a key that revoked_keys revokes"),
    (keep_the_key_for_git, "a key that may not sign for this one"),
    (damage_the_signature, "plan.json.bob.sig is no whole SSH signature"),
    (remove_the_signers, "cannot be verified"),
]


def test_a_bad_approval_is_an_error_and_nothing_is_written(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    succeed(desk.approve(desk.ann))
    succeed(desk.approve(desk.bob))
    good = shutil.copytree(desk.project.folder, tmp_path_factory.mktemp("good") / "copy")
    for cheat, told in CHEATS:
        cheat(desk)
        refused(desk.apply(), 8, told)
        shutil.rmtree(desk.project.folder)
        shutil.copytree(good, desk.project.folder)
    assert desk.runs() == []
    succeed(desk.apply())


def test_a_bad_approval_is_an_error_also_where_none_is_asked_for(one_desk: Desk) -> None:
    succeed(one_desk.approve(one_desk.bob))
    forget_the_key(one_desk)
    one_desk.demand("")
    for options in ([], ["--dry-run"]):
        refused(one_desk.project.migrate("apply", "plan.json", *options), 8, "plan.json.bob.sig")
    assert one_desk.runs() == []
    shown = succeed(one_desk.project.migrate("show", "plan.json")).out
    assert "Not approved by plan.json.bob.sig: " in shown


def test_a_person_with_two_keys_counts_once(desk: Desk) -> None:
    second = desk.hire(desk.bob.name, key="second")
    desk.trust(desk.bob.line(), second.line())
    succeed(desk.approve(desk.bob))
    shutil.move(desk.approval(desk.bob), desk.project.folder / "plan.json.robert.sig")
    succeed(desk.approve(second))
    refused(desk.apply(), 3, "Needed: 2 approvals", "Approved by: bob.")
    assert desk.runs() == []


def test_somebody_who_is_no_signer_of_the_policy_does_not_count(desk: Desk) -> None:
    carol = desk.hire("carol")
    desk.trust(desk.ann.line(), desk.bob.line(), carol.line())
    refused(
        desk.approve(carol), 3, "carol may not approve this plan for test", "ann@example.com, bob"
    )
    desk.demand(ONE)
    succeed(desk.approve(carol))
    succeed(desk.approve(desk.bob))
    desk.demand(TWO)
    refused(desk.apply(), 3, "Approved by: bob. Signed too by carol, who may not approve here.")
    assert desk.runs() == []


def test_an_approver_learns_at_once_that_nobody_knows_the_key(one_desk: Desk) -> None:
    mallory = one_desk.hire("mallory")
    refused(one_desk.approve(mallory), 8, "The signature by", "does not know")
    one_desk.file("allowed_signers").unlink()
    refused(one_desk.approve(one_desk.bob), 8, "cannot be verified")
    assert list(one_desk.project.folder.glob("*.sig")) == []


def test_a_denied_plan_is_not_approved(one_desk: Desk) -> None:
    one_desk.demand(f"{ONE}, rollback: deny, irreversible: deny")
    one_desk.project.write("001_t1.sql", "create table t1 (id int);")
    one_desk.project.migrate("plan")
    refused(one_desk.approve(one_desk.bob), 3, "Without a way back")
    assert not one_desk.approval(one_desk.bob).exists()


def test_a_policy_that_asks_for_approval_is_satisfied_by_one(one_desk: Desk) -> None:
    one_desk.demand("irreversible: require-approval")
    one_desk.project.write("001_t1.sql", "create table t1 (id int);")
    succeed(one_desk.project.migrate("plan"))
    refused(one_desk.apply(), 3, "1 approval by anybody in allowed_signers, for irreversible")
    succeed(one_desk.approve(one_desk.bob))
    succeed(one_desk.apply())


def test_a_key_with_a_passphrase_is_not_asked_for_without_a_terminal(one_desk: Desk) -> None:
    locked = new_person(one_desk.project.folder / "keys", "locked", passphrase="secret")
    refused(one_desk.approve(locked), 64, "Nothing was signed with the key", "ssh-add")


def test_the_key_of_git_and_then_a_usual_one_is_taken(one_desk: Desk) -> None:
    home = one_desk.project.folder
    approve = ["approve", "plan.json"]
    refused(one_desk.project.migrate(*approve), 64, "There is no key to sign with", "--key FILE")
    (home / ".ssh").mkdir()
    shutil.copy(one_desk.bob.key, home / ".ssh" / "id_ed25519")
    shutil.copy(one_desk.bob.public_key, home / ".ssh" / "id_ed25519.pub")
    assert succeed(one_desk.project.migrate(*approve)).out == "plan.json.bob.sig\n"
    git = f"[gpg]\nformat = ssh\n[user]\nsigningkey = {one_desk.ann.key}\n"
    (home / ".gitconfig").write_text(git)
    assert succeed(one_desk.project.migrate(*approve)).out == "plan.json.ann@example.com.sig\n"
    (home / ".gitconfig").write_text(git.replace(str(one_desk.ann.key), one_desk.ann.public))
    refused(one_desk.project.migrate(*approve), 64, "Nothing was signed with the key")


def test_a_public_key_signs_where_the_agent_has_its_private_half(
    one_desk: Desk, tmp_path: Path
) -> None:
    bob = one_desk.bob
    socket = tmp_path / "agent"
    command = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as agent:
        try:
            wait_until(socket.exists, "the agent's socket")
            environ = {"SSH_AUTH_SOCK": str(socket)}
            subprocess.run(["ssh-add", "-q", str(bob.key)], env=os.environ | environ, check=True)
            bob.key.unlink()
            approve = ["approve", "plan.json", "-k", str(bob.public_key)]
            succeed(one_desk.project.migrate(*approve, environ=environ))
        finally:
            agent.terminate()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 3), ("no\n", 3), ("\x04", 3)])
def test_a_person_at_a_terminal_is_asked(one_desk: Desk, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = one_desk.project.start(
        "approve", "plan.json", "-k", str(one_desk.bob.key), stdin=theirs, stderr=theirs,
        encoding=None,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"[y/N] " not in seen:
        seen += os.read(ours, 65536)
    assert b"Approve the plan" in seen
    os.write(ours, answer.encode())
    process.communicate(timeout=DEADLINE)
    os.close(ours)
    assert process.returncode == code
    assert one_desk.approval(one_desk.bob).exists() == (code == 0)


def test_whoever_says_yes_beforehand_is_not_asked(one_desk: Desk) -> None:
    result = on_terminal(
        one_desk.project, "approve", "plan.json", "-k", str(one_desk.bob.key), "--yes"
    )
    assert "[y/N]" not in succeed(result).out


def test_a_plan_that_is_shown_elsewhere_names_what_is_unverified(
    one_desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    succeed(one_desk.approve(one_desk.bob))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for file in (one_desk.plan, one_desk.approval(one_desk.bob)):
        shutil.copy(file, elsewhere)
    shown = succeed(one_desk.project.migrate("show", "plan.json", folder=elsewhere)).out
    assert "Not approved by plan.json.bob.sig: not verified: there is no environments/" in shown


@pytest.mark.parametrize("style", ["text", "markdown", "html"])
def test_a_reviewer_sees_who_has_approved_and_who_is_missing(one_desk: Desk, style: str) -> None:
    one_desk.demand(TWO)
    succeed(one_desk.project.migrate("plan"))
    show = ["show", "plan.json", "--format", style]
    assert "No approval yet." in succeed(one_desk.project.migrate(*show)).out
    succeed(one_desk.approve(one_desk.bob))
    shown = succeed(one_desk.project.migrate(*show)).out
    assert "Approved by bob (plan.json.bob.sig)." in shown.replace("\\", "")
    assert "Needed: 2 approvals by any of" in shown
    assert "migrate approve plan.json" in shown
    succeed(one_desk.approve(one_desk.ann))
    shown = succeed(one_desk.project.migrate(*show)).out
    assert "Approved by: " not in shown
    assert "migrate approve plan.json" not in shown


def test_an_approved_plan_is_written_over_only_by_force(one_desk: Desk) -> None:
    succeed(one_desk.approve(one_desk.bob))
    signed = one_desk.plan.read_bytes()
    refused(one_desk.project.migrate("plan"), 64, "plan.json was approved: plan.json.bob.sig", "-o")
    assert one_desk.plan.read_bytes() == signed
    succeed(one_desk.project.migrate("plan", "-o", "other.json"))
    succeed(one_desk.project.migrate("plan", "--force"))
    assert not one_desk.approval(one_desk.bob).exists()


def test_without_ssh_keygen_one_learns_what_to_install(one_desk: Desk) -> None:
    succeed(one_desk.approve(one_desk.bob))
    nowhere = {"PATH": str(one_desk.project.folder)}
    result = one_desk.project.migrate("apply", "plan.json", environ=nowhere)
    refused(result, 64, "ssh-keygen is not installed", "openssh-client")
    assert one_desk.runs() == []
