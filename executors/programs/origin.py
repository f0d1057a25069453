"""Whether lockgate has made a data folder on this machine, or a commit has brought it along.

The settings of a folder that PostgreSQL starts run programs (`restore_command`), so one of a
stranger must not be started. A folder of ours holds a name and a code for it, which only the key
in the home of the account can make; no checkout holds that key.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sys
from pathlib import Path

from lockgate.executors.programs.account import Account, give, run_as
from lockgate.planner.errors import ConfigurationError
from lockgate.planner.project import leads_out

if sys.platform != "win32":
    import pwd

MARK = "lockgate.origin"
LONGEST = 256
"""Bytes of a mark that are read."""
KEY_FOLDER = ".local/state/lockgate"
READ_KEY = """
umask 077
for folder in "$@"; do
    mkdir -p "$folder" 2>/dev/null && [ -O "$folder" ] && [ -w "$folder" ] || continue
    if ! [ -s "$folder/key" ]; then
        od -An -v -N32 -tx1 /dev/urandom >"$folder/key.$$" && ln "$folder/key.$$" "$folder/key"
        rm -f "$folder/key.$$"
    fi
    [ -O "$folder/key" ] && exec cat "$folder/key"
done 2>/dev/null
exit 1
"""
"""Prints the key in the first folder that is the account's own; makes it, once."""


def mark_as_ours(data: Path, account: Account, refuge: Path) -> None:
    """Leaves in a new data folder what `refuse_foreign_data` looks for."""
    name = secrets.token_hex(16)
    mark = data / MARK
    mark.write_text(f"{name} {_code(name, account, refuge)}\n", encoding="ascii")
    mark.chmod(0o600)
    give(mark, account)


def refuse_foreign_data(home: Path, account: Account, refuge: Path) -> None:
    """Raises ConfigurationError when <home>/data is not of our making, or is reached by a link
    that is not."""
    data = home / "data"
    if data.is_symlink() and data.readlink().parent != refuge:
        raise _foreign(data)
    if data.exists() and not _is_ours(data, account, refuge):
        raise _foreign(data)


def refuse_foreign_home(home: Path) -> None:
    """Raises ConfigurationError when links lead from a home of data, or from the folder around
    it, to another place."""
    for folder in (home, home.parent):
        if leads_out(folder):
            raise _foreign(folder)


def _is_ours(data: Path, account: Account, refuge: Path) -> bool:
    try:
        with (data / MARK).open("rb") as file:
            name, _, code = file.read(LONGEST).decode("ascii").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(code, _code(name, account, refuge))


def _code(name: str, account: Account, refuge: Path) -> str:
    key = _key(account, refuge)
    return hmac.new(key.encode(), name.encode(), "sha256").hexdigest()


def _key(account: Account, refuge: Path) -> str:
    """The key of an account that has a home, or else root's for accounts that have none."""
    home, user = _home(account)
    if home is None:
        open_refuge(refuge)
    places = [refuge] if home is None else [home / KEY_FOLDER, Path(f"/tmp/lockgate-{user}")]
    script = ["/bin/sh", "-c", READ_KEY, "sh", *map(str, places)]
    ended = run_as(script, None if home is None else account)
    if ended.returncode != 0:
        raise ConfigurationError(
            "the embedded PostgreSQL has no place for its key",
            path=places[0],
            why="The key distinguishes its data from data that a checkout brings along.",
            do="Set HOME to a folder that may be written to.",
        )
    return ended.stdout.strip()


def open_refuge(refuge: Path) -> None:
    """Makes the folder for what a server's own account must reach; each file in it is closed by
    itself."""
    refuge.mkdir(mode=0o755, parents=True, exist_ok=True)
    if refuge.stat().st_uid == os.geteuid():
        refuge.chmod(0o755)


def _home(account: Account) -> tuple[Path | None, int]:
    """The home of an account, None where root serves one without, and its user id."""
    if account is None:
        return Path(os.path.expanduser("~")), os.geteuid()
    try:
        home = Path(pwd.getpwuid(account[0]).pw_dir)
    except KeyError:
        return None, account[0]
    return (home if home.is_dir() and home != Path("/") else None), account[0]


def _foreign(path: Path) -> ConfigurationError:
    return ConfigurationError(
        "this data of an embedded PostgreSQL was not made by lockgate on this machine",
        path=path,
        why="Its settings may run programs of the person who made it, so it is not started.",
        do="Delete it to begin with an empty database; keep .lockgate/ out of what is committed, "
        "copied and cached.",
    )
