"""Every field of a receipt forged, and the receipt sealed again: it promotes no more than an
honest one, neither in `plan` and `promote`, which read its file, nor in `apply`, which reads it in
the plan.

`make test-forgery` tries all forgeries.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lockgate.executors.programs.signatures import sign
from lockgate.exits import Exit, exit_code
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.environments.judgement import refuse_denied
from lockgate.planner.errors import LockgateError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.receipt import Receipt
from lockgate.plans.making import Request, make_plan, observe
from lockgate.plans.origin import read_origin
from lockgate.trust.receipts import NAMESPACE
from lockgate.workspace import Workspace, load_environment, open_workspace
from tests.commands.forging import Document, Forgery, dump, fields_of, forgeries, sealed, share
from tests.commands.promoting import Pair
from tests.commands.running import refused, succeed
from tests.commands.test_forgery import judge
from tests.servers.openssh import Person, new_person

SHARE = None if os.environ.get("LOCKGATE_ALL_FORGERIES") else 15
"""So many forgeries of each kind are tried, and spread over the fields; None: all."""
REFUSED = {Exit.DENIED, Exit.WRONG_TARGET, Exit.INVALID_PLAN, Exit.USAGE}
HARMLESS = {
    "tool_version": "for people",
    "run": "for people",
    "target": "a claim: the history that confirms it is asked where the environment says",
    "plan_digest": "what has run is shown step by step",
    "intent_digest": "the same",
    "actor": "a claim, and called so",
    "job": "a claim, and called so",
    "approvers": "for people",
    "emergency": "for people; the ledger keeps it",
    "started_at": "for people",
    "finished_at": "the times are those of the history that confirms it",
    "result": "the order of receipts of one moment; what has stayed, the history says",
    "steps.name": "for people",
    "steps.statements": "for people; whether any ran, the history that confirms it says",
    "steps.cost": "for people",
    "steps swapped": "in which order they ran is not asked",
    "steps doubled": "it says the same twice",
    "fingerprint": "for people",
}
"""Fields of an unsigned receipt that may be forged where the history of the environment confirms
what it says, and why that does no harm."""
GIVEN: dict[str, Any] = {
    "job": {"system": "GitHub Actions", "user": "eve"},
    "approvers": ["eve@example.org"],
    "fingerprint": "0" * 64,
}

ON_ONE_SERVER = pytest.mark.parametrize("pair", ["postgres"], indirect=True)
"""What a receipt shows has nothing to do with the server."""


@pytest.fixture
def people(tmp_path: Path, openssh: None) -> tuple[Person, Person]:
    """The job whose receipts count, and somebody else who may sign plans here."""
    return new_person(tmp_path / "keys", "ci"), new_person(tmp_path / "keys", "eve@example.org")


@contextmanager
def production(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("TEST_URL", pair.project.url)
    monkeypatch.setenv("STAGING_URL", pair.server.url(pair.staging))
    folder = EnvironmentsFolder(pair.folder / "environments", pair.folder)
    with open_workspace(load_environment("production", folder)) as work:
        yield work


def stage(pair: Pair, people: tuple[Person, Person], **terms: str) -> Document:
    """An honest receipt of staging, signed by the job."""
    pair.demand(**terms)
    lines = "".join(person.line() for person in people)
    (pair.folder / "environments" / "allowed_signers").write_text(lines)
    pair.stage("staging.json", "--sign-with", str(people[0].key))
    document: Document = pair.read("staging.json")
    return document


def promoted(pair: Pair, work: Workspace, text: str, signature: str | None) -> Plan:
    """The plan by this receipt, denied or not."""
    path = pair.folder / "forged.json"
    path.write_text(text)
    beside = pair.folder / "forged.json.sig"
    beside.unlink(missing_ok=True)
    if signature is not None:
        beside.write_text(signature)
    origin = read_origin(work.environment, "staging", [path])
    request = Request(only=origin.checksums, origin=origin)
    return make_plan(work.environment, observe(work, work.engine.store.read_ledger(), request),
                     request)  # fmt: skip


def shown(plan: Plan) -> list[tuple[Any, ...]]:
    """What a plan says has run in staging, and since when."""
    proofs = plan.promotion.proofs if plan.promotion else ()
    return [(one.version, one.applied_at, one.signers, one.confirmed) for one in proofs]


def swapped(plan: Document, text: str, signature: str | None) -> str:
    """The plan with another receipt in it, sealed again."""
    receipts = [{"text": text, "signature": signature}]
    return dump(sealed(plan | {"promotion": plan["promotion"] | {"receipts": receipts}}))


def forged_ones(document: Document, seed: str) -> Iterator[tuple[Forgery, Document]]:
    """Forgeries of a receipt, each with the forged one, which is another than the honest one."""
    found = forgeries(document, Receipt, GIVEN)
    for forgery in found if SHARE is None else share(found, seed, SHARE):
        forged = forgery.made(document)
        if forged != document:
            yield forgery, forged


@ON_ONE_SERVER
@pytest.mark.parametrize("by", ["nobody", "the job", "a stranger"])
def test_where_signed_receipts_are_asked_for_no_forged_one_counts(
    pair: Pair, people: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Without a signature, with that of the honest one, or signed by another's key."""
    document = stage(pair, people, receipt="signed", signers="[ci]")
    kept = (pair.folder / "staging.json.sig").read_text()

    def signature(forged: Document) -> str | None:
        if by == "a stranger":
            return sign(f"{forged.get('digest')}\n".encode(), people[1].key, NAMESPACE)
        return kept if by == "the job" else None

    wrong = {}
    with production(pair, monkeypatch) as work:
        plan = planned(pair, work, document, kept)
        for forgery, forged in forged_ones(document, by):
            codes = attempt(pair, work, dump(forged), signature(forged), plan)
            if not set(codes) <= REFUSED:
                wrong[f"{forgery.path} {forgery.change}"] = codes
    assert not wrong, wrong


def planned(pair: Pair, work: Workspace, receipt: Document, signature: str | None) -> Document:
    """The plan by the honest receipt, which `apply` would take."""
    honest = promoted(pair, work, dump(receipt), signature)
    refuse_denied(honest.decisions)
    document: Document = json.loads(honest.model_dump_json())
    assert judge(dump(document), work) == Exit.OK
    return document


def attempt(
    pair: Pair, work: Workspace, text: str, signature: str | None, plan: Document
) -> tuple[int, int]:
    """The exit codes of `promote` and of `apply` with this receipt; a plan without steps counts as
    refused."""
    made: int = Exit.OK
    try:
        promotion = promoted(pair, work, text, signature)
        refuse_denied(promotion.decisions)
        made = Exit.OK if promotion.steps else Exit.DENIED
    except LockgateError as error:
        made = exit_code(error)
    return made, judge(swapped(plan, text, signature), work)


@ON_ONE_SERVER
def test_an_unsigned_receipt_shows_only_what_the_history_confirms(
    pair: Pair, people: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = stage(pair, people, receipt="required", signers="[ci]")
    wrong = {}
    with production(pair, monkeypatch) as work:
        plan = planned(pair, work, document, None)
        honest = shown(promoted(pair, work, dump(document), None))
        for forgery, forged in forged_ones(document, "history"):
            text = dump(forged)
            codes = attempt(pair, work, text, None, plan)
            if set(codes) <= REFUSED:
                continue
            found = shown(promoted(pair, work, text, None))
            shows_less = Exit.OK not in codes[1:] and set(found) < set(honest)
            if not (shows_less or (is_harmless(forgery) and found == honest)):
                wrong[f"{forgery.path} {forgery.change}"] = codes
    assert not wrong, wrong


@ON_ONE_SERVER
@pytest.mark.parametrize("given", ["an honest receipt", "a forged receipt", "the history alone"])
def test_what_a_baseline_has_recorded_is_not_promoted_as_run(pair: Pair, given: str) -> None:
    """A receipt can be made to say that it has run, and the history knows that it has not."""
    succeed(pair.migrate("plan", "-e", "staging", "--baseline", "001", "-o", "base.json"))
    succeed(pair.migrate("apply", "base.json", "--receipt", "base-receipt.json"))
    pair.stage()
    if given == "a forged receipt":
        receipt = pair.read("base-receipt.json")
        receipt["steps"][0]["statements"] = 1
        (pair.folder / "base-receipt.json").write_text(dump(sealed(receipt)))
    receipts: tuple[str, ...] = ("--receipt", "base-receipt.json", "--receipt", "staging.json")
    if given == "the history alone":
        pair.demand(receipt="optional")
        receipts = ()
    with pair.untouched():
        refused(
            pair.migrate("plan", "-e", "production", *receipts),
            3, "001 is only recorded in staging, by a baseline",
        )  # fmt: skip


def is_harmless(forgery: Forgery) -> bool:
    if f"{forgery.place} {forgery.change}" in HARMLESS:
        return True
    return any(f"{forgery.place}.".startswith(f"{place}.") for place in HARMLESS)


def test_what_is_called_harmless_are_fields_of_a_receipt() -> None:
    fields = set(fields_of(Receipt))
    assert {place.partition(" ")[0] for place in HARMLESS} <= fields
    assert set(GIVEN) <= fields
