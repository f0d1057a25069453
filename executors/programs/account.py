"""Whom the embedded PostgreSQL runs as, and its programs run so. Knows no server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if sys.platform != "win32":
    import pwd

PROGRAM_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of the caller's: PGPORT and PGOPTIONS would change the server, secrets would leak."""

UNSHARE = ("unshare", "--user", "--map-current-user", "--net", "--ipc", "--")

Account = tuple[int, int] | None
"""User and group id that the server runs as; None when they are our own."""
Completed = subprocess.CompletedProcess[str]


def find_account(home: Path) -> Account:
    """Whom to run the server as: PostgreSQL refuses to run as root.

    Root runs it as the owner of the data, else as the owner of the folder, so that it is the
    same server with and without sudo; a folder of root's own is served by `nobody`.
    """
    if os.geteuid() != 0:
        return None
    data = home / "data"
    owner = (data if data.exists() else home).stat()
    known = {entry.pw_uid for entry in pwd.getpwall()}
    if owner.st_uid != 0 and (data.exists() or owner.st_uid in known):
        return owner.st_uid, owner.st_gid
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def reaches(account: Account, path: Path) -> bool:
    """Whether the account may use a path: asked of the kernel, which knows of ACLs too."""
    if account is None:
        return True
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    return run_as(test, account).returncode == 0


def give(path: Path, account: Account) -> None:
    """Makes a file or a folder the account's."""
    if account is not None:
        os.chown(path, *account)


def confinement(account: Account) -> tuple[str, ...]:
    """What a program's command begins with, so that it and all that it starts have neither network
    nor others' shared memory; empty where the system refuses that to the account.

    https://man7.org/linux/man-pages/man1/unshare.1.html
    """
    is_possible = sys.platform == "linux" and _succeeds([*UNSHARE, "true"], account)
    return UNSHARE if is_possible else ()


def _succeeds(command: list[str], account: Account) -> bool:
    try:
        return run_as(command, account).returncode == 0
    except OSError:
        return False


def run_as(
    command: list[str], account: Account, inherit: tuple[int, ...] = (), folder: Path = Path("/")
) -> Completed:
    """How a program ended that ran as the account, without anything of our own environment."""
    user, group = account or (None, None)
    return subprocess.run(
        command,
        cwd=folder,
        env=PROGRAM_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=inherit,
        user=user,
        group=group,
        extra_groups=None if account is None else [],
    )
