"""Limits of templates: of the steps that one takes, and of the text and the numbers that it makes.

The same template reaches the same limit everywhere: nothing here looks at a clock or at memory.
Whatever may multiply text is judged before it does, by the sizes of what it is given.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from lockgate.planner.errors import MigrationFileError

if TYPE_CHECKING:
    from jinja2.runtime import Context

STEPS = 2_000_000
"""Lines of Python that run; a second or two."""
LENGTH = 10_000_000
"""Characters of one text, and of all that is printed."""
WIDTH = 10_000
"""The largest number that a method or a filter takes: a width, a count."""
BITS = 4_096
"""Of a number."""
WIDE = re.compile(r"\d{5}|%[^a-zA-Z%]*\*|\{[^{}]*\{")
"""A width in a format, too large or put together while it runs."""


SIZED = "lockgate sized"
"""A filter that no template can name."""
SLOW = ("pprint", "striptags", "urlize", "wordwrap")
"""Filters whose time may grow with the square of a text; SQL needs none of them."""


class LimitedEnvironment(SandboxedEnvironment):
    """Jinja's sandbox, in which nothing grows without a limit."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(lambda parts: collect(parts))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.filters = {name: _limited(each) for name, each in self.filters.items()}
        self.filters[SIZED] = _sized
        tests: Mapping[str, Any] = self.tests
        self.tests = {name: _limited(each) for name, each in tests.items()}
        for name in SLOW:
            del self.filters[name]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template: nodes.Template = _Limiting().visit(super()._parse(source, name, filename))
        return template

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The value of an operation that can multiply what it is given."""
        if operator == "%" and isinstance(left, str):
            _refuse_wide([left])
            _refuse((_size(left) + 1) * (_size(right) + 1) > LENGTH, "text")
        elif operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            factor = right if operator == "**" else 1
            _refuse(left.bit_length() * abs(factor) + right.bit_length() > BITS, "number")
        elif operator == "*":
            _refuse(_size(left) * _times(right) + _size(right) * _times(left) > LENGTH, "text")
        elif operator == "+":
            _refuse(_size(left) + _size(right) > LENGTH, "text")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *given: Any, **named: Any) -> Any:
        """What a call gives; of texts, none that could be too long."""
        owner = getattr(called, "__self__", None)
        if _is_plain(owner):
            _refuse_growing([owner, *given, *named.values()], called.__name__)
        return super().call(context, called, *given, **named)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`format` of a text, which the sandbox puts a function of its own in place of."""
        function = super().wrap_str_format(value)
        if function is None:
            return None
        text = value.__self__

        def limited(*given: Any, **named: Any) -> str:
            _refuse_growing([text, *given, *named.values()], "format")
            return function(*given, **named)

        return limited


class _Limiting(NodeTransformer):
    """Puts limits where Jinja has no place for them.

    `a ~ b` becomes `[a, b] | join`. What is compared, and keys, are measured first: lists within
    lists may expand to more than there is memory or time.
    """

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _measured(node.expr)
        for operand in node.ops:
            operand.expr = _measured(operand.expr)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.key = _measured(node.key)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        line = node.lineno
        return nodes.Filter(
            nodes.List(node.nodes, lineno=line), "join", [], [], None, None, lineno=line
        )


@contextmanager
def limited_steps() -> Iterator[None]:
    """The block, which ends with an error after too many steps.

    Raises:
        MigrationFileError: too many.
    """
    left = STEPS

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _too(f"takes more than {STEPS} steps")
        return count

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # what others have left to be finalized takes no steps of the template
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()


def collect(parts: Iterable[str]) -> str:
    """The text of all parts.

    Raises:
        MigrationFileError: it is too long.
    """
    found: list[str] = []
    length = 0
    for part in parts:
        length += len(part)
        _refuse(length > LENGTH, "text")
        found.append(part)
    return "".join(found)


def _measured(node: nodes.Expr) -> nodes.Expr:
    return nodes.Filter(node, SIZED, [], [], None, None, lineno=node.lineno)


def _sized(value: Any) -> Any:
    """The value, which is not too large."""
    _refuse(_size(value) > LENGTH, "text")
    return value


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def limited(*given: Any, **named: Any) -> Any:
        values = [*given, *named.values()]
        texts = [list(one) if isinstance(one, Iterator) else one for one in values]
        _refuse_growing([one for one in texts if _is_plain(one)], function.__name__)
        count = len(given)
        return function(*texts[:count], **dict(zip(named, texts[count:], strict=True)))

    return limited


def _refuse_growing(values: list[Any], name: str) -> None:
    """Refuses what could be too long: as long as all texts times the longest of them, as often as
    the largest number says."""
    if "format" in name:
        _refuse_wide([one for one in values if isinstance(one, str)])
    numbers = [abs(one) for one in values if isinstance(one, int)]
    _refuse(max(numbers, default=0) > WIDTH, "text")
    longest, *others = sorted((_size(one) for one in values), reverse=True) or [0]
    _refuse((longest + 1) * (sum(others) + 1) > LENGTH, "text")
    _refuse(max(numbers, default=0) * (longest + 1) > LENGTH, "text")


def _refuse_wide(formats: list[str]) -> None:
    _refuse(any(WIDE.search(one) for one in formats), "text")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | list | tuple | Mapping)


def _size(value: object) -> int:
    """How long the text of a value is, about; a value in a value counts each time."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_size(key) + _size(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(_size(one) + 1 for one in value)
    return 1


def _times(value: object) -> int:
    return abs(value) if isinstance(value, int) else 0


def _refuse(is_too_much: bool, what: str) -> None:
    if is_too_much:
        limit = f"{BITS} bits" if what == "number" else f"{LENGTH} characters"
        raise _too(f"could make a {what} of more than {limit}")


def _too(does: str) -> MigrationFileError:
    return MigrationFileError(
        f"the template {does}",
        why="Looking at a migration renders it.",
        do="Write the SQL out, or divide it into several migrations.",
    )
