"""The wheel and the planner's tests on each Python that is found: `python -m tests.pythons 3.12`.

Each in an environment of its own, from a copy of the checkout without the package `lockgate`: what
is imported is the wheel's. An interpreter is `python3.12` in PATH, or one of pyenv's.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
BESIDE = ("hypothesis", "jsonschema", "pytest")
"""What the planner's tests need besides."""

ENVIRONMENT = "database: embedded\n"
MIGRATION = "-- migrate:up\ncreate table t (id int primary key);\n-- migrate:down\ndrop table t;\n"
COMMANDS = (
    *("plan -e dev", "show plan.json --format html", "apply plan.json -e dev"),
    *("status -e dev", "down -e dev"),
)


def run(*argv: str | Path, folder: Path) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(
        [str(each) for each in argv], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, argv))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def interpreter(version: str) -> Path | None:
    """A Python of this version; pyenv's shims may lead to none."""
    there = (
        Path(found) if (found := shutil.which(f"python{version}")) else None,
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    )
    asked = "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, sys.argv[1].split('.'))))"
    for path in filter(None, there):
        tried = subprocess.run([path, "-c", asked, version], capture_output=True, check=False)
        if not tried.returncode:
            return path
    return None


def copy_checkout(folder: Path) -> None:
    """The checkout without its package and what git does not know of."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for name in names:
        if name and not name.startswith("lockgate/") and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def try_wheel(python: Path, wheel: Path, folder: Path) -> Iterator[str]:
    """A line for what went well on this Python."""
    run(python, "-m", "venv", folder / "venv", folder=folder)
    programs = folder / "venv/bin"
    install = (programs / "python", "-m", "pip", "install", "--quiet")
    run(*install, f"{wheel}[embedded]", *BESIDE, folder=folder)
    checkout = folder / "checkout"
    copy_checkout(checkout)
    tested = (programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/planner")
    yield run(*tested, folder=checkout).splitlines()[-1]
    project = folder / "project"
    for name, text in (("environments/dev.yaml", ENVIRONMENT), ("migrations/001_t.sql", MIGRATION)):
        (project / name).parent.mkdir(parents=True)
        (project / name).write_text(text)
    for command in COMMANDS:
        run(programs / "migrate", *command.split(), folder=project)
    yield f"migrate {', '.join(command.split()[0] for command in COMMANDS)}"


def main(versions: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # an embedded server of root's runs as another account
        build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
        run(*build, "--no-build-isolation", "--wheel-dir", folder, ROOT, folder=ROOT)
        (wheel,) = folder.glob("lockgate-*.whl")
        for version in versions or VERSIONS:
            python = interpreter(version)
            if python is None:
                sys.stdout.write(f"Python {version}: not found\n")
                if versions:
                    return 1
                continue
            (folder / version).mkdir()
            for line in try_wheel(python, wheel, folder / version):
                sys.stdout.write(f"Python {version}: {line}\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
