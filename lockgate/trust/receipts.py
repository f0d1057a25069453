"""Receipts as files: handed out after a run, with a signature beside them, and read again."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from lockgate.executors.engine import Engine
from lockgate.executors.failure import ServerError
from lockgate.executors.programs.signatures import (
    find_allowed_signers,
    read_signature,
    sign,
    verify_signature,
)
from lockgate.executors.receipts import find_receipt
from lockgate.planner.building.promotion import SignedReceipt
from lockgate.planner.document import read_raw_document, write_whole
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import Unreachable, UsageError
from lockgate.planner.fleet.receipt import (
    FleetReceipt,
    parse_any_receipt,
    write_fleet_receipt,
)
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.proof import CarriedReceipt
from lockgate.planner.plan.receipt import RECEIPT, Receipt, write_receipt
from lockgate.planner.project import refuse_outward_link
from lockgate.planner.quantities import short_digest
from lockgate.views.terminal import tell

NAMESPACE = "lockgate-receipt"
TRIAL = b"lockgate"
AGAIN = "Run the same command again: it gives the receipt, and applies nothing twice."


def refuse_undeliverable(file: Path | None, key: Path | None, plan_file: Path) -> None:
    """Raises UsageError, before anything runs, when a receipt could not be written to this file
    afterwards, or not be signed with this key, or would get in the plan's way."""
    if key is not None and file is None:
        raise UsageError("There is no receipt to sign.", do="Say where it goes: `--receipt FILE`.")
    if file is not None:
        refuse_outward_link(file)
        refuse_outward_link(_signature_of(file))
    if file is not None and (file.is_dir() or not os.access(file.resolve().parent, os.W_OK)):
        raise UsageError(
            f"The receipt cannot be written to {file}.",
            why="Nothing was run.",
            do="Choose a file in a folder that exists and may be written to.",
        )
    if file is not None and _obscures(file, plan_file):
        raise UsageError(
            f"The receipt may not be {file}, beside the plan {plan_file}.",
            why="It would replace the plan, or its signature be taken for an approval of it.",
            do="Choose a name that does not begin with the plan's.",
        )
    if key is not None:
        sign(TRIAL, key, NAMESPACE)


def _obscures(file: Path, plan_file: Path) -> bool:
    own, plan = file.resolve(), plan_file.resolve()
    return own.parent == plan.parent and f"{own.name}.".startswith(f"{plan.name}.")


def hand_out_receipt(plan: Plan, engine: Engine, file: Path, key: Path | None) -> None:
    """Writes the receipt of an applied plan, and its signature beside it.

    The plan is applied by then, so what hinders this is a warning, and no error of the run.

    Raises:
        InvalidPlan: the receipt that the database keeps was altered.
    """
    try:
        receipt = find_receipt(plan, engine)
        if receipt is None:
            tell("Warning: no run here has fully applied this plan; there is no receipt.", "yellow")
            return
        write_receipt(receipt, file)
        if key is not None:
            write_whole(_signature_of(file), [sign(_signed(receipt), key, NAMESPACE)])
    except (Unreachable, ServerError, UsageError, OSError) as hindered:
        tell(
            f"Warning: the plan is applied, and its receipt could not be written: {hindered}",
            "yellow",
        )
        tell(AGAIN)
    else:
        tell(f"Receipt {short_digest(receipt.digest)} written to {file}.")


def hand_out_fleet_receipt(receipt: FleetReceipt, file: Path, key: Path | None) -> None:
    """Writes the receipt of a fleet's run, and its signature beside it; what hinders this is a
    warning, and no error of the run."""
    try:
        write_fleet_receipt(receipt, file)
        if key is not None:
            write_whole(_signature_of(file), [sign(_signed(receipt), key, NAMESPACE)])
    except (UsageError, OSError) as hindered:
        tell(f"Warning: the run's receipt could not be written: {hindered}", "yellow")
        tell(AGAIN)
    else:
        tell(f"Receipt {short_digest(receipt.digest)} written to {file}.")


def read_signed(path: Path, environment: Environment) -> SignedReceipt:
    """A receipt with its signer, by the keys that the environments' folder allows; without a
    signer when no signature lies beside it.

    Raises:
        UsageError, InvalidPlan: it cannot be read, or it or its signature not be trusted.
    """
    receipt, signature = (
        parse_any_receipt(read_raw_document(path, RECEIPT), str(path)),
        _signature_of(path),
    )
    is_signed = signature.exists() or signature.is_symlink()
    text = read_signature(signature) if is_signed else None
    return _signed_receipt(receipt, text, environment, str(signature))


def read_carried(carried: CarriedReceipt, environment: Environment) -> SignedReceipt:
    """The same of a receipt that travels in a plan.

    Raises:
        InvalidPlan: it or its signature cannot be trusted.
    """
    name = "The receipt in the plan"
    receipt = parse_any_receipt(carried.text.encode(), name)
    return _signed_receipt(receipt, carried.signature, environment, f"{name}: its signature")


def _signed_receipt(
    receipt: Receipt | FleetReceipt, signature: str | None, environment: Environment, name: str
) -> SignedReceipt:
    if signature is None:
        return SignedReceipt(receipt)
    allowed, now = find_allowed_signers(environment.directory), datetime.now(UTC)
    signer = verify_signature(_signed(receipt), signature, allowed, NAMESPACE, now, name)
    return SignedReceipt(receipt, (signer,), signature)


def _signature_of(file: Path) -> Path:
    return file.parent / f"{file.name}.sig"


def _signed(receipt: Receipt | FleetReceipt) -> bytes:
    """What is signed: the digest as it is in the file, and a newline."""
    return f"{receipt.digest}\n".encode()
