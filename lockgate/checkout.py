"""Where the migrations come from: the git commit of their directory."""

from __future__ import annotations

from pathlib import Path

from lockgate.executors.programs.git import ask_checkout, find_own_checkout
from lockgate.planner.plan.plan import Source
from lockgate.planner.project import Checkout


def read_source(directory: Path, digest: str) -> Source:
    """The commit that is checked out, and whether the directory differs from it.

    Both are None outside of a git checkout, or where there is no git.
    """
    checkout = find_own_checkout(directory)
    commit = _commit(checkout) if checkout else None
    changed = _is_changed(checkout, directory) if checkout and commit else None
    return Source(commit=commit, dirty=changed, digest=digest)


def _commit(checkout: Checkout) -> str | None:
    answer = ask_checkout(checkout, "rev-parse", "--verify", "HEAD")
    return answer.decode().strip() if answer else None


def _is_changed(checkout: Checkout, directory: Path) -> bool | None:
    """Submodules are passed over: git would read their own configuration."""
    place = f":(top,literal){directory.resolve().relative_to(checkout.top).as_posix()}"
    status = ("status", "--porcelain", "--ignore-submodules=all", "--", place)
    changes = ask_checkout(checkout, *status)
    return None if changes is None else bool(changes)
