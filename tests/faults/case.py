"""A plan to inject faults into, as literals: migrations, each of them a list of statements.

It must not know what the statements mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

UP, DOWN = "-- migrate:up", "-- migrate:down"
OUTSIDE = " transaction:false"

Place = tuple[int, int]
"""A migration and a statement of it, each from 0; the statement may be one after the last."""


@dataclass(frozen=True)
class Migration:
    """One migration, `001_name`, and the statements of its two sections."""

    name: str
    up: tuple[str, ...]
    down: tuple[str, ...] = ()
    outside: bool = False
    """Written with `transaction:false`."""

    @property
    def text(self) -> str:
        """The file's content."""
        flag = OUTSIDE * self.outside
        parts = [UP + flag, *_ended(self.up)]
        if self.down:
            parts += [DOWN + flag, *_ended(self.down)]
        return "\n".join(parts) + "\n"


@dataclass(frozen=True)
class Case:
    """Migrations that are applied, or rolled back, by one plan on top of the base schema."""

    name: str
    migrations: tuple[Migration, ...]

    @property
    def directions(self) -> tuple[str, ...]:
        """`up`, and `down` where every migration has a way back."""
        return ("up", "down") if all(each.down for each in self.migrations) else ("up",)

    def places(self, direction: str) -> tuple[Place, ...]:
        """Where a statement can be put in, in the order in which the plan runs."""
        return tuple(self._places(direction))

    def with_refused(self, direction: str, place: Place, sql: str) -> "Case":
        """The case with one statement more, in front of the one at that place."""
        index, position = place
        migration = self.migrations[index]
        statements = list(getattr(migration, direction))
        statements.insert(position, sql)
        section: dict[str, Any] = {direction: tuple(statements)}
        changed = replace(migration, **section)
        rest = list(self.migrations)
        rest[index] = changed
        return replace(self, migrations=tuple(rest))

    def _places(self, direction: str) -> Iterator[Place]:
        indices = range(len(self.migrations))
        for index in indices if direction == "up" else reversed(indices):
            for position in range(len(getattr(self.migrations[index], direction)) + 1):
                yield index, position


@dataclass(frozen=True)
class Collection:
    """The cases of an engine family, over one base schema, and what its servers refuse."""

    base: Migration
    cases: tuple[Case, ...]
    refused: Sequence[str]
    """Statements that fail anywhere."""
    refused_last: Sequence[str]
    """Statements that fail, and that would make no plan worse behind its last statement."""

    def case(self, name: str) -> Case:
        """The case of a name."""
        return next(case for case in self.cases if case.name == name)

    def with_failure(self, case: Case, direction: str, number: int) -> Case:
        """The case with a refused statement as the `number`-th of its plan, from 1."""
        places = case.places(direction)
        choices = self.refused_last if number == len(places) else self.refused
        sql = choices[(number + len(case.name)) % len(choices)]
        return case.with_refused(direction, places[number - 1], sql)


def migration(name: str, *up: str, down: Sequence[str] = (), outside: bool = False) -> Migration:
    """A migration, written shortly."""
    return Migration(name, up, tuple(down), outside)


def case(name: str, *migrations: Migration) -> Case:
    """A case, written shortly."""
    return Case(name, migrations)


def _ended(statements: Sequence[str]) -> list[str]:
    return [f"{statement.strip()};" for statement in statements]
