"""The end of an adoption: lockgate's own tables go, and the other tool goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.planner.database.recording import adopted_tables, recorded_keys
from lockgate.planner.errors import HistoryError, UsageError
from lockgate.planner.plan.verify import refuse_foreign, refuse_read_only, refuse_unresolved
from lockgate.signals import ignore_signals
from lockgate.views.run.following import following
from lockgate.views.terminal import say
from lockgate.workspace import open_workspace

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.planner.environments.environment import Environment


def undo_adoption(environment: Environment) -> None:
    """Drops lockgate's tables from a database whose history was taken over, and says so.

    Raises:
        UsageError: no history was taken over here.
        HistoryError: lockgate has applied migrations since, which the other tool does not know.
    """
    with (
        open_workspace(environment) as work,
        following(verbose=False, as_json=False) as emit,
        work.engine.lock.hold(environment.lock.wait, emit),
    ):
        tools = _refuse_undo(work.engine, environment)
        ignore_signals()
        work.engine.store.drop_tables()
    say(f"lockgate's tables are dropped. {tools} goes on with its own.")


def _refuse_undo(engine: Engine, environment: Environment) -> str:
    """The tools that go on, when nothing is lost with our tables."""
    refuse_read_only(engine.server)
    ledger = engine.store.read_ledger()
    project, name = environment.project, environment.name
    refuse_foreign(engine.server, ledger, project=project, environment=name)
    refuse_unresolved(ledger)
    adopted = adopted_tables(ledger)
    if not adopted:
        raise UsageError(
            "No other tool's history was taken over here.", do="See `migrate history`."
        )
    recorded = recorded_keys(ledger)
    ran = [entry.version for entry in ledger.entries if entry.key not in recorded]
    if ran:
        raise HistoryError(
            f"lockgate has applied {', '.join(ran)} since, which {adopted[0].tool} does not know.",
            why="It would run them a second time.",
            do="Roll them back with `migrate down`, and undo the adoption then.",
        )
    return " and ".join(one.tool for one in adopted)
