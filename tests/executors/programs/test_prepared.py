"""Data that initdb made once is copied for the next server, unless others can have changed it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockgate.executors.programs.account import find_account, give
from lockgate.executors.programs.embedded import _find_wheel
from lockgate.executors.programs.prepared import CACHE, make_data
from lockgate.planner.errors import Unreachable
from tests.servers.process import open_folder

FLAGS = ("--no-sync", "--auth-local=trust")
COUNTING = '#!/bin/sh\necho ran >>"$0.count"\nexec "{real}" "$@"\n'


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the server's account can reach."""
    place = open_folder()
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def initdb(place: Path) -> Path:
    """The wheel's own, which notes that it ran."""
    programs = place / "bin"
    programs.mkdir()
    programs.chmod(0o777)
    real = _find_wheel().folder / "bin"
    (programs / "postgres").symlink_to(real / "postgres")
    (programs / "initdb").write_text(COUNTING.format(real=real / "initdb"))
    (programs / "initdb").chmod(0o755)
    return programs / "initdb"


@pytest.fixture(scope="module")
def first(place: Path, initdb: Path) -> Path:
    """Data that was made, and kept in a home of our own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place / "home"))
        return make(place, initdb)


@pytest.fixture
def home(place: Path, first: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home where data is kept already."""
    home = Path(tempfile.mkdtemp(dir=place))
    shutil.copytree(place / "home", home, dirs_exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    yield home
    shutil.rmtree(home)


@pytest.fixture
def ran(initdb: Path) -> Callable[[], int]:
    """How often initdb has run since the test began."""
    note = initdb.with_name("initdb.count")
    before = len(note.read_text())
    return lambda: (len(note.read_text()) - before) // len("ran\n")


def make(place: Path, initdb: Path, flags: tuple[str, ...] = FLAGS) -> Path:
    account = find_account(place)
    store = Path(tempfile.mkdtemp(dir=place))
    give(store, account)
    make_data(store, initdb, flags, account, ())
    return store


def kept() -> Path:
    (found,) = Path(os.path.expanduser(CACHE)).iterdir()
    return found


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


Ran = Callable[[], int]


def test_the_second_data_is_a_copy_of_the_first(
    place: Path, initdb: Path, first: Path, home: Path, ran: Ran
) -> None:
    second = make(place, initdb)
    assert ran() == 0
    assert files(first) == files(second)
    assert {path.stat().st_uid for path in second.rglob("*")} == {second.stat().st_uid}


def test_other_flags_make_other_data(place: Path, initdb: Path, home: Path, ran: Ran) -> None:
    make(place, initdb, (*FLAGS, "--encoding=UTF8"))
    make(place, initdb, (*FLAGS, "--encoding=UTF8"))
    assert ran() == 1


def test_data_that_others_can_change_is_not_used(
    place: Path, initdb: Path, home: Path, ran: Ran
) -> None:
    kept().chmod(0o777)
    make(place, initdb)
    assert ran() == 1


def test_data_behind_a_link_is_not_used(place: Path, initdb: Path, home: Path, ran: Ran) -> None:
    link = kept()
    link.rename(home / "elsewhere")
    link.symlink_to(home / "elsewhere")
    make(place, initdb)
    assert ran() == 1


def test_without_a_home_it_is_made_each_time(
    place: Path, initdb: Path, home: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    make(place, initdb)
    assert ran() == 1


def test_what_initdb_says_is_told(place: Path, initdb: Path, home: Path) -> None:
    with pytest.raises(Unreachable) as failed:
        make(place, initdb, ("--no-such-flag",))
    assert "no-such-flag" in str(failed.value.why)
