"""Writing to a person: colour and tables on a terminal, plain text when piped.

rich is imported only for a terminal. Text from files and servers is shown without its control
characters, which could rewrite what the terminal shows.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import IO, TYPE_CHECKING, TypeGuard

from lockgate.planner.hidden import hidden_in, reveal
from lockgate.planner.passwords import hide_passwords

if TYPE_CHECKING:
    from rich.console import Console

_wrap = partial(textwrap.wrap, break_long_words=False, break_on_hyphens=False)
LABEL = re.compile(r" *[A-Za-z]+ {2,}(?=\S)")
"""What begins a line of details: `  beware    `."""


def prepare_streams() -> None:
    """Lets stdout show what its encoding lacks as an escape, as stderr does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def silence(stream: IO[str]) -> None:
    """Lets a stream whose reader has left lead to nowhere: the work goes on to its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def flush(stream: IO[str] | None) -> None:
    """Writes out what a stream holds back, if anybody still reads it."""
    if stream is None:
        return
    try:
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def is_terminal(stream: IO[str] | None) -> TypeGuard[IO[str]]:
    """Whether a person reads the stream on a terminal that can move its cursor.

    It is None when the process was started without it (`>&-`).
    """
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def is_attended() -> bool:
    """Whether a person is there to read a question and to answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask(question: str) -> bool:
    """Whether the person at the terminal says yes; the end of the input is a no."""
    print(f"{clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def spell_time(iso: str) -> str:
    """A time in UTC, ISO 8601, as stdout shows it: in the local zone on a terminal, else in UTC.
    One format everywhere; `zone` names its zone. Empty for none."""
    if not iso:
        return ""
    return f"{datetime.fromisoformat(iso).astimezone(_zone()):%Y-%m-%d %H:%M:%S}"


def spell_moment(moment: datetime) -> str:
    """The same, with its zone."""
    return f"{spell_time(moment.isoformat())} {zone()}"


def zone() -> str:
    """The zone of the times on stdout."""
    return f"{datetime.now(_zone()):%Z}"


def _zone() -> tzinfo:
    """UTC, or the offset of now at this place: a time of last summer has the same one, so that
    one name is true of all."""
    return (is_terminal(sys.stdout) and datetime.now().astimezone().tzinfo) or UTC


def clean(text: str) -> str:
    """The text with characters written out that are not seen, or that the terminal obeys."""
    return reveal(text)


def shorten(sql: str, width: int = 100) -> str:
    """The SQL on one line, cut to a width, without passwords."""
    line = " ".join(hide_passwords(sql).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def say(text: str = "", style: str = "") -> None:
    """A line on stdout: a result. On a terminal a labelled one is broken between its words."""
    _write(sys.stdout, _wrapped(text, _width()) if is_terminal(sys.stdout) else text, style)


def say_document(text: str, *, is_exact: bool = False) -> None:
    """A file's text on stdout: where no terminal shows it, in UTF-8, whatever the locale, and if
    `is_exact` with each character as it is: with escapes SQL would be other SQL."""
    if is_terminal(sys.stdout):
        say(text)
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print_line(text if is_exact else clean(text), sys.stdout)


def say_sentence(text: str, style: str = "") -> None:
    """A line of prose on stdout. On a terminal it is broken between its words, and what follows
    the first line is indented."""
    lines = _wrap(text, _width(), subsequent_indent="  ") if is_terminal(sys.stdout) else [text]
    _write(sys.stdout, "\n".join(lines), style)


def tell(text: str = "", style: str = "") -> None:
    """A line on stderr: progress, warnings, errors."""
    _write(sys.stderr, text, style)


def say_sql(sql: str) -> None:
    """SQL on stdout, highlighted on a terminal."""
    if not is_terminal(sys.stdout):
        say_document(sql, is_exact=True)
        return
    from rich.syntax import Syntax

    syntax = Syntax(clean(sql), "sql", theme="ansi_dark", word_wrap=True)
    console(sys.stdout).print(syntax)


def say_table(headers: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """A table on stdout; each row has a style."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if not is_terminal(sys.stdout):
        _print_columns([list(headers), *cleaned])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        table.add_column(header, overflow="fold")
    for row, style in zip(cleaned, styles, strict=True):
        table.add_row(*row, style=style or None)
    console(sys.stdout).print(table, markup=False)


def console(stream: IO[str]) -> Console:
    """rich's console on a stream; it heeds NO_COLOR."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, soft_wrap=False)


def say_json(text: str) -> None:
    """JSON on stdout; hidden characters in it, all of them within strings, become escapes."""
    import json

    escapes = {ord(one): json.dumps(one)[1:-1] for one in hidden_in(text)}
    print_line(text.translate(escapes), sys.stdout)


def print_line(text: str, stream: IO[str] | None) -> None:
    """Exactly this line, if the stream is there and anybody reads it."""
    if stream is None:
        return
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        silence(stream)


def _write(stream: IO[str] | None, text: str, style: str) -> None:
    if style and is_terminal(stream):
        console(stream).print(clean(text), style=style, soft_wrap=True)
    else:
        print_line(clean(text), stream)


def _width() -> int:
    """How many columns the terminal has."""
    return shutil.get_terminal_size().columns


def _wrapped(text: str, width: int) -> str:
    """The line, broken where it is wider than that, under its text if it has a label.

    >>> print(_wrapped("  beware    orders is closed for reads", 24))
      beware    orders is
                closed for
                reads
    >>> print(_wrapped("warning  rights: ci may not create", 24))
    warning  rights: ci may
             not create
    """
    label = LABEL.match(text)
    if label is None or "\n" in text or len(text) <= width:
        return text
    room = max(width - label.end(), 10)
    told = text[label.end() :]
    return text[: label.end()] + f"\n{' ' * label.end()}".join(_wrap(told, room))


def _print_columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print_line("  ".join(cells).rstrip(), sys.stdout)
