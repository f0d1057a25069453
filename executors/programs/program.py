"""Where a program is that lockgate runs."""

from __future__ import annotations

import os
import shutil


def find_program(name: str) -> str | None:
    """The place of a program, or None.

    A relative folder in PATH is passed over: it would find what a commit has put there.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, folders)))
