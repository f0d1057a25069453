"""A project in a folder and `migrate` run in it as users run it: a process, its output, its code.

It must not import lockgate: what these tests know of it, they know from the outside.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands.client import ROOT, can_fork
from tests.commands.forked import Forked

COMMAND = (sys.executable, "-m", "lockgate")
DEADLINE = 60.0
"""Seconds after which a command that has not ended fails its test."""

OWN_TABLES = [
    *("lockgate_journal", "lockgate_plans", "lockgate_runs", "lockgate_target"),
    "schema_migrations",
]


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of stdout, each a JSON document."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Everything that was printed."""
        return self.out + self.err


class Project:
    """A folder with environments/test.yaml and migrations/, on a database of a test server."""

    def __init__(self, folder: Path, url: str, *, engine: str = "", settings: str = "") -> None:
        self.folder = folder
        self.url = url
        self.engine = engine or url.partition(":")[0]
        self.database = url.rpartition("/")[2]
        self.own: dict[str, str] = {}
        """Variables of its commands' environment."""
        self.migrations = folder / "migrations"
        self.migrations.mkdir(parents=True, exist_ok=True)
        self.configure(settings)
        self._started: list[subprocess.Popen[str]] = []

    def close(self) -> None:
        """Ends what a failed test has left running."""
        for process in self._started:
            process.kill()
            process.communicate()

    def configure(self, settings: str = "", *, database: str = "url_env: TEST_URL") -> None:
        """Writes environments/test.yaml anew, with more keys."""
        self.write_environment(
            "test", f"engine: {self.engine}\ndatabase:\n  {database}\n{settings}"
        )

    def write_environment(self, name: str, text: str) -> None:
        """Writes an environment's file."""
        folder = self.folder / "environments"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)

    def write(self, name: str, up: str, down: str | None = None, *, flags: str = "") -> Path:
        """Writes a migration file."""
        text = f"-- migrate:up{flags}\n{up}\n"
        if down is not None:
            text += f"-- migrate:down{flags}\n{down}\n"
        path = self.migrations / name
        path.write_text(text)
        return path

    def write_tables(self, count: int, first: int = 1) -> list[str]:
        """Writes migrations that create the tables t1, t2, …; the names of the files."""
        names = [f"{number:03}_t{number}.sql" for number in range(first, first + count)]
        for number, name in enumerate(names, first):
            self.write(name, f"create table t{number} (id int);", f"drop table t{number};")
        return names

    def migrate(self, *arguments: str, **context: Any) -> Result:
        """Runs `migrate` to its end, with pipes for its output."""
        process = self.start(*arguments, **context)
        out, err = process.communicate(timeout=DEADLINE)
        self._started.remove(process)
        return Result(process.returncode, out, err)

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str | None] | None = None,
        folder: Path | None = None,
        command: tuple[str, ...] | None = None,
        **options: Any,
    ) -> "subprocess.Popen[str]":
        """Starts `migrate`; `environ` adds variables, or takes them away where None.

        It is forked, which is ten times as fast, unless a `command` is given, or its environment
        is one that Python reads when it begins.
        """
        env = self.environ(environ)
        forked = command is None and can_fork(env)
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | options
        process: subprocess.Popen[str] = (Forked if forked else subprocess.Popen)(
            arguments if forked else [*(command or COMMAND), *arguments],
            cwd=folder or self.folder,
            env=env,
            **({"stderr": subprocess.PIPE, "encoding": "utf-8"} | options),
        )
        self._started.append(process)
        return process

    def environ(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The environment of a command: nothing of the caller's that could change it."""
        own: dict[str, str | None] = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": None,
            "LANG": "C.UTF-8",
            "LOCKGATE_ENVIRONMENT": "test",
            "TEST_URL": self.url,
            **self.own,
            **(more or {}),
        }
        return {name: value for name, value in own.items() if value is not None}


def succeed(result: Result) -> Result:
    """The result of a command that must have ended with 0."""
    assert result.code == 0, result
    return result


def refused(result: Result, code: int, *words: str) -> Result:
    """The result of a command that must have ended so, saying these words and no traceback."""
    assert result.code == code, result
    missing = [word for word in words if word not in result.err]
    assert not missing, (missing, result.err)
    assert "Traceback" not in result.all, result
    return result
