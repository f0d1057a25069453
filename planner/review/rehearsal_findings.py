"""Evidence: what a rehearsal has shown, as findings of a plan's steps and warnings of the plan.

Runs nothing: `executors.rehearsal` does. Whether a finding matters, policies and waivers say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lockgate.planner.database.catalogue import ObjectDifference, is_counter
from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import (
    NOT_FORESEEN,
    NOT_REPEATABLE,
    NOT_RESTORED,
    SEVERITIES,
    Finding,
    Severity,
)
from lockgate.planner.migrations.migration import Sections
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.plan.drift import GRANTS, name_objects
from lockgate.planner.plan.plan import Change, Lock, Measured, Plan, Rehearsal, Step, seal
from lockgate.planner.plan.statement import PlannedStatement, Touch
from lockgate.planner.reading.reading import WORKS, Blocked, Object
from lockgate.planner.reading.sizes import SEVERITY_OF, find_sized, measure
from lockgate.planner.review.lint import waived
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import POSTGRESQL

STRENGTH: dict[Blocked, int] = {"nothing": 0, "writes": 1, "reads": 2}
SHUT_OUT: dict[Blocked, str] = {
    "nothing": "nobody waits",
    "writes": "writes wait",
    "reads": "reads and writes wait",
}
UNKNOWN = ReviewTerms(POSTGRESQL)
"""Of a database of which no table is known; only PostgreSQL's locks are measured."""
OF_THE_FILE = frozenset({NOT_RESTORED, NOT_REPEATABLE})
LINES, WIDTH = 3, 120  # of a diff, and of a line of it, that a sentence can hold


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a plan's rehearsal has shown.

    `trips` are the rehearsals of its single steps, each there, back and there again, in their
    order; they are made when the plan as a whole is not proved, and end where one could not go
    on. `drift` is what the live schema has otherwise than its migrations make it.
    """

    whole: Rehearsal
    trips: Sequence[Rehearsal] = ()
    drift: Sequence[ObjectDifference] = ()


def with_evidence(
    plan: Plan,
    evidence: Evidence,
    waivers: Mapping[int, Sequence[Waiver]] | None = None,
    terms: ReviewTerms = UNKNOWN,
) -> Plan:
    """The plan with what was seen, and with what a reviewer should not pass over; `waivers` are
    those that answer for a step, by its number, `terms` are what the plan was judged by.

    What was measured of a statement is what the plan says of it from then on: policies judge that.
    """
    answers = waivers or {}
    measured = {(one.step, one.statement): one for one in evidence.whole.measured}
    steps = tuple(
        _with_findings(_with_touches(number, step, measured, terms.facts), findings,
                       answers.get(number, ()))
        for (number, step), findings in zip(
            enumerate(plan.steps, 1), step_findings(plan, evidence, terms), strict=True
        )
    )  # fmt: skip
    changes = {
        "rehearsal": _summed_up(evidence),
        "warnings": (*plan.warnings, *evidence_warnings(evidence)),
        "steps": steps,
    }
    return seal(plan.model_copy(update=changes))


def step_findings(
    plan: Plan, evidence: Evidence, terms: ReviewTerms = UNKNOWN
) -> list[list[Finding]]:
    """The findings of each step. What no single step has shown is the last one's."""
    found: list[list[Finding]] = [[] for _ in plan.steps]
    for step, trip, findings in zip(plan.steps, evidence.trips, found, strict=False):
        findings += _verdicts(trip, step)
    known = {finding.code for findings in found for finding in findings}
    whole = _verdicts(evidence.whole, plan.steps[-1])
    found[-1] += [finding for finding in whole if finding.code not in known]
    for place, finding in unforeseen(plan, evidence.whole.measured, terms):
        found[place - 1].append(finding)
    return found


def unforeseen(
    plan: Plan, measured: Iterable[Measured], terms: ReviewTerms = UNKNOWN
) -> Iterator[tuple[int, Finding]]:
    """What statements were seen to do worse than the plan says, by the number of their step: what
    a function or a DO block does stands in no SQL that the plan reads."""
    for one in measured:
        statement = plan.steps[one.step - 1].statements[one.statement - 1]
        worse = [*_worse_locks(statement, one), *_unforeseen_rewrites(statement, one)]
        if worse:
            yield one.step, _not_foreseen(statement, one, worse, _grade(statement, one, terms))


def evidence_warnings(evidence: Evidence) -> tuple[str, ...]:
    """Sentences on what is no step's own."""
    found = []
    if evidence.drift:
        found.append(
            f"The live schema is not what its migrations make: {name_objects(evidence.drift)}. "
            "See `migrate drift`."
        )
    if evidence.whole.restored is None and evidence.whole.obstacle:
        found.append(f"The rehearsal ended early: {evidence.whole.obstacle}")
    return tuple(found)


def answering(sections: Sections, step: Step) -> tuple[Waiver, ...]:
    """The waivers of a file that answer for a step's findings: what stands in the other section
    only for those that are of the way there and back."""
    down = sections.down.waivers if sections.down else ()
    own, other = (
        (sections.up.waivers, down) if step.direction == "up" else (down, sections.up.waivers)
    )
    return tuple(
        replace(waiver, statement=0) if waiver.code in OF_THE_FILE else waiver
        for waiver in (*own, *(one for one in other if one.code in OF_THE_FILE))
    )


def _with_findings(step: Step, findings: Iterable[Finding], waivers: Sequence[Waiver]) -> Step:
    found = (*step.findings, *(waived(finding, waivers) for finding in findings))
    ordered = sorted(found, key=lambda one: (one.line, one.code))
    return step.model_copy(update={"findings": tuple(ordered)})


def _summed_up(evidence: Evidence) -> Rehearsal:
    """The whole, or what the single steps prove against a way back that has a gap."""
    whole, bad = evidence.whole, [trip for trip in evidence.trips if trip.restored is False]
    if whole.restored is not None or not bad:
        return whole
    differences = tuple(change for trip in bad for change in trip.differences)
    return whole.model_copy(update={"restored": False, "differences": differences})


def _verdicts(seen: Rehearsal, step: Step) -> Iterator[Finding]:
    if seen.restored is False:
        yield _verdict(
            NOT_RESTORED,
            step.rollback[0].line if step.rollback else 1,
            f"The way back does not restore what was there: {describe(seen.differences)}."
            if seen.differences
            else f"It was rehearsed, and {seen.obstacle}.",
            seen.differences,
            "After it the database is not what the migrations that stay make of it.",
        )
    if seen.repeatable is False:
        yield _verdict(
            NOT_REPEATABLE,
            step.statements[0].line if step.statements else 1,
            f"After the way back it leaves another schema: {describe(seen.unrepeated)}."
            if seen.unrepeated
            else f"It was rehearsed, and {seen.obstacle}.",
            seen.unrepeated,
            "Once rolled back, it cannot be brought again as it was reviewed.",
        )


def _verdict(code: str, line: int, message: str, left: Sequence[Change], why: str) -> Finding:
    """A finding of a step as a whole. A counter that stands elsewhere makes no other schema."""
    only_counters = left and all(is_counter(change.object) for change in left)
    return Finding(
        code=code,
        severity="warning" if only_counters else "danger",
        line=line,
        message=message,
        why=why,
        safer="Let the way back undo all that the way there does.",
    )


def describe(changes: Sequence[Change]) -> str:
    """The objects that differ with the first lines of each, as much as a sentence holds.

    >>> describe([Change(object="table t", change="changed", lines=("+index i: columns a",))])
    'table t (changed: +index i: columns a)'
    """
    more = f"; and {len(changes) - LINES} more" if len(changes) > LINES else ""
    return "; ".join(_describe(change) for change in changes[:LINES]) + more


def _describe(change: Change) -> str:
    is_whole = change.change != "changed" and change.object != GRANTS
    if is_whole or not change.lines:
        return f"{change.object} ({change.change})"
    lines = [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in change.lines]
    more = " …" if len(lines) > LINES else ""
    return f"{change.object} ({change.change}: {' '.join(lines[:LINES])}{more})"


def _worse_locks(statement: PlannedStatement, measured: Measured) -> Iterator[str]:
    for held in measured.locks or ():
        if _is_worse_lock(statement, held):
            yield f"it takes {held.lock} on {held.table}, so that {SHUT_OUT[held.blocks]}"


def _unforeseen_rewrites(statement: PlannedStatement, measured: Measured) -> Iterator[str]:
    for table in measured.rewrites or ():
        if _is_worse_rewrite(statement, table):
            yield f"it rewrites every row of {table}"


def _is_worse_lock(statement: PlannedStatement, held: Lock) -> bool:
    said = [one.blocks for one in statement.touches if _is_same(one.table, held.table)]
    return STRENGTH[held.blocks] > max((STRENGTH[one] for one in said), default=0)


def _is_worse_rewrite(statement: PlannedStatement, table: str) -> bool:
    said = [one.work for one in statement.touches if _is_same(one.table, table)]
    return "rewrite" not in said


def _with_touches(
    number: int, step: Step, measured: Mapping[tuple[int, int], Measured], facts: Facts
) -> Step:
    """The step, whose statements touch what they were seen to lock and rewrite."""
    statements = tuple(
        statement.model_copy(update={"touches": _touches(statement, seen, facts)})
        if (seen := measured.get((number, place))) else statement
        for place, statement in enumerate(step.statements, 1)
    )  # fmt: skip
    return step.model_copy(update={"statements": statements})


def _touches(statement: PlannedStatement, seen: Measured, facts: Facts) -> tuple[Touch, ...]:
    found = list(statement.touches)
    for worse in _measured_touches(statement, seen, facts):
        same = next((one for one in found if _is_same(one.table, worse.table)), None)
        if same is None:
            found.append(worse)
            continue
        work = max(same.work, worse.work, key=WORKS.index)
        changes: dict[str, object] = {"work": work, "certain": same.certain or work != same.work}
        if STRENGTH[worse.blocks] > STRENGTH[same.blocks]:
            changes |= {"lock": worse.lock, "blocks": worse.blocks}
        found[found.index(same)] = same.model_copy(update=changes)
    return tuple(found)


def _measured_touches(statement: PlannedStatement, seen: Measured, facts: Facts) -> Iterator[Touch]:
    """What it was seen to do worse than is said, with the live sizes. A table is rewritten only
    while nobody reads it, whose lock is gone where the statement commits by itself."""
    rewritten = [one for one in seen.rewrites or () if _is_worse_rewrite(statement, one)]
    locks = {one.table: (one.lock, one.blocks) for one in seen.locks or ()}
    worse = [one.table for one in seen.locks or () if _is_worse_lock(statement, one)]
    for table in dict.fromkeys([*worse, *rewritten]):
        lock, blocks = locks.get(table, ("ACCESS EXCLUSIVE", "reads"))
        known = find_sized(_object(table), facts)
        yield Touch(
            table=table,
            lock=lock,
            blocks=blocks,
            work="rewrite" if table in rewritten else "none",
            rows=known.rows if known else None,
            bytes=known.size if known else None,
        )


def _object(table: str) -> Object:
    schema, _, name = table.rpartition(".")
    return Object("table", name, schema)


def _grade(statement: PlannedStatement, seen: Measured, terms: ReviewTerms) -> Severity:
    """By the largest table that is rewritten; a lock alone is brief, so nothing graver than a
    warning."""
    rewritten = [one for one in seen.rewrites or () if _is_worse_rewrite(statement, one)]
    grades = [SEVERITY_OF[measure(_object(one), terms.facts, terms.thresholds)]
              for one in rewritten]  # fmt: skip
    return max(["warning", *grades], key=SEVERITIES.index)


def _is_same(said: str, seen: str) -> bool:
    """Whether a table that SQL may name without its schema is the one that was seen."""
    said, seen = said.casefold(), seen.casefold()
    return said == seen or said == seen.rpartition(".")[2]


def _not_foreseen(
    statement: PlannedStatement, measured: Measured, worse: Sequence[str], severity: Severity
) -> Finding:
    return Finding(
        code=NOT_FORESEEN,
        severity=severity,
        statement=measured.statement,
        line=statement.line,
        message=f"In the rehearsal {'; '.join(worse)}.",
        why="Its SQL does not tell. The plan's locks and sizes count it as it was measured.",
    )
