"""Groups of databases that one plan fits: by what was seen of each, never by its name.

Asks no database and makes no plan: it is handed what was seen, and says who is equal to whom.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field

from lockgate.planner.database.facts import Facts
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.server import Server
from lockgate.planner.fleet.fleet_plan import FleetTarget, Odd
from lockgate.planner.fleet.place import TargetPlace
from lockgate.planner.plan.statement import sha256
from lockgate.planner.value import frozen, replace

DRIFTED = "its history is that of {count} others, and its definitions are not"
NO_NORM = "{count} targets have its history, and no definitions are those of more than half of them"
CHANGED = "since its last run by hand: {objects}; no others tell whether that is right"


@frozen
class Outline:
    """The definitions of a database in short: a digest that does not depend on the names of the
    database and of its schema; and the rows and bytes of its tables, by the server's estimates."""

    digest: str
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all tables."""
        return sum(size for _, size in self.sizes.values())


@frozen
class SeenTarget:
    """A target that answered, and can be planned for.

    `changed` names what it has otherwise than its last run has left it; it is None where that was
    not asked, or no run has noted it.
    """

    place: TargetPlace
    server: Server
    ledger: Ledger
    outline: Outline
    changed: tuple[str, ...] | None = None

    @property
    def kind(self) -> tuple[object, ...]:
        """What servers that are alike have in common; of a schema other definitions are looked at
        than of a whole database."""
        dialect = self.server.dialect
        return (dialect.name, dialect.version, dialect.sql_mode, self.place.schema is None)

    @property
    def history(self) -> tuple[object, ...]:
        """What those of one history have in common, on servers that are alike."""
        return (*self.kind, self.ledger.present, str(self.ledger.serial), self.ledger.digest)

    @property
    def proof(self) -> str:
        """SHA-256, in hex, over all that a plan depends on: equal where one plan fits both."""
        return sha256([*self.history, self.outline.digest])


@frozen
class EqualTargets:
    """Targets that one plan fits, by name."""

    proof: str
    members: tuple[SeenTarget, ...]

    @property
    def first(self) -> SeenTarget:
        """The one whose plan is made: that of the most bytes, so that it is the worst to wait
        for."""
        return max(self.members, key=lambda seen: (seen.outline.size, seen.place.name))

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Rows and bytes of each table where it is the largest."""
        found: dict[str, tuple[int, int]] = {}
        for seen in self.members:
            for table, (rows, size) in seen.outline.sizes.items():
                before = found.get(table, (0, 0))
                found[table] = max(before[0], rows), max(before[1], size)
        return found


def group_targets(
    seen: Iterable[SeenTarget], *, leave_drifted: bool
) -> tuple[list[EqualTargets], list[Odd]]:
    """The groups, the largest first, and those that are in none, as they have drifted: they are not
    as their last run has left them, where that was asked (`find_unsure`); or others with the same
    history have other definitions, and these are more than half of them."""
    groups: list[EqualTargets] = []
    odd: list[Odd] = []
    for alike in _by_history(seen):
        norm, drifted = _part_drifted(alike) if leave_drifted else (alike, [])
        odd += drifted
        groups += _by_proof(norm)
    return sorted(groups, key=lambda group: (-len(group.members), group.proof)), odd


def find_unsure(seen: Iterable[SeenTarget]) -> list[SeenTarget]:
    """Those whose definitions no others of their history vouch for: they are alone, no definitions
    are those of more than half, or most targets have another history. So those that were left
    behind by a run as they had drifted do not vouch for each other."""
    seen = list(seen)
    peers = Counter(one.kind for one in seen if one.ledger.present)
    return [
        one
        for alike in _by_history(seen)
        if _is_unsure(alike, peers[alike[0].kind])
        for one in alike
    ]


def _by_history(seen: Iterable[SeenTarget]) -> Iterable[list[SeenTarget]]:
    found: defaultdict[object, list[SeenTarget]] = defaultdict(list)
    for one in seen:
        found[one.history].append(one)
    return found.values()


def _by_proof(seen: Iterable[SeenTarget]) -> list[EqualTargets]:
    found: defaultdict[str, list[SeenTarget]] = defaultdict(list)
    for one in seen:
        found[one.proof].append(one)
    return [
        EqualTargets(proof, tuple(sorted(members, key=lambda one: one.place.name)))
        for proof, members in found.items()
    ]


def _is_unsure(alike: list[SeenTarget], peers: int) -> bool:
    """Whether those of one history cannot say how their definitions should be; `peers` targets of
    their kind have one."""
    if not alike[0].ledger.present:
        return False
    _, count = _most_common(alike)
    return len(alike) == 1 or 2 * count <= len(alike) or 2 * len(alike) <= peers


def _most_common(alike: list[SeenTarget]) -> tuple[str, int]:
    ((digest, count),) = Counter(one.outline.digest for one in alike).most_common(1)
    return digest, count


def _part_drifted(alike: list[SeenTarget]) -> tuple[list[SeenTarget], list[Odd]]:
    """Those of one history that are as they should be, and the others."""
    if not alike[0].ledger.present:
        return alike, []
    told = {one.place.name: CHANGED.format(objects=", ".join(one.changed))
            for one in alike if one.changed}  # fmt: skip
    kept = [one for one in alike if one.place.name not in told]
    if kept:
        told |= _find_unlike(kept, len(alike))
    drifted = [Odd(name=name, reason="drifted", detail=why) for name, why in told.items()]
    return [one for one in kept if one.place.name not in told], drifted


def _find_unlike(kept: list[SeenTarget], count: int) -> dict[str, str]:
    """Why some of those of one history have drifted, by name: they have other definitions than more
    than half of them, or there is no such half, and no run has noted how it has left them. `count`
    targets have that history."""
    norm, like_it = _most_common(kept)
    if 2 * like_it > len(kept):
        why = DRIFTED.format(count=like_it)
        return {one.place.name: why for one in kept if one.outline.digest != norm}
    why = NO_NORM.format(count=count)
    return {one.place.name: why for one in kept if one.changed is None}


def enlarged(facts: Facts, sizes: Mapping[str, tuple[int, int]]) -> Facts:
    """The facts of one database of a group with each table as large as in any other."""
    tables = {
        name: replace(table, rows=max(table.rows, rows), size=max(table.size, size))
        for name, table in facts.tables.items()
        for rows, size in [sizes.get(name, (0, 0))]
    }
    return replace(facts, tables=tables)


def as_target(seen: SeenTarget, wave: int) -> FleetTarget:
    """A member of a group, as the plan names it."""
    identity = seen.ledger.identity
    return FleetTarget(
        name=seen.place.name,
        wave=wave,
        uuid=identity.uuid if identity else None,
        database=seen.server.database,
        history_table=seen.server.history_table,
        evidence=dict(sorted(seen.server.evidence.items())),
        size=seen.outline.size if seen.outline.sizes else None,
    )
