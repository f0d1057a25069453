"""The states of a run: as the picture shows them, as the code names them, as real runs pass."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lockgate.executors.resolve import mark
from lockgate.executors.states import (
    ARROWS,
    FIRST,
    OUTCOME_ARROWS,
    UNFINISHED,
    WHOLE,
    Outcome,
    RunStatus,
    listed,
)
from lockgate.planner.errors import StatementFailed, Unresolved
from tests.executors.building import OUTSIDE, apply_up, create_tables, open_test_engine

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
NO_STATE = "PLANNED"


class Picture:
    """The boxes of docs/concepts/states.svg, and the arrows from edge to edge between them."""

    def __init__(self) -> None:
        tree = ElementTree.parse(ROOT / "docs" / "concepts" / "states.svg").getroot()
        rects, texts = tree.findall(f"{SVG}rect"), tree.findall(f"{SVG}text")
        names = [text.text or "" for text in texts if text.get("class") != "note"]
        self.boxes = dict(zip(names, rects, strict=True))
        self.arrows = [self._ends(path.get("d", "")) for path in tree.findall(f"{SVG}path")]

    def _ends(self, drawn: str) -> tuple[str, str]:
        x, y = (int(part) for part in re.findall(r"\d+", drawn.partition("H")[0].partition("V")[0]))
        begin = self._box_at(x, y)
        for way, text in re.findall(r"([HV])(\d+)", drawn):
            x, y = (int(text), y) if way == "H" else (x, int(text))
        return begin, self._box_at(x, y)

    def _box_at(self, x: int, y: int) -> str:
        (found,) = [name for name, box in self.boxes.items() if _touches(box, x, y)]
        return found


def _touches(box: ElementTree.Element, x: int, y: int) -> bool:
    left, top, width, height = (int(box.get(name, "")) for name in ("x", "y", "width", "height"))
    on_side = x in (left, left + width) and top <= y <= top + height
    return on_side or (y in (top, top + height) and left <= x <= left + width)


def test_the_picture_shows_every_state_and_every_arrow() -> None:
    picture = Picture()
    assert picture.boxes.keys() == {*RunStatus, NO_STATE}
    allowed = [(begin, end) for begin, ends in ARROWS.items() for end in ends]
    assert sorted(picture.arrows) == sorted([*allowed, (NO_STATE, "LOCKED")])


def test_every_state_has_its_arrows() -> None:
    assert ARROWS.keys() == set(RunStatus)
    assert OUTCOME_ARROWS.keys() == set(Outcome)


def test_a_run_that_is_whole_never_comes_to_another_end() -> None:
    assert all(ARROWS[status] <= WHOLE for status in WHOLE)
    assert not UNFINISHED & WHOLE


def test_sql_lists_states_in_the_order_of_their_definition() -> None:
    assert listed(reversed(RunStatus)) == listed(RunStatus)
    assert listed([Outcome.DONE, Outcome.COPIED]) == "('copied', 'done')"


def test_an_outcome_of_a_later_lockgate_is_no_outcome() -> None:
    assert Outcome("postponed") is Outcome.BEGUN


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_writes_the_name_of_a_state() -> None:
    words = re.compile(rf"(?:'|\A)(?:{'|'.join(RunStatus)})(?:'|\Z)")
    bare = [
        str(path.relative_to(ROOT))
        for top in ("executors", "planner", "lockgate")
        for path in (ROOT / top).rglob("*.py")
        if path.name != "states.py" and any(map(words.search, _texts(path)))
    ]
    assert bare == []


def test_the_reference_page_has_every_state() -> None:
    page = (ROOT / "docs" / "concepts" / "ledger.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(RunStatus)


class Watcher:
    """An `emit` that looks at every run's state by a session of its own."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._last: dict[str, str] = {}
        self.passed: set[tuple[str | None, str]] = set()

    def __call__(self, event: object = None) -> None:
        for run in self._engine.store.runs.read_runs(99):
            if run.status != self._last.get(run.id):
                self.passed.add((self._last.get(run.id), run.status))
                self._last[run.id] = run.status


def _reachable(status: str) -> set[str]:
    """The states that may follow, by one arrow or several: a look may miss one in between."""
    found: set[str] = set()
    waiting = set(ARROWS[RunStatus(status)])
    while waiting - found:
        found |= waiting
        waiting = set().union(*(ARROWS[RunStatus(each)] for each in waiting))
    return found


def test_real_runs_pass_only_allowed_arrows(any_server: Any, any_database: str) -> None:
    made = create_tables(2)
    sql = "create table t3 (id int primary key);\ninsert into t3 values (x);"
    refused, half = {"003_t3": sql}, {"003_t3": f"{OUTSIDE}\n{sql}"}
    with (
        open_test_engine(any_server, any_database) as engine,
        open_test_engine(any_server, any_database) as other,
    ):
        watcher = Watcher(other)
        apply_up(engine, made, emit=watcher)
        watcher()
        for migrations, error in ((refused, StatementFailed), (half, Unresolved)):
            with pytest.raises(error):
                apply_up(engine, {**made, **migrations}, emit=watcher)
            watcher()
        with engine.lock.hold(0, watcher):
            mark(
                engine,
                engine.store.read_ledger(),
                "3",
                applied=False,
                reason="by hand",
                emit=watcher,
            )
        watcher()
    began = {after for before, after in watcher.passed if before is None}
    assert began & FIRST
    assert all(after in _reachable(before) for before, after in watcher.passed if before)
    ended = {after for _, after in watcher.passed}
    assert ended >= {"COMMITTED", "ROLLED_BACK", "STUCK", "RESOLVED"}
