"""What plans of migrations that nobody here wrote say is what the server is seen to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lockgate.planner.building.observation import Observation
from lockgate.planner.finding import Finding
from lockgate.planner.plan.plan import Measured, Plan, seal
from lockgate.planner.review.rehearsal_findings import unforeseen
from lockgate.planner.review.section import ReviewTerms
from lockgate.plans.linting import inspect_plan
from tests.executors.building import (
    OUTSIDE,
    UP,
    apply_plan,
    environment_for,
    open_test_engine,
    plan_for,
    read_literals,
)
from tests.real.convert import RealMigration
from tests.real.test_real_migrations import POSTGRES_SETS, READERS

OF_WORK = frozenset(
    [
        *("adding-field-with-default", "adding-foreign-key-constraint", "blocks-table"),
        *("adding-not-nullable-field", "changing-column-type", "disallowed-unique-constraint"),
        *("constraint-missing-not-valid", "require-concurrent-index-creation"),
    ]
)
"""Findings that say that all rows of a table are worked on."""


@dataclass(frozen=True)
class Seen:
    """A plan of one migration, and what was measured as it ran."""

    plan: Plan
    measured: tuple[Measured, ...]
    terms: ReviewTerms

    def unforeseen(self) -> Iterator[str]:
        """What it did, and the plan does not say."""
        yield from (one.message for _, one in unforeseen(self.plan, self.measured, self.terms))

    def disproved(self) -> Iterator[Finding]:
        """What the plan says of work on rows, and none was done."""
        found = {(one.step, one.statement): one for one in self.measured}
        for number, step in enumerate(self.plan.steps, 1):
            for finding in step.findings:
                one = found.get((number, finding.statement))
                if finding.code in OF_WORK and one and not (one.scans or one.rewrites):
                    yield finding


def apply_seen(server: Any, database: str, migrations: list[RealMigration]) -> Seen:
    """The plan of the last of these migrations on a database that has the others, which is run."""
    texts = {
        f"{one.version}_{one.name}": f"{UP if one.transactional else OUTSIDE}\n{one.up}\n"
        for one in migrations
    }
    with open_test_engine(server, database) as engine:
        facts, dialect = engine.survey.read_facts(), engine.server.dialect
        seen = Observation(engine.server, engine.store.read_ledger(), facts)
        plan = plan_for(engine, texts)
        files = read_literals(texts, dialect)
        plan = seal(inspect_plan(plan, environment_for(server, database), seen, files))
        with engine.units.measuring() as gauge:
            apply_plan(engine, plan, emit=gauge.hear)
    return Seen(plan, gauge.measured, ReviewTerms(dialect, facts))


@pytest.mark.parametrize("name", POSTGRES_SETS)
def test_the_server_disproves_no_finding(postgres_server: Any, name: str) -> None:
    migrations, database = READERS[name](), postgres_server.new_database()
    seen = [apply_seen(postgres_server, database, migrations[:count])
            for count in range(1, len(migrations) + 1)]  # fmt: skip
    postgres_server.drop_database(database)
    assert [message for one in seen for message in one.unforeseen()] == []
    assert [finding for one in seen for finding in one.disproved()] == []
    assert any(one.plan.steps[-1].findings for one in seen)
