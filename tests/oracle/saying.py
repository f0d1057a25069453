"""What `migrate plan` says of a statement, by the facts of a live database: a plan of it alone.

Runs nothing; it goes through the code that makes, inspects and rereads every plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockgate.planner.database.facts import Facts
from lockgate.planner.errors import ContradictedPlan, LockgateError, StalePlan
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.postgresql.reader import read
from lockgate.planner.review.inspection import inspect, read_subjects, without_files
from lockgate.planner.review.rereading import refuse_understated
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import POSTGRESQL
from tests.planner.literals import SETTING, migration, up_plan

FAILS = "fails-in-transaction"


@dataclass(frozen=True)
class Said:
    """A statement of a plan.

    `outside` says that it cannot run in a transaction, `refused` why no plan is made of it, and
    `contradicted` what `apply` finds in its SQL that the plan does not say.
    """

    statement: PlannedStatement | None
    outside: bool = False
    refused: str = ""
    contradicted: str = ""


def say(sql: str, facts: Facts, first: Sequence[str] = ()) -> Said:
    """What a plan says of a statement, after others of the same section."""
    outside = read(sql).outside_only
    try:
        text = "".join(f"{one}\n;\n" for one in (*first, sql))
        written = migration("001", text, options="transaction:false" if outside else "")
        plan = up_plan([written], setting=replace(SETTING, facts=facts))
    except LockgateError as error:
        return Said(None, refused=error.what)
    files = without_files(plan)
    subjects = read_subjects(plan, ReviewTerms(POSTGRESQL, facts), files)
    plan = inspect(plan, subjects, files, [()])
    (step,) = plan.steps
    fails = any(finding.code == FAILS for finding in step.findings)
    return Said(step.statements[-1], outside or fails, contradicted=_contradicted(plan, facts))


def _contradicted(plan: Plan, facts: Facts) -> str:
    """By the names of the database, as `apply` asks for no more where no policy does."""
    try:
        refuse_understated(plan, POSTGRESQL, Facts(names=facts.names))
    except (ContradictedPlan, StalePlan) as error:
        return error.what
    return ""
