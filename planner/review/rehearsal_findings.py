"""Evidence: what a rehearsal has shown, as findings of a plan's steps and warnings of the plan.

Runs nothing: `executors.rehearsal` does. Whether a finding matters, policies and waivers say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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
from lockgate.planner.plan.plan import Change, Measured, Plan, Rehearsal, Step, seal
from lockgate.planner.plan.rehearsal import how_to_get, other_series
from lockgate.planner.plan.statement import PlannedStatement, Touch
from lockgate.planner.reading.reading import WORKS, Blocked, Object, Work
from lockgate.planner.reading.sizes import SEVERITY_OF, find_sized, measure
from lockgate.planner.review.lint import waived
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.value import frozen, replace

STRENGTH: dict[Blocked, int] = {"nothing": 0, "writes": 1, "reads": 2}
SHUT_OUT: dict[Blocked, str] = {
    "nothing": "no session waits",
    "writes": "writes wait",
    "reads": "reads and writes wait",
}
DONE: dict[Work, str] = {"none": "", "scan": "reads every row of {}",
                         "rewrite": "rewrites every row of {}"}  # fmt: skip
UNKNOWN = ReviewTerms(POSTGRESQL)
"""Of a database of which no table is known; only PostgreSQL's locks are measured."""
OF_THE_FILE = frozenset({NOT_RESTORED, NOT_REPEATABLE})
LINES, WIDTH = 3, 120  # of a diff, and of a line of it, that a sentence can hold


@frozen
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
    rehearsed = plan.model_copy(update={"rehearsal": _summed_up(evidence), "steps": steps})
    warnings = (*plan.warnings, *evidence_warnings(evidence), *_elsewhere(rehearsed))
    return seal(rehearsed.model_copy(update={"warnings": warnings}))


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
    a function or a DO block does is in no SQL that the plan reads."""
    for one in measured:
        statement = plan.steps[one.step - 1].statements[one.statement - 1]
        said = Said(statement, terms.facts)
        worse = [*_worse_locks(said, one), *_worse_work(said, one)]
        if worse:
            yield one.step, _not_foreseen(statement, one, worse, _grade(said, one, terms))


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


def _elsewhere(plan: Plan) -> Iterator[str]:
    if rehearsed := other_series(plan):
        target = plan.target
        yield (
            f"It was rehearsed on {rehearsed}, and the database is on {target.server_version}: "
            "what that version refuses or does otherwise was not seen. "
            + how_to_get(target.engine, target.server_number or 0)
        )


def answering(sections: Sections, step: Step) -> tuple[Waiver, ...]:
    """The waivers of a file that answer for a step's findings: what is in the other section
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
    """A finding of a step as a whole. A counter that is elsewhere makes no other schema."""
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


class Said:
    """What a plan says of a statement, of a table or of what it is a part of or inherits from."""

    def __init__(self, statement: PlannedStatement, facts: Facts) -> None:
        self.touches, self._facts = statement.touches, facts

    def blocks(self, table: str) -> int:
        """How much is shut out of the table."""
        return max((STRENGTH[one.blocks] for one in self._of(table)), default=0)

    def work(self, table: str) -> int:
        """How much of it is worked on."""
        return max((WORKS.index(one.work) for one in self._of(table)), default=0)

    def _of(self, table: str) -> list[Touch]:
        names = [table, *_wholes(table, self._facts)]
        return [one for one in self.touches if any(_is_same(one.table, name) for name in names)]


def _wholes(table: str, facts: Facts) -> Iterator[str]:
    known = find_sized(_object(table), facts)
    for parent in known.layout.parents if known and known.layout else ():
        yield parent
        yield from _wholes(parent, facts)


def _worse_locks(said: Said, measured: Measured) -> Iterator[str]:
    for held in measured.locks or ():
        if STRENGTH[held.blocks] > said.blocks(held.table):
            yield f"it takes {held.lock} on {held.table}, so that {SHUT_OUT[held.blocks]}"


def _worse_work(said: Said, measured: Measured) -> Iterator[str]:
    for table, work in _works(measured).items():
        if WORKS.index(work) > said.work(table):
            yield f"it {DONE[work].format(table)}"


def _works(measured: Measured) -> dict[str, Work]:
    """What was done to the tables that were worked on as a whole."""
    read: dict[str, Work] = dict.fromkeys(measured.scans or (), "scan")
    return read | dict.fromkeys(measured.rewrites or (), "rewrite")


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
    """What it was seen to do worse than is said, with the live sizes. The lock that a table was
    worked on under is not known where it was taken before, or ended with the statement."""
    said, works = Said(statement, facts), _works(seen)
    locks = {one.table: (one.lock, one.blocks) for one in seen.locks or ()}
    worse = [one.table for one in seen.locks or () if STRENGTH[one.blocks] > said.blocks(one.table)]
    more = [table for table, work in works.items() if WORKS.index(work) > said.work(table)]
    for table in dict.fromkeys([*worse, *more]):
        lock, blocks = locks.get(table, ("ACCESS EXCLUSIVE", "reads"))
        known = find_sized(_object(table), facts)
        yield Touch(
            table=table,
            lock=lock,
            blocks=blocks,
            work=works[table] if table in more else "none",
            rows=known.rows if known else None,
            bytes=known.size if known else None,
        )


def _object(table: str) -> Object:
    schema, _, name = table.rpartition(".")
    return Object("table", name, schema)


def _grade(said: Said, seen: Measured, terms: ReviewTerms) -> Severity:
    """By the largest table that is worked on; a lock alone is brief, so nothing graver than a
    warning."""
    more = [table for table, work in _works(seen).items() if WORKS.index(work) > said.work(table)]
    grades = [SEVERITY_OF[measure(_object(one), terms.facts, terms.thresholds)] for one in more]
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
