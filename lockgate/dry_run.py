"""`--dry-run`: the SQL that would run, after the checks that come before it."""

from __future__ import annotations

from executors.apply import Admit, verify
from executors.engine import Engine
from lockgate.views.sql import render_sql
from lockgate.views.terminal import say_sql, tell
from planner.errors import UsageError
from planner.plan import Plan


def refuse_both(*, dry_run: bool, as_json: bool) -> None:
    """Raises UsageError when SQL for a person and events for a program are wanted at once."""
    if dry_run and as_json:
        raise UsageError(
            "Give only one of --dry-run and --json.",
            why="A dry run prints SQL, and it is not JSON.",
            do="`migrate plan --json` prints what would run as JSON.",
        )


def show_dry_run(plan: Plan, engine: Engine, admit: Admit) -> None:
    """Prints what applying the plan now would run; takes no lock and writes nothing.

    Raises:
        LockgateError: applying it would be refused.
    """
    done = verify(plan, engine, engine.read_ledger(), admit)
    count = len(plan.steps) - done
    if count:
        say_sql(render_sql(plan, done))
    tell(f"Dry run: {count} migration{'' if count == 1 else 's'} would run; nothing was changed.")
