"""Why a step runs nothing and only changes the history, as a value."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.plan.statement import Model


class Record(Model):
    """A step that runs nothing: its migration is entered in the history, or taken out of it."""

    why: Literal["baseline", "record", "forget", "skip", "adopt"] = Field(
        description="What it is recorded by: `--baseline`, `--record`, `--forget`, "
        "`--skip-irreversible`, or from another tool's history. For reviewers and policies."
    )
    applied_at: AwareDatetime | None = Field(
        None,
        description="When the other tool had applied it; the executor writes it into the history. "
        "null: the time of the run.",
    )
    by: str = Field("", description="Who had applied it, by the other tool; for people.")
    row: str = Field(
        "",
        description="What the other tool's table calls it, where that is not its version. For the "
        "executor: a row that goes is missed.",
    )
    reason: str = Field("", description="Why a rollback passes over it; for people.")

    @property
    def is_skip(self) -> bool:
        """Whether a rollback passes over the migration, because it has no way back."""
        return self.why == "skip"


class Adopted(Model):
    """Another tool's history that the plan takes over; it is watched from then on."""

    tool: str = Field(description="The tool's name; for people.")
    qualifier: str = Field(description="The schema of its table. For the executor.")
    table: str = Field(description="Its table. For the executor.")
    versions: tuple[str, ...] = Field(
        description="What it held as applied, as the tool spells it. The executor refuses a "
        "plan when something came to it or went since."
    )
    compared: bool | None = Field(
        default=None,
        description="Whether the schema was compared with what these migrations make, and is the "
        "same; null: it was not compared. For people.",
    )
