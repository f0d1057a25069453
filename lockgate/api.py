"""lockgate from Python: what the commands do, as functions that neither print nor exit.

`import lockgate` gives these names; docs/reference/python.md describes them. Nothing else of this
package is meant to be imported: it may change in any version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from lockgate.executors.apply import Report, apply
from lockgate.executors.events import Event
from lockgate.executors.receipts import keep_schema
from lockgate.planner.environments.environment import bare_environment
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import read_plan, write_plan
from lockgate.plans.making import Request
from lockgate.plans.origin import with_origin
from lockgate.plans.rehearsal import plan_rehearsed
from lockgate.runs.at_once import apply_at_once
from lockgate.status import Stand, stand_of
from lockgate.trust.admission import PlanFile, admit, read_trusted
from lockgate.trust.approvals import Signatures
from lockgate.workspace import (
    Workspace,
    author,
    libpq_defaults,
    load_environment,
    load_migrations,
    open_workspace,
)

__all__ = ["Database", "Plan", "Report", "Stand", "open", "read_plan", "write_plan"]

Listener = Callable[[Event], None]
"""The events of a run as it goes on; see docs/reference/events.md."""


def _quiet(event: Event) -> None:
    """No one listens."""


def open(
    environment: str = "dev",
    *,
    environments: str | Path | None = None,
    url: str | None = None,
    migrations: str | Path = "migrations",
) -> Database:
    """A session on the database of an environment, as `migrate -e` finds it; or, without any
    file, on the one of a URL, with migrations from a folder. To be closed, or used in `with`.

    Raises:
        UsageError: there is no such environment, or its file is wrong.
        Unreachable: no connection.
    """
    if url is not None:
        found = bare_environment(
            url, Path.cwd(), source="The argument `url`", elsewhere=libpq_defaults
        )
        found = found.model_copy(update={"migrations": str(migrations)})
    else:
        path = Path(environments) if environments is not None else None
        folder = EnvironmentsFolder(path, path.parent) if path else None
        found = load_environment(environment, folder)
    stack = ExitStack()
    return Database(stack.enter_context(open_workspace(found)), stack)


class Database:
    """A database with its migrations. For one thread at a time."""

    def __init__(self, work: Workspace, resources: ExitStack) -> None:
        self._work = work
        self._resources = resources

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session, and an embedded server with it."""
        self._resources.close()

    def status(self) -> Stand:
        """The state of each migration; `problem` is what a person must look at, or None."""
        return stand_of(self._work, load_migrations(self._work.environment))

    def plan(
        self,
        *,
        to: str | None = None,
        baseline: str | None = None,
        down: int | None = None,
        down_to: str | None = None,
        from_database: bool = False,
        rehearse: bool = False,
        allow_non_atomic: bool = False,
    ) -> Plan:
        """What would be run, for a review: everything pending, or as `migrate plan` takes it.

        It may be one that a policy denies: see its `decisions`.

        Raises:
            LockgateError: as `migrate plan` ends with a code other than 0 or 3.
        """
        request = Request(
            to=to, baseline=baseline, steps=down, down_to=down_to, from_database=from_database,
            rehearse=rehearse, allow_non_atomic=allow_non_atomic,
        )  # fmt: skip
        request = with_origin(request, self._work.environment)
        return plan_rehearsed(self._work, request)

    def apply(
        self,
        plan: Plan | str | Path,
        *,
        allow_non_atomic: bool = False,
        on_event: Listener = _quiet,
    ) -> Report:
        """Applies exactly this plan, or the one in a file with the signatures beside it.

        Raises:
            LockgateError: as `migrate apply`.
        """
        from lockgate.plans.rereading import reread

        environment, engine = self._work.environment, self._work.engine
        signatures, maker = Signatures(None, ()), ""
        if not isinstance(plan, Plan):
            path, plan = Path(plan), read_plan(Path(plan))
            signatures, maker = read_trusted(plan, path, environment)
        file = PlanFile(reread(plan, self._work), signatures, maker, allow_non_atomic)
        return apply(
            plan, engine, author(), wait=environment.lock.wait, emit=on_event,
            admit=admit(environment, None, file), keep=keep_schema,
        )  # fmt: skip

    def up(
        self,
        *,
        to: str | None = None,
        allow_non_atomic: bool = False,
        on_event: Listener = _quiet,
    ) -> Report:
        """Applies what is pending, up to and with a version.

        Raises:
            LockgateError: as `migrate up`.
        """
        return self._at_once(Request(to=to, allow_non_atomic=allow_non_atomic), on_event)

    def down(
        self,
        *,
        steps: int | None = None,
        to: str | None = None,
        from_database: bool = False,
        allow_non_atomic: bool = False,
        skip_irreversible: Sequence[str] = (),
        reason: str | None = None,
        on_event: Listener = _quiet,
    ) -> Report:
        """Rolls back the last migration, or the last `steps`, or all above a version. Those of
        `skip_irreversible`, which have no way back, are passed over for a `reason`.

        Raises:
            LockgateError: as `migrate down`.
        """
        count = 1 if steps is None and to is None else steps
        request = Request(
            steps=count, down_to=to, from_database=from_database,
            allow_non_atomic=allow_non_atomic, skip_irreversible=tuple(skip_irreversible),
            reason=reason,
        )  # fmt: skip
        return self._at_once(request, on_event)

    def _at_once(self, request: Request, on_event: Listener) -> Report:
        request = with_origin(request, self._work.environment)
        return apply_at_once(self._work, request, on_event, lambda plan: None)
