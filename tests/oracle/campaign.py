"""A run of the oracle: forms of some seeds, measured and judged, and the table of what was found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from lockgate.planner.database.facts import Facts
from tests.executors.building import open_test_engine
from tests.oracle.grammar import Form, Grammar
from tests.oracle.judgement import Judgement, say
from tests.oracle.measure import Desk
from tests.oracle.vocabulary import read_vocabulary

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Verdict:
    """A form with what is wrong, and what is over-said, of it."""

    form: Form
    refused: str
    message: str
    wrong: tuple[str, ...]
    over: tuple[str, ...]


@dataclass
class Tally:
    """The verdicts of a run."""

    verdicts: list[Verdict] = field(default_factory=list)

    def table(self) -> str:
        """How many forms there were, and what became of them."""
        measured = [one for one in self.verdicts if not one.refused]
        wrong = sum(bool(one.wrong) for one in self.verdicts)
        over = sum(bool(one.over) for one in measured)
        share = 100 * over / max(len(measured), 1)
        return (
            f"{len(self.verdicts)} forms, {len(measured)} measured, {wrong} wrong, "
            f"{over} over-said ({share:.1f} %)"
        )


@dataclass(frozen=True)
class Bench:
    """A database with the schema, and what `migrate plan` reads of it."""

    desk: Desk
    facts: Facts

    def judge(self, form: Form) -> Verdict:
        """What is to be said of one form."""
        measured = self.desk.measure(form.sql)
        judgement = Judgement(say(form.sql, self.facts), measured, self.desk.relations)
        return Verdict(form, measured.refused, measured.message,
                       tuple(judgement.wrong()), tuple(judgement.over()))  # fmt: skip

    def run(self, seeds: Sequence[int], count: int) -> Tally:
        """The verdicts of so many forms of each seed."""
        vocabulary = read_vocabulary(self.desk.connection)
        grammars = [Grammar(vocabulary, seed) for seed in seeds]
        forms = (form for one in grammars for form in islice(one.forms(), count))
        return Tally([self.judge(form) for form in forms])


@contextmanager
def open_bench(server: Any) -> Iterator[Bench]:
    """A bench on a fresh database of a server."""
    name = server.new_database()
    try:
        with server.connect(name) as connection:
            connection.execute(SCHEMA)
            with open_test_engine(server, name) as engine:
                facts = engine.read_facts()
            yield Bench(Desk(connection), facts)
    finally:
        server.drop_database(name)


def most(counted: Counter[str], how_many: int = 40) -> str:
    """The most frequent, a line each."""
    return "\n".join(f"{count:5} {text}" for text, count in counted.most_common(how_many))
