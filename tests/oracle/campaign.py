"""A run of the oracle: forms of some seeds, measured and judged, and a table of what was found."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from lockgate.planner.database.facts import Facts
from tests.executors.building import open_test_engine
from tests.oracle.failures import Breaker, Failure, open_copies
from tests.oracle.grammar import Form, Grammar
from tests.oracle.judgement import Judgement, misjudged
from tests.oracle.measure import Desk
from tests.oracle.saying import say
from tests.oracle.vocabulary import read_vocabulary

HERE = Path(__file__).parent
SCHEMA = (HERE / "schema.sql").read_text(encoding="utf-8")
OVERSAID = tomllib.loads((HERE / "oversaid.toml").read_text(encoding="utf-8"))
MOST = 3.0
"""Per cent of the forms that were measured, of which more may be said than they do."""


@dataclass(frozen=True)
class Verdict:
    """A form with what is wrong, and what is over-said, of it."""

    form: Form
    seed: int
    refused: str
    message: str
    wrong: tuple[str, ...]
    over: tuple[str, ...]
    first: tuple[str, ...] = ()

    @property
    def is_listed(self) -> bool:
        """Whether what is over-said of it is listed with its reason."""
        return any(part in self.form.shape for part in OVERSAID)


@dataclass
class Tally:
    """The verdicts of a run."""

    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def measured(self) -> list[Verdict]:
        """Those that the server took."""
        return [one for one in self.verdicts if not one.refused]

    @property
    def wrong(self) -> list[Verdict]:
        """Those that did what was not said."""
        return [one for one in self.verdicts if one.wrong]

    @property
    def over(self) -> list[Verdict]:
        """Those of which more was said than they did."""
        return [one for one in self.measured if one.over]

    @property
    def share(self) -> float:
        """Per cent of over-said ones."""
        return 100 * len(self.over) / max(len(self.measured), 1)

    def faults(self) -> list[str]:
        """What must not be, a line each."""
        unlisted = [one for one in self.over if not one.is_listed]
        found = [_tell(one, "not said", one.wrong) for one in self.wrong]
        found += [_tell(one, "said for nothing, and not listed", one.over) for one in unlisted]
        if self.share > MOST:
            found.append(f"over-said: {self.share:.1f} % of the forms, more than {MOST} %")
        return found

    def table(self) -> str:
        """How many forms there were, and what became of them."""
        return (
            "  forms  measured  wrong  over-said\n"
            f"{len(self.verdicts):7,} {len(self.measured):9,} {len(self.wrong):6,} "
            f"{len(self.over):6,} ({self.share:.1f} %)"
        )


@dataclass(frozen=True)
class Bench:
    """A database with the schema, and what `migrate plan` reads of it."""

    desk: Desk
    facts: Facts

    def judge(self, form: Form, seed: int = 0, first: Sequence[str] = ()) -> Verdict:
        """What is to be said of one form, after others of the same plan."""
        measured = self.desk.measure(form.sql, first)
        judgement = Judgement(say(form.sql, self.facts, first), measured)
        # What others of the plan have locked or done already is not measured again.
        over = () if first else tuple(judgement.over())
        return Verdict(form, seed, measured.refused, measured.message, tuple(judgement.wrong()),
                       over, tuple(first))  # fmt: skip

    def run(self, seeds: Iterable[int], count: int) -> Tally:
        """The verdicts of so many forms of each seed."""
        vocabulary = read_vocabulary(self.desk.connection)
        forms = ((form, seed) for seed in seeds
                 for form in islice(Grammar(vocabulary, seed).forms(), count))  # fmt: skip
        return Tally([self.judge(form, seed) for form, seed in forms])

    def run_pairs(self, seed: int, count: int) -> Tally:
        """The verdicts of so many forms that come after another one in the same plan."""
        grammar = Grammar(read_vocabulary(self.desk.connection), seed)
        pairs = ((first, form) for first, form in grammar.pairs()
                 if not self.desk.measure(first.sql).refused)  # fmt: skip
        return Tally([self.judge(form, seed, [first.sql]) for first, form in islice(pairs, count)])


@dataclass
class Endings:
    """How statements ended that were broken off outside of a transaction."""

    failures: list[Failure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Failure]:
        """Those that did not come to their end."""
        return [one for one in self.failures if one.code]

    @property
    def left(self) -> list[Failure]:
        """Those of them that left something."""
        return [one for one in self.failed if one.left or one.gone]

    def table(self) -> str:
        """How many there were, and what became of them."""
        return (
            "broken off  failed  left something  wrong\n"
            f"{len(self.failures):10,} {len(self.failed):7,} {len(self.left):15,} "
            f"{len(self.faults):6,}"
        )


def break_off(server: Any, seed: int, count: int) -> Endings:
    """How so many forms end that a fault breaks off, each on a database as it was before them."""
    found, is_fresh = Endings(), True
    with open_copies(server, SCHEMA) as copies:
        name = copies.renew()
        with open_test_engine(server, name) as engine:
            facts = engine.survey.read_facts()
        with server.connect(name) as connection:
            grammar = Grammar(read_vocabulary(connection), seed)
        breaker = Breaker(server, seed)
        for form in islice(grammar.forms("outside"), count):
            name = copies.name if is_fresh else copies.renew()
            failure = breaker.break_off(name, form.sql)
            is_fresh = bool(failure.code) and not (failure.left or failure.gone)
            found.failures.append(failure)
            found.faults += (f"seed {seed}: {form.sql}: {fault}"
                             for fault in misjudged(say(form.sql, facts), failure))  # fmt: skip
    return found


@contextmanager
def open_bench(server: Any) -> Iterator[Bench]:
    """A bench on a fresh database of a server."""
    name = server.new_database()
    try:
        with server.connect(name) as connection:
            connection.execute(SCHEMA)
            with open_test_engine(server, name) as engine:
                facts = engine.survey.read_facts()
            yield Bench(Desk(connection), facts)
    finally:
        server.drop_database(name)


def shapes_of(verdicts: Sequence[Verdict], how_many: int = 20) -> str:
    """The most frequent shapes among them, a line each."""
    counted = Counter(one.form.shape for one in verdicts)
    return "\n".join(f"{count:7,}  {shape}" for shape, count in counted.most_common(how_many))


def _tell(verdict: Verdict, what: str, found: Iterable[str]) -> str:
    sql = " ; ".join(" ".join(one.split()) for one in (*verdict.first, verdict.form.sql))
    return f"seed {verdict.seed}: {sql}: {what}: {', '.join(found)}"
