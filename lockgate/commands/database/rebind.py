"""`migrate rebind`: a copied database gets an identity of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lockgate.options import environment_option, environments_option

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Give a restored or cloned database its own identity.")
@environment_option
@environments_option
def command(name: str, folder: EnvironmentsFolder | None) -> int:
    """Give a restored or cloned database an identity of its own, as this environment's.

    Until then whatever writes to it is refused (exit 6), and so are plans for the original.
    The history of migrations stays as it is; `migrate history` shows the change.
    """
    from lockgate.executors.apply import new_identity
    from lockgate.planner.errors import UsageError
    from lockgate.planner.plan.verify import refuse_read_only
    from lockgate.signals import ignore_signals
    from lockgate.views.run.following import following
    from lockgate.views.terminal import say
    from lockgate.workspace import author, load_environment, open_workspace

    environment = load_environment(name, folder)
    with (
        open_workspace(environment) as work,
        following(verbose=False, as_json=False) as emit,
        work.engine.lock.hold(environment.lock.wait, emit),
    ):
        refuse_read_only(work.engine.server)
        before = work.engine.store.read_ledger().identity
        if before is None:
            raise UsageError(
                "The database has no identity yet.", do="Its first `migrate up` gives it one."
            )
        who = author()
        after = new_identity(environment.project, environment.name, work.engine, who)
        ignore_signals()
        work.engine.store.rebind(before, after, who)
    say(f"The identity was {before.uuid} ({before.environment}) "
        f"and is now {after.uuid} ({after.environment}).")  # fmt: skip
    return 0
