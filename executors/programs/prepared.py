"""The data of a new private server: made by initdb once for each version, then copied.

It must not start a server. What it keeps lies where only our own account writes, since the settings
in it could run programs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lockgate.executors.programs.account import Account, give, run_as
from lockgate.planner.errors import Unreachable

CACHE = "~/.cache/lockgate"
UNFINISHED = "new-"


def make_data(
    store: Path, initdb: Path, flags: Sequence[str], account: Account, inherit: tuple[int, ...]
) -> None:
    """Fills an empty folder of an account's with the data of a server that was never started.

    Raises Unreachable when initdb fails. A crash here leaves a folder `new-…` in the cache, which
    the next preparation clears away.
    """
    kept = Path(os.path.expanduser(CACHE)) / _name(initdb, flags)
    if _is_ours(kept):
        _copy(kept, store, account)
        return
    result = run_as([str(initdb), "-D", str(store), *flags], account, inherit=inherit)
    if result.returncode != 0:
        shutil.rmtree(store)
        raise Unreachable("the embedded PostgreSQL cannot create its data", why=result.stdout)
    with suppress(OSError):  # without a home that can be written to, the next one runs initdb too
        _keep(store, kept)


def _name(initdb: Path, flags: Sequence[str]) -> str:
    """Another one for another build of the server, or for data that is made otherwise."""
    builds = [initdb.with_name(name).stat() for name in ("postgres", "initdb")]
    sizes = [f"{build.st_size} {build.st_mtime_ns}" for build in builds]
    return f"data-{hashlib.sha256('|'.join([*sizes, *flags]).encode()).hexdigest()[:32]}"


def _is_ours(folder: Path) -> bool:
    """Whether it is there, and no other account can have changed it."""
    for one in (folder, folder.parent):
        if one.is_symlink() or not one.is_dir():
            return False
        status = one.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return False
    return True


def _keep(store: Path, kept: Path) -> None:
    cache = kept.parent
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    for unfinished in cache.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    copy = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=cache))
    try:
        _copy(store, copy, None)
        copy.rename(kept)
    except OSError:
        shutil.rmtree(copy, ignore_errors=True)
        raise


def _copy(source: Path, target: Path, account: Account) -> None:
    """Copies all files of a folder into an empty one, as an account's own."""
    for place, folders, files in os.walk(source):
        there = target / os.path.relpath(place, source)
        for folder in folders:
            (there / folder).mkdir(mode=0o700)
            give(there / folder, account)
        for file in files:
            copied = shutil.copyfile(os.path.join(place, file), there / file)
            give(copied, account)
