"""What was measured of a statement held against what a plan says of it.

Wrong is what was measured and not said; over-said is what was said and not measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lockgate.planner.reading.postgresql.locks import ROW_EXCLUSIVE, STRENGTHS
from lockgate.planner.reading.reading import WORKS, Work
from tests.oracle.failures import Failure
from tests.oracle.measure import QUIET, Measured, Relation
from tests.oracle.saying import Said

IN_TRANSACTION = "25001"
NONE = ""
DEFINING = ("alter ", "create index", "reindex")
ON_ROWS = frozenset({"insert", "update", "delete", "merge", "copy", "select", "explain"})
"""They read and write rows by their nature, so of their work no more is said."""


@dataclass(frozen=True)
class Judgement:
    """What was said of a form beside what it did."""

    said: Said
    measured: Measured

    @property
    def relations(self) -> Mapping[int, Relation]:
        """What was there before the form."""
        return self.measured.relations

    def wrong(self) -> Iterator[str]:
        """What it did, and was not said."""
        if self.said.contradicted:
            yield self.said.contradicted
        outside = self.measured.refused == IN_TRANSACTION
        if outside != self.said.outside and (outside or not self.measured.refused):
            yield "runs in no transaction" if outside else "runs in a transaction"
        if self.measured.refused or self.said.statement is None:
            return
        yield from self._locked()
        for oid in self._worked & self._closed:
            work: Work = "rewrite" if oid in self.measured.rewritten else "scan"
            told = max((WORKS.index(one) for _, one in self._over(oid)), default=0)
            if WORKS.index(work) > told:
                yield f"{work} of {self._name(oid)}"
        yield from self._lost()

    def over(self) -> Iterator[str]:
        """What was said, and it did not do."""
        if self.measured.refused:
            return
        for oid, (lock, work) in self._touched.items():
            below = {one for one in self.relations if oid in self._above(one)}
            most = max((_strength(self.measured.locks.get(one, NONE)) for one in below), default=0)
            if _strength(lock) > most and lock not in QUIET:
                yield f"{lock} on {self._name(oid)}"
            if self.relations[oid].kind in "iI":
                below |= self._above(oid)  # to build it, its table is read
            done = max((self._work(one) for one in self._worked & below), default=0)
            if WORKS.index(work) > done:
                yield f"{work} of {self._name(oid)}"
        lost = {f"the table {name}" for oid in self.measured.dropped
                for name in (self._name(oid), f"public.{self._name(oid)}")}  # fmt: skip
        for one in self.said.statement.loses if self.said.statement else ():
            if one.startswith("the table ") and one not in lost:
                yield f"the loss of {one}"

    @cached_property
    def _touched(self) -> dict[int, tuple[str, Work]]:
        """By relation the strongest lock and the most work that is said of it."""
        found: dict[int, tuple[str, Work]] = {}
        for touch in self.said.statement.touches if self.said.statement else ():
            oid = self._find(touch.table)
            if oid is not None:
                lock, work = found.get(oid, (NONE, "none"))
                found[oid] = (
                    max(lock, touch.lock, key=_strength),
                    max(work, touch.work, key=WORKS.index),
                )
        return found

    @cached_property
    def _worked(self) -> set[int]:
        assert self.said.statement
        reading = self.said.statement.reading
        if reading and reading.kind in ON_ROWS:
            return set()
        return {*self.measured.read, *self.measured.rewritten}

    @property
    def _closed(self) -> frozenset[int]:
        """The tables on which it works under a lock for which others wait. Where one was taken
        before it, only of what defines tables is it known that it takes one too."""
        reading = self.said.statement.reading if self.said.statement else None
        defines = reading is not None and reading.kind.startswith(DEFINING)
        return self.measured.held if defines else frozenset(self.measured.locks)

    def _work(self, oid: int) -> int:
        return WORKS.index("rewrite" if oid in self.measured.rewritten else "scan")

    def _locked(self) -> Iterator[str]:
        for oid, lock in self.measured.locks.items():
            if self.relations[oid].kind == "S" and lock == ROW_EXCLUSIVE:
                continue  # taken to give a value, and nothing else waits for it
            if STRENGTHS[lock] > max((_strength(one) for one, _ in self._over(oid)), default=-1):
                yield f"{lock} on {self._name(oid)}"

    def _lost(self) -> Iterator[str]:
        assert self.said.statement
        told = " ".join(self.said.statement.loses)
        for oid in self.measured.emptied | self.measured.dropped:
            one = self.relations[oid]
            is_told = f"schema {one.schema}" in told or any(n in told for n in self._names(oid))
            if one.kind == "r" and one.rows and not is_told:
                yield f"loses the table {self._name(oid)}"
        for oid, number in self.measured.columns_dropped:
            column = self.relations[oid].columns[number]
            if not any(f"{name}.{column}" in told for name in self._names(oid)):
                yield f"loses the column {self._name(oid)}.{column}"

        for oid, number in self.measured.values_lost:
            column = self.relations[oid].columns[number]
            if not any(f"values of the column {name}.{column}" in told
                       for name in self._names(oid)):  # fmt: skip
                yield f"loses values of {self._name(oid)}.{column}"

    def _names(self, oid: int) -> list[str]:
        return [self.relations[one].name for one in self._above(oid)]

    def _over(self, oid: int) -> Iterator[tuple[str, Work]]:
        for one in self._above(oid):
            if one in self._touched:
                yield self._touched[one]

    def _above(self, oid: int) -> set[int]:
        """A relation, the table that it belongs to, and what these are parts of."""
        found, rest = set[int](), [oid]
        while rest:
            one = rest.pop()
            if one in self.relations and one not in found:
                found.add(one)
                relation = self.relations[one]
                rest += [*relation.parents, *([relation.owner] if relation.owner else [])]
        return found

    def _find(self, name: str) -> int | None:
        return next((oid for oid in self.relations if self._name(oid) == name
                     or f"public.{self._name(oid)}" == name), None)  # fmt: skip

    def _name(self, oid: int) -> str:
        one = self.relations[oid]
        return one.name if one.schema == "public" else f"{one.schema}.{one.name}"


def _strength(lock: str) -> int:
    return STRENGTHS.get(lock, -1)


def misjudged(said: Said, failure: Failure) -> Iterator[str]:
    """What a statement left that was broken off, and its plan does not say."""
    reading = said.statement.reading if said.statement else None
    if reading is None or not (failure.left or failure.gone):
        return
    if reading.fails_whole or reading.commits == "never":
        yield f"keeps a part of its work: {failure.left or failure.gone}"
    named = reading.concurrent
    if named is None or named.index is None or named.action == "rebuild":
        return
    for name in failure.invalid:
        if name.rpartition(".")[2].strip('"') != named.index.name:
            yield f"leaves the index {name}"
