"""`migrate status`: each migration, and whether it is applied."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import (
    Invocation,
    environment_option,
    environments_option,
    json_option,
)


@click.command(short_help="Show which migrations are applied.")
@environment_option
@environments_option
@json_option
@click.pass_obj
def command(invocation: Invocation, name: str, folder: Path | None, as_json: bool) -> int:
    """Show each migration and whether it is applied.

    Exits 10 when an applied file was changed or is gone, 7 when a run stopped half-way. A run
    that is still under way is shown as that.
    """
    from executors.resolve import read_half_done
    from lockgate.views import json, text
    from lockgate.work import load_environment, load_migrations, open_work
    from planner.compare import compare, refuse_broken_history, standings
    from planner.verify import refuse_foreign, refuse_unresolved

    environment = load_environment(name, folder)
    directory = load_migrations(environment)
    with open_work(environment) as work:
        ledger = work.engine.read_ledger()
        half_done = [
            step.version for half in read_half_done(work.engine, ledger) for step in half.unit.steps
        ]
        holder = work.engine.lock_holder() if half_done else None
    comparison = compare(directory.migrations, ledger)
    state = "under way" if holder else "half done"
    shown = standings(comparison, ledger, dict.fromkeys(half_done, state))
    (json if as_json else text).show_status(shown, ledger, directory.warnings)
    invocation.document = False
    refuse_foreign(
        work.engine.server, ledger, project=environment.project, environment=environment.name
    )
    if holder:
        text.show_lock(holder)
    else:
        refuse_unresolved(ledger)
    refuse_broken_history(comparison)
    return 0
