"""Commands that print a secret: which are run, for how long, and that nothing of them is shown."""

import os
import sys
import time
from pathlib import Path

import pytest

from lockgate.executors.programs.secret_command import print_secret
from lockgate.planner.errors import LockgateError, Unreachable, UsageError

SECRET = "token-of-the-cloud"


def run(code: str, project: Path, seconds: float = 20) -> str:
    return print_secret([sys.executable, "-c", code], project, seconds)


def refusal(code: str, project: Path, seconds: float = 20) -> LockgateError:
    with pytest.raises(LockgateError) as refused:
        run(code, project, seconds)
    assert SECRET not in f"{refused.value!r}{refused.value}{refused.value.__cause__}"
    return refused.value


def test_a_line_is_the_secret_and_no_shell_reads_the_command(tmp_path: Path) -> None:
    assert run("print('a $HOME; `b`')", tmp_path) == "a $HOME; `b`"


def test_it_runs_outside_of_the_project_and_reads_no_terminal(tmp_path: Path) -> None:
    assert run("import os, sys; print(os.getcwd(), repr(sys.stdin.read()))", tmp_path) == "/ ''"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (f"print('{SECRET}'); raise SystemExit('{SECRET}')", "failed with 1"),
        (f"print('{SECRET}\\n{SECRET}')", "printed several lines"),
        ("pass", "printed nothing"),
    ],
)
def test_what_is_no_line_is_explained_without_it(code: str, words: str, tmp_path: Path) -> None:
    refused = refusal(code, tmp_path)
    assert isinstance(refused, Unreachable)
    assert words in refused.what


def test_it_ends_in_time_with_all_that_it_has_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin="
    child += f"subprocess.PIPE); open({str(note)!r}, 'w').write(str(p.pid)); p.wait()"
    assert "took longer than" in refusal(child, tmp_path, 2).what
    child_pid = int(note.read_text())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child_pid}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child_pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break  # ended, and not yet reaped by whose child it is now
    else:
        with pytest.raises(ProcessLookupError):
            os.kill(child_pid, 0)


def test_a_program_of_the_project_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "token"
    program.write_text("#!/bin/sh\necho it ran\n")
    program.chmod(0o755)
    for name in (str(program), "./token", "no-such-program"):
        with pytest.raises(UsageError):
            print_secret([name], tmp_path, 20)
    link = tmp_path.parent / "link-to-token"
    link.symlink_to(program)
    with pytest.raises(UsageError, match="a file of the project"):
        print_secret([str(link)], tmp_path, 20)
