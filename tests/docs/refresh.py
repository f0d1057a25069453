"""Writes into pages what their commands print now: python -m tests.docs.refresh PAGE...

For after a message has changed: read what it has changed in the pages before you keep it. A page
about MySQL or MariaDB takes a fresh database from the variable DATABASE_URL.
"""

import os
import re
import sys
from pathlib import Path

from tests.docs.pages import blocks, open_desk, run_page

PLAIN = (
    (re.compile(r"(?<!:)\b[\w-]+@[\w-]+(?![\w.-])"), "ann@build"),
    (re.compile(r"\blockgate_[0-9a-f]{12}\b"), "shop"),
)


def refreshed(page: str) -> str:
    """The page with the output of its commands, where it was another than the page shows."""
    lines = page.splitlines()
    variables = {}
    if any(block.kind == "server" for block in blocks(page)):
        variables["DATABASE_URL"] = os.environ["DATABASE_URL"]
    with open_desk() as folder:
        found = [one for one in run_page(page, folder, variables) if not one.agrees]
    for command in reversed(found):
        if not command.silent:
            lines[command.line : command.line + len(command.expected)] = map(plain, command.actual)
    return "\n".join([*lines, ""])


def plain(line: str) -> str:
    """A line of output without the names of this machine."""
    for pattern, name in PLAIN:
        line = pattern.sub(name, line)
    return line


if __name__ == "__main__":
    for each in map(Path, sys.argv[1:]):
        each.write_text(refreshed(each.read_text()))
