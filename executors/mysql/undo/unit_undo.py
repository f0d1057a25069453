"""Rolling a unit back on MySQL and MariaDB: statement by statement, then proved by the catalogue.

Decides nothing about whether to: `recovery` does, and says what became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.executors.events import ClearingPostponed, Emit, Undoing
from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.catalogue.catalogue import read_catalogue
from lockgate.executors.mysql.undo.graveyard import Graveyard, generated_for
from lockgate.executors.mysql.undo.intents import Intent, Reference, moved
from lockgate.executors.mysql.undo.journal import JournalRow, UnitJournal, unfinished
from lockgate.executors.mysql.undo.row_proof import RowProof
from lockgate.executors.mysql.undo.statement_undo import Undo
from lockgate.executors.states import Outcome, RunStatus
from lockgate.planner.database.catalogue import ObjectDifference, differences
from lockgate.planner.errors import Unreachable
from lockgate.planner.quoting import backquoted
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.engine import MySQL
    from lockgate.executors.mysql.undo.images import Image
    from lockgate.planner.plan.plan import Unit

READ_COMMITTED = (
    f"select statement, image from {{journal}} {{plain}} where outcome = '{Outcome.COMMITTED}'"
)
FORGET_COMMITTED = (
    f"delete from {{journal}} where outcome = '{Outcome.COMMITTED}' and {{ledger.alone}}"
)
ACCEPT = (
    f"update {{journal}} set outcome = '{Outcome.COMMITTED}' "
    f"where run_id = %s and coalesce(outcome, '') <> '{Outcome.COUNTED}' and {{ledger.alone}}"
)
CLEANED = (
    f"update {{runs}} set status = '{RunStatus.CLEANED}' where status = '{RunStatus.COMMITTED}' "
    f"and id in (select run_id from {{journal}} {{plain}} where outcome = '{Outcome.COMMITTED}') "
    "and {ledger.alone}"
)


class UndoRefused(Exception):
    """The server refuses to undo a statement, of which the journal has this record."""

    def __init__(self, record: JournalRow, error: ServerError) -> None:
        super().__init__(str(error))
        self.record = record
        self.error = error


@frozen
class RolledBack:
    """In what the database differs from before, and the tables in which other sessions have
    written meanwhile, as far as can be told."""

    left: tuple[ObjectDifference, ...]
    written: tuple[str, ...]


def roll_back(engine: MySQL, graveyard: Graveyard, journal: UnitJournal, emit: Emit) -> RolledBack:
    """Undoes what the journal has of a unit; what is not as before.

    Nothing is forgotten yet: `forget` does, when there is no difference. May be done again.

    Raises:
        UndoRefused: the server refuses to undo a statement.
        ServerError: it refuses to make a view again.
        Unreachable: the connection was lost.
    """
    engine.lock.renew()
    journal.set_status(RunStatus.COMPENSATING)
    before, records = journal.read()
    undo = Undo(engine.session, graveyard)
    proof = RowProof(engine.session.observe, engine.server.database)
    left = unfinished(records)
    if left:
        emit(Undoing(len(left)))
    for record in left:
        _undo(undo, journal, record, proof)
    undo.restore_views(_first_views(left))
    for record in left:
        if _views(record):
            journal.note(record.step, record.place, Outcome.UNDONE)
    for table, counter in before.counters.items():
        undo.restore_counter(table, counter)
    engine.lock.renew()
    proof.find_orphans(_first_references(records))
    found = differences(before.catalogue, read_catalogue(engine.session))
    return RolledBack((*found, *proof.differences), proof.written)


def _undo(undo: Undo, journal: UnitJournal, record: JournalRow, proof: RowProof) -> None:
    quiet = proof.is_quiet(record.intent, record.outcome)
    try:
        if record.outcome == Outcome.DONE:
            undo.refuse_foreign_change(record.intent)
            journal.note(record.step, record.place, Outcome.UNDOING)
        undo.undo(record.intent, record.outcome)
    except ServerError as error:
        raise UndoRefused(record, error) from error
    if other := proof.find_other(record.intent.rows, quiet=quiet):
        seen = record.intent.model_copy(update={"rows": other})
        journal.note_intent(record.step, record.place, Outcome.UNDOING, seen)
    elif not _views(record):
        journal.note(record.step, record.place, Outcome.UNDONE)


def forget(engine: MySQL, graveyard: Graveyard, journal: UnitJournal, status: RunStatus) -> None:
    """Clears the graveyard of what a unit has left there, then forgets its journal.

    A crash in between leaves the journal, and it is done again.
    """
    _, records = journal.read()
    sweep(engine, graveyard, [grave for record in records for grave in record.intent.leftovers])
    graveyard.close()
    journal.close(status)


def clear_committed(engine: MySQL, emit: Emit) -> None:
    """Removes for good what committed units have dropped. They are kept whatever comes, so a
    failure leaves the clearing to the next run, as a signal does.

    Raises:
        Interrupted: there is more to clear.
    """
    graveyard = Graveyard(engine.session)
    try:
        rows = engine.store.query_all(READ_COMMITTED)
        if not rows:
            return
        images = [image for statement, image in rows if statement and image]
        intents = [Intent.model_validate_json(image) for image in images]
        sweep(engine, graveyard, [grave for intent in intents for grave in intent.leftovers])
        with engine.session.transaction():
            engine.store.execute(CLEANED)
            engine.store.execute(FORGET_COMMITTED)
    except (Unreachable, ServerError) as hindered:
        emit(ClearingPostponed(graveyard.name, str(hindered)))


def put_aside(engine: MySQL, run_id: str, unit: Unit) -> tuple[str, ...]:
    """What an interrupted unit has put into the graveyard, and what to do with it, as lines for
    people; none: nothing is there."""
    graveyard = Graveyard(engine.session)
    _, records = UnitJournal(engine, run_id, unit).read()
    kept = [
        (graveyard.place(name), told)
        for record in records
        for name, told in _kept(record.intent)
        if graveyard.has(name)
    ]
    if not kept:
        return ()
    places = ", ".join(place for place, _ in kept)
    return (
        f"What the run had put aside is still in the schema {graveyard.name}:",
        *(f"- {told}: select * from {place}" for place, told in kept),
        f"Take from there what you need, then remove it: drop table {places}",
        f"If nothing else is in the schema: drop database {backquoted(graveyard.name)}",
    )


def _kept(intent: Intent) -> Iterator[tuple[str, str]]:
    for table, grave in intent.graves.items():
        yield grave, f"the table {table}, which the plan has dropped"
    for copy in intent.copies:
        of = f"{', '.join(copy.columns)} of {copy.table}" if copy.columns else copy.table
        yield copy.name, f"a copy of {of} as it was"
    for witness in (intent.witness, moved(intent.witness)) if intent.witness else ():
        yield witness, "an empty table by which a rename is seen"


def sweep(engine: MySQL, graveyard: Graveyard, graves: Collection[str]) -> None:
    """Removes these tables of the graveyard for good, and the graveyard when it is empty."""
    if graves:
        engine.lock.renew()
        graveyard.sweep(graves)
        engine.lock.renew()


def _first_views(latest_first: tuple[JournalRow, ...]) -> list[Image]:
    """The views as they were before the first statement that touched each, if they were."""
    found = {image.name: image for record in latest_first for image in _views(record)}
    return [image for image in found.values() if image.create]


def _first_references(records: Iterable[JournalRow]) -> list[Reference]:
    """The foreign keys under which others may have written, each as the first statement found it,
    by the names that the tables had before all of them."""
    found: dict[tuple[str, str], Reference] = {}
    renames: list[tuple[str, str]] = []
    for record in sorted(records, key=lambda one: (one.step, one.place)):
        for one in record.intent.references:
            table, name = one.table, one.name
            for old, new in reversed(renames):
                if table == new:
                    table, name = old, generated_for(old, name, new)
            first = one.model_copy(update={"table": table, "name": name})
            found.setdefault((table, name), first)
        renames += record.intent.renames
    return list(found.values())


def _views(record: JournalRow) -> tuple[Image, ...]:
    return tuple(image for image in record.intent.images if image.kind == "view")
