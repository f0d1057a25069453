"""Asks git of a checkout, so that nothing that the checkout holds decides what git runs.

A commit cannot hold a `.git`, but anything else: a bare repository whose `core.fsmonitor` is a
command, attributes that name a filter, a file called `git`. So the `.git` is found by ourselves,
git looks for none, and every setting that runs a program is set aside. The configuration of the
`.git` itself belongs to the person who works there. https://git-scm.com/docs/git-config
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lockgate.executors.programs.program import find_program
from lockgate.planner.project import Checkout, find_checkout

LONGEST = 30.0
"""Seconds."""
HARMLESS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.sshCommand": "false",
    "safe.bareRepository": "explicit",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "status.submoduleSummary": "false",
}
FILTER_KEYS = {"clean": "", "smudge": "", "process": "", "required": "false"}
ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
"""Neither the machine's nor the user's configuration, which may name filters and programs too."""
OWN = (
    *("HOME", "XDG_CONFIG_HOME", "USERPROFILE"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
"""Where the user's configuration is."""


def find_own_checkout(folder: Path) -> Checkout | None:
    """The checkout around a folder, unless its `.git` is another user's than the folder.

    Somebody who may write to a folder above, such as /tmp, could make one there.
    """
    checkout = find_checkout(folder)
    if checkout is None or os.name == "nt":
        return checkout
    owners = {folder.stat().st_uid, os.geteuid()}
    return checkout if checkout.git.stat().st_uid in owners else None


def ask_checkout(checkout: Checkout, *arguments: str) -> bytes | None:
    """What git prints of a checkout; None where it fails, or there is none."""
    settings = HARMLESS | _without_filters(checkout)
    return _ask(checkout.git, checkout.top, arguments, ALONE | _set(settings))


def ask_user(folder: Path, *arguments: str) -> str:
    """What `git config` says in a folder by the configuration of the user, and of the checkout
    there if there is one; empty where it says nothing."""
    checkout = find_own_checkout(folder)
    kept = {name: os.environ[name] for name in OWN if name in os.environ}
    git, top = (checkout.git, checkout.top) if checkout else (Path(os.devnull), Path(folder.anchor))
    answer = _ask(git, top, ("config", *arguments), kept | _set(HARMLESS))
    return (answer or b"").decode("utf-8", "replace").strip()


def _without_filters(checkout: Checkout) -> dict[str, str]:
    """Settings that empty each filter that the checkout's own configuration defines: which files
    go through one, attributes in the tree say. https://git-scm.com/docs/gitattributes"""
    listed = ("config", "--name-only", "-z", "--get-regexp", r"^filter\.")
    found = _ask(checkout.git, checkout.top, listed, ALONE) or b""
    keys = [key.decode("utf-8", "surrogateescape") for key in found.split(b"\0") if key]
    names = {key.rpartition(".")[0] for key in keys}
    return {f"{name}.{key}": value for name in names for key, value in FILTER_KEYS.items()}


def _set(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables: they go before those of all files, and a name may hold a `=`."""
    pairs = {"GIT_CONFIG_COUNT": str(len(settings))}
    for place, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    return pairs


def _ask(
    git: Path, top: Path, arguments: tuple[str, ...], variables: Mapping[str, str]
) -> bytes | None:
    """Nothing of our own environment is handed on but where programs are: it holds secrets."""
    program = find_program("git")
    if program is None:
        return None
    paths = {"PATH": os.environ.get("PATH", os.defpath)}
    if "SYSTEMROOT" in os.environ:  # without it no program starts on Windows
        paths["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    try:
        ended = subprocess.run(
            [program, f"--git-dir={git}", f"--work-tree={top}", *arguments],
            cwd=top, env={**paths, **ENVIRONMENT, **variables},
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=LONGEST,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None
