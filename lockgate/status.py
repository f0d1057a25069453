"""The states of an environment's migrations: its files held against its database.

Must not change either, and must not print. It must load nothing that knows plans: their models
would cost each `status` more than its work does (`tests/commands/test_imports.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.occupancy import read_occupancy, refuse_moved_histories
from lockgate.exits import Exit, exit_code
from lockgate.planner.building.compare import Standing, compare, refuse_broken_history, standings
from lockgate.planner.building.matrix import Column
from lockgate.planner.database.occupancy import refuse_occupied
from lockgate.planner.database.recording import recorded_keys
from lockgate.planner.environments.environment import Environment, databases_of
from lockgate.planner.environments.folder import (
    EnvironmentsFolder,
    environment_files,
    environment_names,
)
from lockgate.planner.environments.yaml_file import read_yaml
from lockgate.planner.errors import (
    BrokenHistory,
    ConfigurationError,
    HistoryError,
    Interrupted,
    InvalidPlan,
    LockgateError,
    Paused,
    Unresolved,
    UsageError,
    WrongTarget,
)
from lockgate.planner.plan.verify import refuse_foreign, refuse_unresolved
from lockgate.planner.value import frozen, replace
from lockgate.workspace import Workspace, load_environment, load_migrations, look, open_workspace

if TYPE_CHECKING:
    from lockgate.executors.batches.progress import Progress
    from lockgate.executors.engine import Engine
    from lockgate.executors.events import LockHolder
    from lockgate.executors.resolve import HalfDone
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.migrations.directory import Directory
    from lockgate.planner.plan.plan import Step

GRAVEST = (
    *(Exit.UNRESOLVED, Exit.INVALID_PLAN, Exit.BROKEN_HISTORY, Exit.WRONG_TARGET),
    *(Exit.UNREACHABLE, Exit.USAGE),
)
BY_GRAVITY = (*GRAVEST, *sorted(set(Exit) - {*GRAVEST}, reverse=True))
"""Of the ends of several environments, the first is the one that all of them end with; OK, which
is 0, is the last of all."""

StatusAnswer = tuple[Column, Exit]
"""An environment, and how it ends."""


@frozen
class Stand:
    """What is known of an environment. `holder` is whose run is under way; `problem` is what a
    person must look at, None when all is well."""

    standings: tuple[Standing, ...]
    ledger: Ledger
    warnings: tuple[str, ...]
    holder: LockHolder | None
    problem: LockgateError | None
    batches: tuple[tuple[Step, Progress], ...] = ()
    """The steps in batches that have begun and are not done, and how far they are."""


def read_stand(environment: Environment) -> Stand:
    """The states of one environment's migrations.

    Raises:
        LockgateError: its files or its database cannot be read.
    """
    directory = load_migrations(environment)
    with open_workspace(environment) as work:
        return stand_of(work, directory)


def read_columns(folder: EnvironmentsFolder) -> tuple[tuple[Column, ...], Exit]:
    """Each environment of a folder, in the order of promotion, and how all of it ends. The
    servers are asked at once: those that are silent cost the time of one."""
    asked = [_ask(name, folder) for name in databases_of(folder.path)]
    found = [answer() for _, answer in sorted(asked, key=lambda each: each[0])]
    gravest = min((end for _, end in found), key=BY_GRAVITY.index, default=Exit.OK)
    return tuple(column for column, _ in found), gravest


def stand_of(work: Workspace, directory: Directory) -> Stand:
    """The same by an open session."""
    ledger, holder = look(work.engine)
    comparison = compare(directory.migrations, ledger)
    environment = work.environment
    half_done: list[HalfDone] = []
    problem: LockgateError | None = None
    try:
        refuse_foreign(
            work.engine.server, ledger, project=environment.project, environment=environment.name
        )
        half_done += _half_done(work.engine, ledger)
        if not holder:
            _refuse_paused(half_done)
            refuse_unresolved(ledger)
        refuse_broken_history(comparison)
        refuse_moved_histories(work.engine, ledger)
        refuse_occupied(read_occupancy(work.engine, ledger), ledger, environment.name)
    except (WrongTarget, InvalidPlan, Unresolved, Paused, HistoryError) as error:
        problem = error
    state = "under way" if holder else "half done"
    recorded = recorded_keys(ledger)
    versions = [step.version for half in half_done for step in half.unit.steps]
    shown = tuple(
        replace(each, recorded=each.entry is not None and each.key in recorded)
        for each in standings(comparison, ledger, dict.fromkeys(versions, state))
    )
    batches = tuple(_batches(work.engine, half_done))
    warnings = directory.warnings_on(comparison.pending)
    return Stand(shown, ledger, warnings, holder, problem, batches)


def _refuse_paused(half_done: list[HalfDone]) -> None:
    """Raises Paused when what is half done goes on by the command that began it."""
    from lockgate.executors.states import RunStatus

    if half_done and all(one.status == RunStatus.PAUSED for one in half_done):
        raise Paused(
            f"The run of {half_done[0].unit.steps[0].file} has stopped between two batches.",
            why="What is done stays, and no session goes on with the rest.",
            do="Run the same command again: it goes on. `migrate resolve` shows other ways out.",
        )


def _batches(engine: Engine, half_done: list[HalfDone]) -> Iterator[tuple[Step, Progress]]:
    if not any(half.unit.batches for half in half_done):
        return
    from lockgate.executors.batches.progress import read_open

    steps = {(half.run.id, half.unit.first): half.unit.steps[0] for half in half_done}
    for progress in read_open(engine.store):
        if step := steps.get((progress.run_id, progress.step)):
            yield step, progress


def _half_done(engine: Engine, ledger: Ledger) -> list[HalfDone]:
    """The units of which a run has done a part.

    Raises:
        InvalidPlan: the plan of such a run cannot be read.
    """
    if not ledger.unresolved:
        return []
    from lockgate.executors.resolve import read_half_done

    return list(read_half_done(engine, ledger))


def _ask(name: str, folder: EnvironmentsFolder) -> tuple[int, Callable[[], StatusAnswer]]:
    """How many environments come before one, and what waits for its answer."""
    from lockgate.threads import begin

    rank = _rank(name, folder.path)
    try:
        environment = load_environment(name, folder)
    except UsageError as error:
        return rank, partial(_unknown, name, error)
    read = partial(_read_column, environment)
    # An embedded server is ours to stop, also when we are interrupted.
    return rank, read if environment.database == "embedded" else begin(read)


def _read_column(environment: Environment) -> StatusAnswer:
    if environment.fleet is not None:  # its targets may have several histories
        told = f"a fleet: see `migrate status -e {environment.name}`"
        return Column(environment.name, problem=told), Exit.OK
    try:
        stand = read_stand(environment)
    except Interrupted:
        raise
    except LockgateError as error:
        return _unknown(environment.name, error)
    except ServerError as refused:
        return _unknown(environment.name, UsageError(f"The server refused to tell: {refused}."))
    problem = stand.problem
    if isinstance(problem, WrongTarget):  # what it holds is another environment's
        return _unknown(environment.name, problem)
    end = Exit(exit_code(problem)) if problem else Exit.OK
    # Which files are changed or missing, the states tell.
    told = "" if problem is None or isinstance(problem, BrokenHistory) else _first_line(problem)
    return Column(environment.name, stand.standings, stand.ledger.serial, told), end


def _unknown(name: str, error: LockgateError) -> StatusAnswer:
    return Column(name, problem=_first_line(error)), Exit(exit_code(error))


def _rank(name: str, folder: Path, above: frozenset[str] = frozenset()) -> int:
    """How many environments come before one: those that it extends, and those that it is
    promoted from."""
    below = _named(name, folder) & set(environment_names(folder)) - above - {name}
    ranks = (_rank(each, folder, above | {name}) for each in below)
    return max((rank + 1 for rank in ranks), default=0)


def _named(name: str, folder: Path) -> set[str]:
    """What an environment's file names as standing before it, as far as it can be made out: what
    is wrong with the file its own column tells."""
    try:
        document = read_yaml(environment_files(folder)[name]).value
    except ConfigurationError:
        return set()
    promotion = _map(_map(document.get("policy")).get("promotion"))
    named = (document.get("extends"), promotion.get("from"))
    return {each for each in named if isinstance(each, str)}


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _first_line(error: LockgateError) -> str:
    return error.what.partition("\n")[0].rstrip(":")
