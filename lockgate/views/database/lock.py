"""Who holds the migration lock: for people, and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.quantities import format_duration
from lockgate.views.json import show_document
from lockgate.views.terminal import say, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.executors.events import LockHolder, OtherSession
    from lockgate.planner.environments.keys import Blockers
    from lockgate.planner.plan.plan import Plan


def show_text(holder: LockHolder | None) -> None:
    """Who holds the migration lock, on stdout."""
    if holder is None:
        say("The migration lock is free.", "green")
    else:
        say(f"The migration lock is held by {holder}.", "yellow")
        say(holder.standing, "" if holder.is_migrator else "yellow")
        if holder.ending:
            say(f"To end it, if it is no run of yours: {holder.ending}")


def takes_locks(plan: Plan) -> bool:
    """Whether a statement of it waits for transactions that use its table: on PostgreSQL by its
    lock, and on MySQL and MariaDB whatever alters a table, for a moment at least."""
    touches = (one for step in plan.steps for each in step.statements for one in each.touches)
    return any(touch.blocks != "nothing" or touch.algorithm for touch in touches)


def tell_open_transactions(found: Sequence[OtherSession]) -> None:
    """Which transactions a plan's locks could wait for at this moment, on stderr."""
    if found:
        tell("Transactions that are open now, and that a lock of this plan may have to wait for:",
             "yellow")  # fmt: skip
    for session in found:
        tell(f"  {session}", "yellow")


def tell_endings(blockers: Blockers) -> None:
    """Which sessions a run may end that are in its way, on stderr."""
    limit = blockers.terminate_idle_in_transaction
    ended = [
        *(["autovacuum"] if blockers.cancel else []),
        *([f"those idle in a transaction for {format_duration(limit)}"] if limit else []),
    ]
    if ended:
        tell(f"While a run waits for a lock it ends, as `blockers` says: {', and '.join(ended)}.",
             "yellow")  # fmt: skip


def show_json(holder: LockHolder | None) -> None:
    """Who holds the migration lock."""
    fields = ("pid", "user", "host", "since", "program", "is_migrator", "ending")
    shown = {name: getattr(holder, name) for name in fields} if holder else None
    show_document({"format": "lockgate-lock", "format_version": "1.1", "holder": shown})
