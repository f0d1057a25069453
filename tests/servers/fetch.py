"""Unpacks Debian packages, with all that they need, into a cache: nothing is installed.

It must not change the machine: apt-get gets lists, cache and status of its own.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.servers.process import ServerUnavailable

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""What package debian-archive-keyring installs; Debian's own sources are signed by it."""

APT_TIMEOUT = 900
"""Seconds for one run of apt-get."""

APT_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
"""
"""The machine's hooks would work on the machine's own lists."""


def cache_directory() -> Path:
    """The folder, outside the checkout, that keeps what was fetched from run to run."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "lockgate-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The cached folder of that name; `build` fills it once, and it appears whole or not at all.

    A crash leaves a folder whose name ends in .partial; the next build removes it.
    """
    target = cache_directory() / name
    with _lock(target.with_name(f"{name}.lock")):
        if not target.exists():
            partial = target.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            build(partial)
            partial.rename(target)
    return target


def machine_suite() -> str:
    """The Debian suite that this machine's own sources name, such as "bookworm"."""
    return _archive()[1]


def unpacked(name: str, packages: Sequence[str], suite: str) -> Path:
    """The root folder that holds these packages of a Debian suite and all that they need.

    Raises:
        ServerUnavailable: they cannot be fetched from the machine's Debian mirror.
    """
    return cached(f"{name}-{suite}", lambda root: _download_and_unpack(packages, suite, root))


def through_loader(root: Path, program: str) -> list[str]:
    """The command that runs an unpacked program with the C library that it was built for."""
    loader = next(iter(sorted(root.glob("**/ld-linux*.so.*"))), None)
    if loader is None:
        raise ServerUnavailable(f"no ld-linux in {root}; remove the folder to fetch it again")
    libraries = sorted({str(path.parent) for path in root.glob("**/*-linux-gnu*/*.so*")})
    return [str(loader), "--library-path", ":".join(libraries), str(root / "usr" / program)]


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Holds a file lock, which the kernel lets go of when the holder dies."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _download_and_unpack(packages: Sequence[str], suite: str, root: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise ServerUnavailable(f"no apt-get and dpkg-deb here to fetch {', '.join(packages)}")
    with tempfile.TemporaryDirectory(prefix="lockgate-apt-") as work:
        _download(packages, suite, Path(work))
        for package in sorted(Path(work, "cache/archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(root)])


def _download(packages: Sequence[str], suite: str, work: Path) -> None:
    work.chmod(0o755)  # apt downloads as the user _apt
    for folder in ("state/lists/partial", "cache/archives/partial", "empty"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    (work / "apt.conf").write_text(APT_CONFIGURATION)
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb {signed}{_archive()[0]} {suite} main\n")
    apt = ["apt-get", "-q", "-c", str(work / "apt.conf"), *_private(work)]
    _run([*apt, "update"])
    _run([*apt, "-y", "--no-install-recommends", "--download-only", "install", *packages])


def _private(work: Path) -> list[str]:
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": work / "empty",
        "Dir::Etc::preferencesparts": work / "empty",
        "Dir::State": work / "state",
        "Dir::State::Lists": work / "state/lists",
        "Dir::State::status": work / "state/status",
        "Dir::Cache": work / "cache",
        "Dir::Cache::archives": work / "cache/archives",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _archive() -> tuple[str, str]:
    """Address and suite of Debian's main archive, out of the machine's own apt configuration.

    Third-party archives and Debian's -security and -updates are listed there too.
    """
    suites = {*_os_release_codename(), "stable", "testing", "unstable", "sid"}
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    listing = _run(["apt-get", "indextargets", "--no-release-info", "--format", form])
    rows = [line.split(" ") for line in listing.splitlines() if line.count(" ") == 2]
    main = [(row[0], row[1]) for row in rows if row[2] == "main" and row[1] in suites]
    named = [row for row in main if row[0].rstrip("/").endswith("debian")]
    if not named:
        raise ServerUnavailable("this machine's apt configuration names no Debian archive")
    return named[0]


def _os_release_codename() -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        lines = Path("/etc/os-release").read_text().splitlines()
        return [line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME=")]
    return []


def _run(argv: Sequence[str]) -> str:
    try:
        return subprocess.run(
            argv, check=True, timeout=APT_TIMEOUT, text=True, capture_output=True
        ).stdout
    except FileNotFoundError as error:
        raise ServerUnavailable(f"{argv[0]} is not on this machine") from error
    except subprocess.CalledProcessError as error:
        raise ServerUnavailable(f"{argv[0]} failed:\n{error.stderr[-4000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise ServerUnavailable(f"{argv[0]} took longer than {APT_TIMEOUT} s") from error
