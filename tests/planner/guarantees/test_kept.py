"""What a failed plan leaves for good, by its warnings."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import Facts, TableFacts
from lockgate.planner.guarantees.kept import kept_by
from tests.planner.literals import SETTING, migration, up_plan

FACTS = Facts({"s": TableFacts("heap", 1, 8192, {})})
TOLD = ("2_m2.sql:3 sets the sequence s by setval",)


@pytest.mark.parametrize(
    ("step", "statement", "told"),
    [(1, 1, ()), (2, 1, ()), (2, 2, TOLD), (2, 3, TOLD), (2, 0, TOLD), (3, 1, TOLD)],
)
def test_it_is_what_had_run(step: int, statement: int, told: tuple[str, ...]) -> None:
    set_between = "select 1;\nselect setval('s', 1);\nselect 2;"
    files = [migration(1, "select 1;"), migration(2, set_between), migration(3, "select 1;")]
    plan = up_plan(files, setting=replace(SETTING, facts=FACTS))
    assert kept_by(plan, step, statement) == told
