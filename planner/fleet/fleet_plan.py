"""The plan of a fleet: one document for many databases, of one ordinary plan for each group.

Runs nothing and reads no database. The databases of a group are equal in all that a plan depends
on, so the plan of one is that of each, but for the target that it names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from lockgate.planner.decision import Decision
from lockgate.planner.document import (
    UNSEALED,
    Kind,
    document_schema,
    parse_document,
    read_document,
    sealed,
    write_document,
)
from lockgate.planner.errors import AlteredPlan
from lockgate.planner.plan.plan import Plan, Source, Target, seal
from lockgate.planner.plan.planfile import REPLAN, STAKE, refuse_contradiction
from lockgate.planner.plan.statement import Estimate, Model, Sha256, sha256

FORMAT: Literal["lockgate-fleet"] = "lockgate-fleet"
FORMAT_VERSION = "1.0"
HEAD = 4096
"""Bytes of a file in which its format is named: we write it first of all."""

Oddity = Literal[
    "unreachable", "refused", "foreign", "half done", "never seen", "ahead", "behind", "drifted"
]
"""Why a target is in no group, the cause that hides the others first."""

TargetName = Annotated[str, Field(min_length=1, max_length=255)]


class FleetTarget(Model):
    """A database of a group, and by what it is known again. Where it is, the environment says."""

    name: TargetName = Field(description="Its name in the fleet; the executor finds it by this.")
    wave: int = Field(ge=1, description="In which wave it is applied; the executor follows this.")
    uuid: str | None = Field(
        description="The identity in its lockgate_target; null before it exists. The executor "
        "refuses another."
    )
    database: str = Field(description="The database's name; the executor refuses another.")
    history_table: str = Field(description="Its history table, qualified; the same.")
    evidence: dict[str, str] = Field(description="As in a plan's target; the same.")
    size: Estimate | None = Field(
        None,
        description="Bytes of its tables, by the server's estimate; null: unknown. For people.",
    )


class Group(Model):
    """Databases that are equal in all that their plan depends on."""

    proof: Sha256 = Field(
        description="SHA-256 over what they are equal in: history, definitions, server. The "
        "executor looks at the history again."
    )
    definitions: Sha256 = Field(
        description="SHA-256 over the definitions of all tables, views and functions, whatever "
        "their schema's name; with `drift: check` the executor refuses others."
    )
    plan: Plan = Field(
        description="The plan of its largest target; for the others it names theirs."
    )
    targets: tuple[FleetTarget, ...] = Field(description="By name.")


class Odd(Model):
    """A target that the plan is not for."""

    name: TargetName = Field(description="Its name in the fleet; for people.")
    reason: Oddity = Field(description="Why it is in no group; for people.")
    detail: str = Field("", description="What was found; empty where it could name a host.")


class FleetPlan(Model):
    """What `migrate plan` writes for a fleet and `migrate apply` runs on each of its targets."""

    format: Literal["lockgate-fleet"] = FORMAT
    format_version: str = Field(FORMAT_VERSION, pattern=r"^1\.[0-9]+$")
    tool_version: str = Field(description="The lockgate that made it; for people.")
    created_at: AwareDatetime = Field(description="By the clock of its last database, UTC.")
    project: str = Field(description="The environment's project; for every target.")
    environment: str = Field(description="The environment whose targets these are.")
    source: Source
    groups: tuple[Group, ...] = Field(description="The largest first.")
    odd: tuple[Odd, ...] = Field((), description="Those that it is not for, by name.")
    intent_digest: Sha256 = Field(description="Over the intents of its groups' plans.")
    digest: Sha256 = Field(description="SHA-256 of all the rest as canonical JSON (RFC 8785).")

    @property
    def targets(self) -> tuple[FleetTarget, ...]:
        """All that it is for, group by group."""
        return tuple(target for group in self.groups for target in group.targets)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What the environment's policies said of the groups' plans."""
        return tuple(dict.fromkeys(one for group in self.groups for one in group.plan.decisions))

    @property
    def is_denied(self) -> bool:
        """Whether a policy of its environment has denied a group's plan."""
        return any(group.plan.is_denied for group in self.groups)

    @property
    def is_applicable(self) -> bool:
        """Whether there is anything to apply, and nothing in it forbids that."""
        return any(group.plan.is_applicable for group in self.groups) and not self.is_denied

    @property
    def last_wave(self) -> int:
        """The number of its last wave; 0: it has no target."""
        return max((target.wave for target in self.targets), default=0)


FLEET_PLAN = Kind(
    FleetPlan, "fleet plan", FORMAT, FORMAT_VERSION, REPLAN, "Choose another file with `-o FILE`.",
    STAKE,
)  # fmt: skip


def plan_of(group: Group, target: FleetTarget) -> Plan:
    """The ordinary plan of one target, by its group's: the same for the same two, so that a run
    that stopped half-way is known again."""
    own = Target(
        **group.plan.target.model_dump(exclude=set(KNOWN_BY)),
        **{key: getattr(target, key) for key in KNOWN_BY},
    )
    return seal(group.plan.model_copy(update={"target": own}))


KNOWN_BY = ("uuid", "database", "history_table", "evidence")
"""What of a plan's target is each database's own."""


def fleet_intent(groups: Iterable[Group]) -> str:
    """SHA-256, in hex, over the different intents of the groups: what runs, not where."""
    return sha256(sorted({group.plan.intent_digest for group in groups}))


def seal_fleet(plan: FleetPlan) -> FleetPlan:
    """The plan with the digests that belong to its content."""
    intended = plan.model_copy(
        update={"intent_digest": fleet_intent(plan.groups), "digest": UNSEALED}
    )
    return sealed(intended)


def is_fleet_plan(path: Path) -> bool:
    """Whether a file says that it is a fleet's plan, and no ordinary one."""
    try:
        if not path.is_file():  # a pipe can be read only once
            return False
        with path.open("rb") as file:
            return f'"format": "{FORMAT}"'.encode() in file.read(HEAD)
    except OSError:
        return False


def write_fleet_plan(plan: FleetPlan, path: Path) -> None:
    """Writes the file; see `write_document`."""
    write_document(plan, path, FLEET_PLAN)


def read_fleet_plan(path: Path) -> FleetPlan:
    """The plan in a file, its format and digests checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is no fleet's plan, was altered, or contradicts itself.
    """
    plan = read_document(path, FLEET_PLAN)
    _refuse_contradiction(plan, str(path))
    return plan


def parse_fleet_plan(data: bytes, name: str) -> FleetPlan:
    """The plan in JSON bytes; `name` says in errors where they came from."""
    plan = parse_document(data, name, FLEET_PLAN)
    _refuse_contradiction(plan, name)
    return plan


def _refuse_contradiction(plan: FleetPlan, name: str) -> None:
    """Each group's plan is held against itself, and a target is one of one group."""
    for number, group in enumerate(plan.groups, 1):
        refuse_contradiction(group.plan, f"The plan of group {number} in {name}")
        own = (group.plan.project, group.plan.environment, group.plan.source)
        if own != (plan.project, plan.environment, plan.source) or seal(group.plan) != group.plan:
            raise _contradicted(name, f"the plan of group {number} is not its own")
    names = [target.name for target in plan.targets]
    if len(names) != len(set(names)):
        raise _contradicted(name, "a target is in it twice")
    if plan.intent_digest != fleet_intent(plan.groups):
        raise _contradicted(name, "its intent does not fit its groups")


def _contradicted(name: str, what: str) -> AlteredPlan:
    return AlteredPlan(f"{name} contradicts itself: {what}.", why=STAKE, do=REPLAN)


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema of a fleet's plan, as published in docs/reference/; a group's plan is that of
    plan.schema.json."""
    schema = document_schema(FLEET_PLAN)
    definitions = schema["$defs"]
    definitions["Group"]["properties"]["plan"] |= {"$ref": "plan.schema.json"}
    own = ("FleetTarget", "Group", "Odd", "Source", "CommitAuthor")
    schema["$defs"] = {name: definitions[name] for name in own}
    return schema
