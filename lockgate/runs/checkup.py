"""A check-up: what commands need of an environment, its database and this machine, one by one.

Changes nothing, and goes on after what is wrong.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lockgate.executors.engine import open_engine
from lockgate.executors.failure import ServerError
from lockgate.executors.programs.installations import find_installation
from lockgate.exits import Exit, exit_code
from lockgate.planner.database.server import NEWEST, is_of_other_series, name_series, series_of
from lockgate.planner.environments.environment import resolve_rehearsal
from lockgate.planner.errors import Interrupted, LockgateError
from lockgate.planner.plan.rehearsal import how_to_get
from lockgate.planner.quantities import format_duration, format_size
from lockgate.status import BY_GRAVITY, stand_of
from lockgate.views.database.checkup import Check
from lockgate.workspace import Workspace, load_migrations, open_workspace, run_secret_command

if TYPE_CHECKING:
    from lockgate.executors.engine import Survey
    from lockgate.executors.lock import MigrationLock
    from lockgate.planner.database.health import Access
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.sql.dialect import Dialect

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
    except Interrupted:
        raise
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
    except Interrupted:
        raise
    except LockgateError as error:
        return _problem("migrations", error)
    count = len(directory.migrations)
    return Check("migrations", "ok", f"{count} file{'s' * (count != 1)}")


def _database(work: Workspace) -> Iterator[Check]:
    server, access = work.engine.server, work.engine.survey.read_access()
    database = f"{server.dialect.name} {server.version}, database {server.database}"
    yield Check("connection", "ok", f"{database}, as {access.user}")
    yield from _way(access)
    yield judge_version(server.dialect)
    yield from _rights(access, work.environment)
    yield judge_clock(server.now, datetime.now(UTC))
    if server.read_only:
        yield Check("writes", "problem", "the server is a replica, or read only",
                    "Name the primary in the environment.", Exit.WRONG_TARGET)  # fmt: skip
    yield from _load(work)
    yield from _storage(work.engine.survey)
    yield from _followers(work.engine.survey)
    yield from _rehearsal(work)
    yield _ledger(work)
    yield _lock(work.engine.lock)


def _way(access: Access) -> Iterator[Check]:
    """What is between us and the server."""
    if access.encryption:
        yield Check("transport", "ok", access.encryption)
    elif access.local:
        yield Check("transport", "ok", "not encrypted, on this machine")
    else:
        yield Check("transport", "warning", "clear text over the network",
                    "Ask for verified TLS: docs/reference/environment.md.")  # fmt: skip
    if access.pooled:
        yield Check("pooler", "ok", "one that keeps a server session for each client")


def judge_version(dialect: Dialect) -> Check:
    """Whether lockgate knows a server of this version."""
    name, newest = name_series(dialect.name, dialect.version), NEWEST[dialect.name]
    if series_of(dialect.name, dialect.version) <= newest:
        return Check("version", "ok", f"{name} is supported")
    last = ".".join(map(str, newest))
    return Check("version", "warning", f"{name} is newer than {last}, the last that was tried",
                 "What lockgate cannot read of its SQL is judged as the worst.")  # fmt: skip


def _rights(access: Access, environment: Environment) -> Iterator[Check]:
    """Each that is missing, by what needs it."""
    ends_others = environment.blockers.model_dump(exclude_none=True)
    lacking = [one for one in access.lacking if one.task != "blockers" or ends_others]
    for one in lacking:
        yield Check(f"rights to {one.task}", "warning" if one.needed else "note",
                    f"{access.user} lacks {one.what}", f"{one.cure};")  # fmt: skip
    if not any(one.needed for one in lacking):
        yield Check("rights", "ok", f"{access.user} may read, plan and apply")


def judge_clock(database: datetime, here: datetime) -> Check:
    """Whether the database's clock is that of this machine."""
    apart = abs((here - database).total_seconds())
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


def _storage(survey: Survey) -> Iterator[Check]:
    """How much the server keeps; few tell what is left."""
    storage = survey.read_storage()
    name, size = storage.largest or ("", 0)
    sizes = {f"largest table {name}": size if name else None, "log": storage.log,
             "temporary files": storage.temporary}  # fmt: skip
    told = [f"{what} {format_size(count)}" for what, count in sizes.items() if count]
    found = ", ".join([f"database {format_size(storage.database)}", *told])
    left = ", ".join(f"{format_size(free)} free in {place}" for place, free in storage.free.items())
    yield Check("disk", "ok", f"{found}; {left or 'the server does not tell what is free'}")
    for place, free in storage.free.items():
        if free < size:
            yield Check("disk", "warning", f"{place} has no room for another {name}",
                        "A change that copies the table fails: make room.")  # fmt: skip
    for trouble in storage.troubles:
        yield Check("disk", "warning", trouble.what, trouble.do)


def _followers(survey: Survey) -> Iterator[Check]:
    followers = survey.read_followers()
    if followers.names is None:
        yield Check("replicas", "note", "not shown to this role", "See the rights above.")
    else:
        yield Check("replicas", "ok", _name_followers(followers.names))
    for trouble in followers.troubles:
        yield Check("replicas", "warning", trouble.what, trouble.do)


def _name_followers(names: Mapping[str, float | None]) -> str:
    """Each with its lag, where that is known.

    >>> _name_followers({"standby_1": 0.25, "10": None}), _name_followers({})
    ('standby_1 (0.2 s late), 10', 'none')
    """
    told = [name if lag is None else f"{name} ({lag:.1f} s late)" for name, lag in names.items()]
    return ", ".join(told) or "none"


def _ledger(work: Workspace) -> Check:
    try:
        stand = stand_of(work, load_migrations(work.environment))
    except Interrupted:
        raise
    except LockgateError as error:
        return _problem("ledger", error)
    except ServerError as refused:
        return Check("ledger", "problem", f"cannot be read: {refused.message}",
                     "Give the rights that are named above.", Exit.USAGE)  # fmt: skip
    if stand.problem:
        return _problem("ledger", stand.problem)
    ledger = stand.ledger
    if not ledger.identity:
        return Check("ledger", "ok", "none yet: nothing was applied")
    lacking = work.engine.store.tables.lacking
    older = "; an older lockgate made it, and the next run adds what is new" if lacking else ""
    applied = f"{len(ledger.entries)} applied, serial {ledger.serial}"
    return Check("ledger", "ok", f"{applied}{older}")


def _rehearsal(work: Workspace) -> Iterator[Check]:
    """Whether there is a server to rehearse on, of the same version, where the role may make
    databases."""
    dialect, environment = work.engine.server.dialect, work.environment
    try:
        address = resolve_rehearsal(environment, os.environ, run_secret_command)
        if address is None:
            yield _installation(dialect)
            return
        with closing(open_engine(address, environment)) as engine:
            access, other = engine.survey.read_access(), engine.server.dialect
    except Interrupted:
        raise
    except LockgateError as error:
        yield Check("rehearsal", "note", error.what.removeprefix("rehearsal: "), error.do)
        return
    name = name_series(other.name, other.version)
    if is_of_other_series(dialect, other):
        yield Check("rehearsal", "warning", f"on {name}, which is another version",
                    how_to_get(dialect.name, dialect.version))  # fmt: skip
    elif not access.makes_databases:
        yield Check("rehearsal", "warning", f"{access.user} may not create databases there",
                    "Give the role of `rehearsal:` that right.")  # fmt: skip
    else:
        yield Check("rehearsal", "ok", f"on {name}, as {access.user}")


def _installation(dialect: Dialect) -> Check:
    found = find_installation(dialect.version // 10000, os.environ)
    if found is None:
        return Check("rehearsal", "note", "no server of this version on this machine",
                     how_to_get(dialect.name, dialect.version))  # fmt: skip
    return Check("rehearsal", "ok", f"on a private PostgreSQL {found.major}")


def _lock(lock: MigrationLock) -> Check:
    holder = lock.holder()
    if holder is None:
        return Check("lock", "ok", "free")
    return Check("lock", "warning", "held by another session", "See `migrate lock`.", Exit.LOCKED)


def _problem(name: str, error: LockgateError) -> Check:
    return Check(name, "problem", error.what, error.do, Exit(exit_code(error)))
