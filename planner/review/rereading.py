"""A plan held against its own text: what it says of its SQL is not taken on trust.

Who can write a plan can compute its digests too. So its statements are cut from the files'
text again and read again, by the same code that plans; what depends on the tables alone is not
compared here. Opens no file and asks no server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockgate.planner.building.filetexts import restore_migration
from lockgate.planner.building.readings import as_reading
from lockgate.planner.building.stored_runs import AppliedMigration, down_step
from lockgate.planner.database.facts import Facts
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.errors import ContradictedPlan, LockgateError, StalePlan, UnsupportedPlan
from lockgate.planner.guarantees.guarantee import judge_outside, rank, verdict
from lockgate.planner.guarantees.units import RANKS, is_unit
from lockgate.planner.migrations.format import parse_sections, recorded_sections
from lockgate.planner.migrations.migration import Migration, Section, Sections
from lockgate.planner.plan.plan import Plan, Step, Unit
from lockgate.planner.plan.statement import (
    Batch,
    Condition,
    Online,
    PlannedStatement,
    StatementReading,
)
from lockgate.planner.reading.reading import BLOCKED, WORKS, Hold
from lockgate.planner.review.inspection import read_subjects, without_files
from lockgate.planner.review.lint import waived
from lockgate.planner.review.rehearsal_findings import answering
from lockgate.planner.review.section import Reviewed, ReviewTerms, Subject
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.sql.statements import says_more
from lockgate.planner.versions import VersionKey, version_key

# From the least to the most, of what a statement may leave and of when it may commit.
LEAVES = ("nothing", "settings", "unknown")
COMMITS = ("never", "may", "itself")
WHY = "Its digest is over what it says, and anybody can compute that: it proves no truth."
DO = "Make a new plan with `migrate plan`, and find out who has changed this one."


def bind(
    plan: Plan,
    dialect: Dialect,
    variables: Mapping[str, str],
    applied: Sequence[AppliedMigration] = (),
) -> tuple[Migration, ...]:
    """The migrations of the plan, from the text that it carries: each step's statements are those
    that its file's checksum is of. Steps of format 1.0 carry none, and are passed over.

    `variables` are the environment's of now; a template has to have been rendered with them, or,
    to be rolled back, with those that the database has noted in `applied`.

    Raises:
        ContradictedPlan: a step's SQL is not its file's.
    """
    noted = {one.key: one.step for one in applied}
    bound = (
        _bind(number, step, dialect, _variables_for(step, noted, variables))
        for number, step in enumerate(plan.steps, 1)
    )
    return tuple(migration for migration in bound if migration is not None)


def refuse_unbound(plan: Plan, dialect: Dialect, applied: Sequence[AppliedMigration]) -> None:
    """Raises UnsupportedPlan when a step does not carry its file's text, as those of format 1.0 do
    not, unless it rolls back by what the database has kept in `applied`."""
    known = {one.key: one for one in applied}
    for step in filter(_needs_text, plan.steps):
        if step.text is None and not _is_kept(step, known.get(step.key), dialect):
            raise UnsupportedPlan(
                "The plan was made by an older lockgate: it does not carry the text of its files.",
                why="Nothing shows that its SQL is that of the files whose checksums it names.",
                do="Make a new plan with `migrate plan`, and have it reviewed.",
            )


def _needs_text(step: Step) -> bool:
    """All but a step that only takes its migration out of the history."""
    is_forgotten = step.record is not None and not step.record.is_skip
    return step.direction == "up" or bool(step.statements) or not is_forgotten


def _is_kept(step: Step, applied: AppliedMigration | None, dialect: Dialect) -> bool:
    """Whether the step is the one by which the database itself would roll back."""
    if step.direction != "down" or applied is None or not (applied.step and applied.step.rollback):
        return False
    kept = down_step(applied, dialect)
    alike = [(one.checksum, one.name, one.requires, one.file) for one in (step, kept)]
    texts = [[(s.sql, s.copy_data, *_ways(s)) for s in one.statements] for one in (step, kept)]
    runs_alike = not dialect.transactional_ddl or (step.transaction is None) is (
        kept.transaction is None
    )
    return alike[0] == alike[1] and texts[0] == texts[1] and runs_alike


def asks_what_is_kept(plan: Plan, variables: Mapping[str, str]) -> bool:
    """Whether a rollback is bound to what the database has kept, and not by its own text alone."""
    downs = (step for step in filter(_needs_text, plan.steps) if step.direction == "down")
    unbound = any(step.text is None for step in downs)
    return unbound or is_rendered_otherwise(plan, variables)


def is_rendered_otherwise(plan: Plan, variables: Mapping[str, str]) -> bool:
    """Whether it rolls back a template that was rendered with other variables than these."""
    return any(
        step.direction == "down" and step.text and step.text.variables not in (None, variables)
        for step in plan.steps
    )


def _variables_for(
    step: Step, noted: Mapping[VersionKey, Step | None], variables: Mapping[str, str]
) -> Mapping[str, str]:
    """Those with which the step must have been rendered."""
    ran = noted.get(step.key) if step.direction == "down" else None
    if ran is None or ran.text is None or ran.checksum != step.checksum:
        return variables
    return ran.text.variables or {}


def refuse_unmet(plan: Plan, ledger: Ledger) -> None:
    """Raises ContradictedPlan when a step requires what is neither applied, by a ledger that is at
    the plan's base, nor done by a step before it; or rolls that back first. Another tool's history
    may have holes, and is taken over with them."""
    present = {entry.key for entry in ledger.entries}
    gone: set[VersionKey] = set()
    for number, step in enumerate(plan.steps, 1):
        if step.direction == "down":
            present.discard(step.key)
            gone.add(step.key)
            for version in step.requires:
                if version_key(version) in gone:
                    raise _contradicted(f"step {number}", f"{version} is rolled back before it")
            continue
        lacking = [version for version in step.requires if version_key(version) not in present]
        if lacking and not (step.record and step.record.why == "adopt"):
            raise _contradicted(f"step {number}", f"it requires {', '.join(lacking)} before it")
        present.add(step.key)


def refuse_understated(plan: Plan, dialect: Dialect, facts: Facts | None = None) -> None:
    """Raises ContradictedPlan when the plan says less of its statements than their SQL does, by
    the facts of a database that is at the plan's base, where these are known; StalePlan when
    these do not show that what is absent by the plan still is."""
    terms = ReviewTerms(dialect, facts or Facts())
    subjects = read_subjects(plan, terms, without_files(plan))
    for number, (step, subject) in enumerate(zip(plan.steps, subjects, strict=True), 1):
        for planned, reviewed in zip(step.statements, subject.statements, strict=True):
            if planned.reading is None and step.text is None:
                continue  # of format 1.0
            _refuse_present(f"step {number} statement {reviewed.place}", planned, reviewed)
            for less in _understated(planned, reviewed, subject):
                raise _contradicted(f"step {number} statement {reviewed.place}", less)
    if dialect.transactional_ddl and all(step.text for step in plan.steps):
        _refuse_overstated(plan)
    if _is_cut(plan):
        raise _contradicted("its verdict", f"it says {plan.verdict}, and it can stop half-way")


def refuse_needless_pieces(
    plan: Plan, dialect: Dialect, migrations: Sequence[Migration], facts: Facts
) -> None:
    """Raises ContradictedPlan when a step is to run statement by statement, each kept at once,
    that its file does not want so and that could be undone as a whole.

    `facts` are those of a database at the plan's base, whose server commits DDL by itself.
    """
    known = {migration.key: migration for migration in migrations}
    for number, step in enumerate(plan.steps, 1):
        migration = known.get(step.key)
        if step.transaction is not None or migration is None or not step.statements:
            continue
        rendered = (step.text and step.text.variables) or {}
        sections = parse_sections(migration, dialect, rendered)
        section = sections.up if step.direction == "up" else sections.down
        if section and section.transactional and is_unit(plan, number - 1, facts, dialect):
            raise _contradicted(
                f"step {number}", "it is to run in pieces, and could be undone as a whole"
            )


def without_claims(plan: Plan, dialect: Dialect, migrations: Sequence[Migration]) -> Plan:
    """The plan with its findings, each of them waived only where its file's text waives it."""
    known = {migration.key: migration for migration in migrations}
    steps = []
    for step in plan.steps:
        migration = known.get(step.key)
        rendered = (step.text and step.text.variables) or {}
        sections = None
        if migration and (migration.template or says_more(migration.text)):
            sections = _sections(step, migration, dialect, rendered)
        steps.append(_without_claims(step, sections))
    return plan.model_copy(update={"steps": tuple(steps)})


def _without_claims(step: Step, sections: Sections | None) -> Step:
    waivers = answering(sections, step) if sections else ()
    findings = tuple(
        waived(finding.model_copy(update={"allowed": None}), waivers) for finding in step.findings
    )
    return step.model_copy(update={"findings": findings})


def _bind(
    number: int, step: Step, dialect: Dialect, variables: Mapping[str, str]
) -> Migration | None:
    place = f"step {number} ({step.file})"
    if step.record and step.statements:
        raise _contradicted(place, "it says that it runs nothing, and has statements")
    if step.text is None:
        return None
    try:
        migration = restore_migration(step, dialect)
    except LockgateError as error:
        raise _contradicted(place, f"its file cannot be read: {error.what}") from error
    if migration.checksum != step.checksum:
        raise _contradicted(place, "its SQL is not that of the file with its checksum")
    if step.text.variables is not None and step.text.variables != dict(variables):
        raise _contradicted(place, "it was rendered with other variables than the environment's")
    try:
        sections = _sections(step, migration, dialect, variables)
    except LockgateError as error:
        raise _contradicted(place, f"its file cannot be read: {error.what}") from error
    for less in _unlike(step, migration, sections, dialect):
        raise _contradicted(place, less)
    return migration


def _sections(
    step: Step, migration: Migration, dialect: Dialect, variables: Mapping[str, str]
) -> Sections:
    if step.direction == "up" and step.record:
        return recorded_sections(migration, dialect, variables)[0]
    return parse_sections(migration, dialect, variables)


def _unlike(
    step: Step, migration: Migration, sections: Sections, dialect: Dialect
) -> Iterator[str]:
    """What a step has otherwise than its file, as clauses."""
    # The history spells a version as the file did that was applied: a rollback follows it.
    version = step.version if step.direction == "up" else migration.version
    told = (step.key, version, step.name, step.requires)
    file = (migration.key, migration.version, migration.name, migration.requires)
    if step.file not in [file.name for file in migration.files]:
        yield "its file is not one that its text is of"
    is_rendered = step.text is not None and step.text.variables is not None
    if told != file or is_rendered != migration.template:
        yield "its version, its name or what it requires is not its file's"
    section = sections.up if step.direction == "up" else sections.down
    if step.record and step.record.is_skip:
        if section is not None:
            yield "its file has a way back, and it is passed over"
        return
    if section is None:
        yield "its file has no such section"
        return
    if not step.record and not _are_alike(step.statements, section):
        yield "its statements are not those of its file"
    has_way_back = (step.rollback is None) == (sections.down is None)
    is_alike = has_way_back and _are_alike(step.rollback or (), sections.down)
    if step.direction == "up" and not is_alike:
        yield "its way back is not that of its file"
    back = sections.down.transactional if step.direction == "up" and sections.down else None
    if step.rollback_transactional != back:
        yield "its way back runs otherwise than its file says"
    if not step.record and not _runs_as_written(step, section, dialect):
        yield "its transaction is not what its file says"


def _are_alike(planned: Sequence[PlannedStatement], section: Section | None) -> bool:
    written = section.statements if section else ()
    ways = (section.batch, section.online) if section else ()
    conditions = section.conditions if section else {}
    return [(one.sql, one.copy_data, one.line, *_ways(one)) for one in planned] == [
        (one.sql, one.copy_data, one.line, *ways, conditions.get(one.line)) for one in written
    ]


def _ways(statement: PlannedStatement) -> tuple[Batch | None, Online | None, Condition | None]:
    """How it runs, and when, as its file says that."""
    batch, online = statement.batch, statement.online
    return batch and batch.written, online and online.written, statement.condition


def _runs_as_written(step: Step, section: Section, dialect: Dialect) -> bool:
    """Where the server commits DDL by itself, a section may be in no unit for other reasons."""
    if step.transaction is None:
        return not (section.transactional and dialect.transactional_ddl)
    return section.transactional


def _understated(planned: PlannedStatement, reviewed: Reviewed, subject: Subject) -> Iterator[str]:
    """What a statement does beyond what the plan says of it, as clauses."""
    if planned.reading is None:
        yield "it does not say what the statement does"
        return
    yield from _unread(planned.reading, as_reading(reviewed.impact.reading))
    said = {one.partition(": ")[0] for one in planned.loses} | {*planned.loses}
    lost = [one for one in subject.lost_by(reviewed) if one not in said]
    if lost:
        yield f"it does not say that {' and '.join(lost)} is lost"
    for hold in reviewed.impact.holds:
        is_asked = hold.certain or subject.terms.dialect.transactional_ddl
        if is_asked and not subject.is_new(hold.on, reviewed) and not _is_told(hold, planned):
            yield f"it does not tell the lock {hold.lock} on {hold.on.name}"


def _refuse_present(place: str, planned: PlannedStatement, reviewed: Reviewed) -> None:
    """Raises StalePlan when something is there by now that the plan says is not."""
    told = planned.reading.absent if planned.reading else ()
    absent = as_reading(reviewed.impact.reading).absent
    if there := next((one for one in told if one not in absent), None):
        name = ".".join(filter(None, (there.qualifier, there.name)))
        raise StalePlan(
            f"The {there.kind} {name} was not there when the plan was made, and may be now.",
            why=f"By the plan {place} does nothing about it, so its loss was not reviewed.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )


def _unread(told: StatementReading, found: StatementReading) -> Iterator[str]:
    if told.kind != found.kind or not set(found.objects) <= set(told.objects):
        yield f"it is {found.kind}, and what it works on is not what the plan says"
    if found.opaque and not told.opaque:
        yield "it runs code that was not read, and the plan does not say so"
    if not set(found.reaches_out) <= set(told.reaches_out):
        yield "it reaches out of its database, and the plan does not say so"
    if found.changes_rights and not told.changes_rights:
        yield "it changes who may do what, and the plan does not say so"
    if found.unread and not told.unread:
        yield "it could not be read, and the plan does not say so"
    weaker = (
        LEAVES.index(told.leaves) < LEAVES.index(found.leaves)
        or COMMITS.index(told.commits) < COMMITS.index(found.commits)
        or not set(found.names) <= set(told.names)
        or (found.outside_only, told.fails_whole, told.repeatable, told.concurrent)
        != (told.outside_only, found.fails_whole, found.repeatable, found.concurrent)
    )
    if weaker:
        yield "how it runs and fails is not what the plan says"


def _refuse_overstated(plan: Plan) -> None:
    """Refuses promises that are not those of the transactions, where these hold DDL too."""
    judged = judge_outside([_as_it_runs(step) for step in plan.steps])
    for number, (step, honest) in enumerate(zip(plan.steps, judged, strict=True), 1):
        for place, pair in enumerate(zip(step.statements, honest.statements, strict=True), 1):
            told, found = (RANKS.index(one.guarantee) for one in pair)
            if told < found:
                where = f"step {number} statement {place}"
                raise _contradicted(where, "it promises more than its transaction gives")
    if rank(plan.verdict) > rank(verdict(judged)):
        raise _contradicted("its verdict", f"it says {plan.verdict}, and it can stop half-way")


def _as_it_runs(step: Step) -> Step:
    guarantee = "point-of-no-return" if step.transaction is None else "transactional"
    changes = {"guarantee": guarantee, "reason": ""}
    statements = tuple(
        one if one.batch else one.model_copy(update=changes) for one in step.statements
    )
    return step.model_copy(update={"statements": statements})


def _is_told(hold: Hold, planned: PlannedStatement) -> bool:
    return any(
        touch.table in (hold.on.name, f"{hold.on.schema}.{hold.on.name}")
        and BLOCKED.index(touch.blocks) >= BLOCKED.index(hold.blocks)
        and (not hold.certain or WORKS.index(touch.work) >= WORKS.index(hold.work))
        for touch in planned.touches
    )


def _is_cut(plan: Plan) -> bool:
    """Whether the plan says that it is atomic and is not: it has several units and does not say
    so, or a unit with statements that are kept one by one, or with one that cannot be undone
    before another."""
    promised, units = rank(plan.verdict), plan.units()
    is_several = len(units) > 1 or any(unit.batches for unit in units)
    return bool(promised) and ((promised > 1 and is_several) or any(map(_is_torn, units)))


def _is_torn(unit: Unit) -> bool:
    ran = [one for step in unit.steps for one in step.statements]
    is_journaled = unit.transaction is None and sum(not one.is_idle for one in ran) > 1
    return is_journaled or any(one.guarantee == "point-of-no-return" for one in ran[:-1])


def _contradicted(place: str, less: str) -> ContradictedPlan:
    return ContradictedPlan(f"The plan contradicts its own SQL: {place}: {less}.", why=WHY, do=DO)
