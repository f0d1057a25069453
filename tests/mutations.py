"""Mutations of SQL for a live server or a parser to judge: the same ones each time.

It must not know what the texts mean; tests/fuzz/ has those of bytes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

Change = tuple[str, int, int, str]


@dataclass(frozen=True)
class Mutator:
    """What may be inserted, and into which pieces a text is cut, if not into characters."""

    inserted: Sequence[str]
    piece: re.Pattern[str]

    def mutations(self, snippets: Sequence[str], count: int) -> Iterator[str]:
        """So many texts of one or two snippets, each with up to three changes."""
        random = Random(1)
        for _ in range(count):
            sql = ";\n".join(random.choices(snippets, k=random.randint(1, 2)))
            changes = [
                (random.choice("dxis"), random.randint(0, 400), random.randint(0, 400),
                 random.choice(self.inserted))
                for _ in range(random.randint(1, 3))
            ]  # fmt: skip
            yield mutated(list(sql) if random.random() < 0.5 else self.piece.findall(sql), changes)


def mutated(pieces: list[str], changes: Sequence[Change]) -> str:
    """The text of these pieces, with some deleted, doubled, inserted and swapped."""
    for kind, first, second, inserted in changes:
        here, there = first % max(len(pieces), 1), second % max(len(pieces), 1)
        if kind == "i" or not pieces:
            pieces.insert(here, inserted)
        elif kind == "d":
            del pieces[here]
        elif kind == "x":
            pieces.insert(there, pieces[here])
        else:
            pieces[here], pieces[there] = pieces[there], pieces[here]
    return "".join(pieces)
