"""What goes along with what a plan drops, held against the database of now.

Asks nothing: the facts are given. What a statement takes, `planner.reading` says.
"""

from __future__ import annotations

from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.facts import Facts
from lockgate.planner.errors import StalePlan
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.impact import Taken
from lockgate.planner.review.inspection import read_subjects, without_files
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import Dialect


def may_take_along(plan: Plan, dialect: Dialect) -> bool:
    """Whether the database decides what goes with what the plan drops."""
    return dialect.transactional_ddl and any(
        clause.action.startswith("drop ")
        for step in plan.steps
        for one in step.statements
        for clause in full_reading(one, dialect).clauses
    )


def refuse_more_taken(plan: Plan, dialect: Dialect, facts: Facts) -> None:
    """Raises StalePlan when more goes with what the plan drops than it says."""
    subjects = read_subjects(plan, ReviewTerms(dialect, facts), without_files(plan))
    for number, (step, subject) in enumerate(zip(plan.steps, subjects, strict=True), 1):
        for planned, reviewed in zip(step.statements, subject.statements, strict=True):
            told = {Taken(one.kind, one.name, one.table) for one in planned.takes}
            more = [one for one in subject.taken_by(reviewed) if one not in told]
            if more and planned.reading is not None:
                raise StalePlan(
                    f"With step {number} statement {reviewed.place} goes {more[0]}, and the plan "
                    "does not say so.",
                    why="It came after the plan was made, so that it goes was not reviewed.",
                    do="Make a new plan with `migrate plan`, and have it reviewed.",
                )


def not_brought_back(
    statement: PlannedStatement, back: tuple[PlannedStatement, ...], dialect: Dialect
) -> tuple[Taken, ...]:
    """What goes along with a statement and is not made again, by its name, in a way back."""
    if not statement.takes:
        return ()
    made, gives = set[str](), False
    for reading in (full_reading(one, dialect) for one in back):
        made |= {one.name for one in reading.objects if reading.verb == "create"}
        made |= {one.name for one in reading.clauses}
        gives = gives or reading.changes_rights
    return tuple(
        Taken(one.kind, one.name, one.table)
        for one in statement.takes
        if not (gives if one.kind == "rights" else one.name.rpartition(".")[2] in made)
    )
