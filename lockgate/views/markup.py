"""Text within GitHub's flavour of Markdown, so that no name and no SQL breaks out of its place.

Knows no plan. https://github.github.com/gfm/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from lockgate.planner.hidden import reveal

# Between dollars is mathematics to GitHub.
MARKS = re.compile(r"([\\`*_\[\]<>|~&$])")
BAR = re.compile(r"(?<!\\)\|")

LONGEST_LINE = 500
"""Characters of a name or a sentence; it says enough, and no plan can fill a comment with one."""


def escape(text: str) -> str:
    r"""A text unchanged, within a line; an empty comment keeps @name from calling people.

    >>> escape("a_b | <i>\n@team")
    'a\\_b \\| \\<i\\> @<!-- -->team'
    """
    return MARKS.sub(r"\\\1", _line(text)).replace("@", "@<!-- -->")


def code(text: str) -> str:
    """A text as a code span.

    >>> code("t`1 | t2")
    '``t`1 | t2``'
    """
    text = _line(text)
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if not text or "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(text: str, language: str = "sql") -> str:
    """A block of code whose fence is longer than any run of backticks in it.

    >>> fenced("select '```'").splitlines()[0]
    '````sql'
    """
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{reveal(text)}\n{fence}"


def table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are Markdown already, in which a bar is no border, not in code either."""
    headers = tuple(headers)
    cells = [[BAR.sub(r"\|", cell) for cell in row] for row in rows]
    lines = [headers, ("---",) * len(headers), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(summary: str, content: str) -> str:
    """A block that its reader unfolds; the summary is HTML already."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def html_code(text: str) -> str:
    """A text as code within HTML.

    >>> html_code("<b>@x")
    '<code>&lt;b&gt;@x</code>'
    """
    return f"<code>{html.escape(_line(text))}</code>"


def _line(text: str) -> str:
    line = " ".join(reveal(text).split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
