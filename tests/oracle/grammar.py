"""Forms of statements: sentences of the grammar in `forms.txt` over the names of a live catalogue.

The same seed gives the same forms. Knows nothing of what a statement does.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FORMS = Path(__file__).parent / "forms.txt"
BLANK = re.compile(r"\{(\w+)\}")
APART = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$)", re.DOTALL)
COMMENTS = (" /* x */ ", " -- it's\n", "\n\t", " /* a /* nested */ one */ ")


@dataclass(frozen=True)
class Form:
    """A statement, and its shape: the alternatives that it was made of, their blanks unfilled."""

    sql: str
    shape: str
    table: str = ""
    """The table that it is about."""


@dataclass(frozen=True)
class Vocabulary:
    """The names that fill blanks, quoted as SQL needs them: of the database, and of each table."""

    names: Mapping[str, Sequence[str]]
    of_table: Mapping[str, Mapping[str, Sequence[str]]]


class Unfit(Exception):
    """A blank that nothing can fill for this table; the form is begun again."""


def read_rules(text: str) -> dict[str, list[str]]:
    """The alternatives of each rule.

    >>> read_rules("a = b {c}")
    {'a': ['b {c}']}
    """
    rules: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, alternative = line.partition("=")
            rules[name.strip()].append(alternative.strip())
    return dict(rules)


@dataclass
class Grammar:
    """The forms of one seed."""

    vocabulary: Vocabulary
    seed: int
    rules: Mapping[str, list[str]] = field(
        default_factory=lambda: read_rules(FORMS.read_text(encoding="utf-8"))
    )

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._seen: set[str] = set()

    def forms(self, rule: str = "form") -> Iterator[Form]:
        """Forms without end, each text once."""
        while True:
            form = self.make(rule)
            if form.sql not in self._seen:
                self._seen.add(form.sql)
                yield form

    def pairs(self) -> Iterator[tuple[Form, Form]]:
        """Without end, a statement and one that comes after it, mostly about the same table."""
        while True:
            first = self.make("before")
            yield first, self.make("form", first.table)

    def make(self, rule: str, table: str = "") -> Form:
        """One form, which is about a table if it can."""
        while True:
            try:
                return _Sentence(self, table).form(rule)
            except Unfit:
                table = table if self._random.random() < 0.9 else ""

    def choose(self, among: Sequence[str]) -> str:
        """One of them at random."""
        if not among:
            raise Unfit
        return self._random.choice(among)

    def dress(self, sql: str) -> str:
        """The same statement as people write it too: with comments, lines, capital letters."""
        if self._random.random() < 0.7:
            return sql
        parts = APART.split(sql)
        parts[::2] = [self._dress_plain(part) for part in parts[::2]]
        return "".join(parts)

    def _dress_plain(self, text: str) -> str:
        words = text.split(" ")
        capital = self._random.random() < 0.5
        dressed = words[0].upper() if capital else words[0]
        for word in words[1:]:
            gap = self._random.choice(COMMENTS) if self._random.random() < 0.3 else " "
            dressed += gap + (word.upper() if capital else word)
        return dressed


class _Sentence:
    """One form in the making: the table that it is about, and the shapes of what it is made of."""

    def __init__(self, grammar: Grammar, wanted: str) -> None:
        self._grammar = grammar
        self._wanted = wanted
        self._table = ""
        self._shapes: list[str] = []
        self._new = 0

    def form(self, rule: str) -> Form:
        sql = " ".join(self._expand(rule).split())
        return Form(self._grammar.dress(sql), " | ".join(self._shapes), self._table)

    def _expand(self, rule: str) -> str:
        chosen = self._grammar.choose(self._grammar.rules[rule])
        if BLANK.fullmatch(chosen) is None and len(chosen) > 8:
            self._shapes.append(chosen)
        return BLANK.sub(lambda blank: self._fill(blank[1]), chosen)

    def _fill(self, name: str) -> str:
        vocabulary = self._grammar.vocabulary
        if name == "new":
            self._new += 1
            return f"new_{self._new}"
        if name in self._grammar.rules:
            # A word that may be left out brings the space after it.
            return f"{self._expand(name)} "
        if name in vocabulary.names:
            among = vocabulary.names[name]
            wanted = name == "table" and not self._table and self._wanted in among
            chosen = self._wanted if wanted else self._grammar.choose(among)
            self._table = chosen if name in ("table", "parent_table") else self._table
            return chosen
        return self._grammar.choose(vocabulary.of_table.get(self._table, {}).get(name, ()))
