"""Runs squawk, a linter for the SQL of PostgreSQL, as a process over sections of migrations.

Decides nothing: `planner.review.squawk_rules` says which of its rules count, and how much.
https://squawkhq.com/docs/cli
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sysconfig
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from lockgate.executors.programs.program import find_program
from lockgate.planner.errors import UsageError
from lockgate.planner.review.squawk_rules import Violation, read_violation, unlinted

if TYPE_CHECKING:
    from lockgate.planner.finding import Finding
    from lockgate.planner.review.section import Subject

PROGRAM = "squawk"
# A configuration of the user's would change what is found from one folder to the next.
CONFIGURATION = "squawk.toml"
FOUND = (0, 1)
"""Exit codes with a report on stdout."""
PANIC = 101
"""From here on, and below 0, an exit code says that a program in Rust has crashed."""
UNTOUCHED = frozenset({"create table", "insert", "update", "delete"})
"""Kinds of statements that none of the rules that count is about, and most sections hold no other:
a file for each would cost more than to read it."""
LONGEST, LONGEST_PER_BYTE = 5.0, 2e-6
"""Seconds for all that one command asks of it; squawk needs some milliseconds for a file, and one
for hundreds. Each attempt is given half of what is left: a section that it cannot read is looked
for among the others."""
MEMORY, MEMORY_PER_BYTE = 512, 256
"""MiB, and bytes for each byte of the files; squawk needs about 10 MiB, and 100 bytes a byte."""
LIMITED = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"'
"""A shell's words that bound the memory of a program, which then ends as where it crashes. Linux
keeps to that; macOS does not: there, and everywhere, its resident size is looked at as well.
https://man7.org/linux/man-pages/man2/getrlimit.2.html"""
LOOK = 0.1
"""Seconds between two looks at how large it is; most runs are over before the first."""


def lint_sections(subjects: Sequence[Subject]) -> tuple[tuple[Finding, ...], ...]:
    """Squawk's findings for each of these sections of PostgreSQL, in their order.

    Raises:
        UsageError: squawk is not installed, or it failed.
    """
    found: list[tuple[Finding, ...]] = [()] * len(subjects)
    ends = monotonic() + _longest([one for one in subjects if _may_find(one)])
    for transactional in (True, False):
        places = [
            place
            for place, one in enumerate(subjects)
            if one.transactional is transactional and _may_find(one)
        ]
        chosen = [subjects[place] for place in places]
        for place, findings in zip(places, _lint(chosen, _mode(transactional), ends), strict=True):
            found[place] = findings
    return tuple(found)


def _may_find(subject: Subject) -> bool:
    """Whether a rule that counts is about one of the section's statements."""
    return any(one.impact.reading.kind not in UNTOUCHED for one in subject.statements)


def _mode(transactional: bool) -> str:
    return "--assume-in-transaction" if transactional else "--no-assume-in-transaction"


def _longest(subjects: Sequence[Subject]) -> float:
    """How long squawk may take for these in all, in seconds."""
    size = sum(len(one.sql.encode()) for subject in subjects for one in subject.statements)
    return LONGEST + LONGEST_PER_BYTE * size


def _lint(subjects: Sequence[Subject], mode: str, ends: float) -> Iterator[tuple[Finding, ...]]:
    if not subjects:
        return
    reports: list[list[Violation]] = [[] for _ in subjects]
    with TemporaryDirectory() as folder:
        _write(Path(folder), subjects)
        names = [f"{place}.sql" for place in range(len(subjects))]
        options = [mode, f"--pg-version={_version(subjects[0])}"]
        entries, unread = _report(folder, options, names, ends)
    first_rows = [_first_rows(subject) for subject in subjects]
    for entry in entries:
        place = int(Path(entry["file"]).stem)
        reports[place].append(_violation(entry, subjects[place], first_rows[place]))
    for name, subject, report in zip(names, subjects, reports, strict=True):
        read = (read_violation(violation, subject) for violation in report)
        failed = (unlinted(subject),) if name in unread else ()
        yield (*failed, *(finding for finding in read if finding))


def _report(
    folder: str, options: list[str], names: list[str], ends: float
) -> tuple[list[dict[str, Any]], set[str]]:
    """What squawk reports of these files, and those that it fails on: one of them, nested too
    deeply for it, must not keep the others from being read. After `ends`, by the monotonic clock,
    none is read."""
    left = ends - monotonic()
    entries = _run(folder, options, names, left / 2) if left > 0 else None
    if entries is not None:
        return entries, set()
    if len(names) == 1 or left <= 0:
        return [], {*names}
    middle = len(names) // 2
    first = _report(folder, options, names[:middle], ends)
    second = _report(folder, options, names[middle:], ends)
    return first[0] + second[0], first[1] | second[1]


def _write(folder: Path, subjects: Sequence[Subject]) -> None:
    """One file for each section, in which each statement begins a line.

    What is between statements is left out, and so are comments that silence squawk there.
    """
    (folder / CONFIGURATION).write_text("", encoding="utf-8")
    for place, subject in enumerate(subjects):
        text = "".join(f"{statement.sql};\n" for statement in subject.statements)
        (folder / f"{place}.sql").write_text(text, encoding="utf-8")


def _version(subject: Subject) -> str:
    """As squawk takes it: 18.6 for 180006."""
    version = subject.terms.dialect.version
    return f"{version // 10000}.{version % 10000}"


def _most(folder: str, names: list[str]) -> int:
    """How much memory squawk may take for these files, in KiB."""
    size = sum(Path(folder, name).stat().st_size for name in names)
    return MEMORY * 1024 + MEMORY_PER_BYTE * size // 1024


def _run(
    folder: str, options: list[str], names: list[str], left: float
) -> list[dict[str, Any]] | None:
    """What squawk reports; None where it fails on these files, or takes longer than is left, in
    seconds, or more memory than it may."""
    most = _most(folder, names)
    command = [
        *("/bin/sh", "-c", LIMITED, PROGRAM, str(most), _program()),
        *("--reporter=json", f"--config={CONFIGURATION}", *options, *names),
    ]
    try:
        with subprocess.Popen(
            command, cwd=folder, env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            answer = _watch(process, monotonic() + left, most)
    except OSError as error:
        raise _failed(str(error)) from error
    code = process.returncode
    if answer is None or code < 0 or code >= PANIC:
        return None
    out, err = answer
    if code not in FOUND:
        raise _failed(err.decode("utf-8", "replace").strip())
    try:
        report: list[dict[str, Any]] = json.loads(out or b"[]")
    except ValueError as error:
        raise _failed("its report is no JSON") from error
    return report


def _watch(process: subprocess.Popen[bytes], ends: float, most: int) -> tuple[bytes, bytes] | None:
    """What a process has written when it has ended; None where it was killed at `ends`, by the
    monotonic clock, or when it had more than so many KiB in memory."""
    try:
        while (left := ends - monotonic()) > 0 and _resident(process.pid) <= most:
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=min(left, LOOK))
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _resident(pid: int) -> int:
    """How much of a process is in memory, in KiB; 0: it has ended, or nothing here tells."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() // 1024
    except (OSError, IndexError, ValueError):
        pass
    if Path("/proc/self/statm").exists():
        return 0
    asked = ["/bin/ps", "-o", "rss=", "-p", str(pid)]  # of macOS, which has no /proc
    told = subprocess.run(asked, capture_output=True, check=False).stdout.strip()
    return int(told) if told.isdigit() else 0


def _failed(reason: str) -> UsageError:
    return UsageError(
        f"squawk failed: {reason}",
        why="Without it the SQL of PostgreSQL is checked by half.",
        do="Install the version that lockgate asks for: `pip install --upgrade squawk-cli`.",
    )


def _program() -> str:
    """The program that pip has put beside lockgate's, or else one on the path."""
    beside = shutil.which(PROGRAM, path=sysconfig.get_path("scripts"))
    found = beside or find_program(PROGRAM)
    if found is None:
        raise UsageError(
            "squawk is not installed.",
            why="It checks the SQL of PostgreSQL.",
            do="Install it: `pip install squawk-cli`.",
        )
    return found


def _first_rows(subject: Subject) -> list[int]:
    """In which line of the file for squawk each statement begins, from 0."""
    heights = (statement.sql.count("\n") + 1 for statement in subject.statements[:-1])
    return list(accumulate(heights, initial=0))


def _violation(entry: dict[str, Any], subject: Subject, first_rows: list[int]) -> Violation:
    """What squawk reports, at the line of the migration's file; squawk counts lines from 0."""
    place = bisect_right(first_rows, entry["line"]) - 1
    statement, row = subject.statements[place], entry["line"] - first_rows[place]
    line = statement.line + min(row, statement.sql.count("\n"))
    rule, message, advice = entry["rule_name"], entry["message"], entry.get("help")
    return Violation(rule, statement.place, line, message, advice or "")
