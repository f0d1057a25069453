"""Where the migrations come from: the git commit of their directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lockgate.planner.plan.plan import Source


def read_source(directory: Path, digest: str) -> Source:
    """The commit that is checked out, and whether the directory differs from it.

    Both are None outside of a git checkout, or where there is no git.
    """
    commit = ask_git(directory, "rev-parse", "--verify", "HEAD")
    changes = ask_git(directory, "status", "--porcelain", "--", ".") if commit else None
    return Source(
        commit=commit.strip() if commit else None,
        dirty=None if changes is None else bool(changes),
        digest=digest,
    )


def ask_git(directory: Path, *arguments: str) -> str | None:
    """What git prints of a checkout; None where it fails, or there is none."""
    try:
        result = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None
