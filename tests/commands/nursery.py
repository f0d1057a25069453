"""A process that forks `migrate`: everything is imported, nothing else has begun.

Run as a program with the path of a socket; it ends with its standard input. A client connects,
hands over three streams and one line of JSON, and reads the child's id and then how it ended. It
must not import pytest, open a connection to a server or start a thread: a child is to be what a
fresh process would be, only sooner.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

LAZY = ("click._textwrap", "encodings.idna", "encodings.utf_8_sig", "jinja2", "postgast", "psycopg",
        "psycopg.types.array", "pymysql", "pygments.lexers.sql", "rich.console", "rich.progress",
        "rich.syntax", "rich.table")  # fmt: skip
"""What is imported only inside of a function."""

Job = dict[str, Any]


def import_everything() -> None:
    """Imports what any command imports when it runs."""
    package = importlib.import_module("lockgate")
    found = pkgutil.walk_packages(package.__path__, "lockgate.")
    for name in (*(module.name for module in found), *LAZY):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def make_ready() -> None:
    """Makes what a process makes when it first needs it: validators, patterns, templates."""
    from pydantic import BaseModel

    from lockgate.planner.sql.dialect import DIALECTS, literal_rows, pieces, tokens
    from lockgate.views.plan.html import open_plan_templates

    models = BaseModel.__subclasses__()
    while models:
        model = models.pop()
        model.model_rebuild()
        models += model.__subclasses__()
    for dialect in DIALECTS.values():
        for pattern in (literal_rows, pieces, tokens):
            pattern(dialect)
    for name in ("plan", "changes", "rehearsal", "since"):
        open_plan_templates().get_template(f"{name}.html.j2")
    make_values()


def make_values() -> None:
    """Lets each class of values compile its `__init__`, which is half of a short command's work."""
    from lockgate.planner.value import frozen

    for made in [one for one in gc.get_objects() if isinstance(one, type)]:
        if getattr(made.__dict__.get("__init__"), "__module__", "") == frozen.__module__:
            with contextlib.suppress(Exception):  # it is compiled, and misses its arguments
                made()


class Nursery:
    """Forks for each client; one thread, so that a fork leaves nothing half done."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)
        self._clients: dict[int, socket.socket] = {}
        self._bell, self._string = socket.socketpair()
        for end in (self._bell, self._string):
            end.setblocking(False)
        signal.set_wakeup_fd(self._string.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        """Returns when its own parent has closed its input."""
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([0, self._bell, self._listener], [], [])
            if 0 in ready:
                return
            if self._bell in ready:
                self._bury()
            if self._listener in ready:
                self._fork()

    def _fork(self) -> None:
        client, _ = self._listener.accept()
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        with client.makefile() as lines:
            job = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            self._forget(client)
            run(job, streams)
        for stream in streams:
            os.close(stream)
        self._clients[pid] = client
        self._tell(client, pid)

    def _bury(self) -> None:
        self._bell.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                client = self._clients.pop(ended[0])
                self._tell(client, os.waitstatus_to_exitcode(ended[1]))
                client.close()

    def _tell(self, client: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # the client has left
            client.sendall(f"{number}\n".encode())

    def _forget(self, client: socket.socket) -> None:
        """Leaves to a child nothing of this one's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (self._listener, self._bell, self._string, client, *self._clients.values()):
            each.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # also below `&` in a script


def run(job: Job, streams: list[int]) -> NoReturn:
    """Becomes `migrate`, as the job says, and ends as the interpreter would end it."""
    code = 1
    try:
        become(job, streams)
        code = command()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def become(job: Job, streams: list[int]) -> None:
    """Takes on the job's session, folder, variables, streams and arguments."""
    if job["session"]:
        os.setsid()
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environ"])
    time.tzset()
    time.tzset()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = open(0, **encoding_of(sys.stdin))  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open_output(1, sys.stdout, unbuffered)
    sys.stderr = sys.__stderr__ = open_output(2, sys.stderr, unbuffered, line_buffering=True)
    sys.argv = ["migrate", *job["arguments"]]


def open_output(number: int, before: Any, unbuffered: bool, line_buffering: bool = False) -> Any:
    """A stream as the interpreter opens it when it begins."""
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        **encoding_of(before),
        write_through=unbuffered,
        line_buffering=line_buffering or raw.isatty(),
    )


def encoding_of(stream: Any) -> dict[str, str]:
    return {"encoding": stream.encoding, "errors": stream.errors}


def command() -> int:
    """Runs `migrate`; its exit code, once threads and exit handlers are done and all is written."""
    from lockgate.main import run as run_command

    try:
        run_command()
        code: Any = 0
    except SystemExit as end:
        code = end.code
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    return code if isinstance(code, int) else int(bool(code))


if __name__ == "__main__":
    del sys.path[0]
    import_everything()
    make_ready()
    gc.freeze()
    Nursery(sys.argv[1]).serve()
