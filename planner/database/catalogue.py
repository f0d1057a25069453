"""The catalogue: what a database holds but its rows, as comparable text for each object.

Asks nothing: an engine reads it. It must not hold what two equal definitions may differ in.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from lockgate.planner.canonical import canonical
from lockgate.planner.value import frozen

ObjectChange = Literal["added", "removed", "changed"]

SHORT = 16  # hex digits: 64 bits, since a stored digest is only held against one object's next
ANYWHERE = 1 << 20
DATABASE = "database"
"""The object that has a database's own attributes."""
STATE_OF_SEQUENCE = "state of sequence"
COUNTER_OF_TABLE = "counter of table"
ROWS_OF_TABLE = "rows of table"
"""Of which no catalogue tells: what a proof has found to differ."""
ROWS_OF_KEY = "rows by the foreign key"
"""Those of a table that have no parent; the first line tells of them, for people."""
PLAIN = re.compile(r"\w[\w()]*")


@frozen
class Detail:
    """A line of an object's text: a part of it, such as `column id`, with its attributes.

    The part is empty for the object's own attributes. `place` matters where the order does, as
    among a table's columns; parts of one place are sorted by name. An attribute of
    None is not there.
    """

    object: str
    part: str
    attributes: Mapping[str, Any]
    place: int = ANYWHERE


@frozen
class Catalogue:
    """A text of many lines for each object of a database, `table orders` or `view sums`.

    Equal databases have equal catalogues, whatever the road that each has come.
    """

    objects: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over all of it."""
        return hashlib.sha256(canonical(dict(self.objects))).hexdigest()

    def digests(self) -> dict[str, str]:
        """A short digest of each object: what to keep in place of the texts."""
        return {name: _short_digest(text) for name, text in self.objects.items()}


@frozen
class ObjectDifference:
    """An object that is not as it was. `lines` are a diff's, empty where a text is not known."""

    object: str
    change: ObjectChange
    lines: tuple[str, ...] = ()


def is_counter(name: str) -> bool:
    """Whether an object is the state of a sequence or of a counter, which is no definition.

    >>> is_counter("counter of table orders"), is_counter("table orders")
    (True, False)
    """
    return name.startswith((STATE_OF_SEQUENCE, COUNTER_OF_TABLE))


Side = Catalogue | Mapping[str, str]
"""A catalogue, or the digests that were kept of one."""


def differences(before: Side, after: Side) -> tuple[ObjectDifference, ...]:
    """What was added, removed or changed, by name.

    >>> differences(Catalogue({"view v": "select 1"}), Catalogue({"view v": "select 2"}))
    (ObjectDifference(object='view v', change='changed', lines=('-select 1', '+select 2')),)
    """
    old, new = _digests(before), _digests(after)
    return tuple(
        ObjectDifference(
            name, _change(name, old, new), _diff(_text(before, name), _text(after, name))
        )
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def assemble(details: Iterable[Detail]) -> Catalogue:
    """The catalogue of these details, whose own order does not matter.

    >>> users = [Detail("table users", "column id", {"type": "int"}, place=1)]
    >>> assemble([*users, Detail("table users", "", {"engine": "InnoDB"})]).objects
    {'table users': 'engine InnoDB\\ncolumn id: type int'}
    """
    objects: defaultdict[str, list[Detail]] = defaultdict(list)
    for detail in details:
        objects[detail.object].append(detail)
    return Catalogue({name: "\n".join(_describe(parts)) for name, parts in sorted(objects.items())})


def _describe(details: list[Detail]) -> Iterator[str]:
    ordered = sorted(details, key=lambda detail: (bool(detail.part), detail.place, detail.part))
    for detail in ordered:
        known = {name: value for name, value in detail.attributes.items() if value is not None}
        if detail.part:
            told = ", ".join(f"{name} {_word(value)}" for name, value in known.items())
            yield f"{detail.part}: {told}" if told else detail.part
        else:
            for name, value in known.items():
                yield from _own_lines(name, value)


def _own_lines(name: str, value: object) -> Iterator[str]:
    """An attribute of the object itself; a text of many lines stays one that a diff can show."""
    if isinstance(value, str) and "\n" in value:
        yield f"{name}:"
        yield from (f"  {line}" for line in value.split("\n"))
    else:
        yield f"{name} {_word(value)}"


def _word(value: object) -> str:
    """A value that cannot be taken for two: quoted, unless it is one word."""
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:SHORT]


def _digests(side: Side) -> Mapping[str, str]:
    return side.digests() if isinstance(side, Catalogue) else side


def _text(side: Side, name: str) -> str | None:
    """The object's text, empty where there is no such object; None where it is not known."""
    if isinstance(side, Catalogue):
        return side.objects.get(name, "")
    return None if name in side else ""


def _change(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> ObjectChange:
    if name not in old:
        return "added"
    return "changed" if name in new else "removed"


def _diff(old: str | None, new: str | None) -> tuple[str, ...]:
    if old is None or new is None:
        return ()
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return tuple(line for line in list(lines)[2:] if not line.startswith("@@"))
