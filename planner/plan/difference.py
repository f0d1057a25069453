"""The difference of two plans: what a release would do otherwise than what was reviewed.

Judges nothing and shows nothing: equal intent is all that promotion asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, Literal

from lockgate.planner.finding import Finding
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey

StepChangeKind = Literal["added", "removed", "changed", "moved"]

# What a reviewer compares; digests and the time of making differ in any two plans.
FIELDS = (
    "project",
    "environment",
    "verdict",
    "source.commit",
    "source.dirty",
    "target.engine",
    "target.server_version",
    "target.database",
    "target.history_table",
    "target.uuid",
    "target.evidence",
    "base.present",
    "base.serial",
    "base.digest",
    "result.serial",
    "result.digest",
    "warnings",
)
STEP_FIELDS = ("name", "file", "checksum", "requires", "transaction")
STATEMENT_FIELDS = ("guarantee", "reason")


@frozen
class FieldChange:
    """A field with its two values, as the plan's JSON has them."""

    field: str
    before: Any
    after: Any


@frozen
class StepChange:
    """A step that differs; `before` is None for one that was added, `after` for one removed.

    `changes` are the fields that differ in a step of both plans; `findings_gone` and
    `findings_new` are the codes of findings that only one of them has.
    """

    kind: StepChangeKind
    before: Step | None
    after: Step | None
    changes: tuple[FieldChange, ...] = ()
    runs_otherwise: bool = False
    returns_otherwise: bool = False
    findings_gone: tuple[str, ...] = ()
    findings_new: tuple[str, ...] = ()

    @property
    def step(self) -> Step:
        """The step, as it is after, or as it was."""
        step = self.after or self.before
        assert step is not None
        return step


@frozen
class PlanDifference:
    """What differs between two plans; `changes` are fields of the plan itself."""

    before: Plan
    after: Plan
    steps: tuple[StepChange, ...]
    changes: tuple[FieldChange, ...]

    @property
    def same_intent(self) -> bool:
        """Whether both run the same SQL, in the same order and direction."""
        return self.before.intent_digest == self.after.intent_digest


def compare_plans(before: Plan, after: Plan) -> PlanDifference:
    """The difference of two plans, its steps in the order in which they run."""
    return PlanDifference(
        before, after, tuple(_steps(before, after)), _changes(before, after, FIELDS)
    )


def _key(step: Step) -> tuple[str, VersionKey]:
    return step.direction, step.key


def _steps(before: Plan, after: Plan) -> Iterator[StepChange]:
    """Removed steps are where they ran; one that runs at another place is at the new one."""
    old = {_key(step): step for step in before.steps}
    new = {_key(step): step for step in after.steps}
    for tag, first, last, start, end in SequenceMatcher(
        a=list(old), b=list(new), autojunk=False
    ).get_opcodes():
        for step in before.steps[first:last]:
            if _key(step) not in new:
                yield StepChange("removed", step, None)
        for step in after.steps[start:end]:
            found = _pair(old.get(_key(step)), step, "changed" if tag == "equal" else "moved")
            if found:
                yield found


def _pair(before: Step | None, after: Step, kind: StepChangeKind) -> StepChange | None:
    if before is None:
        return StepChange("added", None, after)
    found = StepChange(
        kind,
        before,
        after,
        _changes(before, after, STEP_FIELDS) + tuple(_promises(before, after)),
        [s.digest for s in before.statements] != [s.digest for s in after.statements],
        _way_back(before) != _way_back(after),
        _codes(before, after),
        _codes(after, before),
    )
    return found if kind == "moved" or _differs(found) else None


def _differs(found: StepChange) -> bool:
    return bool(
        found.changes
        or found.runs_otherwise
        or found.returns_otherwise
        or found.findings_gone
        or found.findings_new
    )


def _way_back(step: Step) -> list[str] | None:
    return None if step.rollback is None else [one.digest for one in step.rollback]


def _promises(before: Step, after: Step) -> Iterator[FieldChange]:
    """What is promised otherwise of statements that both steps have at the same place."""
    for place, (one, other) in enumerate(zip(before.statements, after.statements, strict=False), 1):
        if one.digest == other.digest:
            for change in _changes(one, other, STATEMENT_FIELDS):
                yield FieldChange(f"statement {place} {change.field}", change.before, change.after)


def _codes(step: Step, other: Step) -> tuple[str, ...]:
    """The findings of a step that the other lacks, by place, code, severity and waiver."""
    known = {_mark(finding) for finding in other.findings}
    return tuple(
        f"{one.code} ({one.severity if one.allowed is None else 'allowed'})"
        for one in step.findings
        if _mark(one) not in known
    )


def _mark(finding: Finding) -> tuple[object, ...]:
    return finding.statement, finding.code, finding.severity, finding.allowed


def _changes(before: Any, after: Any, fields: tuple[str, ...]) -> tuple[FieldChange, ...]:
    values = ((field, _value(before, field), _value(after, field)) for field in fields)
    return tuple(FieldChange(field, one, other) for field, one, other in values if one != other)


def _value(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name)
    return model
