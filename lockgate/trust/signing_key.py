"""The signer's SSH key: the one that is named, git's, or one of ~/.ssh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lockgate.executors.programs.git import ask_user
from lockgate.planner.errors import UsageError

USUAL = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
LITERAL = ("key::", "ssh-", "ecdsa-", "sk-")
"""How the text of a public key begins, where git's `user.signingkey` names no file."""


@contextmanager
def signing_key(given: Path | None) -> Iterator[Path]:
    """The file of the key to sign with, private or public, for the block.

    Raises:
        UsageError: none is named, and none found.
    """
    configured = "" if given else _configured()
    if not configured.startswith(LITERAL):
        yield given or (Path(configured) if configured else _usual(Path.home() / ".ssh"))
        return
    with TemporaryDirectory() as folder:
        key = Path(folder, "key.pub")
        key.write_text(configured.removeprefix("key::") + "\n", encoding="utf-8")
        yield key


def _configured() -> str:
    """What git signs with, where it signs by SSH. https://git-scm.com/docs/git-config"""
    here = Path.cwd()
    if ask_user(here, "--get", "gpg.format") != "ssh":
        return ""
    return ask_user(here, "--type=path", "--get", "user.signingkey")


def _usual(folder: Path) -> Path:
    """The first of the usual keys; a public half alone may have its private one in the agent."""
    for name in USUAL:
        for path in (folder / name, folder / f"{name}.pub"):
            if path.is_file():
                return path
    raise UsageError(
        f"There is no key to sign with: git names none, and none of the usual ones is in {folder}.",
        do="Name one with `--key FILE`, or make one: `ssh-keygen -t ed25519`.",
    )
