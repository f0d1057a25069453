"""Rehearsal: migrations and a plan run on a scratch database, there and back, and compared.

It must not know the plan's own database, and what it runs, it runs as `apply` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.apply import Author, apply
from lockgate.executors.failure import Failure, ServerError
from lockgate.planner.building.build import Setting, build_chosen_plan
from lockgate.planner.database.catalogue import (
    Catalogue,
    differences,
    is_counter,
)
from lockgate.planner.database.server import is_of_other_series
from lockgate.planner.database.surroundings import Drift, Surroundings
from lockgate.planner.errors import (
    Interrupted,
    IrreversibleMigration,
    LockgateError,
    RunError,
    StatementFailed,
)
from lockgate.planner.plan.drift import PUBLIC, made_by_migrations, without_tables
from lockgate.planner.plan.other_version import comparable
from lockgate.planner.plan.plan import Direction, Plan, Rehearsal
from lockgate.planner.plan.rehearsal import changes
from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.executors.events import Emit, Event
    from lockgate.planner.database.server import Server
    from lockgate.planner.migrations.migration import Migration

LOCK_WAIT = 10.0  # seconds; no one else knows the database


def _pass_over(event: Event) -> None:
    """A rehearsal is reported by its result alone."""


@frozen
class Stage:
    """A scratch database with what plans for it are made of; `clock` counts seconds, and
    `surroundings` are those of the database before anything ran on it."""

    engine: Engine
    setting: Setting
    author: Author
    clock: Callable[[], float]
    surroundings: Surroundings

    def replay(self, applied: Sequence[Migration]) -> None:
        """Applies what the live database's history says, to an empty one.

        Raises:
            StatementFailed: a migration does not run any more.
        """
        try:
            self.play("up", applied)
        except RunError as failed:
            raise _failed("The migrations that are applied do not run again", failed) from failed

    def play(
        self, direction: Direction, migrations: Sequence[Migration], emit: Emit = _pass_over
    ) -> int:
        """Runs migrations in their order; milliseconds.

        Raises:
            RunError: a statement was refused.
            Interrupted: a signal arrived.
            IrreversibleMigration: there is no way back.
        """
        server, ledger = self.engine.server, self.engine.store.read_ledger()
        setting = replace(
            self.setting, server=server, facts=self.engine.survey.read_facts(), max_age=None
        )
        plan = _by_itself(build_chosen_plan(migrations, direction, ledger, setting))
        begun = self.clock()
        with _stopping():
            apply(plan, self.engine, self.author, wait=LOCK_WAIT, emit=emit)
        return round((self.clock() - begun) * 1000)

    def look(self) -> Catalogue:
        """All that the scratch database holds, with the state of its sequences and counters."""
        counters = self.engine.scratch.read_counters().objects
        return Catalogue({**self.engine.survey.read_catalogue().objects, **counters})

    def expected(self) -> Catalogue:
        """What the migrations that ran make of any database."""
        return made_by_migrations(self.engine.survey.read_catalogue())


def _by_itself(plan: Plan) -> Plan:
    """The plan as the server runs it without the programs that copy tables, and without waiting
    for what it replaces to grow old: it does the same, and a scratch database has no users."""
    steps = tuple(
        step.model_copy(
            update={
                "contract": None,
                "statements": tuple(
                    one.model_copy(update={"online": None}) for one in step.statements
                ),
            }
        )
        for step in plan.steps
    )
    is_changed = plan.has_copies or any(step.contract for step in plan.steps)
    return plan.model_copy(update={"steps": steps}) if is_changed else plan


def rehearse(stage: Stage, direction: Direction, migrations: Sequence[Migration]) -> Rehearsal:
    """What a plan of these steps does on a stage where its base was replayed: it is run, then
    the way back, then it is run again.

    Raises:
        StatementFailed: the plan itself fails.
    """
    before = stage.look()
    try:
        with stage.engine.units.measuring() as gauge:
            there = stage.play(direction, migrations, gauge.hear)
    except RunError as failed:
        raise _failed("The rehearsal of the plan failed", failed) from failed
    after = stage.look()
    left = _definitions(after)
    born = stage.surroundings.born.objects
    server = stage.engine.server
    seen = Rehearsal(
        server_version=server.version,
        server_number=server.dialect.version,
        there_ms=there,
        changes=changes(differences(_definitions(before), left)),
        measured=gauge.measured,
        expected=Catalogue(
            {
                name: text
                for name, text in left.objects.items()
                if name != PUBLIC or born.get(name) != text
            }
        ).digests(),
    )
    seen = _back(stage, _opposite(direction), migrations[::-1], before, seen)
    return seen if seen.back_ms is None else _again(stage, direction, migrations, after, seen)


def _definitions(seen: Catalogue) -> Catalogue:
    """What migrations make of what was looked at: no counter, nor what the database itself has."""
    objects = {name: text for name, text in seen.objects.items() if not is_counter(name)}
    return made_by_migrations(Catalogue(objects))


def rehearse_each(
    stage: Stage, direction: Direction, migrations: Sequence[Migration]
) -> tuple[Rehearsal, ...]:
    """What each step does by itself, on a stage where the plan's base was replayed: it is run,
    then its way back, then it is run again. Ends with the one after which none can go on."""
    seen: list[Rehearsal] = []
    for migration in migrations:
        try:
            seen.append(rehearse(stage, direction, [migration]))
        except StatementFailed:  # as a whole it runs: what is left of the steps before hinders it
            break
        if seen[-1].again_ms is None and seen[-1].restored is not None:
            break
    return tuple(seen)


def _back(
    stage: Stage,
    direction: Direction,
    migrations: Sequence[Migration],
    before: Catalogue,
    seen: Rehearsal,
) -> Rehearsal:
    """What was seen, with what the way back leaves; `back_ms` stays None where it cannot end."""
    try:
        back = stage.play(direction, migrations)
    except IrreversibleMigration as missing:
        return seen.model_copy(update={"obstacle": missing.what})
    except RunError as failed:
        obstacle = f"the way back failed: {_told(failed)}"
        return seen.model_copy(update={"obstacle": obstacle, "restored": False})
    left = differences(before, stage.look())
    returned = {"back_ms": back, "restored": not left, "differences": changes(left)}
    return seen.model_copy(update=returned)


def _again(
    stage: Stage,
    direction: Direction,
    migrations: Sequence[Migration],
    after: Catalogue,
    seen: Rehearsal,
) -> Rehearsal:
    """What was seen, with how the plan runs after the way back."""
    try:
        again = stage.play(direction, migrations)
    except RunError as failed:
        obstacle = f"after the way back the plan failed: {_told(failed)}"
        return seen.model_copy(update={"obstacle": obstacle, "repeatable": False})
    other = differences(after, stage.look())
    repeated = {"again_ms": again, "repeatable": not other, "unrepeated": changes(other)}
    return seen.model_copy(update=repeated)


def find_drift(
    stage: Stage, live: Catalogue, server: Server, others: Collection[tuple[str, str]] = ()
) -> Drift:
    """What a live schema, which is on this server, has otherwise than the migrations that were
    replayed make it, without the tables of other tools, which their own SQL makes too, and without
    what the environment says that other programs make."""
    managed = stage.engine.session.managed
    expected = Catalogue(managed.of(without_tables(stage.expected(), others)))
    seen = made_by_migrations(without_tables(live, others))
    found = Catalogue(managed.of(seen))
    if is_of_other_series(stage.engine.server.dialect, server.dialect):
        born = comparable(stage.surroundings.born)
        here = replace(stage.surroundings, born=born)
        return here.compare(comparable(expected), comparable(found))
    return stage.surroundings.compare(expected, found)


def _opposite(direction: Direction) -> Direction:
    return "down" if direction == "up" else "up"


@contextmanager
def _stopping() -> Iterator[None]:
    """The block, whose end by a signal is the rehearsal's end: what it left half done, and would
    be an error of its own elsewhere, goes with the scratch database."""
    try:
        yield
    except RunError as failed:
        if isinstance(failed.__context__, Interrupted):
            raise Interrupted(failed.__context__.signal_number) from failed
        raise


def _told(failed: LockgateError) -> str:
    failure = getattr(failed, "failure", None)
    return str(failure if isinstance(failure, Failure | ServerError) else failed.what)


def _failed(what: str, failed: RunError) -> StatementFailed:
    return StatementFailed(
        f"{what}: {_told(failed)}.",
        why="It ran on a scratch database; the plan's own database was not touched.",
        do="Correct the migration. Where it needs a superuser, or what only the live server has, "
        "name such a server with `rehearsal:` in the environment, or rehearse nothing.",
        failure=failed.failure,
    )
