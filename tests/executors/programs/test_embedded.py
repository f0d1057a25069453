"""The embedded PostgreSQL, on the real thing: started, shared, killed and started again.

Files lie in a folder that `nobody` can reach, not in tmp_path: pytest keeps that one closed, and
root's server does not run as root. The closed folder has tests of its own.
"""

import fcntl
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lockgate.executors.programs import installations
from lockgate.executors.programs.account import find_account
from lockgate.executors.programs.embedded import discard_embedded, start_embedded
from lockgate.executors.programs.installations import Installation, wheel_installation
from lockgate.planner.database.address import DatabaseAddress
from lockgate.planner.errors import ConfigurationError, Unreachable
from tests.servers.process import open_folder, wait_until

USER = """
import sys
from pathlib import Path
from lockgate.executors.programs.account import find_account
from lockgate.executors.programs.embedded import start_embedded
with start_embedded(Path(sys.argv[1])) as address:
    print(address.socket, flush=True)
    sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder that everybody may enter; its server is stopped and its socket removed."""
    folder = open_folder()
    yield folder
    for home in (path.parent for path in folder.rglob("socket")):
        if is_running(home):
            with start_embedded(home, refuge=folder / "refuge"):
                pass
        shutil.rmtree((home / "socket").resolve())
    shutil.rmtree(folder)


@pytest.fixture
def home(checkout: Path) -> Path:
    return checkout / ".lockgate" / "dev"


def connect(address: DatabaseAddress) -> psycopg.Connection:
    return psycopg.connect(
        host=address.socket, port=address.port, user=address.user, dbname=address.database
    )


def ask(address: DatabaseAddress, sql: str) -> str:
    with connect(address) as connection:
        row = connection.execute(sql.encode()).fetchone()
        return str(row[0]) if row else ""


def started_at(address: DatabaseAddress) -> str:
    return ask(address, "select pg_postmaster_start_time()")


def is_running(home: Path) -> bool:
    return (home / "data" / "postmaster.pid").exists()


def test_data_is_discarded_by_its_last_user(home: Path) -> None:
    with start_embedded(home):
        with start_embedded(home):
            pass
        discard_embedded(home)
        assert is_running(home)
    discard_embedded(home)
    discard_embedded(home)
    assert not home.exists()


def test_who_waits_for_data_that_is_discarded_makes_it_anew(home: Path) -> None:
    home.mkdir(parents=True)
    lock = os.open(home, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    user = new_user(home)
    waiting = f":{home.stat().st_ino} "
    wait_until(lambda: any(waiting in one for one in locks_waited_for()), "it waits")
    shutil.rmtree(home)
    os.close(lock)
    assert await_start(user)
    user.communicate()
    assert (home / "data").exists()


def locks_waited_for() -> list[str]:
    """Lines of /proc/locks: `1: -> FLOCK ADVISORY WRITE 123 00:01:inode 0 EOF`."""
    return [line for line in Path("/proc/locks").read_text().splitlines() if "-> FLOCK" in line]


def new_user(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def await_start(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def test_it_starts_and_speaks_utf8_and_utc_on_every_machine(home: Path) -> None:
    with start_embedded(home) as address:
        assert ask(address, "select current_setting('server_encoding')") == "UTF8"
        assert ask(address, "select current_setting('timezone')") == "UTC"
        assert ask(address, "select 'Z' < 'a' and upper('ä') = 'Ä'") == "True"
    assert not is_running(home)


def test_only_its_owner_reaches_it_and_git_never_sees_it(home: Path) -> None:
    with start_embedded(home) as address:
        assert ask(address, "select current_setting('listen_addresses')") == ""
        assert stat.S_IMODE(Path(address.socket or "").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
    assert (home.parent / ".gitignore").read_text() == "*\n"


def test_data_survives_a_restart_and_is_created_once(home: Path) -> None:
    with start_embedded(home) as address, connect(address) as connection:
        connection.execute("create table kept as select 42 as answer")
    created = (home / "data" / "PG_VERSION").stat()
    with start_embedded(home) as address:
        assert ask(address, "select answer from kept") == "42"
    assert (home / "data" / "PG_VERSION").stat().st_mtime_ns == created.st_mtime_ns


def test_a_user_inside_a_user_shares_the_server(home: Path) -> None:
    with start_embedded(home) as outer:
        with start_embedded(home) as inner:
            assert started_at(inner) == started_at(outer)
        assert is_running(home)
    assert not is_running(home)


def test_two_processes_share_a_server_that_the_last_one_stops(home: Path) -> None:
    with new_user(home) as other:
        await_start(other)
        with start_embedded(home) as address:
            other.communicate()
            assert started_at(address)
    assert not is_running(home)


def test_processes_that_start_at_once_create_one_database(home: Path) -> None:
    users = [new_user(home) for _ in range(4)]
    assert len({await_start(user) for user in users}) == 1
    assert is_running(home)
    for user in users:
        user.communicate()
        assert user.returncode == 0
    assert not is_running(home)
    assert not list(home.glob("new-*"))


def test_a_killed_user_is_not_counted_any_more(home: Path) -> None:
    with new_user(home) as victim:
        await_start(victim)
        victim.kill()
    assert is_running(home)
    with start_embedded(home) as address:
        assert started_at(address)
    assert not is_running(home)


def test_a_killed_server_starts_again_though_its_process_id_is_in_use(home: Path) -> None:
    with start_embedded(home) as address:
        with connect(address) as connection:
            connection.execute("create table kept as select 42 as answer")
        pid_file = home / "data" / "postmaster.pid"
        postmaster, *rest = pid_file.read_text().splitlines()
        os.kill(int(postmaster), signal.SIGKILL)
        pid_file.write_text("\n".join([str(os.getpid()), *rest]) + "\n")
        with start_embedded(home) as again:
            assert ask(again, "select answer from kept") == "42"


def test_an_initdb_that_was_cut_short_is_done_anew(home: Path) -> None:
    (home / "new-half").mkdir(parents=True)
    (home / "new-half" / "PG_VERSION").write_text("18\n")
    with start_embedded(home) as address:
        assert started_at(address)
    assert not (home / "new-half").exists()


def test_a_path_too_long_for_a_socket_works(checkout: Path) -> None:
    home = checkout / ("long" * 30) / "dev"
    with start_embedded(home) as address:
        assert len(address.socket or "") < 100
        assert started_at(address)
    with start_embedded(home) as again:
        assert again.socket == address.socket


def test_a_path_with_blanks_and_quotes_works(checkout: Path) -> None:
    with start_embedded(checkout / 'it\'s, my "folder"' / "dev") as address:
        assert started_at(address)


def test_a_socket_swept_from_tmp_is_made_anew(checkout: Path) -> None:
    home = checkout / ("long" * 30) / "dev"
    with start_embedded(home) as address:
        shutil.rmtree(address.socket or "")
        with start_embedded(home) as again:
            assert started_at(again)


def test_a_folder_deleted_meanwhile_is_no_error(home: Path) -> None:
    with new_user(home) as user:
        await_start(user)
        postmaster = int((home / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)
        user.communicate()
    assert user.returncode == 0


def test_data_of_another_version_is_refused_with_the_servers_words(home: Path) -> None:
    with start_embedded(home):
        pass
    (home / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Unreachable, match="initialized by PostgreSQL version 12"):
        start_embedded(home).__enter__()
    (home / "data" / "PG_VERSION").write_text("18\n")


@as_root
def test_a_closed_folder_stays_closed_and_the_data_goes_elsewhere(checkout: Path) -> None:
    closed, refuge = checkout / "root", checkout / "refuge"
    closed.mkdir(mode=0o700)
    home = closed / ".lockgate" / "dev"
    for _ in range(2):
        with start_embedded(home, refuge=refuge) as address:
            assert started_at(address)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert (home / "data").resolve().parent == refuge
    assert {path.name.partition("-")[0] for path in refuge.iterdir()} == {"dev", "key"}


@as_root
def test_data_in_a_closed_folder_is_reached_after_data_in_an_open_one(
    checkout: Path, home: Path
) -> None:
    closed, refuge = checkout / "root", checkout / "refuge"
    closed.mkdir(mode=0o700)
    for place in (home, closed / ".lockgate" / "dev"):
        with start_embedded(place, refuge=refuge) as address:
            assert started_at(address)
    assert stat.S_IMODE(refuge.stat().st_mode) == 0o755
    assert stat.S_IMODE((refuge / "key").stat().st_mode) == 0o600


@as_root
def test_programs_in_a_closed_folder_are_copied_once(checkout: Path, home: Path) -> None:
    wheel = wheel_installation()
    assert wheel
    closed, package = checkout / "root", wheel.folder.parent
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_suffix(".libs")):
        shutil.copytree(folder, closed / folder.name)
    own = Installation(closed / package.name / "pginstall", wheel.major)
    for _ in range(2):
        with start_embedded(home, refuge=checkout / "refuge", installation=own) as address:
            assert started_at(address)
    assert len(list((checkout / "refuge").glob("postgres-*"))) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_root_serves_as_the_owner_of_the_folder(checkout: Path, home: Path) -> None:
    os.chown(checkout, 1, 1)
    with start_embedded(home) as address:
        assert started_at(address)
        assert {path.stat().st_uid for path in (home, home / "data", home / "socket")} == {1}


def forge(home: Path, command: str) -> None:
    """Data as a commit brings it along: a whole folder, whose settings run a command."""
    with start_embedded(home):
        pass
    (home / "data" / "lockgate.origin").unlink()
    (home / "data" / "recovery.signal").touch()
    settings = home / "data" / "postgresql.auto.conf"
    settings.write_text(f"restore_command = '{command}'\n")


def test_data_that_a_commit_brings_along_is_not_started(home: Path, checkout: Path) -> None:
    forge(home, f"touch {checkout}/sprung")
    with pytest.raises(ConfigurationError, match="was not made by lockgate") as refused:
        start_embedded(home, refuge=checkout / "refuge").__enter__()
    assert "Delete it" in refused.value.do
    assert not (checkout / "sprung").exists()


@pytest.mark.parametrize("mark", ["", "0" * 64, "name " + "0" * 64, "\u00e4"])
def test_a_mark_without_the_key_is_none(home: Path, checkout: Path, mark: str) -> None:
    forge(home, f"touch {checkout}/sprung")
    (home / "data" / "lockgate.origin").write_text(mark)
    with pytest.raises(ConfigurationError, match="was not made by lockgate"):
        start_embedded(home, refuge=checkout / "refuge").__enter__()


@pytest.mark.parametrize("link", [".lockgate", ".lockgate/dev", ".lockgate/dev/data"])
def test_a_link_in_place_of_a_folder_is_not_entered(checkout: Path, link: str) -> None:
    with start_embedded(checkout / "other" / ".lockgate" / "dev"):
        pass
    project = checkout / "project"
    (project / link).parent.mkdir(parents=True)
    (project / link).symlink_to(checkout / "other" / link)
    with pytest.raises(ConfigurationError, match="was not made by lockgate"):
        start_embedded(project / ".lockgate" / "dev").__enter__()
    shutil.rmtree(project)


def test_a_socket_folder_that_a_commit_links_to_is_not_used(checkout: Path, home: Path) -> None:
    private = checkout / "private"
    private.mkdir(mode=0o700)
    os.chown(private, *(find_account(checkout) or (-1, -1)))
    home.mkdir(parents=True)
    (home / "socket").symlink_to(private)
    with start_embedded(home) as address:
        assert Path(address.socket or "") != private
    assert list(private.iterdir()) == []


def test_data_moved_with_its_project_is_still_ours(checkout: Path, home: Path) -> None:
    with start_embedded(home) as address, connect(address) as connection:
        connection.execute("create table kept as select 42 as answer")
    moved = checkout / "moved"
    moved.mkdir()
    home.parent.rename(moved / ".lockgate")
    with start_embedded(moved / ".lockgate" / "dev") as address:
        assert ask(address, "select answer from kept") == "42"


def test_a_missing_wheel_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installations, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'lockgate\[embedded\]'"):
        start_embedded(home).__enter__()
    assert not home.exists()


def test_importing_it_loads_no_driver() -> None:
    code = (
        "import sys, lockgate.executors.programs.embedded;"
        "print({'psycopg', 'pymysql', 'jinja2'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert run.stdout == "set()\n"
    assert importlib.util.find_spec("psycopg")
