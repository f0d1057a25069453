"""Which sequences keep what a transaction sets them to, although the server undoes the rest.

Those that the plan makes are not among them: they go with it.
https://www.postgresql.org/docs/current/functions-sequence.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.guarantees.kept import STAYS
from lockgate.planner.plan.plan import Step
from lockgate.planner.reading.postgresql.head import may_set_sequence
from lockgate.planner.reading.sizes import find_table


def warn_of_sequences(steps: Iterable[Step], facts: Facts) -> tuple[str, ...]:
    """A sentence for each sequence of the database that SETVAL sets in a transaction."""
    return tuple(dict.fromkeys(_warn(steps, facts)))


def _warn(steps: Iterable[Step], facts: Facts) -> Iterator[str]:
    for step in steps:
        for one in step.statements if step.transaction is not None else ():
            if not may_set_sequence(one.sql):
                continue
            from lockgate.planner.reading.postgresql.calling import sequences_set

            for found in sequences_set(one.sql):
                if found is None or find_table(found, facts):
                    name = "a sequence" if found is None else f"the {found.kind} {found.name}"
                    name = f"a sequence of {name}" if found and found.kind == "table" else name
                    yield f"{step.file}:{one.line} sets {name} by setval{STAYS}"
