"""`migrate resolve`: a person says how a run that stopped half-way ended."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.options import environment_option, environments_option


@click.command(short_help="Settle a run that stopped half-way.")
@environment_option
@environments_option
@click.option("--mark-applied", metavar="VERSION", help="The migration is now wholly applied.")
@click.option("--mark-rolled-back", metavar="VERSION", help="Nothing of the migration is left.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the interrupted plan to a file, so that it can be applied again.",
)
@click.option("--reason", metavar="TEXT", help="Why, for the audit trail; needed to settle.")
def command(
    name: str,
    folder: Path | None,
    mark_applied: str | None,
    mark_rolled_back: str | None,
    out: Path | None,
    reason: str | None,
) -> int:
    """Show what a run left half done, or settle it after you have mended it by hand.

    Without options it looks and changes nothing; exits 7 while something is unresolved.
    The simplest way on is often no settling at all: remove the cause, and apply the same
    plan again. It goes on where it stopped.
    """
    from executors.resolve import read_half_done, settle
    from lockgate.exits import Exit
    from lockgate.signals import ignore_signals
    from lockgate.views import text
    from lockgate.views.following import following
    from lockgate.views.terminal import say, tell
    from lockgate.work import author, load_environment, open_work
    from planner.errors import UsageError
    from planner.planfile import write_plan
    from planner.verify import refuse_foreign, refuse_read_only

    environment = load_environment(name, folder)
    version = mark_applied or mark_rolled_back
    if mark_applied and mark_rolled_back:
        raise UsageError("Give only one of --mark-applied and --mark-rolled-back.")
    if version and not reason:
        raise UsageError("Settling needs a reason.", do="Add --reason TEXT: it is recorded.")
    with open_work(environment) as work:
        if not version:
            half_done = read_half_done(work.engine, work.engine.read_ledger())
            text.show_half_done(half_done)
            if out and half_done:
                write_plan(half_done[0].plan, out)
                tell(f"Written to {out}.")
            return Exit.UNRESOLVED if half_done else Exit.OK
        with (
            following(verbose=False, as_json=False) as emit,
            work.engine.lock(environment.lock.wait, emit),
        ):
            ledger = work.engine.read_ledger()
            refuse_read_only(work.engine.server)
            refuse_foreign(
                work.engine.server,
                ledger,
                project=environment.project,
                environment=environment.name,
            )
            note = f"{author().actor}: {reason}"
            ignore_signals()
            half = settle(work.engine, ledger, version, applied=bool(mark_applied), reason=note)
    state = "applied" if mark_applied else "not applied"
    say(f"Migration {half.step.version} {half.step.name} is now recorded as {state}.", "green")
    return Exit.OK
