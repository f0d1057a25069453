"""What follows an adoption: the other tool's table is renamed, or lockgate's own tables go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.ledger.occupancy import read_adopted
from lockgate.planner.database.recording import (
    AdoptedTable,
    adopted_tables,
    renamed,
)
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.verify import refuse_foreign, refuse_read_only, refuse_unresolved
from lockgate.signals import ignore_signals
from lockgate.views.run.following import following
from lockgate.views.terminal import say
from lockgate.workspace import load_migrations, open_workspace

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.migrations.migration import Migration


def rename_adopted(environment: Environment) -> None:
    """Renames the tables of the tools whose history was taken over, and says so.

    Raises:
        UsageError: no history was taken over here, or its table has that name already.
    """
    with _locked(environment) as (engine, ledger):
        there = _tables(engine)
        for one in adopted_tables(ledger):
            if (one.schema, one.table) not in there or (one.schema, renamed(one.table)) in there:
                raise UsageError(f"{one.table} is renamed, or gone.", do="See `migrate status`.")
            engine.store.rename_table(one.schema, one.table, renamed(one.table))
            say(f"{one.table} of {one.tool} is now {renamed(one.table)}.")


def undo_adoption(environment: Environment) -> None:
    """Drops lockgate's tables from a database whose history was taken over, and says so.

    Raises:
        UsageError: no history was taken over here.
        HistoryError: lockgate has applied or rolled back migrations since, which the other tool
            does not know.
    """
    with _locked(environment) as (engine, ledger):
        adopted = adopted_tables(ledger)
        _refuse_return(engine, environment, ledger)
        ignore_signals()
        _name_back(engine, adopted)
        engine.store.drop_tables()
    tools = " and ".join(one.tool for one in adopted)
    say(f"lockgate's tables are dropped. {tools} goes on with its own.")


@contextmanager
def _locked(environment: Environment) -> Iterator[tuple[Engine, Ledger]]:
    """An engine that holds the migration lock for the block, on a database whose history was taken
    over."""
    with (
        open_workspace(environment) as work,
        following(verbose=False, as_json=False) as emit,
        work.engine.lock.hold(environment.lock.wait, emit),
    ):
        refuse_read_only(work.engine.server)
        ledger = work.engine.store.read_ledger()
        project, name = environment.project, environment.name
        refuse_foreign(work.engine.server, ledger, project=project, environment=name)
        refuse_unresolved(ledger)
        if not adopted_tables(ledger):
            raise UsageError(
                "No other tool's history was taken over here.", do="See `migrate history`."
            )
        yield work.engine, ledger


def _name_back(engine: Engine, adopted: tuple[AdoptedTable, ...]) -> None:
    """Gives tables that were renamed their old names.

    Raises:
        HistoryError: the tool has made one again.
    """
    from lockgate.planner.adoption.other_tool import refuse_made_again

    there = _tables(engine)
    gone = [one for one in adopted if (one.schema, renamed(one.table)) in there]
    for one in gone:
        refuse_made_again(one, there)
    for one in gone:
        engine.store.rename_table(one.schema, renamed(one.table), one.table)


def _tables(engine: Engine) -> set[tuple[str, str]]:
    return {(table.schema, table.name) for table in engine.survey.find_tables()}


def _refuse_return(engine: Engine, environment: Environment, ledger: Ledger) -> None:
    """Raises HistoryError when a tool does not know of what lockgate has run."""
    from lockgate.planner.adoption.going_back import Return, refuse_return
    from lockgate.planner.migrations.format import recorded_sections

    dialect, files = engine.server.dialect, load_migrations(environment).migrations

    def goes_back(file: Migration) -> bool:
        return recorded_sections(file, dialect, environment.variables)[0].down is not None

    found = ((one, read_adopted(engine, one)) for one in adopted_tables(ledger))
    tools = [Return(one, history, files, dialect, goes_back) for one, history in found if history]
    refuse_return(ledger, tools)
