"""How a database, its server and a session's rights are, as values; decides and asks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockgate.planner.value import frozen


@frozen
class Load:
    """What a server is doing beside us: sessions at work, the oldest transaction's age and the
    last replica's lag in seconds; None: there is none, or the role may not see it."""

    running: int
    oldest_transaction: float | None = None
    replica_lag: float | None = None


LET_READ = "let readers read lockgate's tables"
"""A task."""


@frozen
class Lacking:
    """A right that the session's user lacks: `task` is what needs it, such as `apply`, `what` names
    the right, and `cure` is the statement that gives it. Without one that is not `needed` commands
    run, and see less. `absent` says that it is a role, named by the environment, that is not there.
    """

    task: str
    what: str
    cure: str
    needed: bool = True
    absent: bool = False


@frozen
class Access:
    """How a session reaches its database, as `user`: `encryption` is the protocol, such as
    `TLSv1.3`, empty for clear text; `local` says that no network is in between, and `pooled` that a
    pooler is. `makes_databases` says whether the user may make some, as a rehearsal does."""

    user: str
    encryption: str
    local: bool
    lacking: tuple[Lacking, ...]
    makes_databases: bool = False
    pooled: bool = False


@frozen
class Trouble:
    """What is wrong with a server, and what to do about it."""

    what: str
    do: str


@frozen
class Storage:
    """What the server tells of its disk, in bytes; None: it does not, or not this role. `free` is
    what is left, by the disk's place. The largest table is what a rewrite needs room for."""

    database: int
    largest: tuple[str, int] | None = None
    log: int | None = None
    temporary: int | None = None
    free: Mapping[str, int] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()


@frozen
class Followers:
    """The servers that follow this one, by their names, with their lag in seconds, None where it is
    not told; None: the role may not see whether there are any."""

    names: Mapping[str, float | None] | None = None
    troubles: tuple[Trouble, ...] = ()
