"""Sessions on the databases that are asked about a fleet: its own, and that of its control.

They are no targets: no history is looked for in them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from lockgate.executors.engine import open_engine
from lockgate.planner.environments.environment import resolve_control
from lockgate.planner.plan.statement import sha256

if TYPE_CHECKING:
    from lockgate.executors.engine import Engine
    from lockgate.planner.database.address import DatabaseAddress
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.environments.fleet_keys import ControlDatabase


@contextmanager
def open_control(
    environment: Environment,
    address: DatabaseAddress,
    variables: Mapping[str, str],
    key: str = "",
    control: ControlDatabase | None = None,
) -> Iterator[Engine]:
    """The database that a key of the environment's file names; None: the environment's own. Its
    migration lock is that of the fleet's runs.

    Raises:
        Unreachable: no connection.
        ConfigurationError: its address cannot be found.
    """
    if control is not None:
        address = control_address(environment, address, variables, key, control)
        if (environment.engine, address.engine) != ("mariadb", "mysql"):
            environment = environment.model_copy(update={"engine": address.engine})
            importlib.import_module(f"lockgate.executors.{address.engine}")
    table = _no_table(environment.project, environment.name)
    history = environment.history.model_copy(update={"table": table, "schema_": None})
    environment = environment.model_copy(update={"history": history})
    with closing(open_engine(address, environment)) as engine:
        yield engine


def control_address(
    environment: Environment,
    address: DatabaseAddress,
    variables: Mapping[str, str],
    key: str,
    control: ControlDatabase | None,
) -> DatabaseAddress:
    """Where that database is.

    Raises:
        ConfigurationError: its address cannot be found.
    """
    return resolve_control(environment, key, control, variables) if control else address


def _no_table(project: str, environment: str) -> str:
    """The name of a history table that no database has: the lock goes by it."""
    return f"lockgate_fleet_{sha256([project, environment])[:24]}"
