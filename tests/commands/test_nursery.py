"""A forked `migrate` is what a fresh process would be, only sooner."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.client import ROOT, can_fork
from tests.commands.forked import Forked, write_program
from tests.commands.pseudoterminal import on_terminal
from tests.commands.running import COMMAND, DEADLINE, Project, Result
from tests.servers.process import wait_until

ELSEWHERE = {"TEST_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
STATE_READ_AT_IMPORT = """
import os, sys
found = set()
get = os._Environ.__getitem__
def record(environ, key):
    frame = sys._getframe(1)
    names = [frame.f_globals.get("__name__")]
    while frame.f_back and len(names) < 4:
        frame = frame.f_back
        names.append(frame.f_globals.get("__name__"))
    found.update(f"{name} reads {key}" for name in names if str(name).startswith("lockgate"))
    return get(environ, key)
os._Environ.__getitem__ = record
from tests.commands import nursery
nursery.import_everything()
for name, module in list(sys.modules.items()):
    for attribute, value in list(vars(module).items()) if name.startswith("lockgate") else ():
        if hasattr(value, "cache_info") and value.cache_info().currsize:
            found.add(f"{name}.{attribute} has cached something")
nursery.make_ready()
import locale, threading
if locale.setlocale(locale.LC_ALL) != "LC_CTYPE=C.UTF-8;" + ";".join(
    f"LC_{each}=C" for each in ("NUMERIC", "TIME", "COLLATE", "MONETARY", "MESSAGES", "PAPER",
    "NAME", "ADDRESS", "TELEPHONE", "MEASUREMENT", "IDENTIFICATION")
):
    found.add("the locale was set")
if threading.active_count() > 1:
    found.add("a thread was started")
print("\\n".join(sorted(found)))
"""


@pytest.fixture
def offline(tmp_path: Path) -> Project:
    """A project whose database is not there."""
    project = Project(tmp_path, ELSEWHERE["TEST_URL"])
    project.write_tables(2)
    project.write("003_broken.sql", "select 'not closed;")
    return project


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--version"], {}),
        (["--help"], {"COLUMNS": "60"}),
        (["plan", "--no-such-option"], {}),
        (["validate"], {}),
        (["lint", "--format", "json"], {}),
        (["up", "--json"], {}),
        (["up"], {"LOCKGATE_DEBUG": "1"}),
        (["status"], {"LOCKGATE_ENVIRONMENT": "grün"}),
        (["status"], {"TEST_URL": None}),
        (["status"], {"TEST_URL": "mysql://127.0.0.1:1/nothing"}),
        (["show", "no-plan.json"], {"TZ": "Asia/Tokyo"}),
    ],
)
def test_it_says_and_ends_the_same(
    offline: Project, arguments: list[str], environ: dict[str, str | None]
) -> None:
    process = offline.start(*arguments, environ=environ)
    assert isinstance(process, Forked)
    out, err = process.communicate(timeout=DEADLINE)
    fresh = offline.migrate(*arguments, environ=environ, command=COMMAND)
    assert Result(process.returncode, out, err) == fresh


def test_modules_keep_nothing_of_the_process_that_imports_them() -> None:
    run = subprocess.run(
        [sys.executable, "-c", STATE_READ_AT_IMPORT],
        env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PATH": os.defpath},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stdout.strip(), run.returncode) == ("", 0), run.stderr


def test_it_holds_no_file_that_a_fresh_process_does_not(project: Project) -> None:
    project.write("001_long.sql", "select pg_sleep(60);")
    found = []
    for command in (None, COMMAND):
        process = project.start("up", command=command)
        wait_until(lambda: _sleeps(project), "the migration sleeps")
        files = Path(f"/proc/{process.pid}/fd")
        kinds = [os.readlink(files / name).partition(":")[0] for name in os.listdir(files)]
        found.append((sorted(kinds), os.readlink(files.parent / "cwd")))
        process.kill()
        process.communicate(timeout=DEADLINE)
        wait_until(lambda: not _sleeps(project), "the server has noticed")
    assert found[0] == found[1]


def test_a_terminal_is_a_terminal(offline: Project) -> None:
    assert "\x1b[" in on_terminal(offline, "validate").out
    assert "\x1b[" not in offline.migrate("validate").all


def test_it_may_have_a_session_of_its_own(project: Project) -> None:
    project.write("001_long.sql", "select pg_sleep(60);")
    for own in (False, True):
        process = project.start("up", start_new_session=own)
        wait_until(lambda: _sleeps(project), "the migration sleeps")
        session = process.pid if own else os.getsid(0)
        assert os.getsid(process.pid) == session
        process.kill()
        process.communicate(timeout=DEADLINE)
        wait_until(lambda: not _sleeps(project), "the server has noticed")


def test_a_full_disk_ends_it_the_same(offline: Project) -> None:
    for arguments in (["--help"], ["validate"], ["lint", "--format", "json"]):
        ends = []
        for command in (None, COMMAND):
            with open("/dev/full", "wb") as full:
                process = offline.start(*arguments, command=command, stdout=full)
                _, err = process.communicate(timeout=DEADLINE)
            ends.append((process.returncode, err.splitlines()[:1]))
        assert ends[0] == ends[1]


def test_signals_reach_it(project: Project) -> None:
    project.write("001_long.sql", "select pg_sleep(60);")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)):
        process = project.start("up", "-v")
        wait_until(lambda: _sleeps(project), "the migration sleeps")
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(number)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == code
        wait_until(lambda: not _sleeps(project), "the server has noticed")


def _sleeps(project: Project) -> bool:
    import psycopg

    with psycopg.connect(project.url) as connection:
        asked = "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = %s"
        return connection.execute(asked, (project.database,)).fetchone() is not None


def test_a_variable_that_python_reads_when_it_begins_needs_a_fresh_process(
    offline: Project,
) -> None:
    assert can_fork(offline.environ())
    for variable in ("PYTHONIOENCODING", "PYTHONHASHSEED", "LC_ALL"):
        assert not can_fork(offline.environ({variable: "0"}))
    assert not can_fork(offline.environ({"LANG": None}))
    assert not can_fork(offline.environ({"PYTHONPATH": "/nowhere"}))


def test_a_shell_starts_it_by_its_name(offline: Project) -> None:
    write_program(offline.folder / "migrate")
    script = "./migrate validate | wc -l; ./migrate validate 2>&1; echo $?; ./migrate --version"
    for environ in ({}, {"PYTHONHASHSEED": "0"}):
        shown = offline.migrate(command=("sh", "-c", script), environ=environ).out
        assert shown.startswith("0\n")
        assert shown.splitlines()[-4:-2] == ["64", "lockgate, version 0.1.0"], shown


def test_a_signal_to_the_shell_s_program_reaches_it(project: Project) -> None:
    project.write("001_long.sql", "select pg_sleep(60);")
    write_program(project.folder / "migrate")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = project.start("up", command=("./migrate",))
        wait_until(lambda: _sleeps(project), "the migration sleeps")
        process.send_signal(number)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == code
