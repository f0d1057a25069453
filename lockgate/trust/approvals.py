"""Approvals: signatures of a plan's digest by people, in files beside the plan.

What is signed is the digest in hex and a newline, so that a person can verify it with `ssh-keygen`
alone: docs/how-to/approve.md.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.programs.signatures import (
    find_allowed_signers,
    find_key,
    find_names,
    read_signature,
    sign,
    verify_signature,
)
from lockgate.planner.document import write_whole
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import Interrupted, LockgateError, UsageError
from lockgate.planner.plan.start import Start
from lockgate.planner.policies.approvals import judge_signer, judge_start
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.fleet.fleet_plan import FleetPlan
    from lockgate.planner.plan.plan import Plan

    Signable = Plan | FleetPlan

NAMESPACE = "lockgate-plan"
MADE = "lockgate-plan-made"
"""Of the job that made a plan: what it signs is no approval, and no approval is its signature."""
OWN = ""
"""What the signature of that job is called where an approval has its file's name."""


@frozen
class Approval:
    """A signature beside a plan: whose it is, or why it is not good."""

    path: Path
    approver: str = ""
    problem: str = ""


@frozen
class ApprovalState:
    """The signatures beside a plan, and what is missing until it may begin: `missing` and `do` are
    sentences, empty where nothing is."""

    approvals: tuple[Approval, ...] = ()
    missing: str = ""
    do: str = ""


def approve(
    plan: Signable, plan_file: Path, environment: Environment, key: Path, now: datetime
) -> Path:
    """The file of a new approval, signed with this key; one by the same person is replaced.

    Raises:
        BadSignature: the key's signature would not be accepted; nothing is written.
        Denied: its owner may not approve in this environment; nothing is written.
        UsageError: it cannot be signed or written.
    """
    signature = sign(_text(plan), key, NAMESPACE)
    names = _verify(signature, plan, environment, now, f"The signature by {key}")
    decision = judge_signer(plan.source, names, environment.name, environment.policy.approvals)
    refuse_denied([decision], why="Nothing was written: `migrate apply` would not count it.")
    path = plan_file.with_name(f"{plan_file.name}.{_spelled(names[0])}.sig")
    return _write_signature(path, signature)


@frozen
class Signatures:
    """The texts of the signatures beside a plan's file, by their paths; `own` is of the job that
    made the plan, None where there is none."""

    own: str | None
    approvals: tuple[tuple[Path, str], ...]

    def by_name(self) -> dict[str, str]:
        """The texts by the names of their files; the job's own has the name OWN."""
        own = {} if self.own is None else {OWN: self.own}
        return own | {path.name: text for path, text in self.approvals}

    @classmethod
    def of_names(cls, texts: Mapping[str, str]) -> Signatures:
        """Those that `by_name` has given."""
        approvals = tuple((Path(name), text) for name, text in texts.items() if name != OWN)
        return cls(texts.get(OWN), approvals)


def read_signatures(plan_file: Path) -> Signatures:
    """All of them, not verified.

    Raises:
        BadSignature: one is no regular file, too large, or cannot be read.
    """
    own = own_signature(plan_file)
    return Signatures(
        read_signature(own) if own.exists() or own.is_symlink() else None,
        tuple((path, read_signature(path)) for path in find_approvals(plan_file)),
    )


def own_signature(plan_file: Path) -> Path:
    """The file of the signature by which a job says that it made the plan."""
    return plan_file.with_name(f"{plan_file.name}.sig")


def sign_plan(plan: Signable, plan_file: Path, key: Path) -> Path:
    """The file of the plan's own signature, signed with this key.

    Raises:
        UsageError: it cannot be signed or written.
    """
    return _write_signature(own_signature(plan_file), sign(_text(plan), key, MADE))


def read_maker(
    plan: Signable, plan_file: Path, own: str | None, environment: Environment, now: datetime
) -> str:
    """Who has signed that they made the plan; empty: no one has.

    Raises:
        BadSignature: the signature is not good at this time.
    """
    if own is None:
        return ""
    allowed = find_allowed_signers(environment.directory)
    return verify_signature(_text(plan), own, allowed, MADE, now, str(own_signature(plan_file)))


@frozen
class Approvers:
    """The people who have signed a plan; `authors` are those who have written its commit."""

    names: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


def count_approvers(
    plan: Signable, signatures: Signatures, environment: Environment, now: datetime
) -> Approvers:
    """The people who have signed the plan, in the order of the files' names: one name is one
    person, and so is one key, whatever names and certificates it has.

    Raises:
        BadSignature: a signature beside the plan is not good at this time.
    """
    people: dict[str, str] = {}
    authors = []
    for path, text in signatures.approvals:
        names = _verify(text, plan, environment, now, str(path))
        if names[0] not in people.values():
            people.setdefault(find_key(text), names[0])
        if plan.source.is_by(names):
            authors.append(names[0])
    return Approvers(tuple(people.values()), tuple(authors))


def look_at_approvals(
    plan: Signable, plan_file: Path, environment: Environment, now: datetime
) -> Iterator[Approval]:
    """Each signature beside the plan, good or not."""
    for path in find_approvals(plan_file):
        try:
            text = read_signature(path)
            yield Approval(path, _verify(text, plan, environment, now, str(path))[0])
        except Interrupted:
            raise
        except LockgateError as error:
            yield Approval(path, problem=error.what)


def read_approval_state(
    plan: Signable, plan_file: Path, environment: Environment, now: datetime
) -> ApprovalState:
    """Who has approved the plan, and who is missing, by the environment of now."""
    from lockgate.planner.fleet.fleet_plan import FleetPlan

    found = tuple(look_at_approvals(plan, plan_file, environment, now))
    if isinstance(plan, FleetPlan) and not plan.groups:
        return ApprovalState(found)
    signed = Signatures(None, tuple((one.path, read_signature(one.path)) for one in found
                                    if one.approver))  # fmt: skip
    people = count_approvers(plan, signed, environment, now)
    whose = plan.groups[0].plan if isinstance(plan, FleetPlan) else plan
    start = Start(whose, now, None, people.names, people.authors, decisions=plan.decisions)
    decision = judge_start(start, environment.policy.approvals)
    if decision is None:
        return ApprovalState(found)
    return ApprovalState(found, decision.reason, f"migrate approve {plan_file}")


def find_approvals(plan_file: Path) -> list[Path]:
    """The files of signatures beside a plan, by their names."""
    return sorted(plan_file.parent.glob(f"{glob.escape(plan_file.name)}.*.sig"))


def _write_signature(path: Path, signature: str) -> Path:
    try:
        write_whole(path, [signature])
    except OSError as error:
        raise UsageError(f"The signature cannot be written to {path}: {error.strerror}.") from error
    return path


def _verify(
    signature: str, plan: Signable, environment: Environment, now: datetime, name: str
) -> tuple[str, ...]:
    """The names of the signer."""
    allowed = find_allowed_signers(environment.directory)
    return find_names(_text(plan), signature, allowed, NAMESPACE, now, name)


def _text(plan: Signable) -> bytes:
    return f"{plan.digest}\n".encode()


def _spelled(approver: str) -> str:
    """The name as part of a file's name.

    >>> _spelled("ann@example.com"), _spelled("../Ann Lee")
    ('ann@example.com', '.._Ann_Lee')
    """
    return re.sub(r"[^\w.@+-]", "_", approver)
