"""A project on the disk: the git checkout that holds it, and which links lead out of it.

Must not start a program, and must not read what a checkout holds.
"""

from __future__ import annotations

import errno
import os
import stat
from os.path import abspath
from pathlib import Path

from lockgate.planner.errors import UsageError
from lockgate.planner.value import frozen

GITFILE = b"gitdir: "
OPENED = (Path("/dev/fd"), Path("/dev/stdin"), Path("/proc/self/fd"))
"""Where a command line names what the shell has opened, as in `show <(git show main:plan.json)`."""
DEVICES = (Path("/dev"), Path("/proc"))
"""Where links are the system's: /dev/stdout leads to what the shell has opened."""
MEMORY = Path("/dev/shm")
"""Where files are anyone's, and a project may be too."""

OUTWARD = "a link that leads out of the project"
WHY_NOT = "A commit can hold a link, and its author would choose a file of this machine."
INSTEAD = "Put the file itself there, or name its own place."


@frozen
class Checkout:
    """A folder that git has checked out: `git` is its `.git`, a folder or a file that names one."""

    top: Path
    git: Path


def find_checkout(start: Path) -> Checkout | None:
    """The nearest checkout around a folder, by its `.git`, which git never takes from a commit.

    A bare repository is none: a commit can hold one as plain files, with a configuration that
    runs programs. https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if _is_git(folder / ".git"):
            return Checkout(folder, folder / ".git")
    return None


def refuse_outward_link(path: Path) -> None:
    """Raises UsageError when links lead from a path of a project to a place outside of it."""
    if leads_out(path):
        raise UsageError(f"{path} is {OUTWARD}.", why=WHY_NOT, do=INSTEAD)


def leads_out(path: Path) -> bool:
    """Whether links lead from a path of a project to a place outside of it.

    The project is the checkout around the path as it is spelled, or else the path's own folder.
    """
    spelled = Path(abspath(path))
    if spelled.is_relative_to(MEMORY) or not any(map(spelled.is_relative_to, DEVICES)):
        return not path.resolve().is_relative_to(_root(spelled))
    return False


def read_regular(path: Path) -> bytes:
    """What is in a file; a pipe or a device, which may never end, is none, but for what the shell
    has opened.

    Raises:
        OSError: it is no such file, or cannot be read.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and _is_opened(path))):
            raise OSError(errno.EINVAL, "it is no regular file")
        os.set_blocking(file.fileno(), True)
        return file.read()


def _open_at_once(path: str, flags: int) -> int:
    """A pipe that no process writes to would be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _is_opened(path: Path) -> bool:
    return any(Path(abspath(path)).is_relative_to(one) for one in OPENED)


def is_outside(path: Path, project: Path) -> bool:
    """Whether a path, as it is spelled, is outside of the checkout around a project's folder."""
    checkout = find_checkout(project)
    top = checkout.top if checkout else project.resolve()
    return not (project.resolve() / path).resolve().is_relative_to(top)


def _root(spelled: Path) -> Path:
    """The real folder of the project that a path seems to be in.

    A folder around the checkout may be a link, as /tmp is on macOS: hence by the spelled parents.
    """
    for folder in spelled.parents:
        if _is_git(folder / ".git"):
            return folder.resolve()
    return spelled.parent.resolve()


def _is_git(path: Path) -> bool:
    if path.is_file():
        with path.open("rb") as file:
            return file.read(len(GITFILE)) == GITFILE
    return (path / "HEAD").exists() and (path / "objects").is_dir()
