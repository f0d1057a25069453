"""A table of many columns for a terminal of any width: whole words, in as few blocks as fit.

Knows no migration and no environment. rich is imported only for a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.views.terminal import clean, console, is_terminal, say_table

if TYPE_CHECKING:
    from rich.table import Table

Cell = tuple[str, str]
"""A text and its style."""
GAP = 2
NAME = 12
"""Characters of the second column that stay, however many columns follow it."""


def say_grid(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """The table on stdout. On a terminal the second column is cut to what the others leave, and
    those that do not fit are below, with the first two once more."""
    if not is_terminal(sys.stdout):
        say_table(headers, [[text for text, _ in row] for row in rows], [""] * len(rows))
        return
    from rich.cells import cell_len

    lines = [[(header, "bold") for header in headers], *rows]
    cleaned = [[(clean(text), style) for text, style in line] for line in lines]
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*cleaned, strict=True)]
    screen = console(sys.stdout)
    room = screen.width - widths[0] - GAP - min(widths[1], NAME)
    for number, places in enumerate(blocks(widths[2:], room)):
        if number:
            screen.print()
        chosen = [0, 1, *(place + 2 for place in places)]
        others = sum(widths[place] + GAP for place in chosen if place != 1)
        name = max(min(widths[1], screen.width - others), 1)
        screen.print(_table([[line[place] for place in chosen] for line in cleaned], name))


def blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """The places of the columns, by block: each has at least one and, if it has more, has room
    for all of them and for the gaps before them.

    >>> blocks([7, 12, 7, 10], 32)
    [[0, 1, 2], [3]]
    >>> blocks([50, 1], 32)
    [[0], [1]]
    """
    found: list[list[int]] = []
    left = 0
    for place, width in enumerate(widths):
        if not found or left < GAP + width:
            found.append([])
            left = room
        found[-1].append(place)
        left -= GAP + width
    return found


def _table(lines: Sequence[Sequence[Cell]], name: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, GAP, 0, 0))
    for place in range(len(lines[0])):
        table.add_column(no_wrap=True, max_width=name if place == 1 else None)
    for line in lines:
        table.add_row(*(Text(text, style) for text, style in line))
    return table
