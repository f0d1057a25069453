"""The start of a run: what `apply` knows of a plan at the moment in which it would begin."""

from __future__ import annotations

from datetime import datetime

from lockgate.planner.decision import Decision
from lockgate.planner.plan.plan import Plan
from lockgate.planner.value import frozen


@frozen
class Start:
    """The moment in which a plan is about to be applied.

    `now` is the database's clock, `intent` the intent digest that was reviewed, where it was
    given, and `approvers` are those whose signature of this plan is good, without repetition;
    `authors` are those of them who have written the commit that it was made from.
    `maker` has signed the plan when it was made; empty: no one has. `is_file` says that it was
    read from a file, and not made in this process.
    `emergency` is why it is one, as the caller says; empty: it is none.
    `decisions` are all on the plan's content: its own, and those of the policy of now.
    """

    plan: Plan
    now: datetime
    intent: str | None = None
    approvers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    maker: str = ""
    is_file: bool = False
    emergency: str = ""
    decisions: tuple[Decision, ...] = ()
