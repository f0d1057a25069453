"""The schema as a file of the project."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.executors.ledger.occupancy import find_other_tables
from lockgate.executors.ledger.tables import OURS
from lockgate.executors.programs.schema_dump import dump_schema
from lockgate.planner.errors import LockgateError, UsageError
from lockgate.planner.migrations.migration import BOM
from lockgate.planner.project import is_outside, refuse_outward_link
from lockgate.views.terminal import tell
from lockgate.workspace import open_address

if TYPE_CHECKING:
    from lockgate.planner.environments.environment import Environment


def update_schema_file(environment: Environment, name: str) -> None:
    """Writes the file that an environment names, after a run that went well: what hinders it is a
    warning."""
    try:
        if is_outside(Path(name), environment.folder.project):
            raise UsageError("schema_file leads out of the project.", do="Name a file within it.")
        write_schema(environment.folder.project / name, read_schema(environment))
    except LockgateError as error:
        tell(f"Warning: {name} was not written: {error}", "yellow")


def read_schema(environment: Environment) -> str:
    """The schema of an environment's database as SQL, without lockgate's own tables and those of
    a tool that was there before."""
    from lockgate.executors.engine import open_engine

    with open_address(environment) as address:
        with closing(open_engine(address, environment)) as engine:
            others = find_other_tables(engine)
            own = [("", name) for name in (engine.session.history_name, *OURS)]
        return dump_schema(address, [*own, *others])


def read_objects(environment: Environment) -> dict[str, str]:
    """A text for each object of an environment's database, by its kind and name."""
    from lockgate.planner.plan.drift import without_tables
    from lockgate.workspace import open_workspace

    with open_workspace(environment) as work:
        others = find_other_tables(work.engine)
        return dict(without_tables(work.engine.survey.read_catalogue(), others).objects)


def differs(path: Path, text: str) -> bool:
    """Whether a file is not this text, or not there. It is the same with the ends of lines, and the
    mark at its start, that git and editors on Windows give it."""
    return not path.is_file() or _plain(path.read_bytes()) != _plain(text.encode())


def _plain(data: bytes) -> bytes:
    return data.removeprefix(BOM).replace(b"\r\n", b"\n")


def write_schema(path: Path, text: str) -> None:
    """Writes the file unless it is so already.

    Raises:
        UsageError: it cannot be written.
    """
    refuse_outward_link(path)
    try:
        if differs(path, text):
            path.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
