"""Migrations by environments: for a terminal, as one JSON document, and as one HTML page."""

from __future__ import annotations

from typing import Any

from lockgate.planner.building.compare import Standing
from lockgate.planner.building.matrix import Column, Matrix, MatrixRow
from lockgate.views.grid import Cell, say_grid
from lockgate.views.json import show_document
from lockgate.views.page import open_templates, render_page
from lockgate.views.terminal import say, say_sentence

GRADES = {"applied": "good", "pending": "fair", "out of order": "fair", "under way": "info"}
"""By the state; any other state is one that a person must look at."""
STYLES = {"fair": "yellow", "info": "cyan", "poor": "red"}
"""By the grade."""


def show_text(matrix: Matrix) -> None:
    """The matrix on stdout, then a line for each environment."""
    known = [place for place, column in enumerate(matrix.columns) if column.is_known]
    names = [matrix.columns[place].environment for place in known]
    if matrix.rows:
        say_grid(("version", "name", *names), [_line(row, known) for row in matrix.rows])
        say("")
    for column in matrix.columns:
        style = "" if is_sound(column) else "red"
        say_sentence(f"{column.environment}: {describe(column)}", style)


def show_json(matrix: Matrix) -> None:
    """The matrix as one document on stdout."""
    show_document(
        {
            "format": "lockgate-status-matrix",
            "format_version": "1.0",
            "environments": [
                {
                    "name": column.environment,
                    "serial": None if column.serial is None else str(column.serial),
                    "problem": column.problem or None,
                }
                for column in matrix.columns
            ],
            "migrations": [_migration(row, matrix.columns) for row in matrix.rows],
        }
    )


def show_html(matrix: Matrix) -> None:
    """The page on stdout."""
    say(render_status(matrix).rstrip("\n"))


def render_status(matrix: Matrix) -> str:
    """The page: needs no network and no script."""
    environment = open_templates({"state": state, "grade": grade, "describe": describe})
    environment.tests["sound"] = is_sound
    return render_page(environment, "status", "", matrix=matrix)


def state(standing: Standing | None) -> str:
    """A cell as a word; empty where the environment has neither file nor row."""
    return standing.state if standing else ""


def grade(standing: Standing | None) -> str:
    """How good it is: `good`, `fair`, `info` or `poor`; empty where there is nothing."""
    return GRADES.get(standing.state, "poor") if standing else ""


def describe(column: Column) -> str:
    """An environment in a sentence: how much is applied, or why nothing is known."""
    if not column.is_known:
        return column.problem
    counted = f"{column.summary}, serial {column.serial}"
    return f"{counted}. {column.problem}" if column.problem else counted


def is_sound(column: Column) -> bool:
    """Whether a person need not look at it."""
    return not column.problem and all(grade(each) != "poor" for each in column.standings)


def _line(row: MatrixRow, known: list[int]) -> list[Cell]:
    cells = (row.cells[place] for place in known)
    states = [(state(cell) or "-", STYLES.get(grade(cell), "")) for cell in cells]
    return [(row.version, ""), (row.name, ""), *states]


def _migration(row: MatrixRow, columns: tuple[Column, ...]) -> dict[str, Any]:
    states = {
        column.environment: {
            "state": cell.state,
            "checksum": cell.checksum,
            "applied_at": cell.entry.applied_at.isoformat() if cell.entry else None,
        }
        for column, cell in zip(columns, row.cells, strict=True)
        if cell
    }
    return {"version": row.version, "name": row.name, "environments": states}


SHOWN = {"text": show_text, "json": show_json, "html": show_html}
