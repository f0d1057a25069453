"""A check-up: what commands need of an environment, its database and this machine, one by one.

Changes nothing, and goes on after what is wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

from lockgate.executors.failure import ServerError
from lockgate.executors.lock import MigrationLock
from lockgate.exits import Exit, exit_code
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import LockgateError
from lockgate.planner.quantities import format_duration
from lockgate.status import BY_GRAVITY, stand_of
from lockgate.views.database.checkup import Check
from lockgate.workspace import Workspace, load_migrations, open_workspace

CLOCKS_APART = 60
"""Seconds between the clocks of this machine and of the database that are worth a word."""
OLD = 3600
"""Seconds after which an open transaction is worth a word: what waits for it waits as long."""
# What runs them, and without which command it is missed.
PROGRAMS = (
    ("git", "plans without the commit that they are made from"),
    ("ssh-keygen", "no approvals and no signatures"),
)


def examine(environment: Environment) -> Iterator[Check]:
    """Each check, as soon as it is made."""
    yield from _programs()
    yield _migrations(environment)
    try:
        with open_workspace(environment) as work:
            yield from _database(work)
    except LockgateError as error:
        yield _problem("connection", error)


def gravest_exit(checks: list[Check]) -> Exit:
    """How they end together: with the gravest problem."""
    exits = {check.exit for check in checks}
    return next(code for code in BY_GRAVITY if code in exits)


def _programs() -> Iterator[Check]:
    for name, without in PROGRAMS:
        path = shutil.which(name)
        if path:
            yield Check(name, "ok", path)
        else:
            yield Check(name, "warning", f"not installed: {without}", f"Install {name}.")


def _migrations(environment: Environment) -> Check:
    try:
        directory = load_migrations(environment)
    except LockgateError as error:
        return _problem("migrations", error)
    return Check("migrations", "ok", f"{len(directory.migrations)} files")


def _database(work: Workspace) -> Iterator[Check]:
    server = work.engine.server
    database = f"{server.dialect.name} {server.version}, database {server.database}"
    yield Check("connection", "ok", database)
    yield from _access(work)
    yield _clock(server.now)
    if server.read_only:
        yield Check("writes", "problem", "the server is a replica, or read only",
                    "Name the primary in the environment.", Exit.WRONG_TARGET)  # fmt: skip
    yield from _load(work)
    yield _ledger(work)
    yield _lock(work.engine.lock)


def _access(work: Workspace) -> Iterator[Check]:
    access = work.engine.survey.read_access()
    if access.encryption:
        yield Check("transport", "ok", access.encryption)
    elif access.local:
        yield Check("transport", "ok", "not encrypted, on this machine")
    else:
        yield Check("transport", "warning", "clear text over the network",
                    "Ask for verified TLS: docs/reference/environment.md.")  # fmt: skip
    for one in access.lacking:
        yield Check("rights", "warning", f"{access.user} lacks the right for {one.what}",
                    f"{one.grant};")  # fmt: skip
    if not access.lacking:
        yield Check("rights", "ok", f"{access.user} may migrate")


def _clock(database: datetime) -> Check:
    apart = abs((datetime.now(UTC) - database).total_seconds())
    if apart <= CLOCKS_APART:
        return Check("clock", "ok", "that of the database is this machine's")
    return Check("clock", "warning", f"that of the database is {format_duration(round(apart))} off",
                 "Expiry, windows and soaks go by the database's clock: set it right.")  # fmt: skip


def _load(work: Workspace) -> Iterator[Check]:
    try:
        load = work.engine.survey.read_load()
    except ServerError as refused:
        yield Check("load", "warning", f"may not be looked at: {refused.message}",
                    "A fleet's throttle needs it; nothing else does.")  # fmt: skip
        return
    if load.oldest_transaction and load.oldest_transaction > OLD:
        yield Check("transactions", "warning",
                    f"one is open for {format_duration(round(load.oldest_transaction))}",
                    "End it before a release: a strong lock waits for it.")  # fmt: skip
    if load.replica_lag is not None:
        yield Check("replicas", "ok", f"{load.replica_lag:.1f} s behind")


def _ledger(work: Workspace) -> Check:
    try:
        stand = stand_of(work, load_migrations(work.environment))
    except LockgateError as error:
        return _problem("ledger", error)
    if stand.problem:
        return _problem("ledger", stand.problem)
    ledger = stand.ledger
    applied = f"{len(ledger.entries)} applied, serial {ledger.serial}"
    return Check("ledger", "ok", applied if ledger.identity else "none yet: nothing was applied")


def _lock(lock: MigrationLock) -> Check:
    holder = lock.holder()
    if holder is None:
        return Check("lock", "ok", "free")
    return Check("lock", "warning", "held by another session", "See `migrate lock`.", Exit.LOCKED)


def _problem(name: str, error: LockgateError) -> Check:
    return Check(name, "problem", error.what, error.do, Exit(exit_code(error)))
