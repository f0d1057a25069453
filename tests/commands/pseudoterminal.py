"""`migrate` on a terminal: a pseudo-terminal of the kernel's, and all that reaches it.

It must not interpret what it reads: the escape codes are what the tests are about.
"""

import os
import pty
import re
from typing import Any

from tests.commands.running import DEADLINE, Project, Result

ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""A control sequence of a terminal. https://ecma-international.org/publications-and-standards/standards/ecma-48/"""

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")


def on_terminal(project: Project, *arguments: str, **environ: str | None) -> Result:
    """The result of a command whose stdout and stderr are one terminal; `out` has both."""
    ours, theirs = pty.openpty()
    variables: dict[str, Any] = {"TERM": "xterm-256color", "COLUMNS": "100", **environ}
    process = project.start(
        *arguments, environ=variables, stdin=theirs, stdout=theirs, stderr=theirs, encoding=None
    )
    os.close(theirs)
    out = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    process.wait(DEADLINE)
    return Result(process.returncode, out.decode().replace("\r\n", "\n"), "")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says EIO when the last process has closed the other side
        return b""
