"""A process that runs `migrate` in forked children: everything imported, nothing else begun.

Run as a program, with jobs on its standard input. It must not import pytest, open a connection
or start a thread: a child is to be what a fresh process would be, only sooner.
"""

import gc
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any, NoReturn

EXECUTABLE = "__main__"


def import_everything() -> None:
    """Imports what any command imports when it runs."""
    package = importlib.import_module("lockgate")
    for module in pkgutil.walk_packages(package.__path__, "lockgate."):
        if not module.name.endswith(EXECUTABLE):
            importlib.import_module(module.name)


def serve() -> None:
    """Forks for each job, a line of JSON; answers with the child's id, then with its end."""
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(job)
        answer(pid)
        answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def run(job: dict[str, Any]) -> NoReturn:
    """Becomes `migrate`, with a folder, arguments, variables and a file for all output."""
    from lockgate.main import run as run_command

    code: Any = 1
    try:
        os.chdir(job["folder"])
        os.environ.update(job["environ"])
        redirect(job["output"])
        sys.argv = ["migrate", *job["arguments"]]
        run_command()
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(code or 0))


def redirect(path: str) -> None:
    """Output to a file; input from nowhere."""
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nowhere), (1, output), (2, output)):
        os.dup2(source, target)


def answer(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import_everything()
    gc.freeze()
    serve()
