"""OpenSSH's programs for keys on the path, and people with keys that it made for them.

It must not touch ~/.ssh: keys lie where the caller says.
"""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers import fetch

PROGRAMS = ("ssh-keygen", "ssh-agent", "ssh-add")


def put_openssh_on_path(folder: Path) -> None:
    """Leaves the machine's own programs, else puts the machine's own Debian's on the path."""
    if all(map(shutil.which, PROGRAMS)):
        return
    root = fetch.unpacked("openssh-client", ("openssh-client",), fetch.machine_suite())
    for name in PROGRAMS:
        command = shlex.join(fetch.through_loader(root, f"bin/{name}"))
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@dataclass(frozen=True)
class Person:
    """Somebody with a private key in a file."""

    name: str
    key: Path

    @property
    def public_key(self) -> Path:
        """The file of its public half."""
        return Path(f"{self.key}.pub")

    @property
    def public(self) -> str:
        """The public half, as text: type and data."""
        return " ".join(self.public_key.read_text().split()[:2])

    def line(self, options: str = "") -> str:
        """This person's line in an allowed_signers file."""
        return " ".join(part for part in (self.name, options, self.public) if part) + "\n"


def new_person(folder: Path, name: str, *, passphrase: str = "", key: str = "") -> Person:
    """Somebody with a fresh Ed25519 key in this folder."""
    path = folder / (key or name)
    folder.mkdir(parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Person(name, path)
