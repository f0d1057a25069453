"""`migrate apply`: exactly what a plan says, under the lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockgate.options import (
    dry_run_option,
    environments_option,
    events_option,
    max_time_option,
    non_atomic_option,
    read_deadline,
    reviewed_option,
    verbose_option,
)

if TYPE_CHECKING:
    from lockgate.planner.environments.folder import EnvironmentsFolder


@click.command(short_help="Apply exactly what a plan file says.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option(
    "-e",
    "--environment",
    "name",
    metavar="NAME",
    help="Refuse a plan that is not for this environment.",
)
@environments_option
@reviewed_option
@click.option(
    "--receipt",
    "receipt_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a receipt of the run; of a plan that is already applied, that of its run.",
)
@click.option(
    "--sign-with",
    "key",
    metavar="KEY",
    type=click.Path(path_type=Path),
    help="Sign the receipt with this SSH key; the signature goes to FILE.sig.",
)
@click.option(
    "--emergency",
    metavar="REASON",
    help="Pass over what the environment's break_glass names; noted in history and receipt.",
)
@non_atomic_option
@max_time_option
@dry_run_option
@verbose_option
@events_option
def command(
    plan_file: Path,
    name: str | None,
    folder: EnvironmentsFolder | None,
    reviewed: str | None,
    receipt_file: Path | None,
    key: Path | None,
    emergency: str | None,
    allow_non_atomic: bool,
    max_time: str | None,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Apply a plan to the environment that it names.

    The SQL comes from the plan file; the migrations folder is not opened. A plan that is
    already applied is no error. A plan whose database has moved on is refused (exit 4).

    \b
    Examples:
      migrate apply plan.json
      migrate apply plan.json -e production --json
      migrate apply plan.json --dry-run | less
      migrate apply release.json --reviewed plan.json
      migrate apply plan.json --receipt staging.json --sign-with ~/.ssh/id_ed25519
    """
    from lockgate.executors.apply import apply
    from lockgate.executors.receipts import keep_receipt, keep_schema
    from lockgate.planner.errors import WrongTarget
    from lockgate.planner.fleet.fleet_plan import is_fleet_plan
    from lockgate.planner.plan.drift import refuse_unknown_schema
    from lockgate.planner.plan.planfile import read_plan
    from lockgate.planner.plan.verify import refuse_offline
    from lockgate.plans.rereading import reread
    from lockgate.runs.dry_run import refuse_both, show_dry_run
    from lockgate.runs.notifying import notifying
    from lockgate.runs.telemetry import traced
    from lockgate.trust.admission import (
        PlanFile,
        admit,
        read_emergency,
        read_intent,
        read_trusted,
    )
    from lockgate.trust.receipts import hand_out_receipt, refuse_undeliverable
    from lockgate.views.database.transport import tell_clear_text
    from lockgate.views.run.following import following
    from lockgate.views.run.report import show_report
    from lockgate.views.terminal import tell
    from lockgate.workspace import author, load_environment, open_workspace

    if is_fleet_plan(plan_file):
        from lockgate.fleet.running import apply_fleet, dry_run_fleet

        refuse_both(dry_run=dry_run, as_json=as_json)
        by = author(read_deadline(max_time), read_emergency(emergency))
        if dry_run:
            dry_run_fleet(plan_file, name, folder, reviewed, by, allow_non_atomic=allow_non_atomic)
            return 0
        refuse_undeliverable(receipt_file, key, plan_file)
        apply_fleet(
            plan_file, name, folder, reviewed, receipt_file, key, by,
            allow_non_atomic=allow_non_atomic, verbose=verbose, as_json=as_json,
        )  # fmt: skip
        return 0
    deadline, reason = read_deadline(max_time), read_emergency(emergency)
    plan = read_plan(plan_file)
    refuse_offline(plan)
    refuse_both(dry_run=dry_run, as_json=as_json)
    refuse_undeliverable(receipt_file, key, plan_file)
    if name is not None and name.partition("/")[0] != plan.environment:
        raise WrongTarget(
            f"The plan is for the environment {plan.environment}, not for {name}.",
            do=f"Leave out `-e {name}`, or make a plan for it: migrate plan -e {name}.",
        )
    environment = load_environment(name or plan.environment, folder)
    if environment.drift == "check":
        refuse_unknown_schema(plan)
    signatures, maker = read_trusted(plan, plan_file, environment)
    intent = read_intent(reviewed)
    with open_workspace(environment) as work:
        tell_clear_text(work)
        file = PlanFile(reread(plan, work), signatures, maker, allow_non_atomic, emergency=reason)
        admitted = admit(environment, intent, file)
        if dry_run:
            show_dry_run(plan, work.engine, admitted)
            return 0
        if reason:
            tell(f"EMERGENCY: {reason}", "bold red")
        with (
            following(verbose=verbose, as_json=as_json) as told,
            notifying(environment, told, reason) as noted,
            traced(environment, noted, os.environ) as emit,
        ):
            report = apply(
                plan, work.engine, author(deadline, reason), wait=environment.lock.wait, emit=emit,
                admit=admitted, keep=keep_receipt if receipt_file else keep_schema,
            )  # fmt: skip
        show_report(report, as_json=as_json)
        if environment.schema_file:
            from lockgate.runs.schema_file import update_schema_file

            update_schema_file(environment, environment.schema_file)
        if receipt_file:
            hand_out_receipt(plan, work.engine, receipt_file, key)
    return 0
