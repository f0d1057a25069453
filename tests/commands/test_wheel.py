"""The wheel: built, installed into an empty environment, and run from another folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.commands.running import ROOT, Project, succeed

TEMPLATES = ("html.j2", "css", "js")
SOURCES = ("lockgate", "planner", "executors", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy so that nothing is left in it."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / name, sources / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*build, "--wheel-dir", str(folder), str(sources)])
    (built,) = folder.glob("lockgate-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment that holds the wheel, and our dependencies by a path.

    The path file shows the dependencies alone: links to all packages but lockgate's own.
    """
    folder = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
    python = folder / "venv/bin/python"
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run([str(python), "-c", asked]).strip())
    links = folder / "dependencies"
    links.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "lockgate" not in package.name and not package.name.endswith(".pth"):
            (links / package.name).symlink_to(package)
    (packages / "dependencies.pth").write_text(f"{links}\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    run([*install, "--no-deps", "--no-index", str(wheel)])
    return python.parent


def run(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_wheel_holds_one_package_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"lockgate"}
    assert not [name for name in names if name.endswith(".pyc")]
    for file in ("commands/up.py", "py.typed", *(f"templates/plan.{end}" for end in TEMPLATES)):
        assert f"lockgate/{file}" in names


@pytest.mark.parametrize("script", ["migrate", "lockgate"])
def test_the_installed_command_runs_from_another_folder(
    installed: Path, project: Project, script: str
) -> None:
    command = (str(installed / script),)
    context = {"command": command, "environ": {"PYTHONPATH": None}}
    elsewhere = project.folder.parent
    version = succeed(project.migrate("--version", folder=elsewhere, **context)).out
    assert version.startswith("lockgate, version ")
    project.write_tables(1)
    succeed(project.migrate("up", **context))
    environments = str(project.folder / "environments")
    status = project.migrate("status", "--environments", environments, folder=elsewhere, **context)
    assert succeed(status).out.endswith("1 applied\n")


def test_the_installed_package_is_the_wheels(installed: Path, project: Project) -> None:
    where = "from lockgate import executors, planner; print(executors.__file__, planner.__file__)"
    command = (str(installed / "python"), "-c", where)
    found = succeed(project.migrate(command=command, environ={"PYTHONPATH": None})).out
    assert str(ROOT) not in found
