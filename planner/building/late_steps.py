"""Steps that run after an applied migration that is after them: found and marked.

A plan is marked by the files; `apply` has none, and does it again by the ledger and the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockgate.planner.building.compare import Comparison, compare
from lockgate.planner.database.ledger import Entry, Ledger
from lockgate.planner.finding import LATE, Finding
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.value import replace
from lockgate.planner.versions import VersionKey, is_numbered, version_key


def mark_late(steps: Iterable[Step], comparison: Comparison) -> tuple[Step, ...]:
    """The steps, each late one with a finding that says so, and no other with one. What is only
    recorded has run already, and is not late."""
    late = {migration.key for migration in comparison.out_of_order}
    later = comparison.last_applied
    message = f"It runs after {later}, which comes later in the files and is applied already."
    return tuple(
        _marked(step, message if step.key in late and not step.record else "") for step in steps
    )


def with_lateness(plan: Plan, migrations: Iterable[Migration], ledger: Ledger) -> Plan:
    """The plan marked by a ledger and the plan's own migrations, whatever it says of itself.

    What the applied migrations require is not known: they are taken in the order of versions.
    """
    applying = {step.key for step in plan.steps if step.direction == "up"}
    planned = [migration for migration in migrations if migration.key in applying]
    applied = [_recorded(entry) for entry in ledger.entries if entry.key not in applying]
    known = {migration.key for migration in (*planned, *applied)}
    files = order([*applied, *(_among(migration, known) for migration in planned)])
    marked = mark_late(plan.steps, compare(files, ledger))
    # Where versions are texts only the files know their order: there the plan's own word counts.
    steps = (
        new if is_numbered(step.version) else step
        for step, new in zip(plan.steps, marked, strict=True)
    )
    return plan.model_copy(update={"steps": tuple(_mark_overtaken(steps, files))})


def _mark_overtaken(steps: Iterable[Step], files: Sequence[Migration]) -> Iterator[Step]:
    """The steps, each with a finding that runs after one of the plan that is after it."""
    places = {migration.key: place for place, migration in enumerate(files)}
    last, version = -1, ""
    for step in steps:
        place = places.get(step.key, -1) if _is_counted(step) else -1
        if 0 <= place < last:
            yield _marked(step, f"It runs after {version}, which comes later in the files.")
            continue
        last, version = (place, step.version) if place > last else (last, version)
        yield step


def _is_counted(step: Step) -> bool:
    return step.direction == "up" and is_numbered(step.version)


def _marked(step: Step, message: str) -> Step:
    others = tuple(finding for finding in step.findings if finding.code != LATE)
    if not message:
        return step if len(others) == len(step.findings) else _with(step, others)
    why = "Elsewhere the two have run, or will run, the other way round."
    late = Finding(code=LATE, severity="warning", line=1, message=message, why=why)
    return _with(step, (late, *others))


def _with(step: Step, findings: Sequence[Finding]) -> Step:
    return step.model_copy(update={"findings": tuple(findings)})


def _recorded(entry: Entry) -> Migration:
    """A migration of which only its row of the history is known."""
    name = f"{entry.version}_{entry.name}.sql"
    return Migration(entry.version, entry.name, name, entry.checksum, (), ())


def _among(migration: Migration, known: set[VersionKey]) -> Migration:
    """The migration with those of its requirements that are known."""
    return replace(
        migration, requires=tuple(v for v in migration.requires if version_key(v) in known)
    )
