"""dbmate, to measure against: a binary that npm brings, and that nothing else needs."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from benchmarks.measure import Usage, run

PACKAGE = "@dbmate/linux-x64"


def fetch_dbmate(folder: Path) -> Path | None:
    """The binary, unpacked into the folder; None where npm or the package cannot be had."""
    if shutil.which("npm") is None:
        return None
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, stdout=subprocess.DEVNULL, check=False
    )
    archives = list(folder.glob("*.tgz"))
    if packed.returncode or not archives:
        return None
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    binary = folder / "package" / "bin" / "dbmate"
    binary.chmod(0o755)
    return binary


def dbmate(binary: Path, url: str, migrations: Path, command: str) -> Usage:
    """What one run of dbmate costs, without the dump that it writes by default."""
    argv = [str(binary), "--url", url, "--migrations-dir", str(migrations), "--no-dump-schema"]
    return run([*argv, command], environ={"PGSSLMODE": "disable"})  # its driver asks for TLS
