"""What became of statements that were journaled one by one, where the outcome was not noted.

Looks at the objects that a statement changes, and at what these were; undoes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import FORGET_INTENT, NOTE_DONE
from lockgate.executors.mysql.undo.graveyard import Graveyard
from lockgate.executors.mysql.undo.intents import Intent, is_permutation, prepare_intent
from lockgate.executors.mysql.undo.statement_runner import Forward
from lockgate.executors.states import Outcome
from lockgate.planner.building.readings import full_reading
from lockgate.planner.plan.plan import Step
from lockgate.planner.plan.statement import PlannedStatement
from lockgate.planner.reading.reading import Reading

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL

READ = (
    "select statement, outcome, image from {journal} {plain} "
    "where run_id = %s and step = %s and statement > 0"
)


def read_image(engine: MySQL, statement: PlannedStatement, effect: Reading) -> str:
    """What the objects of a statement are before it, as JSON; empty where that would not tell
    whether it has happened."""
    names = [(old.name, new.name) for old, new in effect.renames]
    if not effect.objects or is_permutation(names) or not effect.fails_whole:
        return ""
    try:
        intent = prepare_intent(
            engine.session.observe, Graveyard(engine.session), effect, statement, ""
        )
    except ServerError:  # the role may not see a definition
        return ""
    return intent.model_dump_json()


def settle_outcomes(engine: MySQL, run_id: str, number: int, step: Step) -> dict[int, str | None]:
    """The outcome of each statement of a step that was begun: `done`, or None when that is
    not known. What a look settles is noted; what has not happened is not among them.

    The session that ran them has ended: anyone who has its lock sees what it did.
    """
    outcomes: dict[int, str | None] = {}
    for place, outcome, image in engine.store.query_all(READ, (run_id, number)):
        statement = step.statements[place - 1]
        happened = True if outcome else _has_happened(engine, image, statement)
        key = (run_id, number, place)
        if happened is False:
            engine.store.execute(FORGET_INTENT, key)
            continue
        if happened and not outcome:
            engine.store.execute(NOTE_DONE, key)
        outcomes[int(place)] = Outcome.DONE if happened else None
    return outcomes


def _has_happened(engine: MySQL, image: str | None, statement: PlannedStatement) -> bool | None:
    if not image:
        return None
    effect = full_reading(statement, engine.server.dialect)
    forward = Forward(engine.session, Graveyard(engine.session))
    return forward.has_happened(Intent.model_validate_json(image), effect)
