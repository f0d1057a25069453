"""What was measured of a statement held against what lockgate says of it.

Wrong is what was measured and not said; over-said is what was said and not measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.impact import Impact
from lockgate.planner.reading.postgresql.locks import STRENGTHS
from lockgate.planner.reading.reading import WORKS, Object, Work
from lockgate.planner.review.section import ReviewTerms, read_subject
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.sql.statements import split_statements
from tests.oracle.measure import QUIET, Measured, Relation

IN_TRANSACTION = "25001"
NONE = ""


def say(sql: str, facts: Facts) -> Impact:
    """What `migrate plan` says of a statement when the database is as the facts tell."""
    terms = ReviewTerms(POSTGRESQL, facts)
    (reviewed,) = read_subject(split_statements(sql, POSTGRESQL), "up", True, terms).statements
    return reviewed.impact


@dataclass(frozen=True)
class Judgement:
    """What was said of a form beside what it did."""

    impact: Impact
    measured: Measured
    relations: Mapping[int, Relation]

    @cached_property
    def _said(self) -> dict[int, tuple[str, Work]]:
        """By relation the strongest lock and the most work that is said of it."""
        found: dict[int, tuple[str, Work]] = {}
        for hold in self.impact.holds:
            oid = self._find(hold.on)
            if oid is not None:
                lock, work = found.get(oid, (NONE, "none"))
                found[oid] = (
                    max(lock, hold.lock, key=_strength),
                    max(work, hold.work, key=WORKS.index),
                )
        return found

    def wrong(self) -> Iterator[str]:
        """What it did, and was not said."""
        outside = self.measured.refused == IN_TRANSACTION
        if outside != self.impact.reading.outside_only and (outside or not self.measured.refused):
            yield "runs in no transaction" if outside else "runs in a transaction"
        if self.measured.refused:
            return
        for oid, lock in self.measured.locks.items():
            if STRENGTHS[lock] > max((_strength(one) for one, _ in self._over(oid)), default=-1):
                yield f"{lock} on {self._name(oid)}"
        for oid in self._worked():
            work: Work = "rewrite" if oid in self.measured.rewritten else "scan"
            told = max((WORKS.index(one) for _, one in self._over(oid)), default=0)
            if WORKS.index(work) > told:
                yield f"{work} of {self._name(oid)}"
        yield from self._lost()

    def over(self) -> Iterator[str]:
        """What was said, and it did not do."""
        if self.measured.refused:
            return
        worked = self._worked()
        for oid, (lock, work) in self._said.items():
            below = [one for one in self.relations if oid in self._above(one)]
            most = max((_strength(self.measured.locks.get(one, NONE)) for one in below), default=0)
            if _strength(lock) > most and lock not in QUIET:
                yield f"{lock} on {self._name(oid)}"
            done = max((self._work(one) for one in worked & set(below)), default=0)
            if WORKS.index(work) > done:
                yield f"{work} of {self._name(oid)}"

    def _work(self, oid: int) -> int:
        return WORKS.index("rewrite" if oid in self.measured.rewritten else "scan")

    def _worked(self) -> set[int]:
        """Of what works on rows by its nature, such as UPDATE, no more is asked."""
        reading = self.impact.reading
        if reading.verb in ("write", "read") or reading.queries:
            return set()
        return {*self.measured.read, *self.measured.rewritten}

    def _lost(self) -> Iterator[str]:
        told = " ".join(self.impact.loses)
        for oid in self.measured.emptied | self.measured.dropped:
            one = self.relations[oid]
            if one.kind == "r" and one.rows and not self._names(told, one):
                yield f"loses the table {self._name(oid)}"
        for oid, column in self.measured.columns_dropped:
            if f"{self.relations[oid].name}.{column}" not in told:
                yield f"loses the column {self._name(oid)}.{column}"

    def _names(self, told: str, one: Relation) -> bool:
        oids = [oid for oid, each in self.relations.items() if each is one]
        names = {self.relations[above].name for oid in oids for above in self._above(oid)}
        return "everything" in told or f"schema {one.schema}" in told or any(
            name in told for name in names
        )  # fmt: skip

    def _over(self, oid: int) -> Iterator[tuple[str, Work]]:
        for one in self._above(oid):
            if one in self._said:
                yield self._said[one]

    def _above(self, oid: int) -> set[int]:
        """A relation, the table that it belongs to, and what these are parts of."""
        found, rest = set(), [oid]
        while rest:
            one = rest.pop()
            if one in self.relations and one not in found:
                found.add(one)
                relation = self.relations[one]
                rest += [*relation.parents, *([relation.owner] if relation.owner else [])]
        return found

    def _find(self, named: Object) -> int | None:
        wanted = [named.schema] if named.schema else ["public"]
        for oid, one in self.relations.items():
            if one.name == named.name and one.schema in wanted:
                return oid
        return None

    def _name(self, oid: int) -> str:
        one = self.relations[oid]
        return one.name if one.schema == "public" else f"{one.schema}.{one.name}"


def _strength(lock: str) -> int:
    return STRENGTHS.get(lock, -1)
