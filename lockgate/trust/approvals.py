"""Approvals: signatures of a plan's digest by people, in files beside the plan.

What is signed is the digest in hex and a newline, so that a person can verify it with `ssh-keygen`
alone: docs/how-to/approve.md.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.programs.signatures import find_allowed_signers, sign, verify_signature
from lockgate.planner.document import write_whole
from lockgate.planner.errors import BadSignature, Denied, LockgateError, UsageError
from lockgate.planner.project import refuse_outward_link

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Plan

NAMESPACE = "lockgate-plan"


@dataclass(frozen=True, slots=True)
class Approval:
    """A signature beside a plan: whose it is, or why it is not good."""

    path: Path
    approver: str = ""
    problem: str = ""


def approve(
    plan: Plan, plan_file: Path, environment: Environment, key: Path, now: datetime
) -> Path:
    """The file of a new approval, signed with this key; one by the same person is replaced.

    Raises:
        BadSignature: the key's signature would not be accepted; nothing is written.
        Denied: its owner may not approve in this environment; nothing is written.
        UsageError: it cannot be signed or written.
    """
    signature = sign(_text(plan), key, NAMESPACE)
    approver = _verify(signature, plan, environment, now, f"The signature by {key}")
    if not environment.policy.approvals.counts(approver):
        raise Denied(
            f"{approver} may not approve plans for {environment.name}. (policy.approvals)",
            why="Nothing was written: `migrate apply` would not count it.",
            do="Who may: " + ", ".join(environment.policy.approvals.signers) + ".",
        )
    path = plan_file.with_name(f"{plan_file.name}.{_spelled(approver)}.sig")
    try:
        write_whole(path, signature)
    except OSError as error:
        raise UsageError(f"The approval cannot be written to {path}: {error.strerror}.") from error
    return path


def read_approvers(
    plan: Plan, plan_file: Path, environment: Environment, now: datetime
) -> tuple[str, ...]:
    """Whoever has signed the plan, each once, in the order of the files' names.

    Raises:
        BadSignature: a signature beside the plan is not good at this time.
    """
    found = (_read(path, plan, environment, now) for path in find_approvals(plan_file))
    return tuple(dict.fromkeys(found))


def look_at_approvals(
    plan: Plan, plan_file: Path, environment: Environment, now: datetime
) -> Iterator[Approval]:
    """Each signature beside the plan, good or not."""
    for path in find_approvals(plan_file):
        try:
            yield Approval(path, _read(path, plan, environment, now))
        except LockgateError as error:
            yield Approval(path, problem=error.what)


def find_approvals(plan_file: Path) -> list[Path]:
    """The files of signatures beside a plan, by their names."""
    return sorted(plan_file.parent.glob(f"{glob.escape(plan_file.name)}.*.sig"))


def _read(path: Path, plan: Plan, environment: Environment, now: datetime) -> str:
    refuse_outward_link(path)
    try:
        signature = path.read_text("utf-8", "replace")
    except OSError as error:
        raise BadSignature("broken", f"{path} cannot be read: {error.strerror}.") from error
    return _verify(signature, plan, environment, now, str(path))


def _verify(signature: str, plan: Plan, environment: Environment, now: datetime, name: str) -> str:
    allowed = find_allowed_signers(environment.directory)
    return verify_signature(_text(plan), signature, allowed, NAMESPACE, now, name)


def _text(plan: Plan) -> bytes:
    return f"{plan.digest}\n".encode()


def _spelled(approver: str) -> str:
    """The name as part of a file's name.

    >>> _spelled("ann@example.com"), _spelled("../Ann Lee")
    ('ann@example.com', '.._Ann_Lee')
    """
    return re.sub(r"[^\w.@+-]", "_", approver)
