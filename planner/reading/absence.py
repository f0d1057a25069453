"""What IF EXISTS names and the database does not have, as a plan's statements leave it: nothing is
done about that.

Asks nothing: which names there are, the facts say. Where it is not certain that a name leads to
nothing, it is taken to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.value import replace

# What shares its names with others of its schema, or of the database.
KINDS = {
    **dict.fromkeys(("view", "materialized view", "foreign table", "index", "sequence"), "table"),
    **dict.fromkeys(("procedure", "routine", "aggregate"), "function"),
    "domain": "type",
}
KNOWN = frozenset({"table", "type", "function", "schema", "extension"})
IN_NO_SCHEMA = frozenset({"schema", "extension"})
ROLES = frozenset({"role", "session_authorization"})
# What makes more than it names, or gives names that are not told.
MAKERS = frozenset({"create extension", "alter extension", "import foreign schema", "alter schema"})
CHANGING = frozenset({"alter", "write", "truncate"})
BEGINNING = 20
"""So many characters of a table's name, at least, begin a name that PostgreSQL makes up for it:
https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/indexcmds.c
"""


class Absence:
    """What a database does not have when the next statement begins."""

    def __init__(self, facts: Facts) -> None:
        self._names = facts.names
        self._path = facts.names.path if facts.names else ()
        self._made: set[str] = set()
        self._renamed: set[str] = set()

    def copy(self) -> Absence:
        """One that goes its own way from here."""
        twin = Absence(Facts())
        twin.__dict__.update(self.__dict__)
        twin._made, twin._renamed = self._made.copy(), self._renamed.copy()
        return twin

    @property
    def is_known(self) -> bool:
        """Whether anything is known not to be there."""
        return self._names is not None

    def judge_all(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """What statements that run one after another do, without what each would drop or alter
        and is not there."""
        for reading in self.name_all(readings):
            yield _without_absent(reading) if reading.absent else reading

    def name_all(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """The same with all that is written, and with the names of what is not there."""
        for reading in readings:
            absent = self._find_absent(reading)
            yield replace(reading, absent=absent) if absent else reading
            self.follow(reading)

    def _find_absent(self, reading: Reading) -> tuple[Object, ...]:
        is_careful = reading.conditional and reading.verb in ("drop", "alter", "rename")
        if self._names is None or not is_careful:
            return ()
        absent = tuple(one for one in reading.objects if self.lacks(one))
        is_idle = len(absent) == len(reading.objects)
        return absent if is_idle or reading.verb == "drop" else ()

    def missing(self, reading: Reading) -> str:
        """A table that a statement would change and that is not there, so that it fails before it
        does anything; empty: none is known to be missing."""
        if reading.verb not in CHANGING or reading.conditional:
            return ""
        named = (*reading.objects, *reading.tables_written)
        return next((one.name for one in named if one.kind == "table" and self.lacks(one)), "")

    def follow(self, reading: Reading) -> None:
        """Follows a statement that has run: what it may have made is there."""
        if self.missing(reading):
            return
        runs_code = reading.opaque or reading.calls_own or reading.unread
        is_elsewhere = reading.chosen_database or reading.moves_default
        if runs_code or is_elsewhere or reading.kind in MAKERS:
            self._names = None
        if ROLES & reading.settings.keys():
            self._path = ()
        verb, _, kind = reading.kind.partition(" ")
        if verb == "alter" and _kind_of(kind) in ("type", "function"):
            self._renamed.add(_kind_of(kind))
        if self._names is not None and reading.verb in ("create", "alter", "rename"):
            for one in _made_by(reading):
                self._made |= {one.lower(), one.lower()[:BEGINNING]}

    def lacks(self, one: Object) -> bool:
        """Whether it is certain that this is not there."""
        kind = _kind_of(one.kind)
        if self._names is None or kind not in KNOWN - self._renamed or self._may_be_made(one.name):
            return False
        schemas = ("",) if kind in IN_NO_SCHEMA else self._schemas(one)
        name = one.name.lower() if self._names.folded else one.name
        found = any((kind, schema, name) in self._names.found for schema in schemas)
        return bool(schemas) and not found

    def _may_be_made(self, name: str) -> bool:
        """Whether the plan has made it, or a table with whose name those begin that the server
        makes up for what belongs to it."""
        lower = name.lower()
        if self._names and self._names.folded:  # those servers make up no names
            return lower in self._made
        ends = (place for place, letter in enumerate(lower) if letter == "_")
        return any(lower[:end] in self._made for end in (*ends, BEGINNING, len(lower)))

    def _schemas(self, one: Object) -> tuple[str, ...]:
        """Where the server looks for it; empty: that, or what is there, is not known."""
        told = self._names.schemas if self._names else frozenset[str]()
        found = (one.schema,) if one.schema else one.path or self._path
        is_told = told is None or told >= {*found}
        is_known = is_told and not {"?", "$user", "pg_temp"} & {*found}
        return found if is_known else ()


def _kind_of(kind: str) -> str:
    return KINDS.get(kind, kind)


def _made_by(reading: Reading) -> Iterator[str]:
    """The names of what a statement may have made, and of the tables that it has made it for."""
    yield from (one.name for one in (*reading.objects, *reading.tables_written))
    yield from (new.name for _, new in reading.renames)
    for clause in reading.clauses:
        yield from (clause.name, clause.table.name)


def _without_absent(reading: Reading) -> Reading:
    gone = reading.absent
    if len(gone) == len(reading.objects):
        return Reading(
            "read", conditional=True, absent=gone, kind=reading.kind, names=reading.names,
            outside_only=reading.outside_only, commits=reading.commits,
            fails_whole=reading.fails_whole, partial=reading.partial,
            repeatable=reading.repeatable, concurrent=reading.concurrent, runs_nothing=True,
        )  # fmt: skip
    lost = {f"the {one.kind} {one.schema}.{one.name}".replace(" .", " ") for one in gone}
    return replace(
        reading,
        objects=tuple(one for one in reading.objects if one not in gone),
        holds=tuple(one for one in reading.holds if one.on not in gone),
        loses=tuple(one for one in reading.loses if one not in lost),
        clauses=tuple(one for one in reading.clauses if one.table not in gone),
    )
