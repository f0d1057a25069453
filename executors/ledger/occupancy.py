"""What a database holds of others: for the first plan, and for `adopt`.

Writes nothing, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockgate.planner.database.occupancy import Occupancy, OtherHistory
from lockgate.planner.database.recording import AdoptedTable, adopted_tables, renamed
from lockgate.planner.errors import StalePlan
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.planner.adoption.matching import Takeover
    from lockgate.planner.adoption.tool import MigrationTool, Testimony
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.database.occupancy import FoundTable
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.record import Adopted


def read_occupancy(engine: Engine, ledger: Ledger) -> Occupancy | None:
    """What the database holds of others; None where it has a ledger, and need not be asked."""
    if ledger.present:
        return None
    from lockgate.planner.adoption.recognition import find_histories  # once in a database's life

    found = engine.survey.find_tables()
    histories = tuple(
        OtherHistory(
            tool.name,
            str(table),
            read_testimony(engine, tool, table).versions,
            of_code=not tool.reads_all,
        )
        for tool, table in find_histories(found)
    )
    return Occupancy(tuple(map(str, found)), histories)


def read_testimony(engine: Engine, tool: MigrationTool, table: FoundTable) -> Testimony:
    """What another tool's table says."""
    return tool.read(engine.survey.read_rows(table, tool.columns))


def read_takeover_testimony(
    engine: Engine, tool: MigrationTool, table: FoundTable, found: Iterable[FoundTable]
) -> Testimony:
    """The same, with what the tables say that the tool keeps beside its history, of those `found`:
    whether a run holds its lock, say."""
    testimony = read_testimony(engine, tool, table)
    beside = {one.name.lower(): one for one in found if one.schema == table.schema}
    troubles = list(testimony.troubles)
    for asked in tool.asked:
        place = beside.get(asked.table)
        if place and place.is_plain and asked.columns <= place.columns:
            troubles += asked.troubles(engine.survey.read_rows(place, asked.columns))
    return replace(testimony, troubles=tuple(troubles))


def refuse_moved_histories(engine: Engine, ledger: Ledger) -> None:
    """Raises HistoryError when a tool whose history was taken over has applied or rolled back
    something since."""
    adopted = adopted_tables(ledger)
    if not adopted:
        return
    from lockgate.planner.adoption.other_tool import refuse_made_again, refuse_moved

    found = {(table.schema, table.name): table for table in engine.survey.find_tables()}
    for one in adopted:
        renamed_to = found.get((one.schema, renamed(one.table)))
        if renamed_to is not None:
            refuse_made_again(one, found.keys())
        now = _read_now(engine, one, found.get((one.schema, one.table), renamed_to))
        if now is not None:
            refuse_moved(one, now.testimony.versions, ledger)


def other_tables(ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """The tables of tools whose history was taken over, by schema and name."""
    adopted = adopted_tables(ledger)
    return tuple(table for one in adopted for table in tables_of(one.tool, one.schema, one.table))


def find_other_tables(engine: Engine) -> tuple[tuple[str, str], ...]:
    """The same, and before the first run those of each tool whose history is there."""
    ledger = engine.store.read_ledger()
    if ledger.present:
        return other_tables(ledger)
    from lockgate.planner.adoption.recognition import find_histories

    found = find_histories(engine.survey.find_tables())
    return tuple(
        place for tool, table in found for place in tables_of(tool.name, table.schema, table.name)
    )


def tables_of(tool_name: str, schema: str, table: str) -> Iterator[tuple[str, str]]:
    """A tool's history, also when it was renamed, and what it keeps beside it. An empty name means
    all of a schema that it has made for these."""
    from lockgate.planner.adoption.recognition import known_tools

    tool = next((tool for tool in known_tools() if tool.name == tool_name), None)
    yield schema, table
    yield schema, renamed(table)
    if tool and schema in tool.own_schemas:
        yield schema, ""
    for name in (tool.beside | tool.companions) if tool else ():
        yield schema, name
        yield schema, name.upper()


def refuse_stale_takeover(engine: Engine, plan: Plan, adopted: Adopted) -> None:
    """Raises StalePlan when the other tool's table does not say what the plan takes over: the
    versions, what it calls them, and when and by whom they were applied."""
    place = (adopted.qualifier, adopted.table)
    found = {(table.schema, table.name): table for table in engine.survey.find_tables()}
    one = AdoptedTable(adopted.tool, *place, adopted.versions)
    now = _read_now(engine, one, found.get(place))
    records = [step.record for step in plan.steps if step.record]
    told = {(record.applied_at, record.by, record.row) for record in records}
    rows = now.testimony.applied if now else ()
    known = {(row.at, row.by, name) for row in rows for name in (row.version, "")} | {
        (None, "", "")
    }
    if now is None or now.testimony.versions != adopted.versions or not told <= known:
        raise StalePlan(
            f"{adopted.tool} has applied or rolled back something since the plan was made.",
            why="The plan would record what is not so.",
            do="Make a new one with `migrate adopt`, and have it reviewed.",
        )


def read_adopted(engine: Engine, adopted: AdoptedTable) -> Takeover | None:
    """What the table of a tool says whose history was taken over, renamed or not; None where it is
    gone."""
    found = {(table.schema, table.name): table for table in engine.survey.find_tables()}
    renamed_to = found.get((adopted.schema, renamed(adopted.table)))
    return _read_now(engine, adopted, found.get((adopted.schema, adopted.table), renamed_to))


def _read_now(engine: Engine, adopted: AdoptedTable, table: FoundTable | None) -> Takeover | None:
    """What the table of a tool says now; None where it is gone, or is no such table any more."""
    from lockgate.planner.adoption.matching import Takeover
    from lockgate.planner.adoption.recognition import known_tools

    tool = next((tool for tool in known_tools() if tool.name == adopted.tool), None)
    if tool is None or table is None or not table.is_plain or not tool.columns <= table.columns:
        return None
    return Takeover(tool, table, read_testimony(engine, tool, table))
