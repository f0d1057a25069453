"""The policy `windows`: when `apply` may start, by the database's clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from lockgate.planner.decision import Decision
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.plan.plan import Plan
    from lockgate.planner.plan.start import Start

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = f"(?:{'|'.join(DAYS)})"
TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"
PATTERN = f"({DAY})(?:-({DAY}))? ({TIME})-({TIME})"
MINUTES_OF_A_DAY = 24 * 60
MINUTES_OF_A_WEEK = 7 * MINUTES_OF_A_DAY


@frozen
class Window:
    """A time of the week, UTC. `minutes` count from the beginning of Monday."""

    text: str
    minutes: frozenset[int] = field(repr=False)

    def __str__(self) -> str:
        return self.text


def parse_window(value: object) -> Window:
    """The window that a text such as `mon-thu 09:00-16:00` spells, its end excluded.

    One that ends before it begins goes on into the next day.

    >>> sorted(parse_window("sun 23:59-00:01").minutes)
    [0, 10079]
    """
    if isinstance(value, Window):
        return value
    match = re.fullmatch(PATTERN, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is days and times, UTC: mon-thu 09:00-16:00, or sat 22:00-04:00")
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    days = range((last - first) % 7 + 1)
    begin, end = _minute(match[3]), _minute(match[4])
    length = range((end - begin) % MINUTES_OF_A_DAY or MINUTES_OF_A_DAY)
    return Window(
        match[0],
        frozenset(
            ((first + day) * MINUTES_OF_A_DAY + begin + minute) % MINUTES_OF_A_WEEK
            for day, minute in product(days, length)
        ),
    )


SETTING = list[
    Annotated[
        Window,
        BeforeValidator(parse_window),
        PlainSerializer(str),
        WithJsonSchema({"type": "string", "pattern": f"^{PATTERN}$"}),
    ]
]
DEFAULT: list[Window] = []
MEANING = "When `apply` may start, UTC by the database's clock; none: at any time."


def judge(plan: Plan, setting: Sequence[Window]) -> Decision | None:
    """Tells the reviewer when the plan may start."""
    if not setting:
        return None
    reason = f"`apply` may start {_spell(setting)}."
    return Decision(policy="windows", answer="allow", reason=reason)


def judge_start(start: Start, setting: Sequence[Window]) -> Decision | None:
    """Denies a start outside of all windows."""
    now = start.now.astimezone(UTC)
    if not setting or _minute_of_week(now) in _open(setting):
        return None
    return Decision(
        policy="windows",
        answer="deny",
        reason=f"It is {now:%a %H:%M} UTC by the database's clock; "
        f"`apply` may start {_spell(setting)}.",
        do="Apply the plan then.",
    )


def is_looser(setting: Sequence[Window], base: Sequence[Window]) -> bool:
    """Open at a time when the base is closed."""
    return bool(base) and (not setting or not _open(setting) <= _open(base))


def _open(windows: Sequence[Window]) -> frozenset[int]:
    return frozenset().union(*(window.minutes for window in windows))


def _minute_of_week(moment: datetime) -> int:
    return moment.weekday() * MINUTES_OF_A_DAY + moment.hour * 60 + moment.minute


def _minute(time: str) -> int:
    """
    >>> _minute("01:30")
    90
    """
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


def _spell(windows: Sequence[Window]) -> str:
    return " or ".join(str(window) for window in windows) + " (UTC)"
