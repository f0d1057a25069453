"""Verification, inside the lock, that a plan and a live database belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lockgate.planner.database.ledger import Ledger, state_digest
from lockgate.planner.database.recording import adopted_tables
from lockgate.planner.errors import (
    ExpiredPlan,
    OfflinePlan,
    StalePlan,
    Unresolved,
    WrongTarget,
)
from lockgate.planner.quantities import format_duration, format_moment, short_digest

if TYPE_CHECKING:
    from lockgate.planner.database.server import Server
    from lockgate.planner.plan.plan import Plan

CLOCKS_DIFFER = timedelta(hours=1)
"""The most by which a primary's clock may lag that of the one before it."""


SERVERS = "servers"
"""In the evidence of a ledger: the servers of which one may take the place of another."""

NOTES = frozenset({SERVERS, "holder"})
"""What a ledger notes beside its evidence, and is none of the database."""


def refuse_offline(plan: Plan) -> None:
    """Raises OfflinePlan when the database was not asked when the plan was made."""
    if plan.state_pulled_at is not None:
        raise OfflinePlan(
            "The plan was made from a state that was pulled at "
            f"{format_moment(plan.state_pulled_at)}.",
            why="It is for review: the database itself was not asked.",
            do=f"Make one with `migrate plan -e {plan.environment} --reviewed PLAN`, where the "
            "database can be reached: it is refused if it would do something else.",
        )


def refuse_expired(plan: Plan, server: Server) -> None:
    """Raises ExpiredPlan when the database's clock has passed the plan's end."""
    if plan.expires_at and server.now > plan.expires_at:
        raise ExpiredPlan(
            f"The plan expired at {format_moment(plan.expires_at)}; "
            f"the database's clock says {format_moment(server.now)}.",
            why="An old review may not fit the data of today.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )


def refuse_old(plan: Plan, now: datetime, max_age: float | None) -> None:
    """Raises ExpiredPlan when a plan is older than the environment of now lets it be, in seconds,
    or says that it was made at a time that has not come."""
    if plan.created_at > now + CLOCKS_DIFFER:
        raise ExpiredPlan(
            f"The plan says that it was made at {format_moment(plan.created_at)}; "
            f"the database's clock says {format_moment(now)}.",
            why="Its age is not known.",
            do="Make a new plan with `migrate plan`.",
        )
    if max_age is not None and now > plan.created_at + timedelta(seconds=max_age):
        raise ExpiredPlan(
            f"The plan was made at {format_moment(plan.created_at)}, and the environment takes "
            f"none that is older than {format_duration(max_age)} (max_plan_age).",
            why="An old review may not fit the data of today.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )


def refuse_wrong_target(plan: Plan, server: Server, ledger: Ledger) -> None:
    """Raises WrongTarget when this is not the database that the plan was made for."""
    target = plan.target
    if target.engine != server.dialect.name:
        raise _wrong(f"The plan is for {target.engine}, this is {server.dialect.name}.")
    if target.database != server.database or target.history_table != server.history_table:
        raise _wrong(
            f"The plan is for {target.history_table} in {target.database}, "
            f"this is {server.history_table} in {server.database}."
        )
    if not _agree(target.evidence, server.evidence, _lineage(ledger)):
        raise _wrong(
            f"The plan is for another server or another copy of {target.database} "
            f"({_shown(target.evidence)}; this is {_shown(server.evidence)})."
        )
    if not target.uuid and not (target.evidence.keys() & server.evidence.keys()) - {"database"}:
        raise _wrong(f"The plan does not say on which server its {target.database} is.")
    if plan.base.present and not target.uuid:
        raise _wrong("The plan is for a database with an identity, and does not say which one.")
    if target.uuid and (ledger.identity is None or ledger.identity.uuid != target.uuid):
        raise _wrong(f"The database does not have the identity {target.uuid} of the plan.")


def refuse_other_rules(plan: Plan, server: Server) -> None:
    """Raises StalePlan when the server reads SQL by another sql_mode than the plan's."""
    planned, now = plan.target.sql_mode, server.dialect.sql_mode
    if plan.target.server_number is not None and planned != now:
        raise StalePlan(
            f"The plan was made with the sql_mode '{planned}'; the server has '{now}', "
            "as far as it decides how SQL is read.",
            why="The same text can mean something else there, and it was judged by the other.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )


def refuse_read_only(server: Server) -> None:
    """Raises WrongTarget when the server takes no writes."""
    if server.read_only:
        raise WrongTarget(
            f"{server.database} is read-only: a replica, or a server set to read only.",
            do="Connect to the primary.",
        )


def refuse_foreign(server: Server, ledger: Ledger, *, project: str, environment: str) -> None:
    """Raises WrongTarget when the database is another environment's, or a copy."""
    identity = ledger.identity
    if identity is None:
        return
    if (identity.project, identity.environment) != (project, environment):
        raise WrongTarget(
            f"This database belongs to environment {identity.environment} of project "
            f"{identity.project}, not to {environment} of {project}.",
            do="Correct the connection in the environment, or, if the database is a copy, "
            "give it an identity of its own with `migrate rebind`.",
        )
    recorded = decode_evidence(identity.evidence)
    if not _agree(recorded, server.evidence):
        if set(server.evidence.values()) & set(recorded.get(SERVERS, "").split()):
            raise WrongTarget(
                f"This server replicates the database from another one ({_shown(recorded)}).",
                why="What is written here alone never reaches the primary.",
                do="Connect to the primary. If this server has taken its place, end its "
                "replication: `reset replica all`.",
            )
        raise WrongTarget(
            f"This database is a copy, or a backup was restored in its place: its identity was "
            f"made on {_shown(recorded)}, and this is {_shown(server.evidence)}.",
            do="If it is to go on under this environment, run `migrate rebind`.",
        )


def refuse_unresolved(ledger: Ledger, plan: Plan | None = None) -> None:
    """Raises Unresolved when a run of another plan stopped half-way."""
    others = [digest for digest in ledger.unresolved if plan is None or digest != plan.digest]
    if others:
        raise Unresolved(
            f"A run of plan {short_digest(others[0])} stopped half-way through a migration.",
            why="What it had done is in the database and not in the history.",
            do="See `migrate resolve`: it shows what is half done, and the ways out.",
        )


def find_position(plan: Plan, ledger: Ledger) -> int:
    """How many of the plan's steps the ledger already has: all of them when it was applied.

    Raises:
        StalePlan: the ledger is at no point between the plan's base and its result.
    """
    done = ledger.serial - plan.base.serial
    if 0 <= done <= len(plan.steps) and _digest_before(plan, ledger, done) == plan.base.digest:
        return done
    raise StalePlan(
        f"The plan was made at serial {plan.base.serial} ({short_digest(plan.base.digest)}); "
        f"the database is at serial {ledger.serial} ({short_digest(ledger.digest)}).",
        why="Something else was applied or rolled back since then.",
        do="Make a new plan with `migrate plan`, and have it reviewed.",
    )


def is_to_note(plan: Plan, ledger: Ledger) -> bool:
    """Whether a plan changes no history, and is only to note what another tool says by now, which
    is not noted yet."""
    one = plan.adopted
    if plan.steps or one is None:
        return False
    said = {(noted.schema, noted.table): noted.versions for noted in adopted_tables(ledger)}
    return said.get((one.qualifier, one.table)) != one.versions


def _digest_before(plan: Plan, ledger: Ledger, done: int) -> str | None:
    """The state digest that the ledger had before the plan's first `done` steps."""
    rows = {entry.key: (entry.version, entry.checksum) for entry in ledger.entries}
    for step in reversed(plan.steps[:done]):
        row = (step.version, step.checksum)
        if step.direction == "down":
            if rows.setdefault(step.key, row) is not row:
                return None
        elif rows.pop(step.key, None) != row:
            return None
        elif step.replaces is not None:
            rows[step.key] = (step.version, step.replaces)
    return state_digest(rows.values(), ledger.serial - done)


def encode_evidence(evidence: Mapping[str, str]) -> str:
    """Evidence as lockgate_target keeps it: `name=value`, sorted, between semicolons.

    >>> encode_evidence({"server_uuid": "1f", "database": "shop;50%"})
    'database=shop%3B50%25;server_uuid=1f'
    """
    return ";".join(
        f"{name}={value.replace('%', '%25').replace(';', '%3B')}"
        for name, value in sorted(evidence.items())
    )


def decode_evidence(text: str) -> dict[str, str]:
    """The evidence that `encode_evidence` wrote."""
    parts = (part.partition("=") for part in text.split(";") if part)
    return {name: value.replace("%3B", ";").replace("%25", "%") for name, _, value in parts}


def _agree(one: Mapping[str, str], other: Mapping[str, str], lineage: Collection[str] = ()) -> bool:
    """Whether the marks that both know are equal, or of servers of one lineage; a role may not be
    allowed to read them all."""
    return all(
        one[name] == other[name] or {one[name], other[name]} <= {*lineage}
        for name in one.keys() & other.keys()
    )


def _lineage(ledger: Ledger) -> list[str]:
    """The servers of which one may have taken the place of another."""
    known = decode_evidence(ledger.identity.evidence) if ledger.identity else {}
    return known.get(SERVERS, "").split()


def _shown(evidence: Mapping[str, str]) -> str:
    marks = [(name, value) for name, value in sorted(evidence.items()) if name not in NOTES]
    return ", ".join(f"{name} {value}" for name, value in marks) or "unknown"


def _wrong(what: str) -> WrongTarget:
    return WrongTarget(
        what,
        why="A plan is applied to the one database that it was made for.",
        do="Correct the environment's connection, or make a plan for this database.",
    )
