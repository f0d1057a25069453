"""Why a step runs nothing and only changes the history, as a value."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.plan.statement import Model


class Record(Model):
    """A step that runs nothing: its migration is entered in the history, or taken out of it."""

    why: Literal["baseline", "record", "forget", "adopt"] = Field(
        description="What it is recorded by: `--baseline`, `--record`, `--forget`, or from another "
        "tool's history. For reviewers."
    )
    applied_at: AwareDatetime | None = Field(
        None,
        description="When the other tool had applied it; the executor writes it into the history. "
        "null: the time of the run.",
    )
    by: str = Field("", description="Who had applied it, by the other tool; for people.")
