"""The members of a fleet: found, and opened one by one.

Decides nothing of what is done with them.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.engine import open_engine
from lockgate.executors.fleet.control import control_address, open_control
from lockgate.executors.fleet.crew import TargetResult, TargetState, Task
from lockgate.executors.fleet.local import LocalCrew
from lockgate.executors.fleet.targets import find_places
from lockgate.planner.environments.environment import Environment
from lockgate.planner.environments.fleet_keys import Fleet
from lockgate.planner.errors import UsageError
from lockgate.planner.fleet.place import TargetPlace
from lockgate.planner.value import frozen
from lockgate.signals import deferred_signals
from lockgate.workspace import Workspace, open_address

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.executors.fleet.procrastinate import Queue
    from lockgate.planner.database.address import DatabaseAddress


@frozen
class FleetWorkspace:
    """A fleet's environment, and the address that its targets start from."""

    environment: Environment
    address: DatabaseAddress

    @property
    def settings(self) -> Fleet:
        """What the environment says of the fleet."""
        if self.environment.fleet is None:
            raise UsageError(f"{self.environment.name} is one database, and no fleet.")
        return self.environment.fleet

    def find_places(self) -> list[TargetPlace]:
        """Its targets by name, found now."""
        return find_places(self.environment, self.address, os.environ)

    @contextmanager
    def open_own(self) -> Iterator[Engine]:
        """The environment's own database: no target, but where others are found."""
        with open_control(self.environment, self.address, os.environ) as engine:
            yield engine

    @contextmanager
    def open_coordinator(self) -> Iterator[Engine]:
        """Where the progress of runs is noted; its lock is that of this fleet's runs."""
        control, key = self.settings.control, "fleet.control"
        with open_control(self.environment, self.address, os.environ, key, control) as engine:
            yield engine

    def find_queue(self, schema: str) -> Queue:
        """The queue of its workers, in the coordinator's database and this schema of it.

        Raises:
            ConfigurationError: it cannot be there.
        """
        from lockgate.executors.fleet.procrastinate import Queue

        control = self.settings.control
        address = control_address(
            self.environment, self.address, os.environ, "fleet.control", control
        )
        return Queue.of(self.environment, address, schema)

    @contextmanager
    def open_member(self, place: TargetPlace) -> Iterator[Workspace]:
        """A session on a target."""
        # Whether its schema has changed, the proof of its group tells.
        member = self.environment.member(place).model_copy(update={"drift": "ignore"})
        with closing(open_engine(place.over(self.address), member)) as engine:
            yield Workspace(member, engine)

    def each(self, places: Iterable[TargetPlace], do: Callable[[TargetPlace], None]) -> None:
        """Does something with each target, as many at once as the environment says."""
        by_name = {place.name: place for place in places}
        hosts = {name: place.host_of(self.address) for name, place in by_name.items()}
        tasks = [Task(name, 0, 1, host) for name, host in hosts.items()]

        def work(task: Task) -> TargetResult:
            do(by_name[task.name])
            return TargetResult(task.name, TargetState.APPLIED)

        settings = self.settings
        crew = LocalCrew(work, parallel=settings.parallel, per_host=settings.per_host)
        with crew.performing(tasks) as results:
            for _ in results:
                pass


@contextmanager
def open_fleet(environment: Environment) -> Iterator[FleetWorkspace]:
    """A fleet for the block; starts an embedded server."""
    with deferred_signals():
        importlib.import_module(f"lockgate.executors.{environment.engine}")
    with open_address(environment) as address:
        yield FleetWorkspace(environment, address)
