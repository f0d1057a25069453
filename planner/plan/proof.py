"""What is known of a plan's steps in the environment that it is promoted from, as values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.plan.statement import Estimate, Model, Sha256

VERSION = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,253}[^\x00-\x20\x7f])?$"

Version = Annotated[str, Field(pattern=VERSION)]


class StepCost(Model):
    """What a step has cost where it ran, as far as that was seen."""

    batches: Estimate | None = Field(None, description="The batches of it; null: it has none.")
    rows: Estimate | None = Field(None, description="The rows that they changed.")
    batches_ms: Estimate | None = Field(
        None, description="Milliseconds in batches, without those between two."
    )
    others_waited_ms: Estimate | None = Field(
        None, description="Milliseconds that other sessions have waited for it, added up; null: "
        "none was seen to wait."
    )  # fmt: skip
    others_waiting: Estimate | None = Field(
        None, description="The most sessions that waited at once."
    )


class Proof(Model):
    """What is known of a step in the environment that the plan is promoted from."""

    version: Version = Field(description="The step's version.")
    applied_at: AwareDatetime | None = Field(
        description="When it was applied there with this checksum, by that database's clock; null: "
        "nothing shows that it was. For policies."
    )
    receipt: Sha256 | None = Field(
        None, description="The digest of the receipt that shows it; null: none does. For people."
    )
    signers: tuple[str, ...] = Field(
        (), description="Whose signature of that receipt is good. For policies."
    )
    confirmed: bool = Field(
        False, description="The environment's own history says so as well. For policies."
    )
    cost: StepCost | None = Field(
        None, description="What it cost there, as the receipt says; null: nothing is known. For "
        "people."
    )  # fmt: skip
    obstacle: str = Field("", description="Why nothing shows it, as a clause; for reviewers.")


class CarriedReceipt(Model):
    """A receipt that shows something of the plan's steps, so that `apply` can verify it again."""

    text: str = Field(description="The receipt's file. For `apply`.")
    signature: str | None = Field(
        description="The signature beside it; null: there was none. For `apply`."
    )


class Promotion(Model):
    """What is known of the plan's steps in the environment that it is promoted from.

    The executor does not use it: reviewers and policies do.
    """

    environment: str = Field(description="The environment that it is promoted from; for policies.")
    by: Literal["receipt", "ledger"] = Field(
        description="Whether receipts show it, or its history table as it was read. For policies."
    )
    proofs: tuple[Proof, ...] = Field(description="One for each step that runs; for policies.")
    receipts: tuple[CarriedReceipt, ...] = Field(
        (), description="Those that were given, with their signatures; `apply` verifies them again."
    )
    rejected: tuple[str, ...] = Field(
        (), description="Receipts that show nothing, and why, as sentences; for reviewers."
    )
