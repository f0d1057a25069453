"""The plan of `apply`, judged by its own SQL and by the database, and not by what it says.

Outside the lock, since it takes the longer the more SQL there is. It changes nothing.
"""

from __future__ import annotations

from lockgate import __version__
from lockgate.executors.apply import refuse_elsewhere
from lockgate.planner.building.build import Setting
from lockgate.planner.building.late_steps import with_lateness
from lockgate.planner.building.observation import Observation
from lockgate.planner.building.promotion import with_promotion
from lockgate.planner.building.stored_runs import AppliedMigration, find_applied
from lockgate.planner.database.facts import Facts
from lockgate.planner.environments.environment import Environment
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.verify import find_position, refuse_other_rules
from lockgate.planner.review.inspection import completed
from lockgate.planner.review.remaking import Source, refuse_unlike
from lockgate.planner.review.rereading import (
    asks_what_is_kept,
    bind,
    refuse_needless_pieces,
    refuse_unbound,
    refuse_understated,
    refuse_unmet,
    without_claims,
)
from lockgate.planner.review.taken_along import may_take_along, refuse_more_taken
from lockgate.plans.linting import inspect_plan
from lockgate.plans.origin import reread_origin
from lockgate.workspace import Workspace


def reread(plan: Plan, work: Workspace) -> Plan | None:
    """The plan as the environment's policies are to judge it; its digest is that of its file.

    One that stopped half-way is taken as it is: it was held against its SQL when it began. None
    for one of which the database already has something.

    Raises:
        WrongTarget, StalePlan: this is not its database, or not as the plan needs it.
        ContradictedPlan: its SQL is not that of its files, or does more than the plan says.
    """
    engine, environment = work.engine, work.environment
    ledger = engine.store.read_ledger()
    refuse_elsewhere(plan, engine, ledger)
    if plan.digest in ledger.unresolved:
        return plan
    if find_position(plan, ledger):
        return None
    refuse_other_rules(plan, engine.server)
    dialect = engine.server.dialect
    applied: tuple[AppliedMigration, ...] = ()
    if asks_what_is_kept(plan, environment.variables):
        applied = find_applied(ledger, engine.store.runs.read_applied_plans())
    refuse_unbound(plan, dialect, applied)
    migrations = bind(plan, dialect, environment.variables, applied)
    facts = _read_facts(plan, work)
    refuse_understated(plan, dialect, facts)
    if facts is not None and not dialect.transactional_ddl:
        refuse_needless_pieces(plan, dialect, migrations, facts)
    if may_take_along(plan, dialect):
        seen = facts if facts and facts.tables else engine.survey.read_facts()
        refuse_more_taken(plan, dialect, seen)
    refuse_unmet(plan, ledger)
    setting = _setting(plan, work, facts)
    refuse_unlike(plan, Source(migrations, ledger, applied, setting))
    plain = without_claims(completed(plan), dialect, migrations)
    plain = with_lateness(plain, migrations, ledger)
    if plan.promotion is not None and environment.policy.promotion is not None:
        plain = with_promotion(plain, reread_origin(plan.promotion, environment))
    if facts is None or not _asks_for_tables(environment):
        return plain
    observed = Observation(engine.server, ledger, facts)
    return inspect_plan(plain, environment, observed, migrations)


def _setting(plan: Plan, work: Workspace, facts: Facts | None) -> Setting:
    """What a plan would be made for now; of the SQL's origin, only the plan knows."""
    environment = work.environment
    return Setting(
        project=environment.project,
        environment=environment.name,
        server=work.engine.server,
        source=plan.source,
        tool_version=__version__,
        transaction=environment.transaction,
        variables=environment.variables,
        facts=facts or Facts(),
        copy_limit=environment.copies.limit,
    )


def _read_facts(plan: Plan, work: Workspace) -> Facts | None:
    """What the database says of its tables, where a policy asks, or where it decides what a
    statement loses and what can be undone; its names alone where the plan says that some are not
    there; None: nothing of it."""
    promises = bool(plan.steps) and not work.engine.server.dialect.transactional_ddl
    if promises or _asks_for_tables(work.environment):
        return work.engine.survey.read_facts()
    if any(one.reading and one.reading.absent for step in plan.steps for one in step.statements):
        return Facts(names=work.engine.survey.read_facts().names)
    return None


def _asks_for_tables(environment: Environment) -> bool:
    """Whether a policy judges by what linters say, by how large tables are, or by triggers."""
    policy = environment.policy
    answers = (policy.findings or "allow", policy.blocking_ddl.answer, policy.opaque)
    return any(answer != "allow" for answer in answers)
