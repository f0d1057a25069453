"""The dependency graph of a plan as rows and arcs: which migration requires which.

Knows no markup; places things in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.planner.plan.plan import Plan
from lockgate.planner.value import frozen
from lockgate.planner.versions import VersionKey, version_key

ROW = 30
"""The height of a row."""
EDGE = 10
"""Between the ends of the arcs and the rows, and between the widest arc and the margin."""
NARROWEST, PER_ROW, WIDEST = 14, 7, 96
"""How far arcs reach to the left: over one row, more over each further one, and at most."""


@frozen
class GraphRow:
    """A migration; `number` is that of its step, 0 for one that the plan does not hold."""

    version: str
    name: str
    number: int
    y: float


@frozen
class Arc:
    """From a migration's row to the row of one that it requires, as an SVG path.

    It runs left of the rows, where x is negative, and reaches as far as `width`.
    """

    path: str
    width: float


@frozen
class Drawing:
    """Rows from above, arcs at their left; `alone` steps neither require nor are required."""

    rows: tuple[GraphRow, ...]
    arcs: tuple[Arc, ...]
    alone: int

    @property
    def height(self) -> int:
        """In pixels; the lane is as high as its rows."""
        return len(self.rows) * ROW

    @property
    def width(self) -> int:
        """Of the lane, in pixels."""
        return round(max((arc.width for arc in self.arcs), default=0)) + 2 * EDGE


def draw_dependencies(plan: Plan) -> Drawing:
    """The steps that require others or are required; first the versions outside of the plan."""
    numbers = {step.key: number for number, step in enumerate(plan.steps, 1)}
    pairs = [(s.key, version_key(r)) for s in plan.steps for r in s.requires]
    involved = {version for pair in pairs for version in pair}
    outside = sorted(involved - numbers.keys())
    ordered = [*outside, *(version for version in numbers if version in involved)]
    places = {version: (place + 0.5) * ROW for place, version in enumerate(ordered)}
    arcs = tuple(_arc(places[one], places[other]) for one, other in pairs)
    alone = sum(version not in involved for version in numbers)
    return Drawing(tuple(_rows(plan, ordered, numbers)), arcs, alone)


def _rows(
    plan: Plan, ordered: Sequence[VersionKey], numbers: dict[VersionKey, int]
) -> Iterator[GraphRow]:
    spelled = {version_key(r): r for step in plan.steps for r in step.requires}
    for place, version in enumerate(ordered):
        number, y = numbers.get(version, 0), (place + 0.5) * ROW
        if number:
            step = plan.steps[number - 1]
            yield GraphRow(step.version, step.name, number, y)
        else:
            yield GraphRow(spelled[version], "", 0, y)


def _arc(start: float, end: float) -> Arc:
    """An arc that reaches the farther, the more rows are between its ends."""
    width = min(NARROWEST + PER_ROW * abs(start - end) / ROW, WIDEST)
    # A cubic curve comes three quarters of the way to its control points.
    bend = round(-EDGE - width / 0.75, 1)
    path = f"M{-EDGE} {start:g}C{bend:g} {start:g} {bend:g} {end:g} {-EDGE} {end:g}"
    return Arc(path, width)
