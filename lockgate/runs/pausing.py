"""What `migrate pause` and `migrate resume` ask of a run of batches, through the ledger.

Takes no lock: the run itself holds it. It is no `PAUSED`, which is how a run ends: the column
`asked` of `lockgate_batches`, which `executors/batches/walk.py` reads, says that it is to wait.
"""

from __future__ import annotations

from lockgate.executors.batches.progress import Progress, ask_pause, read_open
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.verify import refuse_foreign
from lockgate.views.terminal import say
from lockgate.workspace import Workspace


def ask_to_wait(work: Workspace, who: str) -> list[Progress]:
    """The statements in batches that are asked to wait before their next one.

    Raises:
        UsageError: there is none.
    """
    return _ask(work, who)


def let_go_on(work: Workspace) -> list[Progress]:
    """The statements in batches that are no longer asked to wait.

    Raises:
        UsageError: there is none.
    """
    return _ask(work, "")


def _ask(work: Workspace, who: str) -> list[Progress]:
    engine, environment = work.engine, work.environment
    ledger = engine.store.read_ledger()
    refuse_foreign(engine.server, ledger, project=environment.project, environment=environment.name)
    found = read_open(engine.store) if ledger.present else []
    if not found:
        raise UsageError(
            f"No run of batches is under way in {environment.name}.",
            do="`migrate status` shows what is.",
        )
    for progress in found:
        ask_pause(engine.store, progress, who)
    return found


def tell_waiting(found: list[Progress]) -> None:
    """Says that the next batch waits."""
    for progress in found:
        say(
            f"Paused after {_done(progress)}, or the one under way. "
            "`migrate resume` lets it go on.",
            "yellow",
        )


def tell_going_on(found: list[Progress]) -> None:
    """Says that the batches go on."""
    for progress in found:
        say(f"Goes on after {_done(progress)}.", "green")


def _done(progress: Progress) -> str:
    return "1 batch" if progress.batches == 1 else f"{progress.batches} batches"
