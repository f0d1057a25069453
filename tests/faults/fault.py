"""A fault as a value: which plan, where in it, and what is done there. It does nothing."""

import re
from dataclasses import dataclass

KINDS = ("natural", "kill", "server", "cut", "cut-one", "term")
"""A refused statement alone; SIGKILL of the command, of the server; all its connections cut, or
the one that spoke; SIGTERM to the command."""

SIDES = ("before", "during", "after")
"""Before the message reaches the server; when it has, and the answer is not there; when the
answer is there, and the command has not had it."""

NAME = re.compile(
    r"(?P<engine>\w+)/(?P<case>\w+)/(?P<direction>up|down)(?:/fail(?P<fail>\d+))?"
    r"/(?P<kind>[a-z-]+)(?::(?P<number>\d+)(?P<side>before|during|after))?"
)


@dataclass(frozen=True, order=True)
class Variant:
    """A plan, perhaps with a statement put in, as the `fail`-th of all, that the server refuses."""

    engine: str
    case: str
    direction: str
    fail: int | None = None

    def __str__(self) -> str:
        refused = "" if self.fail is None else f"/fail{self.fail}"
        return f"{self.engine}/{self.case}/{self.direction}{refused}"


@dataclass(frozen=True)
class Fault:
    """What is done to the `number`-th message of a command that applies a plan, from 1.

    A natural one has no message: what is done to it is in its plan.
    """

    variant: Variant
    kind: str
    number: int = 0
    side: str = ""

    def __str__(self) -> str:
        place = f":{self.number}{self.side}" if self.number else ""
        return f"{self.variant}/{self.kind}{place}"


def read_fault(text: str) -> Fault:
    """The fault of a name, as `str` writes it.

    Raises:
        ValueError: it is no such name.
    """
    match = NAME.fullmatch(text)
    if not match or match["kind"] not in KINDS:
        raise ValueError(f"{text} is no fault's name")
    fail = None if match["fail"] is None else int(match["fail"])
    variant = Variant(match["engine"], match["case"], match["direction"], fail)
    return Fault(variant, match["kind"], int(match["number"] or 0), match["side"] or "")
