"""The wheel: built, installed into an empty environment, and run from another folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.commands.running import ROOT, Project, succeed

TEMPLATES = ("html.j2", "css", "js")
SOURCES = ("lockgate", "planner", "executors", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout's sources, so that nothing is left in it."""
    sources = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / name, sources / name)
    return sources


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(sources, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked_sdist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the source distribution of this checkout holds."""
    folder = tmp_path_factory.mktemp("sdist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    run(build, folder=sources)
    (built,) = folder.glob("lockgate-*.tar.gz")
    with tarfile.open(built) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def build_wheel(sources: Path, folder: Path) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*build, "--wheel-dir", str(folder), str(sources)])
    (built,) = folder.glob("lockgate-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment that holds the wheel, and our dependencies by a path."""
    python = new_environment(tmp_path_factory.mktemp("installed"))
    install(python, str(wheel))
    return python.parent


def new_environment(folder: Path) -> Path:
    """The interpreter of an environment that has all packages but lockgate's own.

    The path file shows the dependencies alone: links to them.
    """
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
    return python


def install(python: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    run([*pip, "--no-deps", "--no-index", "--no-build-isolation", *what])


def run(argv: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env=dict(os.environ), cwd=folder
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_one_package_and_no_more(wheel: Path) -> None:
    names = list(contents(wheel))
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"lockgate"}
    assert not [name for name in names if name.endswith(".pyc")]
    for file in (
        "commands/runs/up.py",
        "planner/errors.py",
        "py.typed",
        *(f"templates/plan.{end}" for end in TEMPLATES),
    ):
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
    succeed(project.migrate("down", **context))
    succeed(project.migrate("plan", **context))
    for form in ("text", "markdown", "html", "json", "sql", "sarif"):
        succeed(project.migrate("show", "plan.json", "--format", form, **context))


def test_the_installed_package_is_the_wheels(installed: Path, project: Project) -> None:
    where = "from lockgate import executors, planner; print(executors.__file__, planner.__file__)"
    command = (str(installed / "python"), "-c", where)
    found = succeed(project.migrate(command=command, environ={"PYTHONPATH": None})).out
    assert str(ROOT) not in found


def test_the_commands_of_the_container_run(wheel: Path, project: Project, tmp_path: Path) -> None:
    """What its file runs and copies, as it stands, on an environment in place of an image."""
    text = (ROOT / "examples/containers/Containerfile").read_text()
    found = re.findall(r"^(RUN|COPY|ENTRYPOINT|CMD) (.+)$", text, re.MULTILINE)
    python = new_environment(tmp_path)
    pip = tmp_path / "pip"
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {python} "$@"\n')
    pip.chmod(0o755)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_NO_DEPS": "1"}
    shop = tmp_path / "shop"
    project.write_tables(1)
    (project.folder / "environments/test.yaml").rename(
        project.folder / "environments/production.yaml"
    )
    for keyword, given in found:
        if keyword == "RUN":
            environ = {**os.environ, **offline, "PATH": f"{tmp_path}:/usr/bin:/bin"}
            subprocess.run(["sh", "-ec", given], env=environ, check=True, capture_output=True)
        elif keyword == "COPY":
            source, target = given.split()
            shutil.copytree(project.folder / source, shop / target)
    command = [json.loads(given) for keyword, given in found if keyword in ("ENTRYPOINT", "CMD")]
    (entry,), arguments = command
    script = (str(python.parent / entry),)
    context = {"command": script, "environ": {"PYTHONPATH": None}, "folder": shop}
    assert succeed(project.migrate(*arguments, **context)).out.endswith("0 applied, 1 pending\n")


def test_a_project_may_have_packages_of_the_names_of_our_folders(
    installed: Path, project: Project
) -> None:
    for name in ("planner", "executors", "environments_of_theirs"):
        (project.folder / name).mkdir()
        (project.folder / name / "__init__.py").write_text("raise SystemExit('theirs')\n")
    project.write_tables(1)
    python = str(installed / "python")
    for path in (None, str(project.folder)):
        context = {"command": (python, "-m", "lockgate"), "environ": {"PYTHONPATH": path}}
        succeed(project.migrate("up", **context))
        assert succeed(project.migrate("status", **context)).out.endswith("1 applied\n")
    importing = project.migrate(command=(python, "-c", "import planner"))
    assert importing.err == "theirs\n"


def test_a_source_distribution_holds_each_file_once(sources: Path, unpacked_sdist: Path) -> None:
    assert modules(unpacked_sdist / "lockgate") == modules(sources / "lockgate")
    assert not (unpacked_sdist / "planner").exists()
    assert not (unpacked_sdist / "executors").exists()


def test_a_source_distribution_builds_the_same_wheel(
    wheel: Path, unpacked_sdist: Path, tmp_path: Path
) -> None:
    assert contents(build_wheel(unpacked_sdist, tmp_path)) == contents(wheel)


def test_an_editable_install_runs_the_sources(sources: Path, tmp_path: Path) -> None:
    python = new_environment(tmp_path)
    install(python, "--editable", str(sources))
    where = "from lockgate.executors import apply; print(apply.__file__)"
    assert run([str(python), "-c", where], tmp_path).startswith(str(sources))
    assert "lockgate, version" in run([str(python.parent / "migrate"), "--version"], tmp_path)


def modules(package: Path) -> list[str]:
    """The modules below a folder, by their paths; links are followed."""
    found = (Path(folder, name) for folder, _, names in os.walk(package, followlinks=True)
             for name in names)  # fmt: skip
    return sorted(str(path.relative_to(package)) for path in found if path.suffix == ".py")


def test_the_wheel_brings_the_pytest_plugin(wheel: Path) -> None:
    (entries,) = (
        text for name, text in contents(wheel).items() if name.endswith("entry_points.txt")
    )
    assert b"[pytest11]\nlockgate = lockgate.pytest_plugin" in entries
