"""Random plans of MySQL and MariaDB: a few statements of forms.txt, by a seed.

Knows the database of world.sql and nothing of lockgate.
"""

import random
import re
from collections.abc import Callable
from pathlib import Path

FORMS = tuple(
    line
    for line in Path(__file__).with_name("forms.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
MOST = 5
"""Statements of a plan."""

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{([\w.]+)\}")
COLUMNS = {
    "parents": "id code label born points",
    "children": "id parent_id note amount kind",
    "grandchildren": "id child_id word",
    "loose": "a b c born",
    "dates": "id born moment stamp",
    "isam": "id note",
    "parts": "id y msg",
    "latin": "id name fixed raw body",
    "made": "id a b v secret",
    "logs": "id line",
    "fancy": "id tag chance at upd flags big amount doc secret",
    "fresh": "id p note",
}
ONLY_MARIADB = {"counted": "id note other", "versioned": "id note", "periods": "id s e"}
KEYS = {
    "parents": "parents_code parents_label",
    "children": "children_note children_parent",
    "grandchildren": "words grandchildren_child",
    "loose": "loose_a loose_b loose_c",
    "latin": "latin_name",
    "made": "made_v made_hidden made_sum",
    "fancy": "fancy_big",
}
VIEWS = "heads bodies numbers_of mirror"
TRIGGERS = "children_first children_second parents_log parents_gone logs_accent"
NAMES = "fresh middle moved absent heads numbers parents isam"
VALUES = "null 1 2 77 -1 0 'a' 'zz' '2020-02-30' '2021-05-05' '' x'00ff' 1.5"
TYPES = (
    "int", "int unsigned", "bigint", "tinyint", "decimal(10, 4)", "decimal(4, 0)", "double",
    "char(2)", "varchar(3)", "varchar(60)", "varchar(60) character set latin1", "text", "longtext",
    "binary(2)", "varbinary(30)", "blob", "date", "datetime", "timestamp", "time", "year", "json",
    "enum('a', 'b')", "enum('c', 'b', 'a', 'x')", "set('a', 'b')", "bit(8)", "float",
    "bigint unsigned", "decimal(20, 0)", "decimal(20, 0) unsigned", "bit(64)", "varchar(50)",
)  # fmt: skip


def random_plan(engine: str, seed: int) -> list[str]:
    """The statements of one plan, the same for each seed."""
    return [_Filling(engine, rng).fill(rng.choice(FORMS)) for rng in _each(engine, seed)]


def _each(engine: str, seed: int) -> list[random.Random]:
    rng = random.Random(f"{engine} {seed}")
    return [random.Random(rng.random()) for _ in range(rng.randint(1, MOST))]


class _Filling:
    """One statement's choices: its table and columns stay the same in all of its places."""

    def __init__(self, engine: str, rng: random.Random) -> None:
        self._rng = rng
        columns = COLUMNS | (ONLY_MARIADB if engine == "mariadb" else {})
        self._table, self._other = rng.sample(sorted(columns), 2)
        self._columns = columns[self._table].split()
        rng.shuffle(self._columns)

    def fill(self, form: str) -> str:
        named = re.search(r"alter table (\w+) ", form)
        if named and named[1] in COLUMNS:
            self._table, self._columns = named[1], COLUMNS[named[1]].split()
        chosen = CHOICE.sub(lambda found: self._rng.choice(found[1].split("|")), form)
        return SLOT.sub(lambda found: self._slots()[found[1]](), chosen)

    def _slots(self) -> dict[str, Callable[[], str]]:
        return {
            "table": lambda: self._table,
            "other_table": lambda: self._other,
            "column": lambda: self._columns[0],
            "other": lambda: self._columns[-1],
            "key": lambda: self._one(KEYS.get(self._table, "absent_key")),
            "table.columns": lambda: f"{self._table} ({', '.join(self._columns)})",
            "row": lambda: f"({', '.join(self._one(VALUES) for _ in self._columns)})",
            "value": lambda: self._one(VALUES),
            "type": lambda: self._rng.choice(TYPES),
            "name": lambda: self._one(NAMES),
            "view": lambda: self._one(VIEWS),
            "newview": lambda: self._one("seen heads"),
            "trigger": lambda: self._one(TRIGGERS),
        }

    def _one(self, words: str) -> str:
        return self._rng.choice(words.split(" "))
